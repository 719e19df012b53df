-- One row per five-minute window, reason and format of rejected records; zero where a correction took all away.
{%- set width = '5 minutes' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key=['window_start', 'reason', 'format'],
        indexes=[{'columns': ['version']}],
    )
}}

with {{ counts_by_window('rejected', width) }},

final as (
    select
        starts_at as window_start,
        split_part(key, '|', 1) as reason,
        split_part(key, '|', 2) as format,
        {{ total('events') }} as records,
        max(version) as version,
        {{ window_columns('starts_at', width) }}
    from counts
    group by starts_at, key
    having max(version) > {{ built_version() }}
)

select * from final
