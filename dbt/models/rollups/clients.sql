-- One row per client address, suspected or not: what it has done in all, and the most that it did on one day.
{{
    config(
        unique_key='ip_address',
        indexes=[{'columns': ['ip_address'], 'unique': true}, {'columns': ['version']}, {'columns': ['network']}],
    )
}}
{%- set measures = ['requests', 'page_requests', 'bot_requests'] + client_measures() %}

with {{ changed_rows('client_days', ['ip_address']) }},

days as (
    select
        *,
        failed_checkouts - payment_errors as refused,
        checkouts - failed_checkouts as paid,
        20 * assets < pages and 2 * pages >= page_requests and 100 * add_to_carts < pages as is_bare
    from client_days
),

final as (
    select
        changed.ip_address,
        max(days.network) as network,
        {% for measure in measures -%}
            {{ total('days.' ~ measure) }} as {{ measure }},
        {% endfor -%}
        max(days.peak_requests_per_minute) as peak_requests_per_minute,
        max(days.active_minutes) as active_minutes,
        max(days.steady_minutes) as steady_minutes,
        -- Of the days with next to no carts, payments …
        {{ most('days.views', '100 * days.add_to_carts < days.views') }} as walked_views,
        {{ most('days.refused', '4 * days.paid < days.refused') }} as refused_checkouts,
        -- … and of those whose requests were mostly such. (Where an app sends events, its few log lines prove nothing.)
        {{ most('days.pages', 'days.is_bare') }} as bare_pages,
        {{ most('days.posts', '2 * days.posts >= days.page_requests') }} as hammered_forms,
        {{ most('days.not_found', '2 * days.not_found >= days.requests') }} as guessed_pages,
        {{ most('days.probes', '3 * days.probes >= days.page_requests') }} as probing_requests,
        max(days.version) as version,
        min(days.first_seen_at) as first_seen_at,
        max(days.last_seen_at) as last_seen_at
    from changed
    inner join days on changed.ip_address = days.ip_address
    group by changed.ip_address
)

select * from final
