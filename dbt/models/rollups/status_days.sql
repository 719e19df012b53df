-- One row per status and day (UTC).
{{
    config(
        unique_key=['day_start', 'status'],
        indexes=[{'columns': ['day_start', 'status'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ changed_rows('status_windows', ['status', window_of('window_start', '1 day') ~ ' as day_start']) }},

final as (
    select
        changed.status,
        {{ total('status_windows.events') }} as events,
        {{ total('status_windows.human_events') }} as human_events,
        max(status_windows.version) as version,
        changed.day_start
    from changed
    inner join status_windows
        on
            changed.status = status_windows.status
            and {{ in_window('status_windows.window_start', 'changed.day_start', '1 day') }}
    group by changed.status, changed.day_start
)

select * from final
