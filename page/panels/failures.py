"""What went wrong for those who came: payments that failed, errors of the server, and waiting."""

from __future__ import annotations

from page.panel import Panel

PAYMENTS = Panel(
    "payments",
    "Payment errors",
    {
        "series": """
            with bins as ({bins}),
            counts as (
                select
                    {bin} as bin,
                    sum({checkouts})::bigint as checkouts,
                    sum({payment_errors})::bigint as failed,
                    sum({declined_count})::bigint as declined
                from marts.payment_errors
                where window_start >= %(start)s and window_start < %(end)s
                group by 1
            )
            select
                bin as window_start, coalesce(checkouts, 0) as checkouts, coalesce(failed, 0) as failed,
                coalesce(declined, 0) as declined
            from bins
            left join counts using (bin)
            order by bin
        """,
    },
    csv="series",
)

SLOW = Panel(
    "slow",
    "Slow and broken",
    {
        "actions": """
            select
                action,
                sum({events})::bigint as events,
                sum({client_errors})::bigint as client_errors,
                sum({server_errors})::bigint as server_errors,
                round(sum({response_ms}) / nullif(sum({timed_events}), 0), 1) as avg_response_ms
            from marts.action_counts
            where window_start >= %(start)s and window_start < %(end)s
            group by action
            having sum({events}) > 0
            order by events desc, action
            limit %(most_rows)s
        """,
        "series": """
            with bins as ({bins_coarse}),
            counts as (
                select
                    {bin_coarse} as bin,
                    sum({server_errors})::bigint as server_errors,
                    sum({timed_events})::bigint as timed_events,
                    round(sum({response_ms}) / nullif(sum({timed_events}), 0), 1) as avg_response_ms
                from marts.action_counts
                where window_start >= %(start)s and window_start < %(end)s
                group by 1
            )
            select
                bin as window_start, coalesce(server_errors, 0) as server_errors,
                coalesce(timed_events, 0) as timed_events, avg_response_ms
            from bins
            left join counts using (bin)
            order by bin
        """,
    },
    csv="actions",
)
