-- One row per client address and five-minute window in which the ledger counts, or has counted, it as a bot.
{{
    config(
        unique_key=['ip_address', 'window_start'],
        indexes=[
            {'columns': ['ip_address', 'window_start'], 'unique': true},
            {'columns': ['window_start']},
            {'columns': ['version']},
        ],
    )
}}

with {{ changed_rows(
    'client_activity',
    ['ip_address', window_of('window_start', '5 minutes') ~ ' as starts_at'],
    'has_bot_counts',
) }},

final as (
    select
        changed.ip_address,
        {{ total('client_activity.bot_requests') }} as events,
        max(client_activity.version) as version,
        changed.starts_at as window_start
    from changed
    inner join client_activity
        on
            changed.ip_address = client_activity.ip_address
            and {{ in_window('client_activity.window_start', 'changed.starts_at', '5 minutes') }}
    group by changed.ip_address, changed.starts_at
)

select * from final
