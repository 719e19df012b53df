-- Every mart that counts all events counts the same events.
with totals as (
    select
        (select coalesce(sum(events), 0) from {{ ref('actions') }}) as actions,
        (select coalesce(sum(events), 0) from {{ ref('action_counts') }}) as action_counts,
        (select coalesce(sum(events), 0) from {{ ref('traffic') }}) as traffic,
        (select coalesce(sum(events), 0) from {{ ref('bot_classes') }}) as bot_classes,
        (select coalesce(sum(events), 0) from {{ ref('bot_traffic') }}) as bot_traffic,
        (select coalesce(sum(requests), 0) from {{ ref('clients') }}) as clients
)

select * from totals
where
    not (actions = action_counts and actions = traffic and actions = clients)
    or not (actions = bot_classes and actions = bot_traffic)
