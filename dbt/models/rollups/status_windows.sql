-- One row per status and five-minute window.
{{
    config(
        unique_key=['window_start', 'status'],
        indexes=[{'columns': ['window_start', 'status'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ counts_by_window('status', '5 minutes') }},

final as (
    select
        key as status,
        {{ total('events') }} as events,
        {{ total('events', 'not is_bot') }} as human_events,
        max(version) as version,
        starts_at as window_start
    from counts
    group by key, starts_at
    having max(version) > {{ built_version() }}
)

select * from final
