-- One row per client address: whether it may be many people's, a proxy's or an office's. A view, as client_figures is.
{{ config(materialized='view') }}

with clients as (
    select * from {{ ref('clients') }}
),

signs as (
    select
        *,
        -- What was made anonymous by a 0 in place of its end names nobody.
        pg_input_is_valid(ip_address, 'inet') and ip_address !~ '/|[.]0$|::$' as is_address,
        least(agents_0, agents_1, agents_2, agents_3) > 0
        and 50 * least(agents_0, agents_1, agents_2, agents_3) >= agents_0 + agents_1 + agents_2 + agents_3
            as has_many_agents,
        add_to_carts > 0 and views between 2 * add_to_carts and 100 * add_to_carts as fills_carts,
        add_to_carts >= 5 and views >= 2 * add_to_carts and checkouts - failed_checkouts >= 2 as shops,
        4 * assets >= page_requests as fetches_images
    from clients
),

final as (
    select
        ip_address,
        is_address,
        has_many_agents,
        fills_carts,
        version,
        -- A bot can make up agents, but then fetches no images and does not shop. What is no address may be anybody's.
        not is_address or has_many_agents and (fetches_images or shops) as is_crowd
    from signs
)

select * from final
