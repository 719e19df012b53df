-- One row: where the mirror stood just before its counts were copied, and which run copies them from which version on.
{{ config(materialized='table', pre_hook='{{ refuse_a_mirror_behind_the_marts() }}') }}

with source as (
    select * from {{ source('silver', 'bookmark') }}
),

published as (
    {{ published_stand() }}
),

mirror as (
    select
        coalesce(max(ledger_id), '') as ledger_id,
        coalesce(max(version), -1) as version,
        coalesce(max(filled_at), timestamptz 'epoch') as filled_at,
        max(moved_at) as moved_at,
        max(counted_until) as counted_until,
        max(counted_at) as counted_at,
        max(records) as records,
        max(rejected) as rejected
    from source
),

final as (
    select
        mirror.ledger_id,
        mirror.version,
        -- The marts can be carried on where the same models built them all, and the mirror was not filled anew since.
        coalesce(published.version, -1) as since,
        '{{ invocation_id }}' as run,
        mirror.filled_at,
        mirror.moved_at,
        mirror.counted_until,
        mirror.counted_at,
        mirror.records,
        mirror.rejected
    from mirror
    left join published
        on
            mirror.filled_at <= published.filled_at
            and published.models = '{{ models_hash() }}'
            and {{ are_all_tables_there() }}
)

select * from final
