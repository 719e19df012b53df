-- The parts of each window add up to the whole, and so do the shares of all time (to rounding).
with sums as (
    select
        'action_counts' as mart,
        sum(share) as whole
    from {{ ref('action_counts') }}
    group by window_start
    having sum(events) > 0

    union all

    select
        'actions' as mart,
        sum(share) as whole
    from {{ ref('actions') }}
    having count(*) > 0
)

select * from sums
where abs(whole - 1) > 0.001
