-- One row per client address and day (UTC), with the client's busiest minute.
{{
    config(
        unique_key=['ip_address', 'day_start'],
        indexes=[{'columns': ['ip_address', 'day_start'], 'unique': true}, {'columns': ['version']}],
    )
}}

-- Not materialized: it is read twice, and each reader is to use its own index.
with client_minutes as not materialized (
    select * from {{ ref('client_minutes') }}
),

changed as (
    select distinct
        ip_address,
        {{ window_of('window_start', '1 day') }} as day_start
    from client_minutes
    where version > {{ built_version() }}
),

final as (
    select
        changed.ip_address,
        {{ total('client_minutes.requests') }} as requests,
        {{ total('client_minutes.page_requests') }} as page_requests,
        {{ total('client_minutes.declared_requests') }} as declared_requests,
        max(client_minutes.page_requests) as peak_requests_per_minute,
        {{ total('client_minutes.client_errors') }} as client_errors,
        {{ total('client_minutes.server_errors') }} as server_errors,
        {{ total('client_minutes.payment_errors') }} as payment_errors,
        {{ total('client_minutes.robots_reads') }} as robots_reads,
        {{ total('client_minutes.no_agent') }} as no_agent,
        max(client_minutes.version) as version,
        changed.day_start,
        min(client_minutes.first_seen_at) as first_seen_at,
        max(client_minutes.last_seen_at) as last_seen_at
    from changed
    inner join client_minutes
        on
            changed.ip_address = client_minutes.ip_address
            and {{ in_window('client_minutes.window_start', 'changed.day_start', '1 day') }}
    group by changed.ip_address, changed.day_start
)

select * from final
