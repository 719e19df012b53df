-- One row per day (UTC) and class of convicted clients, with one more, people, for everybody else.
{{
    config(
        unique_key='day_start',
        indexes=[{'columns': ['version']}],
    )
}}

{%- set reclassified %}
    select client_days.day_start from scores
    inner join client_days on scores.ip_address = client_days.ip_address
    where scores.class_version > {{ built_version() }}
{%- endset %}

with scores as not materialized (
    select * from {{ ref('client_scores') }}
),

{{ changed_rows('client_days', ['day_start'], also=reclassified) }},

totals as (
    select
        coalesce(scores.convicted_as, 'people') as class,
        count(*) filter (where client_days.requests > 0) as clients,
        {{ total('client_days.requests') }} as requests,
        {{ total('client_days.bytes') }} as bytes,
        {{ total('client_days.views') }} as product_views,
        {{ total('client_days.add_to_carts') }} as add_to_carts,
        {{ total('client_days.checkouts') }} as checkouts,
        max(greatest(client_days.version, scores.class_version)) as version,
        changed.day_start
    from changed
    inner join client_days on changed.day_start = client_days.day_start
    inner join scores on client_days.ip_address = scores.ip_address
    group by changed.day_start, coalesce(scores.convicted_as, 'people')
),

final as (
    select
        class,
        clients,
        requests,
        bytes,
        product_views,
        add_to_carts,
        checkouts,
        {{ ratio('checkouts', 'product_views') }} as conversion,
        {{ ratio('sum(checkouts) over day', 'sum(product_views) over day') }} as conversion_with_bots,
        {{ ratio("sum(checkouts) filter (where class = 'people') over day",
                 "sum(product_views) filter (where class = 'people') over day") }} as conversion_without_bots,
        -- The day's rows are published together, so they share their version.
        max(version) over day as version,
        day_start
    from totals
    window day as (partition by day_start)
)

select * from final
