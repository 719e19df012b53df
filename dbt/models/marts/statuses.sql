-- One row per HTTP status; zero where a correction took every event away again.
{{
    config(
        unique_key='status',
        indexes=[{'columns': ['version']}],
    )
}}

with {{ changed_rows('status_days', ['status']) }},

final as (
    select
        changed.status,
        {{ total('status_days.events') }} as events,
        {{ total('status_days.human_events') }} as human_events,
        {{ total('status_days.events - status_days.human_events') }} as bot_events,
        max(status_days.version) as version,
        {{ total('status_days.events') }} as requests
    from changed
    inner join status_days on changed.status = status_days.status
    group by changed.status
)

select * from final
