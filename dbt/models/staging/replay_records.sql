-- One row per replay on record, as they stood when this run copied them. Made anew: there are few.
-- depends_on: {{ ref('bookmark') }}
{{ config(materialized='renewed', unique_key='id', pre_hook='{{ go_on_as_the_newest_run() }}') }}

with source as (
    select * from {{ source('silver', 'replay_records') }}
),

final as (
    select
        id,
        client,
        undo_of,
        reason,
        rules,
        corrections,
        keys,
        moved,
        {{ moved_measures() }},
        ledger_version,
        version,
        range_start,
        range_end,
        done_at
    from source
)

select * from final
