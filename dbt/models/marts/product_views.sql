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

with {{ changed_rows(
    'window_counts',
    ['key as product_id', window_of('window_start', width) ~ ' as window_start'],
    "dimension = 'product'",
) }},

final as (
    select
        changed.window_start,
        changed.product_id,
        {{ total('window_counts.views') }} as views,
        {{ total('window_counts.views', 'not window_counts.is_bot') }} as human_views,
        {{ total('window_counts.add_to_carts') }} as add_to_carts,
        {{ total('window_counts.add_to_carts', 'not window_counts.is_bot') }} as human_add_to_carts,
        {{ total('window_counts.checkouts') }} as checkouts,
        {{ total('window_counts.checkouts', 'not window_counts.is_bot') }} as human_checkouts,
        {{ total('window_counts.events') }} as events,
        max(window_counts.version) as version,
        min(window_counts.window_start) filter (where window_counts.events > 0) as first_seen_at,
        max(window_counts.window_start) filter (where window_counts.events > 0) as last_seen_at,
        {{ total('window_counts.views') }} as view_count,
        {{ window_columns('changed.window_start', width) }}
    from changed
    inner join window_counts
        on
            changed.product_id = window_counts.key
            and {{ in_window('window_counts.window_start', 'changed.window_start', width) }}
    group by changed.window_start, changed.product_id
)

select * from final
