-- One row per five-minute window and action, with the action's part of the window.
{%- set width = '5 minutes' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key=['window_start', 'action'],
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows('action_windows', ['window_start']) }},

shares as (
    select
        action_windows.window_start,
        action_windows.action,
        action_windows.events,
        action_windows.human_events,
        action_windows.events - action_windows.human_events as bot_events,
        action_windows.client_errors,
        action_windows.human_client_errors,
        action_windows.server_errors,
        action_windows.human_server_errors,
        action_windows.response_ms,
        action_windows.human_response_ms,
        action_windows.timed_events,
        action_windows.human_timed_events,
        {{ ratio('action_windows.events', 'sum(action_windows.events) over same_window') }} as share,
        -- Another action of the window changes this one's part, too.
        max(action_windows.version) over same_window as version
    from changed
    inner join action_windows on changed.window_start = action_windows.window_start
    window same_window as (partition by action_windows.window_start)
),

final as (
    select
        *,
        events as action_count,
        share as action_ratio,
        human_events as human_count,
        bot_events as bot_count,
        {{ window_columns('window_start', width) }}
    from shares
)

select * from final
