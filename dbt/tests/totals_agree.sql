-- Every mart that counts all events counts the same events.
with totals as (
    select
        (
            select coalesce(sum(events), 0) from {{ ref('window_counts') }}
            where dimension = 'all'
        ) as copied,
        (select coalesce(sum(events), 0) from {{ ref('actions') }}) as actions,
        (select coalesce(sum(events), 0) from {{ ref('action_counts') }}) as action_counts,
        (select coalesce(sum(events), 0) from {{ ref('traffic') }}) as traffic,
        (select coalesce(sum(events), 0) from {{ ref('bot_classes') }}) as bot_classes,
        (select coalesce(sum(events), 0) from {{ ref('bot_traffic') }}) as bot_traffic,
        (select coalesce(sum(requests), 0) from {{ ref('clients') }}) as clients
)

select * from totals
where
    not (copied = actions and copied = action_counts and copied = traffic and copied = clients)
    or not (copied = bot_classes and copied = bot_traffic)
