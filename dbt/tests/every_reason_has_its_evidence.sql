-- A suspect has the reasons whose thresholds its figures reach, and its score is their sum.
-- One that was convicted by hand may have none.
with bots as (
    select * from {{ ref('bots') }}
),

reasons as (
    select
        bots.ip_address,
        bots.score,
        listed.reason,
        listed.points,
        (bots.figures ->> listed.reason)::bigint as figure
    from bots
    cross join lateral unnest(bots.reasons, bots.points) as listed (reason, points)
),

wrong_rules as (
    select reasons.ip_address
    from reasons
    left join {{ ref('bot_rules') }} as rules on reasons.reason = rules.reason
    where rules.points is distinct from reasons.points or (reasons.figure >= rules.threshold) is not true
),

wrong_sums as (
    select ip_address
    from reasons
    group by ip_address, score
    having sum(points) != score
)

select ip_address from wrong_rules
union all
select ip_address from wrong_sums
union all
select ip_address from bots
where
    cardinality(reasons) != cardinality(points)
    or cardinality(reasons) = 0 and score > 0
