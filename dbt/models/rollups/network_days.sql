-- One row per network (a /24, or a /64 of IPv6) and day (UTC) in which addresses of it looked at products.
{{
    config(
        unique_key=['network', 'day_start'],
        indexes=[{'columns': ['network', 'day_start'], 'unique': true}, {'columns': ['version']}],
    )
}}

with {{ changed_rows('client_days', ['network', 'day_start'], 'network is not null') }},

totals as (
    select
        changed.network,
        changed.day_start,
        count(*) filter (where client_days.views > 0) as addresses,
        {{ total('client_days.views') }} as views,
        {{ total('client_days.add_to_carts') }} as add_to_carts,
        max(client_days.views) as most_views,
        max(client_days.version) as version
    from changed
    inner join client_days
        on changed.network = client_days.network and changed.day_start = client_days.day_start
    group by changed.network, changed.day_start
),

final as (
    select
        network,
        addresses,
        views,
        add_to_carts,
        version,
        day_start,
        -- What one address did alone is no sign of the others: it counts for what it did itself.
        case when addresses >= 10 and 100 * add_to_carts < views then views - most_views else 0 end as shared_views
    from totals
)

select * from final
