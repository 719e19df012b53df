-- One row per five-minute window, reason and format of rejected records; zero where a correction took all away.
{%- set width = '5 minutes' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key=['window_start', 'reason', 'format'],
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows(
    'window_counts',
    ['key', window_of('window_start', width) ~ ' as window_start'],
    "dimension = 'rejected'",
) }},

final as (
    select
        changed.window_start,
        split_part(changed.key, '|', 1) as reason,
        split_part(changed.key, '|', 2) as format,
        {{ total('window_counts.events') }} as records,
        max(window_counts.version) as version,
        {{ window_columns('changed.window_start', width) }}
    from changed
    inner join window_counts
        on
            changed.key = window_counts.key
            and {{ in_window('window_counts.window_start', 'changed.window_start', width) }}
    group by changed.window_start, changed.key
)

select * from final
