"""The marts of what the tool itself did, in plain SQL over PostgreSQL's bookmark and records."""

from __future__ import annotations

from audit.marts.mart import Mart

FRESHNESS = Mart(
    "freshness",
    ("version",),
    (
        *("records", "rejected", "rejected_share", "lag_seconds", "newest_event_at", "last_whole_hour"),
        *("last_whole_day", "counted_until", "mirrored_at"),
    ),
    """
    select version, records, rejected, round(1.0 * rejected / nullif(records, 0), 4) as rejected_share,
        round(extract(epoch from counted_at) - extract(epoch from counted_until), 1) as lag_seconds,
        to_timestamp(newest) as newest_event_at, counted_until, moved_at as mirrored_at,
        to_timestamp((whole / 3600 - 1) * 3600) as last_whole_hour,
        to_timestamp((whole / 86400 - 1) * 86400) as last_whole_day
    from silver.bookmark
    cross join (
        select max(extract(epoch from window_start)::bigint) + 10 as newest from cells
        where dimension = 'all' and events <> 0
    ) as windows
    cross join lateral (
        select case when floor(extract(epoch from counted_until)) < newest
            then floor(extract(epoch from counted_until))::bigint else newest end as whole
    ) as ends
    """,
)
VERDICT_HISTORY = Mart(
    "verdict_history",
    ("number", "ip_address"),
    (
        *("clients", "verdict", "decided_by", "reason", "is_last", "moved_events", "moved_views"),
        *("moved_add_to_carts", "moved_checkouts", "moved_payment_errors", "decided_at", "version"),
    ),
    """
    select own.number, {client} as ip_address, own.clients, own.verdict, own.decided_by, own.reason, own.decided_at,
        next.number is null as is_last,
        case when next.version > own.version then next.version else own.version end as version,
        coalesce((own.moved -> 'events')::bigint, 0) as moved_events,
        coalesce((own.moved -> 'views')::bigint, 0) as moved_views,
        coalesce((own.moved -> 'add_to_carts')::bigint, 0) as moved_add_to_carts,
        coalesce((own.moved -> 'checkouts')::bigint, 0) as moved_checkouts,
        coalesce((own.moved -> 'payment_errors')::bigint, 0) as moved_payment_errors
    from silver.verdict_records as own
    left join lateral (
        select number, version from silver.verdict_records as later
        where later.ip_address = own.ip_address and later.number > own.number order by number limit 1
    ) as next on true
    """,
    client="own.ip_address",
)
RESTATEMENTS = Mart(
    "restatements",
    ("id",),
    (
        *("corrections", "keys", "client", "undo_of", "undone_by", "is_in_force", "reason", "rules", "moved"),
        *("moved_events", "moved_views", "moved_add_to_carts", "moved_checkouts", "moved_payment_errors"),
        *("ledger_version", "range_start", "range_end", "done_at", "version"),
    ),
    """
    with recursive upwards as (  -- from each replay to the one that it undoes, and so on to the first
        select id, id as above, undo_of, 0 as steps from silver.replay_records
        union all
        select upwards.id, undone.id, undone.undo_of, steps + 1
        from upwards join silver.replay_records as undone on undone.id = upwards.undo_of
    ),
    firsts as (select id, above as first, steps from upwards where undo_of is null),
    chains as (
        select first, max(steps) as steps, max(version) as version
        from firsts join silver.replay_records using (id) group by first
    )
    select own.id, own.corrections, own.keys, {client} as client, own.undo_of, undoing.id as undone_by,
        own.undo_of is null and mod(chains.steps, 2) = 0 as is_in_force, own.reason, own.rules, own.moved,
        coalesce((own.moved -> 'events')::bigint, 0) as moved_events,
        coalesce((own.moved -> 'views')::bigint, 0) as moved_views,
        coalesce((own.moved -> 'add_to_carts')::bigint, 0) as moved_add_to_carts,
        coalesce((own.moved -> 'checkouts')::bigint, 0) as moved_checkouts,
        coalesce((own.moved -> 'payment_errors')::bigint, 0) as moved_payment_errors,
        own.ledger_version, first.range_start, first.range_end, own.done_at,
        coalesce(chains.version, own.version) as version
    from silver.replay_records as own
    left join firsts on firsts.id = own.id
    left join chains on chains.first = firsts.first
    left join silver.replay_records as first on first.id = firsts.first
    left join silver.replay_records as undoing on undoing.undo_of = own.id and firsts.id is not null
    """,
    client="own.client",
)

HISTORY_MARTS = (FRESHNESS, VERDICT_HISTORY, RESTATEMENTS)
