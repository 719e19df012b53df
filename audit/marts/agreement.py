"""What the marts say of each other, and whom the verdicts concern: the same totals wherever the same is counted."""

from __future__ import annotations

import datetime as dt

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from audit.check import Check, compared, number

TOTALS = {
    "people": (
        ("traffic", "sum(human_events)"),
        ("actions", "sum(human_events)"),
        ("action_counts", "sum(human_events)"),
        ("bot_classes", "sum(events) filter (where class = 'people')"),
        ("bot_traffic", "sum(events) filter (where class = 'people')"),
    ),
    "bots": (
        ("traffic", "sum(bot_events)"),
        ("actions", "sum(bot_events)"),
        ("action_counts", "sum(bot_events)"),
        ("bot_classes", "sum(events) filter (where class <> 'people')"),
        ("bot_traffic", "sum(events) filter (where class <> 'people')"),
    ),
    "events": (
        ("traffic", "sum(events)"),
        ("traffic", "sum(human_events + bot_events)"),
        ("actions", "sum(events)"),
        ("actions", "sum(human_events + bot_events)"),
        ("action_counts", "sum(events)"),
        ("action_counts", "sum(human_events + bot_events)"),
        ("bot_classes", "sum(events)"),
        ("bot_traffic", "sum(events)"),
        ("products", "sum(events)"),
    ),
    "events with a status": (
        ("statuses", "sum(events)"),
        ("statuses", "sum(human_events + bot_events)"),
    ),
    "people's page requests": (
        ("traffic", "sum(human_page_requests)"),
        ("visitors", "sum(human_page_requests)"),
    ),
    "bots' page requests": (
        ("traffic", "sum(bot_page_requests)"),
        ("visitors", "sum(bot_page_requests)"),
    ),
    "bytes": (
        ("traffic", "sum(bytes)"),
        ("bot_classes", "sum(bytes)"),
    ),
    "searches": (
        ("traffic", "sum(searches)"),
        ("actions", "sum(events) filter (where action = 'search')"),
        ("action_counts", "sum(events) filter (where action = 'search')"),
    ),
    "views": (
        ("actions", "sum(events) filter (where action = 'view_product')"),
        ("action_counts", "sum(events) filter (where action = 'view_product')"),
        ("bot_classes", "sum(views)"),
        ("products", "sum(views)"),
        ("products", "sum(human_views + bot_views)"),
    ),
    "people's views": (
        ("actions", "sum(human_events) filter (where action = 'view_product')"),
        ("action_counts", "sum(human_events) filter (where action = 'view_product')"),
        ("bot_classes", "sum(views) filter (where class = 'people')"),
        ("products", "sum(human_views)"),
    ),
    "views of products": (
        ("products", "sum(views) filter (where product_id <> '')"),
        ("product_views", "sum(views)"),
    ),
    "people's views of products": (
        ("products", "sum(human_views) filter (where product_id <> '')"),
        ("product_views", "sum(human_views)"),
    ),
    "carts": (
        ("actions", "sum(events) filter (where action = 'add_to_cart')"),
        ("action_counts", "sum(events) filter (where action = 'add_to_cart')"),
        ("bot_classes", "sum(add_to_carts)"),
        ("products", "sum(add_to_carts)"),
        ("products", "sum(human_add_to_carts + bot_add_to_carts)"),
    ),
    "people's carts": (
        ("actions", "sum(human_events) filter (where action = 'add_to_cart')"),
        ("action_counts", "sum(human_events) filter (where action = 'add_to_cart')"),
        ("bot_classes", "sum(add_to_carts) filter (where class = 'people')"),
        ("products", "sum(human_add_to_carts)"),
    ),
    "carts of products": (
        ("products", "sum(add_to_carts) filter (where product_id <> '')"),
        ("product_views", "sum(add_to_carts)"),
    ),
    "people's carts of products": (
        ("products", "sum(human_add_to_carts) filter (where product_id <> '')"),
        ("product_views", "sum(human_add_to_carts)"),
    ),
    "checkouts": (
        ("actions", "sum(events) filter (where action = 'checkout')"),
        ("action_counts", "sum(events) filter (where action = 'checkout')"),
        ("payment_errors", "sum(checkouts)"),
        ("bot_classes", "sum(checkouts)"),
        ("products", "sum(checkouts)"),
        ("products", "sum(human_checkouts + bot_checkouts)"),
    ),
    "people's checkouts": (
        ("actions", "sum(human_events) filter (where action = 'checkout')"),
        ("action_counts", "sum(human_events) filter (where action = 'checkout')"),
        ("payment_errors", "sum(human_checkouts)"),
        ("bot_classes", "sum(checkouts) filter (where class = 'people')"),
        ("products", "sum(human_checkouts)"),
    ),
    "checkouts of products": (
        ("products", "sum(checkouts) filter (where product_id <> '')"),
        ("product_views", "sum(checkouts)"),
    ),
    "people's checkouts of products": (
        ("products", "sum(human_checkouts) filter (where product_id <> '')"),
        ("product_views", "sum(human_checkouts)"),
    ),
    "failed payments": (
        ("payment_errors", "sum(payment_errors)"),
        ("actions", "sum(server_errors) filter (where action = 'checkout')"),
    ),
    "people's failed payments": (
        ("payment_errors", "sum(human_payment_errors)"),
        ("actions", "sum(human_server_errors) filter (where action = 'checkout')"),
    ),
    "declined payments": (
        ("payment_errors", "sum(declined_count)"),
        ("actions", "sum(client_errors) filter (where action = 'checkout')"),
    ),
    "client errors": (
        ("traffic", "sum(client_errors)"),
        ("actions", "sum(client_errors)"),
        ("statuses", "sum(events) filter (where left(status, 1) = '4')"),
    ),
    "people's client errors": (
        ("actions", "sum(human_client_errors)"),
        ("statuses", "sum(human_events) filter (where left(status, 1) = '4')"),
    ),
    "server errors": (
        ("traffic", "sum(server_errors)"),
        ("actions", "sum(server_errors)"),
        ("statuses", "sum(events) filter (where left(status, 1) = '5')"),
    ),
    "people's server errors": (
        ("actions", "sum(human_server_errors)"),
        ("statuses", "sum(human_events) filter (where left(status, 1) = '5')"),
    ),
}
"""What is counted -> each mart that tells of it, with the total that it gives."""
OF_ONE_EDITION = {"searches", "client errors", "people's client errors", "server errors", "people's server errors"}
"""Totals of a measure or dimension that an older lake has not had from its start: they agree once it was replayed."""

CONTRADICTIONS = """
    select verdicts.ip_address, verdicts.verdict, sum(events)::bigint, count(*) over ()
    from silver.verdicts join silver.window_counts
        on dimension in ('client', 'client_day') and key = verdicts.ip_address
    where events <> 0 and window_start >= %(since)s
        and (verdict = 'convicted' and not is_bot or verdict = 'pardoned' and is_bot)
    group by verdicts.ip_address, verdicts.verdict order by verdicts.ip_address limit 1
"""


def check_agreement(cursor: Cursor, is_of_one_edition: bool = True) -> Check:
    """Compare what the marts say of the same thing. Each of them equals the counts of its own dimension.

    Where the past was counted without a measure or dimension of today, what may depend on it is left out.
    """
    compared_totals = {figure: TOTALS[figure] for figure in TOTALS if is_of_one_edition or figure not in OF_ONE_EDITION}
    first, problem = 0, ""
    for figure, sources in compared_totals.items():
        totals = [(mart, _total(cursor, mart, expression)) for mart, expression in sources]
        first = first or totals[0][1]
        if len({total for _, total in totals}) > 1 and not problem:
            said = ", ".join(f"{total:,} in {mart}" for mart, total in totals)
            problem = f"{figure}: {said}; run `make dbt FULL_REFRESH=1`"
    return compared("marts: agreement", number(len(compared_totals), "total"), f"{first:,} of people", problem)


def check_verdicts(cursor: Cursor, horizon: dt.date | None = None) -> Check:
    """Compare the counts of each client on which there is a verdict, from the horizon on, with that verdict."""
    cursor.execute("select count(*) from silver.verdicts where verdict <> 'released'")
    ((verdicts,),) = cursor.fetchall()
    cursor.execute(CONTRADICTIONS, {"since": f"{horizon} UTC" if horizon else "-infinity"})
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
