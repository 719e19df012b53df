"""From a look at a product to a paid checkout, for all products and for each."""

from __future__ import annotations

from page.panel import Panel

FUNNEL = Panel(
    "funnel",
    "Views to paid",
    {
        "steps": """
            with parts as (
                select {views} as views, {add_to_carts} as carts, 0 as checkouts, 0 as failed
                from marts.traffic
                where %(product)s::text is null and window_start >= %(start)s and window_start < %(end)s
                union all
                select 0, 0, {checkouts}, {payment_errors} + {declined_count}
                from marts.payment_errors
                where %(product)s::text is null and window_start >= %(start)s and window_start < %(end)s
                union all
                select {views}, {add_to_carts}, {checkouts}, {failed_checkouts}
                from marts.product_views
                where product_id = %(product)s and window_start >= %(start)s and window_start < %(end)s
            )
            select
                coalesce(sum(views), 0)::bigint as views,
                coalesce(sum(carts), 0)::bigint as carts,
                coalesce(sum(checkouts), 0)::bigint as checkouts,
                coalesce(sum(checkouts - failed), 0)::bigint as paid
            from parts
        """,
    },
    csv="steps",
)

COUNTED_PRODUCTS = """
    counted as (
        select product_id, {views} as views, {add_to_carts} as carts, {checkouts} as checkouts
        from marts.product_views
        where not %(is_all)s and window_start >= %(start)s and window_start < %(end)s
        union all
        select product_id, {views}, {add_to_carts}, {checkouts}
        from marts.products
        where %(is_all)s and product_id <> ''
    ),
    products as (
        select
            product_id, sum(views)::bigint as views, sum(carts)::bigint as carts, sum(checkouts)::bigint as checkouts
        from counted
        group by product_id
        having sum(views + carts + checkouts) > 0
    )
"""

PRODUCTS = Panel(
    "products",
    "Products",
    {
        "products": """
            with {counted}
            select
                product_id, views, carts, checkouts,
                round(carts / nullif(views, 0)::numeric, 4) as cart_rate,
                round(checkouts / nullif(views, 0)::numeric, 4) as checkout_rate
            from products
            where %(product)s::text is null or product_id = %(product)s
            order by views desc, carts desc, product_id
            limit %(most_rows)s
        """,
        "total": """
            with {counted}
            select
                count(*) as products,
                coalesce(sum(views), 0)::bigint as views,
                coalesce(sum(carts), 0)::bigint as carts,
                coalesce(sum(checkouts), 0)::bigint as checkouts
            from products
        """,
        "series": """
            with bins as ({bins_coarse}),
            counts as (
                select
                    {bin_coarse} as bin,
                    sum({views})::bigint as views,
                    sum({add_to_carts})::bigint as carts,
                    sum({checkouts})::bigint as checkouts
                from marts.product_views
                where product_id = %(product)s and window_start >= %(start)s and window_start < %(end)s
                group by 1
            )
            select
                bin as window_start, coalesce(views, 0) as views, coalesce(carts, 0) as carts,
                coalesce(checkouts, 0) as checkouts
            from bins
            left join counts using (bin)
            where %(product)s::text is not null
            order by bin
        """,
        "trends": """
            with {counted},
            shown as (
                select product_id
                from products
                where %(product)s::text is null or product_id = %(product)s
                order by views desc, carts desc, product_id
                limit 25
            )
            select
                product_id,
                width_bucket(
                    extract(epoch from window_start), extract(epoch from %(start)s), extract(epoch from %(end)s),
                    %(trend_steps)s
                ) as bin,
                sum({views})::bigint as views
            from shown
            inner join marts.product_views using (product_id)
            where window_start >= %(start)s and window_start < %(end)s and %(end)s - %(start)s < interval '100 days'
            group by 1, 2
            order by 1, 2
        """,
    },
    csv="products",
    parts={"counted": COUNTED_PRODUCTS},
)
