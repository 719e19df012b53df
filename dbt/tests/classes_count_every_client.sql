-- The classes of a day count what its clients did, convicted or not, and share one version.
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
        client_days.day_start,
        sum(client_days.requests) as requests,
        sum(client_days.views) as product_views,
        sum(client_days.requests) filter (where scores.convicted_as is not null) as convicted_requests
    from {{ ref('client_days') }} as client_days
    inner join {{ ref('client_scores') }} as scores on client_days.ip_address = scores.ip_address
    group by client_days.day_start
),

convicted as (
    select
        day_start,
        sum(requests) as requests
    from {{ ref('bot_classes') }}
    where class != 'people'
    group by day_start
)

select clients.day_start from clients
full join classes on clients.day_start = classes.day_start
left join convicted on clients.day_start = convicted.day_start
where
    clients.requests is distinct from classes.requests
    or clients.product_views is distinct from classes.product_views
    or classes.versions != 1
    or coalesce(clients.convicted_requests, 0) != coalesce(convicted.requests, 0)
