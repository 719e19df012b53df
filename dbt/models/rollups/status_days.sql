-- One row per status and day (UTC).
{{
    config(
        unique_key=['day_start', 'status'],
        indexes=[{'columns': ['day_start', 'status'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ changed_rows(
    'window_counts',
    ['key as status', window_of('window_start', '1 day') ~ ' as day_start'],
    "dimension = 'status'",
) }},

final as (
    select
        changed.status,
        {{ total('window_counts.events') }} as events,
        {{ total('window_counts.events', 'not window_counts.is_bot') }} as human_events,
        max(window_counts.version) as version,
        changed.day_start
    from changed
    inner join window_counts
        on
            changed.status = window_counts.key
            and {{ in_window('window_counts.window_start', 'changed.day_start', '1 day') }}
    group by changed.status, changed.day_start
)

select * from final
