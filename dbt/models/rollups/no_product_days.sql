-- One row per day (UTC): what named no product, which is all that was counted without what the products have.
{{
    config(
        unique_key='day_start',
        indexes=[{'columns': ['day_start'], 'unique': true}, {'columns': ['version']}],
    )
}}
{%- set measures = [
    'events', 'views', 'add_to_carts', 'checkouts', 'human_views', 'human_add_to_carts', 'human_checkouts',
] %}

{%- set of_products %}
    select day_start from product_days
    where version > {{ built_version() }}
{%- endset %}

with product_days as not materialized (
    select * from {{ ref('product_days') }}
),

{{ changed_rows('action_days', ['day_start'], also=of_products) }},

-- Every event has an action, so the actions of a day are all of it.
parts as (
    select
        {{ measures | join(', ') }},
        version,
        day_start
    from action_days
    union all
    select
        {% for measure in measures -%}
            -{{ measure }} as {{ measure }},
        {% endfor -%}
        version,
        day_start
    from product_days
),

final as (
    select
        {% for measure in measures -%}
            {{ total('parts.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(parts.version) as version,
        changed.day_start
    from changed
    inner join parts on changed.day_start = parts.day_start
    group by changed.day_start
)

select * from final
