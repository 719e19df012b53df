-- A suspected client has at least one reason, and the evidence behind each.
with bots as (
    select * from {{ ref('bots') }}
)

select * from bots
where
    cardinality(reasons) = 0
    or ('declared_by_user_agent' = any(reasons)) != (declared_requests > 0)
    or ('request_rate' = any(reasons)) != (peak_requests_per_minute > {{ var('bot_page_requests_per_minute') }})
