-- One row per client address and minute: fine enough to see how fast a client asks.
{{
    config(
        unique_key=['ip_address', 'window_start'],
        indexes=[
            {'columns': ['ip_address', 'window_start'], 'unique': true},
            {'columns': ['window_start']},
            {'columns': ['version']},
        ],
    )
}}
{%- set measures = client_measures() %}

with {{ changed_rows(
    'window_counts',
    ['key as ip_address', window_of('window_start', '1 minute') ~ ' as window_start'],
    "dimension = 'client'",
) }},

final as (
    select
        changed.ip_address,
        {{ total('window_counts.events') }} as requests,
        {{ total('window_counts.events', less='window_counts.assets') }} as page_requests,
        {{ total('window_counts.events', 'window_counts.is_bot') }} as bot_requests,
        {{ total('window_counts.events', 'window_counts.is_bot', less='window_counts.assets') }} as bot_page_requests,
        {% for measure in bot_measures() -%}
            {{ total('window_counts.' ~ measure, 'window_counts.is_bot') }} as bot_{{ measure }},
        {% endfor -%}
        {% for measure in measures -%}
            {{ total('window_counts.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(window_counts.version) as version,
        changed.window_start,
        min(window_counts.window_start) filter (where window_counts.events > 0) as first_seen_at,
        max(window_counts.window_start) filter (where window_counts.events > 0) as last_seen_at
    from changed
    inner join window_counts
        on
            changed.ip_address = window_counts.key
            and {{ in_window('window_counts.window_start', 'changed.window_start', '1 minute') }}
    group by changed.ip_address, changed.window_start
)

select * from final
