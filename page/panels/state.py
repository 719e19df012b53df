"""How the stack is, and what happens now. Neither follows the period: both tell of the newest counts."""

from __future__ import annotations

from page.panel import Panel

STATE = Panel(
    "state",
    "State",
    {
        "state": """
            select looked_at, state, problems, unknown, unfinished, report -> 'advice' as advice
            from ops.state
        """,
        "counts": """
            select
                build_info.version, build_info.built_at, freshness.counted_until, freshness.newest_event_at,
                freshness.records, freshness.rejected, freshness.lag_seconds
            from marts.build_info
            left join marts.freshness on true
        """,
        "verified": """
            select verified_at, verdict, scope, is_whole, is_deep, passed, failed, unchecked
            from ops.verified
            order by verified_at desc
            limit 1
        """,
        "restatements": """
            select done_at, id, reason, range_start, range_end, moved_events, is_in_force, undo_of
            from marts.restatements
            where corrections > 0
            order by done_at desc
            limit 3
        """,
        "alerts": """
            select opened_at, rule, level, sentence, to_jsonb(alerts) ->> 'next_step' as next_step
            from ops.alerts
            where closed_at is null
            order by opened_at desc
            limit 20
        """,
    },
    csv="counts",
    needs={"counts": "marts.build_info", "restatements": "marts.restatements", "alerts": "ops.alerts"},
    is_of_state=True,
)

NOW = Panel(
    "now",
    "Now",
    {
        "minutes": """
            with newest as (
                select date_trunc('minute', least(build_info.built_at, freshness.counted_until)) as ends_at
                from marts.build_info
                left join marts.freshness on true
            ),
            minutes as (
                select minute
                from newest
                cross join generate_series(ends_at - interval '60 minutes', ends_at - interval '1 minute', '1 minute')
                    as minute
            )
            select
                minute as window_start,
                case when %(who)s <> 'bots' then coalesce(traffic.human_events, 0) end as people,
                case when %(who)s <> 'people' then coalesce(traffic.bot_events, 0) end as bots,
                coalesce(traffic.carts, 0) as carts,
                coalesce(payments.checkouts, 0) as checkouts,
                coalesce(payments.failed, 0) as failed_payments
            from minutes
            left join (
                select window_start, human_events, bot_events, {add_to_carts} as carts
                from marts.traffic
                where window_start >= (select min(minute) from minutes)
            ) as traffic on minute = traffic.window_start
            left join (
                select window_start, {checkouts} as checkouts, {payment_errors} + {declined_count} as failed
                from marts.payment_errors
                where window_start >= (select min(minute) from minutes)
            ) as payments on minute = payments.window_start
            order by minute
        """,
    },
    csv="minutes",
)
