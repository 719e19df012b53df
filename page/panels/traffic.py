"""All events over time, and the records that count nowhere."""

from __future__ import annotations

from page.panel import Panel

TRAFFIC = Panel(
    "traffic",
    "Traffic",
    {
        "series": """
            with bins as ({bins}),
            counts as (
                select {bin} as bin, sum(human_events)::bigint as people, sum(bot_events)::bigint as bots
                from marts.traffic
                where window_start >= %(start)s and window_start < %(end)s
                group by 1
            )
            select
                bin as window_start,
                case when %(who)s <> 'bots' then coalesce(people, 0) end as people,
                case when %(who)s <> 'people' then coalesce(bots, 0) end as bots
            from bins
            left join counts using (bin)
            order by bin
        """,
        "marks": """
            select 'replay' as kind, done_at, range_start, range_end, reason, null as client, moved_events
            from marts.restatements
            where corrections > 0 and range_start < %(end)s and range_end > %(start)s
            union all
            select verdict, decided_at, decided_at, decided_at, reason, ip_address, moved_events
            from marts.verdict_history
            where is_last and decided_at >= %(start)s and decided_at < %(end)s
            order by done_at desc
            limit %(most_rows)s
        """,
    },
    csv="series",
)

REJECTED = Panel(
    "rejected",
    "Rejected",
    {
        "reasons": """
            select reason, format, sum(records)::bigint as records, max(window_start) as last_seen_at
            from marts.rejected
            where window_start >= %(start)s and window_start < %(end)s
            group by reason, format
            having sum(records) > 0
            order by records desc, reason, format
            limit %(most_rows)s
        """,
        "series": """
            with bins as ({bins_coarse}),
            counts as (
                select {bin_coarse} as bin, reason, sum(records)::bigint as records
                from marts.rejected
                where window_start >= %(start)s and window_start < %(end)s
                group by 1, 2
            ),
            reasons as (select distinct reason from counts where records > 0)
            select bin as window_start, reason, coalesce(records, 0) as records
            from bins
            cross join reasons
            left join counts using (bin, reason)
            order by reason, bin
        """,
    },
    csv="reasons",
)
