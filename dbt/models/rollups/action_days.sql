-- One row per action and day (UTC).
{{
    config(
        unique_key=['day_start', 'action'],
        indexes=[{'columns': ['day_start', 'action'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ changed_rows('action_windows', ['action', window_of('window_start', '1 day') ~ ' as day_start']) }},

final as (
    select
        changed.action,
        {{ total('action_windows.events') }} as events,
        {{ total('action_windows.human_events') }} as human_events,
        {{ total('action_windows.views') }} as views,
        {{ total('action_windows.add_to_carts') }} as add_to_carts,
        {{ total('action_windows.checkouts') }} as checkouts,
        {{ total('action_windows.human_views') }} as human_views,
        {{ total('action_windows.human_add_to_carts') }} as human_add_to_carts,
        {{ total('action_windows.human_checkouts') }} as human_checkouts,
        {{ total('action_windows.client_errors') }} as client_errors,
        {{ total('action_windows.server_errors') }} as server_errors,
        {{ total('action_windows.human_client_errors') }} as human_client_errors,
        {{ total('action_windows.human_server_errors') }} as human_server_errors,
        {{ total('action_windows.response_ms') }} as response_ms,
        {{ total('action_windows.timed_events') }} as timed_events,
        max(action_windows.version) as version,
        changed.day_start
    from changed
    inner join action_windows
        on
            changed.action = action_windows.action
            and {{ in_window('action_windows.window_start', 'changed.day_start', '1 day') }}
    group by changed.action, changed.day_start
)

select * from final
