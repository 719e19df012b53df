-- One row per five-minute window and product.
{%- set width = '5 minutes' %}
{{
    config(
        meta={'window': {'start': 'window_start', 'width': width}},
        unique_key=['product_id', 'window_start'],
        indexes=[
            {'columns': ['window_start']},
            {'columns': ['version']},
        ],
    )
}}

with {{ counts_by_window('product', width) }},

final as (
    select
        starts_at as window_start,
        key as product_id,
        {{ total('views') }} as views,
        {{ total('views', 'not is_bot') }} as human_views,
        {{ total('add_to_carts') }} as add_to_carts,
        {{ total('add_to_carts', 'not is_bot') }} as human_add_to_carts,
        {{ total('checkouts') }} as checkouts,
        {{ total('checkouts', 'not is_bot') }} as human_checkouts,
        {{ total('failed_checkouts') }} as failed_checkouts,
        {{ total('failed_checkouts', 'not is_bot') }} as human_failed_checkouts,
        {{ total('events') }} as events,
        max(version) as version,
        min({{ seen_at('first') }}) filter (where events > 0) as first_seen_at,
        max({{ seen_at('last') }}) filter (where events > 0) as last_seen_at,
        {{ total('views') }} as view_count,
        {{ window_columns('starts_at', width) }}
    from counts
    group by starts_at, key
    having max(version) > {{ built_version() }}
)

select * from final
