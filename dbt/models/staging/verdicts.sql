-- One row per client on which there is a verdict, as it stood when this run copied it. Made anew: there are few.
-- depends_on: {{ ref('bookmark') }}
{{ config(materialized='renewed', unique_key='ip_address', pre_hook='{{ go_on_as_the_newest_run() }}') }}

with source as (
    select * from {{ source('silver', 'verdicts') }}
),

final as (
    select
        ip_address,
        verdict,
        decided_by,
        reason,
        number,
        decided_at
    from source
)

select * from final
