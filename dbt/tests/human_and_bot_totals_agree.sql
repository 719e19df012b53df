-- The split into humans and bots is the same in every mart that has one.
with totals as (
    select
        (select coalesce(sum(human_events), 0) from {{ ref('traffic') }}) as traffic,
        (select coalesce(sum(human_events), 0) from {{ ref('actions') }}) as actions,
        (select coalesce(sum(human_events), 0) from {{ ref('action_counts') }}) as action_counts,
        (
            select coalesce(sum(events), 0) from {{ ref('bot_classes') }}
            where class = 'people'
        ) as bot_classes,
        (
            select coalesce(sum(events), 0) from {{ ref('bot_traffic') }}
            where class = 'people'
        ) as bot_traffic,
        (select coalesce(sum(human_events), 0) from {{ ref('statuses') }}) as statuses,
        (select coalesce(sum(requests - bot_requests), 0) from {{ ref('clients') }}) as clients
)

select * from totals
where
    not (traffic = actions and traffic = action_counts and traffic = clients)
    or not (traffic = bot_classes and traffic = bot_traffic and traffic >= statuses)
