-- All weak reasons together stay below the score that convicts.
select sum(points) as points from {{ ref('bot_rules') }}
where is_weak
having sum(points) >= {{ var('bot_conviction_score') }}
