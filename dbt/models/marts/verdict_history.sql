-- One row per verdict that was ever carried out and client, with whether it is the last word on the client.
{{ config(materialized='renewed', unique_key=['number', 'ip_address']) }}

with verdict_records as (
    select * from {{ ref('verdict_records') }}
),

final as (
    select
        number,
        ip_address,
        verdict,
        decided_by,
        reason,
        clients,
        moved_events,
        moved_views,
        moved_add_to_carts,
        moved_checkouts,
        moved_payment_errors,
        decided_at,
        lead(number) over later is null as is_last,
        -- A verdict that gives way to another changes with it.
        greatest(version, lead(version) over later) as version
    from verdict_records
    window later as (partition by ip_address order by number)
)

select * from final
