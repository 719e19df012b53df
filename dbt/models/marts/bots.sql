-- One row per client that is suspected, or convicted by verdict. Everybody else stays in staging.clients.
{{ config(materialized='renewed', unique_key='ip_address') }}

with clients as (
    select * from {{ ref('clients') }}
),

scores as (
    select * from {{ ref('client_scores') }}
),

verdicts as (
    select * from {{ ref('verdicts') }}
),

traffic as (
    select sum(action_count) as requests from {{ ref('actions') }}
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
        scores.score >= {{ var('bot_conviction_score') }} as would_convict,
        verdicts.verdict,
        verdicts.decided_by,
        verdicts.reason as verdict_reason,
        scores.reasons,
        scores.points,
        scores.figures,
        clients.requests,
        clients.bot_requests,
        {{ ratio('clients.requests', 'traffic.requests') }} as share_of_traffic,
        clients.page_requests,
        clients.views as product_views,
        clients.add_to_carts,
        clients.checkouts,
        clients.checkouts - clients.failed_checkouts as paid_checkouts,
        clients.client_errors + clients.server_errors as errors,
        clients.client_errors,
        clients.server_errors,
        clients.payment_errors,
        clients.bytes,
        clients.pages,
        clients.assets,
        clients.not_found,
        clients.probes,
        clients.posts,
        clients.searches,
        clients.robots_reads,
        clients.no_agent,
        clients.crawler_events,
        clients.tool_events,
        clients.impostor_events,
        clients.peak_requests_per_minute,
        clients.active_minutes,
        clients.steady_minutes,
        scores.version,
        clients.first_seen_at,
        clients.last_seen_at,
        verdicts.decided_at
    from suspects
    inner join scores on suspects.ip_address = scores.ip_address
    inner join clients on suspects.ip_address = clients.ip_address
    left join verdicts on suspects.ip_address = verdicts.ip_address
    cross join traffic
    where clients.requests > 0
)

select * from final
