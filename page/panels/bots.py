"""The bots: their classes over time, and the clients that are suspected, with what speaks against each."""

from __future__ import annotations

from page.panel import Panel

BOTS = Panel(
    "bots",
    "Bots",
    {
        "suspects": """
            select
                ip_address,
                class,
                score,
                reasons,
                is_convicted,
                verdict,
                decided_by,
                {suspect_events} as events,
                first_seen_at,
                last_seen_at
            from marts.bots
            where
                last_seen_at >= %(start)s
                and first_seen_at < %(end)s
                and {suspect_events} > 0
            order by events desc, ip_address
            limit %(most_rows)s
        """,
        "series": """
            with bins as ({bins_coarse}),
            counts as (
                select {bin_coarse} as bin, class, sum(events)::bigint as events
                from marts.bot_traffic
                where
                    window_start >= %(start)s
                    and window_start < %(end)s
                    and (%(who)s = 'all' or (class = 'people') = (%(who)s = 'people'))
                group by 1, 2
            ),
            classes as (select distinct class from counts where events > 0)
            select bin as window_start, class, coalesce(events, 0) as events
            from bins
            cross join classes
            left join counts using (bin, class)
            order by class, bin
        """,
    },
    csv="suspects",
    parts={
        "suspect_events": """
            case %(who)s when 'people' then events - bot_events when 'bots' then bot_events else events end
        """,
    },
)
