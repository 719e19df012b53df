-- One row per client that is suspected, or convicted by verdict. Everybody else stays in staging.clients.
{{ config(materialized='renewed', unique_key='ip_address') }}
{%- set figures = [
    'client_errors', 'server_errors', 'payment_errors', 'bytes', 'pages', 'assets', 'not_found', 'probes', 'posts',
    'searches', 'robots_reads', 'no_agent', 'crawler_events', 'tool_events', 'impostor_events',
    'peak_requests_per_minute', 'active_minutes', 'steady_minutes',
] %}

with clients as (
    select * from {{ ref('clients') }}
),

crowds as (
    select * from {{ ref('crowds') }}
),

scores as (
    select * from {{ ref('client_scores') }}
),

verdicts as (
    select * from {{ ref('verdicts') }}
),

traffic as (
    select sum(events) as events from {{ changes_of('actions') }}
),

suspects as (
    select ip_address from scores
    where score >= {{ var('bot_suspicion_score') }}
    union
    select ip_address from verdicts
    where verdict = 'convicted'
),

final as (
    select
        clients.ip_address,
        scores.score,
        coalesce(scores.class, 'unclear') as class,
        clients.bot_requests = clients.requests as is_convicted,
        scores.score >= {{ var('bot_conviction_score') }} and crowds.is_address as would_convict,
        verdicts.verdict,
        verdicts.decided_by,
        verdicts.reason as verdict_reason,
        scores.reasons,
        scores.points,
        scores.figures,
        clients.requests as events,
        clients.bot_requests as bot_events,
        {{ ratio('clients.requests', 'traffic.events') }} as share,
        clients.page_requests,
        clients.views,
        clients.add_to_carts,
        clients.checkouts,
        clients.checkouts - clients.failed_checkouts as paid_checkouts,
        clients.client_errors + clients.server_errors as errors,
        {% for figure in figures -%}
            clients.{{ figure }},
        {% endfor -%}
        crowds.is_crowd,
        scores.version,
        clients.requests,
        clients.bot_requests,
        {{ ratio('clients.requests', 'traffic.events') }} as share_of_traffic,
        clients.views as product_views,
        clients.first_seen_at,
        clients.last_seen_at,
        verdicts.decided_at
    from suspects
    inner join scores on suspects.ip_address = scores.ip_address
    inner join clients on suspects.ip_address = clients.ip_address
    inner join crowds on suspects.ip_address = crowds.ip_address
    left join verdicts on suspects.ip_address = verdicts.ip_address
    cross join traffic
    where clients.requests > 0
)

select * from final
