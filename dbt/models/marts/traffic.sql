-- One row per minute in which something happened.
{%- set width = '1 minute' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key='window_start',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows(
    'window_counts',
    [window_of('window_start', width) ~ ' as window_start'],
    "dimension = 'all' and key = 'all'",
) }},

final as (
    select
        changed.window_start,
        {{ total('window_counts.events') }} as events,
        {{ total('window_counts.events', 'not window_counts.is_bot') }} as human_events,
        {{ total('window_counts.events', 'window_counts.is_bot') }} as bot_events,
        {{ total('window_counts.events', 'not window_counts.is_bot', less='window_counts.assets') }} as human_page_requests,
        {{ total('window_counts.events', 'window_counts.is_bot', less='window_counts.assets') }} as bot_page_requests,
        {{ total('window_counts.late_events') }} as late_events,
        {{ total('window_counts.client_errors') }} as client_errors,
        {{ total('window_counts.server_errors') }} as server_errors,
        {{ total('window_counts.searches') }} as searches,
        {{ total('window_counts.bytes') }} as bytes,
        max(window_counts.version) as version,
        {{ window_columns('changed.window_start', width) }}
    from changed
    inner join window_counts
        on {{ in_window('window_counts.window_start', 'changed.window_start', width) }}
    group by changed.window_start
)

select * from final
