-- One row per suspected client. The index on the score finds them; everybody else stays in staging.clients.
{{
    config(
        materialized='renewed',
        unique_key='ip_address',
    )
}}

with clients as (
    select * from {{ ref('clients') }}
),

scores as (
    select * from {{ ref('client_scores') }}
),

traffic as (
    select sum(action_count) as requests from {{ ref('actions') }}
),

final as (
    select
        clients.ip_address,
        scores.score,
        coalesce(scores.class, 'unclear') as class,
        scores.score >= {{ var('bot_conviction_score') }} as is_convicted,
        scores.reasons,
        scores.points,
        scores.figures,
        clients.requests,
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
        clients.last_seen_at
    from scores
    inner join clients on scores.ip_address = clients.ip_address
    cross join traffic
    where scores.score >= {{ var('bot_suspicion_score') }} and clients.requests > 0
)

select * from final
