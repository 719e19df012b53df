-- The classes of a day count what its clients did, as people or as bots, and share one version.
with classes as (
    select
        day_start,
        sum(requests) as requests,
        sum(product_views) as product_views,
        count(distinct version) as versions
    from {{ ref('bot_classes') }}
    group by day_start
),

clients as (
    select
        day_start,
        sum(requests) as requests,
        sum(views) as product_views,
        sum(bot_requests) as bot_requests
    from {{ ref('client_days') }}
    group by day_start
),

bots as (
    select
        day_start,
        sum(requests) as requests
    from {{ ref('bot_classes') }}
    where class != 'people'
    group by day_start
)

select clients.day_start from clients
full join classes on clients.day_start = classes.day_start
left join bots on clients.day_start = bots.day_start
where
    clients.requests is distinct from classes.requests
    or clients.product_views is distinct from classes.product_views
    or classes.versions != 1
    or clients.bot_requests != coalesce(bots.requests, 0)
