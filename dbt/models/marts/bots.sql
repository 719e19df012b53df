-- One row per suspected client. The index on the score finds them; everybody else stays in staging.clients.
{{
    config(
        materialized='table',
        unique_key='ip_address',
        indexes=[{'columns': ['ip_address'], 'unique': true}],
    )
}}

with clients as (
    select * from {{ ref('clients') }}
),

final as (
    select
        ip_address,
        score,
        requests,
        page_requests,
        declared_requests,
        peak_requests_per_minute,
        client_errors,
        server_errors,
        payment_errors,
        robots_reads,
        no_agent,
        version,
        first_seen_at,
        last_seen_at,
        array_remove(array[
            case when is_declared then 'declared_by_user_agent' end,
            case when is_too_fast then 'request_rate' end
        ], null) as reasons
    from clients
    where score >= {{ var('bot_score_threshold') }} and requests > 0
)

select * from final
