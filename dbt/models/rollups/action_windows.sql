-- One row per action and five-minute window.
{{
    config(
        unique_key=['window_start', 'action'],
        indexes=[{'columns': ['window_start', 'action'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ changed_rows(
    'window_counts',
    ['key as action', window_of('window_start', '5 minutes') ~ ' as window_start'],
    "dimension = 'action'",
) }},

final as (
    select
        changed.action,
        {{ total('window_counts.events') }} as events,
        {{ total('window_counts.events', 'not window_counts.is_bot') }} as human_events,
        {{ total('window_counts.views') }} as views,
        {{ total('window_counts.add_to_carts') }} as add_to_carts,
        {{ total('window_counts.checkouts') }} as checkouts,
        {{ total('window_counts.views', 'not window_counts.is_bot') }} as human_views,
        {{ total('window_counts.add_to_carts', 'not window_counts.is_bot') }} as human_add_to_carts,
        {{ total('window_counts.checkouts', 'not window_counts.is_bot') }} as human_checkouts,
        {{ total('window_counts.client_errors') }} as client_errors,
        {{ total('window_counts.server_errors') }} as server_errors,
        {{ total('window_counts.client_errors', 'not window_counts.is_bot') }} as human_client_errors,
        {{ total('window_counts.server_errors', 'not window_counts.is_bot') }} as human_server_errors,
        {{ total('window_counts.response_ms') }} as response_ms,
        {{ total('window_counts.timed_events') }} as timed_events,
        max(window_counts.version) as version,
        changed.window_start
    from changed
    inner join window_counts
        on
            changed.action = window_counts.key
            and {{ in_window('window_counts.window_start', 'changed.window_start', '5 minutes') }}
    group by changed.action, changed.window_start
)

select * from final
