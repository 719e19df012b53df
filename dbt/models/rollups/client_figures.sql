-- One row per client address and reason of bot_rules: what was measured. A view: asked only for clients that changed.
{{ config(materialized='view') }}

with clients as (
    select * from {{ ref('clients') }}
),

crowds as (
    select * from {{ ref('crowds') }}
),

network_days as (
    select * from {{ ref('network_days') }}
),

evidence as (
    select
        clients.*,
        crowds.has_many_agents,
        crowds.fills_carts,
        crowds.is_crowd,
        case
            when clients.checkouts > clients.failed_checkouts and 50 * clients.add_to_carts >= clients.views
                then clients.add_to_carts
            else 0
        end as bought,
        sign(clients.agents_0) + sign(clients.agents_1) + sign(clients.agents_2) + sign(clients.agents_3)
            as agent_groups,
        case
            -- Of many people some have their cards refused: only if it is a third of all that was asked for.
            when not (crowds.is_crowd or crowds.has_many_agents) then clients.refused_checkouts
            when 3 * (clients.failed_checkouts - clients.payment_errors) >= clients.page_requests
                then clients.failed_checkouts - clients.payment_errors
            else 0
        end as tested_cards,
        20 * clients.assets >= clients.page_requests and clients.assets > 0 as fetches_assets,
        case
            when
                clients.robots_reads > 0 and not crowds.fills_carts
                and 4 * (clients.add_to_carts + clients.checkouts + clients.posts) >= clients.page_requests
                then clients.add_to_carts + clients.checkouts + clients.posts
            else 0
        end as disobeyed,
        coalesce(networks.shared_views, 0) as shared_views,
        greatest(clients.version, networks.version) as newest
    from clients
    inner join crowds on clients.ip_address = crowds.ip_address
    cross join lateral (
        select
            max(network_days.shared_views) as shared_views,
            max(network_days.version) as version
        from network_days
        where network_days.network = clients.network
    ) as networks
),

final as (
    select
        client.ip_address,
        figures.reason,
        figures.figure::bigint as figure,
        client.newest as version
    from evidence as client
    cross join lateral (
        values
        {% for rule in bot_rules() %}
            ('{{ rule.reason }}', {{ rule.figure }}){{ "," if not loop.last }}
        {% endfor %}
    ) as figures (reason, figure)
)

select * from final
