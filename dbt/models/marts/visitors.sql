-- One row per hour in which something happened: from how many addresses people and bots asked for pages.
{{
    config(
        unique_key='hour_start',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows('client_minutes', [window_of('window_start', '1 hour') ~ ' as hour_start']) }},

final as (
    select
        count(distinct client_minutes.ip_address)
            filter (where client_minutes.page_requests > client_minutes.bot_page_requests) as people,
        count(distinct client_minutes.ip_address) filter (where client_minutes.bot_page_requests > 0) as bots,
        {{ total('client_minutes.page_requests - client_minutes.bot_page_requests') }} as human_page_requests,
        {{ total('client_minutes.bot_page_requests') }} as bot_page_requests,
        max(client_minutes.version) as version,
        changed.hour_start
    from changed
    inner join client_minutes
        on {{ in_window('client_minutes.window_start', 'changed.hour_start', '1 hour') }}
    group by changed.hour_start
)

select * from final
