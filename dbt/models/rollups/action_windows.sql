-- One row per action and five-minute window.
{{
    config(
        unique_key=['window_start', 'action'],
        indexes=[{'columns': ['window_start', 'action'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ counts_by_window('action', '5 minutes') }},

final as (
    select
        key as action,
        {{ total('events') }} as events,
        {{ total('events', 'not is_bot') }} as human_events,
        {{ total('views') }} as views,
        {{ total('add_to_carts') }} as add_to_carts,
        {{ total('checkouts') }} as checkouts,
        {{ total('views', 'not is_bot') }} as human_views,
        {{ total('add_to_carts', 'not is_bot') }} as human_add_to_carts,
        {{ total('checkouts', 'not is_bot') }} as human_checkouts,
        {{ total('client_errors') }} as client_errors,
        {{ total('server_errors') }} as server_errors,
        {{ total('client_errors', 'not is_bot') }} as human_client_errors,
        {{ total('server_errors', 'not is_bot') }} as human_server_errors,
        {{ total('response_ms') }} as response_ms,
        {{ total('timed_events') }} as timed_events,
        {{ total('response_ms', 'not is_bot') }} as human_response_ms,
        {{ total('timed_events', 'not is_bot') }} as human_timed_events,
        max(version) as version,
        starts_at as window_start
    from counts
    group by key, starts_at
    having max(version) > {{ built_version() }}
)

select * from final
