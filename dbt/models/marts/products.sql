-- One row per product, and one for what names none; zero where a correction took every event away again.
{{
    config(
        unique_key='product_id',
        indexes=[{'columns': ['version']}],
    )
}}
{%- set measures = [
    'events', 'views', 'add_to_carts', 'checkouts', 'human_views', 'human_add_to_carts', 'human_checkouts',
] %}

with days as not materialized (
    select
        product_id,
        {{ measures | join(', ') }},
        version,
        first_seen_at,
        last_seen_at
    from {{ ref('product_days') }}
    union all
    select
        '' as product_id,
        {{ measures | join(', ') }},
        version,
        null as first_seen_at,
        null as last_seen_at
    from {{ ref('no_product_days') }}
),

changed as (
    select distinct product_id from days
    where version > {{ built_version() }}
),

totals as (
    select
        changed.product_id,
        {% for measure in measures -%}
            {{ total('days.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(days.version) as version,
        min(days.first_seen_at) as first_seen_at,
        max(days.last_seen_at) as last_seen_at
    from changed
    inner join days on changed.product_id = days.product_id
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
