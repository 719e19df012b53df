-- Each five-minute window of a product that the last run has copied counts exactly what was copied, late changes too.
with copied as (
    select
        key as product_id,
        {{ window_of('window_start', '5 minutes') }} as window_start,
        {{ total('views') }} as views,
        max(version) as version
    from {{ ref('window_counts') }}
    where dimension = 'product'
    group by 1, 2
),

product_views as (
    select * from {{ ref('product_views') }}
)

select
    copied.product_id,
    copied.window_start,
    copied.views as copied_views,
    product_views.product_id as mart_product_id,
    product_views.window_start as mart_window_start,
    product_views.views
from copied
left join product_views
    on copied.product_id = product_views.product_id and copied.window_start = product_views.window_start
where
    copied.views is distinct from product_views.views
    or copied.version is distinct from product_views.version
