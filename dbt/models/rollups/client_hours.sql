-- One row per client address and hour: whether it asked for a page, as a person and as a bot.
{{
    config(
        unique_key=['ip_address', 'hour_start'],
        indexes=[
            {'columns': ['ip_address', 'hour_start'], 'unique': true},
            {'columns': ['hour_start']},
            {'columns': ['version']},
        ],
    )
}}

with {{ changed_rows('client_activity', ['ip_address', window_of('window_start', '1 hour') ~ ' as hour_start']) }},

final as (
    select
        changed.ip_address,
        changed.hour_start,
        bool_or(client_activity.page_requests > client_activity.bot_page_requests) as as_person,
        bool_or(client_activity.bot_page_requests > 0) as as_bot,
        max(client_activity.version) as version
    from changed
    inner join client_activity
        on
            changed.ip_address = client_activity.ip_address
            and {{ in_window('client_activity.window_start', 'changed.hour_start', '1 hour') }}
    group by changed.ip_address, changed.hour_start
)

select * from final
