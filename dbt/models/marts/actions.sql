-- One row per action that occurred. Small, so it is made anew each time: every share changes with every event.
{{ config(materialized='renewed', unique_key='action') }}

with action_days as (
    select * from {{ ref('action_days') }}
),

totals as (
    select
        action,
        {{ total('action_count') }} as action_count,
        {{ total('human_count') }} as human_count,
        {{ total('client_errors') }} as client_errors,
        {{ total('server_errors') }} as server_errors,
        {{ total('human_client_errors') }} as human_client_errors,
        {{ total('human_server_errors') }} as human_server_errors,
        {{ total('response_ms') }} as response_ms,
        {{ total('timed_events') }} as timed_events,
        max(version) as version
    from action_days
    group by action
),

final as (
    select
        action,
        action_count,
        {{ ratio('action_count', 'sum(action_count) over ()') }} as share,
        human_count,
        action_count - human_count as bot_count,
        client_errors,
        server_errors,
        human_client_errors,
        human_server_errors,
        round(response_ms::numeric / nullif(timed_events, 0), 1) as avg_response_ms,
        version
    from totals
    where action_count > 0
)

select * from final
