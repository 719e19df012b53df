-- One row per client address and part of its day: each minute, and of what is settled people's and bots' part. A view.
-- Of what is settled it has the days of clients of which anything is newer than the marts.
{{ config(materialized='view') }}
{%- set counted = client_measures() + ['version'] %}

with final as (
    select
        ip_address,
        requests,
        page_requests,
        bot_requests,
        {% for measure in bot_measures() -%}
            bot_{{ measure }},
        {% endfor -%}
        {{ counted | join(', ') }},
        window_start,
        first_seen_at,
        last_seen_at
    from {{ ref('client_minutes') }}
    union all
    select
        key as ip_address,
        events as requests,
        events - coalesce(assets, 0) as page_requests,
        case when is_bot then events else 0 end as bot_requests,
        {% for measure in bot_measures() -%}
            case when is_bot then {{ measure }} end as bot_{{ measure }},
        {% endfor -%}
        {{ counted | join(', ') }},
        window_start,
        case when events > 0 then {{ seen_at('first') }} end as first_seen_at,
        case when events > 0 then {{ seen_at('last') }} end as last_seen_at
    from {{ ref('window_counts') }}
    where dimension = 'client_day'
)

select * from final
