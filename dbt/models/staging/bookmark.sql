-- One row: where the mirror stood just before its counts were copied; -1 where it has not begun.
{{ config(materialized='table') }}

with source as (
    select * from {{ source('silver', 'bookmark') }}
),

final as (
    select
        coalesce(max(ledger_id), '') as ledger_id,
        coalesce(max(version), -1) as version,
        max(moved_at) as moved_at
    from source
)

select * from final
