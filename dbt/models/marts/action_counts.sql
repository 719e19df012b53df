-- One row per five-minute window and action, with the action's part of the window.
{{
    config(
        unique_key=['window_start', 'action'],
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows('action_windows', ['window_start']) }},

final as (
    select
        action_windows.window_start,
        action_windows.action,
        action_windows.action_count,
        action_windows.human_count,
        action_windows.action_count - action_windows.human_count as bot_count,
        {{ ratio('action_windows.action_count', 'sum(action_windows.action_count) over same_window') }} as action_ratio,
        -- Another action of the window changes this one's part, too.
        max(action_windows.version) over same_window as version
    from changed
    inner join action_windows on changed.window_start = action_windows.window_start
    window same_window as (partition by action_windows.window_start)
)

select * from final
