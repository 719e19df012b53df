-- The classes of a day count what its clients did, as people or as bots, and share one version.
with classes as (
    select
        day_start,
        sum(events) as events,
        sum(views) as views,
        count(distinct version) as versions
    from {{ ref('bot_classes') }}
    group by day_start
),

clients as (
    select
        day_start,
        sum(requests) as events,
        sum(views) as views,
        sum(bot_requests) as bot_events
    from {{ ref('client_days') }}
    group by day_start
),

bots as (
    select
        day_start,
        sum(events) as events
    from {{ ref('bot_classes') }}
    where class != 'people'
    group by day_start
)

select clients.day_start from clients
full join classes on clients.day_start = classes.day_start
left join bots on clients.day_start = bots.day_start
where
    clients.events is distinct from classes.events
    or clients.views is distinct from classes.views
    or classes.versions != 1
    or clients.bot_events != coalesce(bots.events, 0)
