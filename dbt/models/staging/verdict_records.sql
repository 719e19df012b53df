-- One row per verdict on record and client, as they stood when this run copied them. Made anew: there are few.
-- depends_on: {{ ref('bookmark') }}
{{ config(materialized='renewed', unique_key=['number', 'ip_address'], pre_hook='{{ go_on_as_the_newest_run() }}') }}

with source as (
    select * from {{ source('silver', 'verdict_records') }}
),

final as (
    select
        number,
        ip_address,
        verdict,
        decided_by,
        reason,
        clients,
        {{ moved_measures() }},
        version,
        decided_at
    from source
)

select * from final
