-- Each product's views, carts and checkouts are those of its five-minute windows.
with windows as (
    select
        product_id,
        sum(views) as views,
        sum(add_to_carts) as add_to_carts,
        sum(checkouts) as checkouts,
        sum(human_views) as human_views,
        max(last_seen_at) as last_seen_at
    from {{ ref('product_views') }}
    group by product_id
),

products as (
    select * from {{ ref('products') }}
    where product_id <> ''
)

select
    windows.product_id,
    windows.views as window_views,
    products.product_id as mart_product_id,
    products.views
from windows
full join products on windows.product_id = products.product_id
where
    windows.views is distinct from products.views
    or windows.add_to_carts is distinct from products.add_to_carts
    or windows.checkouts is distinct from products.checkouts
    or windows.human_views is distinct from products.human_views
    or windows.last_seen_at is distinct from products.last_seen_at
