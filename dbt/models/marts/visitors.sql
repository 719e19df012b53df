-- One row per hour in which something happened: from how many addresses people and bots asked for pages.
{%- set width = '1 hour' %}
{{
    config(
        meta={'window': {'start': 'hour_start', 'width': width}},
        unique_key='hour_start',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows('client_minutes', [window_of('window_start', width) ~ ' as hour_start']) }},

minutes as (
    select
        changed.hour_start,
        client_minutes.ip_address,
        client_minutes.bot_page_requests,
        client_minutes.version,
        client_minutes.page_requests - client_minutes.bot_page_requests as human_page_requests
    from changed
    inner join client_minutes
        on {{ in_window('client_minutes.window_start', 'changed.hour_start', width) }}
),

final as (
    select
        count(distinct ip_address) filter (where human_page_requests > 0) as people,
        count(distinct ip_address) filter (where bot_page_requests > 0) as bots,
        {{ total('human_page_requests') }} as human_page_requests,
        {{ total('bot_page_requests') }} as bot_page_requests,
        max(version) as version,
        hour_start,
        {{ window_columns('hour_start', width) }}
    from minutes
    group by hour_start
)

select * from final
