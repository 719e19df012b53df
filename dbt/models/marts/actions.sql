-- One row per action that occurred. Small, so it is made anew each time: every share changes with every event.
{{ config(materialized='renewed', unique_key='action') }}

with action_days as (
    select * from {{ ref('action_days') }}
),

totals as (
    select
        action,
        {{ total('events') }} as events,
        {{ total('human_events') }} as human_events,
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
        events,
        {{ ratio('events', 'sum(events) over ()') }} as share,
        human_events,
        events - human_events as bot_events,
        client_errors,
        server_errors,
        human_client_errors,
        human_server_errors,
        round(response_ms::numeric / nullif(timed_events, 0), 1) as avg_response_ms,
        version,
        events as action_count,
        human_events as human_count,
        events - human_events as bot_count
    from totals
    where events > 0
)

select * from final
