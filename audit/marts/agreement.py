"""What the marts say of each other, and whom the verdicts concern: the same totals wherever the same is counted."""

from __future__ import annotations

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from audit.check import Check, compared, number

TOTALS = {
    "people": {
        "traffic": "sum(human_events)",
        "actions": "sum(human_events)",
        "action_counts": "sum(human_events)",
        "bot_classes": "sum(events) filter (where class = 'people')",
        "bot_traffic": "sum(events) filter (where class = 'people')",
    },
    "bots": {
        "traffic": "sum(bot_events)",
        "actions": "sum(bot_events)",
        "action_counts": "sum(bot_events)",
        "bot_classes": "sum(events) filter (where class <> 'people')",
        "bot_traffic": "sum(events) filter (where class <> 'people')",
    },
    "people's page requests": {"traffic": "sum(human_page_requests)", "visitors": "sum(human_page_requests)"},
    "bots' page requests": {"traffic": "sum(bot_page_requests)", "visitors": "sum(bot_page_requests)"},
    "bytes": {"traffic": "sum(bytes)", "bot_classes": "sum(bytes)"},
    "views": {
        "actions": "sum(events) filter (where action = 'view_product')",
        "bot_classes": "sum(views)",
    },
    "carts": {
        "actions": "sum(events) filter (where action = 'add_to_cart')",
        "bot_classes": "sum(add_to_carts)",
    },
    "checkouts": {
        "actions": "sum(events) filter (where action = 'checkout')",
        "payment_errors": "sum(checkouts)",
        "bot_classes": "sum(checkouts)",
    },
    "views of products": {"products": "sum(views)", "product_views": "sum(views)"},
    "people's views of products": {"products": "sum(human_views)", "product_views": "sum(human_views)"},
    "people's checkouts of products": {"products": "sum(human_checkouts)", "product_views": "sum(human_checkouts)"},
}
"""What is counted -> mart -> the total that it gives of it."""

CONTRADICTIONS = """
    select verdicts.ip_address, verdicts.verdict, sum(events)::bigint, count(*) over ()
    from silver.verdicts join silver.window_counts on dimension = 'client' and key = verdicts.ip_address
    where events <> 0 and (verdict = 'convicted' and not is_bot or verdict = 'pardoned' and is_bot)
    group by verdicts.ip_address, verdicts.verdict order by verdicts.ip_address limit 1
"""


def check_agreement(cursor: Cursor) -> Check:
    """Compare what the marts say of the same thing. Each of them equals the counts of its own dimension."""
    first, problem = 0, ""
    for figure, marts in TOTALS.items():
        totals = {mart: _total(cursor, mart, expression) for mart, expression in marts.items()}
        first = first or next(iter(totals.values()))
        if len(set(totals.values())) > 1 and not problem:
            said = ", ".join(f"{total:,} in {mart}" for mart, total in totals.items())
            problem = f"{figure}: {said}; run `make dbt FULL_REFRESH=1`"
    return compared("marts: agreement", number(len(TOTALS), "total"), f"{first:,} of people", problem)


def check_verdicts(cursor: Cursor) -> Check:
    """Compare the counts of each client on which there is a verdict with that verdict."""
    cursor.execute("select count(*) from silver.verdicts where verdict <> 'released'")
    ((verdicts,),) = cursor.fetchall()
    cursor.execute(CONTRADICTIONS)
    problem = ""
    for address, verdict, events, clients in cursor.fetchall():
        side = "people" if verdict == "convicted" else "bots"
        problem = f"first: {address} is {verdict}, but {number(events, 'event')} of it stand among the {side}"
        problem += f"; {number(clients, 'client')} so"
    return compared("PostgreSQL: verdicts", number(verdicts, "verdict"), "as counted", problem)


def _total(cursor: Cursor, mart: str, expression: str) -> int:
    select = sql.SQL("select coalesce({}, 0)::bigint from {}")
    cursor.execute(select.format(sql.SQL(expression), sql.Identifier("marts", mart)))
    ((total,),) = cursor.fetchall()
    return int(total)
