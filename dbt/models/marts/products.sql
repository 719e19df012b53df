-- One row per product; zero where a correction took every event away again.
{{
    config(
        unique_key='product_id',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows('product_days', ['product_id']) }},

totals as (
    select
        changed.product_id,
        {{ total('product_days.events') }} as events,
        {{ total('product_days.views') }} as views,
        {{ total('product_days.add_to_carts') }} as add_to_carts,
        {{ total('product_days.checkouts') }} as checkouts,
        {{ total('product_days.human_views') }} as human_views,
        {{ total('product_days.human_add_to_carts') }} as human_add_to_carts,
        {{ total('product_days.human_checkouts') }} as human_checkouts,
        max(product_days.version) as version,
        min(product_days.first_seen_at) as first_seen_at,
        max(product_days.last_seen_at) as last_seen_at
    from changed
    inner join product_days on changed.product_id = product_days.product_id
    group by changed.product_id
),

final as (
    select
        product_id,
        views,
        add_to_carts,
        checkouts,
        human_views,
        human_add_to_carts,
        human_checkouts,
        views - human_views as bot_views,
        add_to_carts - human_add_to_carts as bot_add_to_carts,
        checkouts - human_checkouts as bot_checkouts,
        {{ ratio('add_to_carts', 'views') }} as cart_rate,
        {{ ratio('checkouts', 'views') }} as checkout_rate,
        {{ ratio('human_add_to_carts', 'human_views') }} as human_cart_rate,
        {{ ratio('human_checkouts', 'human_views') }} as human_checkout_rate,
        events,
        version,
        first_seen_at,
        last_seen_at
    from totals
)

select * from final
