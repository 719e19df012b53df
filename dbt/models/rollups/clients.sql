-- One row per client address, suspected or not: what it has done in all, and the most that it did on one day.
{{
    config(
        unique_key='ip_address',
        indexes=[{'columns': ['ip_address'], 'unique': true}, {'columns': ['version']}, {'columns': ['network']}],
    )
}}
{%- set measures = [
    'requests', 'page_requests', 'bot_requests', 'views', 'add_to_carts', 'checkouts', 'failed_checkouts', 'client_errors',
    'server_errors', 'payment_errors', 'bytes', 'pages', 'assets', 'not_found', 'probes', 'posts', 'robots_reads', 'no_agent',
    'crawler_events', 'tool_events', 'impostor_events', 'agents_0', 'agents_1', 'agents_2', 'agents_3',
] %}

-- Not materialized: it is read twice, and each reader is to use its own index.
with client_days as not materialized (
    select
        *,
        failed_checkouts - payment_errors as refused,
        checkouts - failed_checkouts as paid,
        20 * assets < pages and 2 * pages >= page_requests as is_bare
    from {{ ref('client_days') }}
),

changed as (
    select distinct ip_address from client_days
    where version > {{ built_version() }}
),

final as (
    select
        changed.ip_address,
        max(client_days.network) as network,
        {% for measure in measures -%}
            {{ total('client_days.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(client_days.peak_requests_per_minute) as peak_requests_per_minute,
        max(client_days.active_minutes) as active_minutes,
        max(client_days.steady_minutes) as steady_minutes,
        -- Of the days with next to no carts, payments …
        {{ most('client_days.views', '100 * client_days.add_to_carts < client_days.views') }} as walked_views,
        {{ most('client_days.refused', '4 * client_days.paid < client_days.refused') }} as refused_checkouts,
        -- … and of those whose requests were mostly such. (Where an app sends events, its few log lines prove nothing.)
        {{ most('client_days.pages', 'client_days.is_bare') }} as bare_pages,
        {{ most('client_days.posts', '2 * client_days.posts >= client_days.page_requests') }} as hammered_forms,
        {{ most('client_days.not_found', '2 * client_days.not_found >= client_days.page_requests') }} as guessed_pages,
        max(client_days.version) as version,
        min(client_days.first_seen_at) as first_seen_at,
        max(client_days.last_seen_at) as last_seen_at
    from changed
    inner join client_days on changed.ip_address = client_days.ip_address
    group by changed.ip_address
)

select * from final
