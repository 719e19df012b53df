-- One row per hour in which something happened: from how many addresses people and bots asked for pages.
{%- set width = '1 hour' %}
{{
    config(
        meta={'window': {'start': 'hour_start', 'width': width}},
        unique_key='hour_start',
        indexes=[{'columns': ['version']}],
    )
}}

{%- set minutes = as_changed('traffic', in_window('window_start', 'changed.hour_start', '1 hour')) %}

with {{ changed_rows('client_hours', ['hour_start']) }},

clients as (
    select
        changed.hour_start,
        count(*) filter (where client_hours.as_person) as people,
        count(*) filter (where client_hours.as_bot) as bots,
        max(client_hours.version) as version
    from changed
    inner join client_hours on changed.hour_start = client_hours.hour_start
    group by changed.hour_start
),

pages as (
    select
        changed.hour_start,
        {{ total('traffic.human_page_requests') }} as human_page_requests,
        {{ total('traffic.bot_page_requests') }} as bot_page_requests
    from changed
    cross join lateral ({{ minutes }}) as traffic
    group by changed.hour_start
),

final as (
    select
        clients.people,
        clients.bots,
        pages.human_page_requests,
        pages.bot_page_requests,
        clients.version,
        clients.hour_start,
        {{ window_columns('clients.hour_start', width) }}
    from clients
    inner join pages on clients.hour_start = pages.hour_start
)

select * from final
