-- One row per replay, and per undoing of one: what it moved, and whether that still holds.
{{ config(materialized='renewed', unique_key='id') }}

with recursive replay_records as (
    select * from {{ ref('replay_records') }}
),

-- Each replay with its undoing, the undoing of that, and so on: a replay that was undone twice is in force again.
chains as (
    select
        id as first_id,
        id,
        0 as undoings,
        version
    from replay_records
    where undo_of is null
    union all
    select
        chains.first_id,
        undoing.id,
        chains.undoings + 1 as undoings,
        undoing.version
    from chains
    inner join replay_records as undoing on chains.id = undoing.undo_of
),

-- What the rows of a chain say of each other changes with each of them.
states as (
    select
        first_id,
        id,
        max(undoings) over chain % 2 = 0 as is_in_force,
        lead(id) over (partition by first_id order by undoings) as undone_by,
        max(version) over chain as version
    from chains
    window chain as (partition by first_id)
),

final as (
    select
        replay_records.id,
        replay_records.client,
        replay_records.undo_of,
        states.undone_by,
        replay_records.reason,
        replay_records.rules,
        replay_records.corrections,
        replay_records.keys,
        replay_records.moved,
        replay_records.moved_events,
        replay_records.moved_views,
        replay_records.moved_add_to_carts,
        replay_records.moved_checkouts,
        replay_records.moved_payment_errors,
        replay_records.ledger_version,
        first_replay.range_start,
        first_replay.range_end,
        replay_records.done_at,
        replay_records.undo_of is null and states.is_in_force as is_in_force,
        coalesce(states.version, replay_records.version) as version
    from replay_records
    left join states on replay_records.id = states.id
    left join replay_records as first_replay on states.first_id = first_replay.id
)

select * from final
