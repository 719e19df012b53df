-- One row per client address and minute, and two where people's and bots' part of it are settled. A view.
-- Of what is settled it has the days of clients of which anything is newer than the marts, each of them whole.
{{ config(materialized='view') }}

with days as (
    select * from {{ ref('window_counts') }}
    where dimension = 'client_day'
),

settled as (
    select
        days.key,
        days.is_bot,
        days.version,
        listed.events,
        listed.events - coalesce(listed.assets, 0) as pages,
        days.window_start + listed.minute * interval '1 minute' as window_start
    from days
    cross join lateral unnest(
        days.minutes::smallint[], days.minute_events::integer[], days.minute_assets::integer[]
    ) as listed (minute, events, assets)
),

final as (
    select
        ip_address,
        page_requests,
        bot_requests,
        bot_page_requests,
        has_bot_counts,
        version,
        window_start
    from {{ ref('client_minutes') }}
    union all
    select
        key as ip_address,
        pages as page_requests,
        case when is_bot then events else 0 end as bot_requests,
        case when is_bot then pages else 0 end as bot_page_requests,
        is_bot as has_bot_counts,
        version,
        window_start
    from settled
)

select * from final
