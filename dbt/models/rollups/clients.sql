-- One row per client address, suspected or not, with the score that its behaviour earns.
{{
    config(
        unique_key='ip_address',
        indexes=[{'columns': ['ip_address'], 'unique': true}, {'columns': ['version']}, {'columns': ['score']}],
    )
}}

-- Not materialized: it is read twice, and each reader is to use its own index.
with client_days as not materialized (
    select * from {{ ref('client_days') }}
),

changed as (
    select distinct ip_address from client_days
    where version > {{ built_version() }}
),

totals as (
    select
        changed.ip_address,
        {{ total('client_days.requests') }} as requests,
        {{ total('client_days.page_requests') }} as page_requests,
        {{ total('client_days.declared_requests') }} as declared_requests,
        max(client_days.peak_requests_per_minute) as peak_requests_per_minute,
        {{ total('client_days.client_errors') }} as client_errors,
        {{ total('client_days.server_errors') }} as server_errors,
        {{ total('client_days.payment_errors') }} as payment_errors,
        {{ total('client_days.robots_reads') }} as robots_reads,
        {{ total('client_days.no_agent') }} as no_agent,
        max(client_days.version) as version,
        min(client_days.first_seen_at) as first_seen_at,
        max(client_days.last_seen_at) as last_seen_at
    from changed
    inner join client_days on changed.ip_address = client_days.ip_address
    group by changed.ip_address
),

judged as (
    select
        *,
        declared_requests > 0 as is_declared,
        peak_requests_per_minute > {{ var('bot_page_requests_per_minute') }} as is_too_fast
    from totals
),

final as (
    select
        *,
        least(
            100,
            case when is_declared then {{ var('bot_points_declared_by_user_agent') }} else 0 end
            + case when is_too_fast then {{ var('bot_points_request_rate') }} else 0 end
        ) as score
    from judged
)

select * from final
