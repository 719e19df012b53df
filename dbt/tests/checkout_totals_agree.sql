-- Checkouts are the same by minute, by action and by product, and their errors by minute and by client.
with totals as (
    select
        (select coalesce(sum(checkouts), 0) from {{ ref('payment_errors') }}) as by_minute,
        (
            select coalesce(sum(events), 0) from {{ ref('actions') }}
            where action = 'checkout'
        ) as by_action,
        (select coalesce(sum(checkouts), 0) from {{ ref('products') }}) as by_product,
        (select coalesce(sum(payment_errors), 0) from {{ ref('payment_errors') }}) as errors_by_minute,
        (select coalesce(sum(payment_errors), 0) from {{ ref('clients') }}) as errors_by_client
)

select * from totals
where not (by_minute = by_action and by_minute = by_product and errors_by_minute = errors_by_client)
