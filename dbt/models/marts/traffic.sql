-- One row per minute in which something happened.
{%- set width = '1 minute' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ counts_by_window('all', width) }},

final as (
    select
        starts_at as window_start,
        {{ total('events') }} as events,
        {{ total('events', 'not is_bot') }} as human_events,
        {{ total('events', 'is_bot') }} as bot_events,
        {{ total('events', 'not is_bot', less='assets') }} as human_page_requests,
        {{ total('events', 'is_bot', less='assets') }} as bot_page_requests,
        {{ total('views') }} as views,
        {{ total('views', 'not is_bot') }} as human_views,
        {{ total('add_to_carts') }} as add_to_carts,
        {{ total('add_to_carts', 'not is_bot') }} as human_add_to_carts,
        {{ total('late_events') }} as late_events,
        {{ total('client_errors') }} as client_errors,
        {{ total('server_errors') }} as server_errors,
        {{ total('searches') }} as searches,
        {{ total('bytes') }} as bytes,
        max(version) as version,
        {{ window_columns('starts_at', width) }}
    from counts
    group by starts_at
    having max(version) > {{ built_version() }}
)

select * from final
