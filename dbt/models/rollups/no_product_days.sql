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
counted as (
    select
        changed.day_start,
        {% for measure in measures -%}
            {{ total('action_days.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(action_days.version) as version
    from changed
    inner join action_days on changed.day_start = action_days.day_start
    group by changed.day_start
),

named as (
    select
        changed.day_start,
        {% for measure in measures -%}
            {{ total('product_days.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(product_days.version) as version
    from changed
    inner join product_days on changed.day_start = product_days.day_start
    group by changed.day_start
),

final as (
    select
        {% for measure in measures -%}
            counted.{{ measure }} - coalesce(named.{{ measure }}, 0) as {{ measure }},
        {% endfor -%}
        greatest(counted.version, named.version) as version,
        counted.day_start
    from counted
    left join named on counted.day_start = named.day_start
)

select * from final
