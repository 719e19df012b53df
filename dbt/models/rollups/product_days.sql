-- One row per product and day (UTC).
{{
    config(
        unique_key=['product_id', 'day_start'],
        indexes=[
            {'columns': ['product_id', 'day_start'], 'unique': true},
            {'columns': ['day_start']},
            {'columns': ['version']},
        ],
    )
}}

{%- set in_day = in_window('window_start', 'changed.day_start', '1 day') %}
{%- set windows = as_changed('product_views', 'product_id = changed.product_id and ' ~ in_day) %}

with changed as (
    select distinct
        product_id,
        {{ window_of('window_start', '1 day') }} as day_start
    from {{ changes_of('product_views') }}
),

final as (
    select
        changed.product_id,
        {{ total('product_views.events') }} as events,
        {{ total('product_views.views') }} as views,
        {{ total('product_views.add_to_carts') }} as add_to_carts,
        {{ total('product_views.checkouts') }} as checkouts,
        {{ total('product_views.human_views') }} as human_views,
        {{ total('product_views.human_add_to_carts') }} as human_add_to_carts,
        {{ total('product_views.human_checkouts') }} as human_checkouts,
        max(product_views.version) as version,
        changed.day_start,
        min(product_views.first_seen_at) as first_seen_at,
        max(product_views.last_seen_at) as last_seen_at
    from changed
    cross join lateral ({{ windows }}) as product_views
    group by changed.product_id, changed.day_start
)

select * from final
