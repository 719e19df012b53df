-- One row per client address and minute that is not settled: fine enough to see how fast a client asks.
{{
    config(
        unique_key=['ip_address', 'window_start'],
        indexes=[
            {'columns': ['ip_address', 'window_start'], 'unique': true},
            {'columns': ['window_start']},
            {'columns': ['version']},
        ],
        post_hook='{{ forget_settled_minutes() }}',
    )
}}
{%- set measures = client_measures() %}

with {{ counts_by_window('client', '1 minute') }},

final as (
    select
        key as ip_address,
        {{ total('events') }} as requests,
        {{ total('events', less='assets') }} as page_requests,
        {{ total('events', 'is_bot') }} as bot_requests,
        {{ total('events', 'is_bot', less='assets') }} as bot_page_requests,
        {% for measure in bot_measures() -%}
            {{ sparse_total(measure, 'is_bot') }} as bot_{{ measure }},
        {% endfor -%}
        {% for measure in measures -%}
            {{ sparse_total(measure) }} as {{ measure }},
        {% endfor -%}
        bool_or(is_bot) as has_bot_counts,
        max(version) as version,
        starts_at as window_start,
        min(window_start) filter (where events > 0) as first_seen_at,
        max(window_start) filter (where events > 0) as last_seen_at
    from counts
    group by key, starts_at
    having max(version) > {{ built_version() }}
)

select * from final
