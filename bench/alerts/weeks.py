"""Weeks of labelled traffic of the generator's, counted into rows of the marts that the alerts' rules read.

Who is a bot is the truth, as if all verdicts were known and right.
"""

from __future__ import annotations

import datetime as dt
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from random import Random

from psycopg2.extensions import cursor as Cursor

from ingest.shop.event import Deed
from ingest.shop.incidents import (
    BREAKDOWN,
    FLOOD,
    NIGHT,
    OUTAGE,
    PROVIDER_DOWN,
    SLOW_CHECKOUT,
    VIRAL,
    WEEKEND,
    Incident,
)
from ingest.shop.traffic import Traffic
from lake.contracts import ADD_TO_CART, CHECKOUT, VIEW

EPOCH = 1_767_571_200.0
"""When all traffic starts: Monday, 2026-01-05 00:00 UTC."""
DAY, WEEK = 86_400.0, 7 * 86_400.0
HOUR = 3_600.0
BOTS_SHARE = 0.2
PEOPLE = ("human", "office", "fast_human")
TROUBLES = (OUTAGE, PROVIDER_DOWN, BREAKDOWN, FLOOD, VIRAL, SLOW_CHECKOUT)
MINUTES = (20.0, 40.0)
SLOTS = ((8.0, 11.0), (14.0, 17.0), (19.0, 21.0))
"""Hours of a day within which an incident starts, one in each."""
COLUMNS = {
    "traffic": ("window_start", "events", "human_events", "bot_events", "server_errors"),
    "payment_errors": (
        *("window_start", "checkouts", "payment_errors", "declined_count"),
        *("human_checkouts", "human_payment_errors"),
    ),
    "action_counts": ("window_start", "action", "human_response_ms", "human_timed_events"),
    "product_views": ("window_start", "product_id", "human_views"),
}
"""Mart -> the columns that the rules read; the key comes first."""
Rows = dict[str, dict[tuple[object, ...], Counter[str]]]


def troubles(seed: int, week: int) -> list[Incident]:
    """Return a week's incidents: three a day, of each kind in turn, at times that the seed draws."""
    rng = Random(f"troubles {seed} {week}")
    kinds = [TROUBLES[number % len(TROUBLES)] for number in range(7 * len(SLOTS))]
    rng.shuffle(kinds)
    starts = [day * DAY + rng.uniform(*slot) * HOUR for day in range(7) for slot in SLOTS]
    return [
        Incident(kind, week * WEEK + start, rng.uniform(*MINUTES) * 60)
        for kind, start in zip(kinds, starts, strict=True)
    ]


def lulls(weeks: int) -> list[Incident]:
    """Return the nights and weekends of so many weeks, of which nobody is to be told."""
    nights = [Incident(NIGHT, day * DAY, 6 * HOUR) for day in range(7 * weeks)]
    return [*nights, *(Incident(WEEKEND, week * WEEK + 5 * DAY, 2 * DAY) for week in range(weeks))]


def rows_of(seed: int, rate: float, weeks: float, incidents: Sequence[Incident]) -> Rows:
    """Return the rows of the marts after so many weeks, by mart and key; the key begins with epoch seconds."""
    rows: Rows = {mart: defaultdict(Counter) for mart in COLUMNS}
    traffic = Traffic(seed, rate, BOTS_SHARE, EPOCH, incidents=incidents)
    for deed, happened in traffic.deeds(weeks * WEEK):
        count(rows, deed, EPOCH + happened)
    return rows


def count(rows: Rows, deed: Deed, at: float) -> None:
    """Count a deed that happened at a time (epoch seconds)."""
    is_person = deed.client.kind in PEOPLE
    minute, five_minutes = (int(at // width * width) for width in (60, 300))
    is_failure = deed.status_code >= 500
    row = rows["traffic"][(minute,)]
    row["events"] += 1
    row["human_events" if is_person else "bot_events"] += 1
    row["server_errors"] += is_failure
    if deed.action == CHECKOUT:
        row = rows["payment_errors"][(minute,)]
        row["checkouts"] += 1
        row["payment_errors"] += is_failure
        row["declined_count"] += 400 <= deed.status_code < 500
        if is_person:
            row["human_checkouts"] += 1
            row["human_payment_errors"] += is_failure
    if is_person and deed.action == VIEW and 200 <= deed.status_code < 300:
        rows["product_views"][five_minutes, deed.product_id]["human_views"] += 1
    if is_person and deed.action in (VIEW, ADD_TO_CART, CHECKOUT):
        row = rows["action_counts"][five_minutes, deed.action]
        row["human_response_ms"] += deed.response_ms
        row["human_timed_events"] += 1


def store(cursor: Cursor, rows: Rows) -> None:
    """Write the rows into the marts, in place of what is there; the columns that no rule reads stay empty."""
    for mart, columns in COLUMNS.items():
        cursor.execute(f"delete from marts.{mart}")  # noqa: S608 (our own names)
        text = io.StringIO("\n".join(_lines(rows[mart], columns)))
        cursor.copy_expert(f"copy marts.{mart} ({', '.join(columns)}) from stdin", text)
        cursor.execute(f"analyze marts.{mart}")


def _lines(rows: dict[tuple[object, ...], Counter[str]], columns: Sequence[str]) -> Iterable[str]:
    for (start, *others), counts in rows.items():
        assert isinstance(start, int)
        at = dt.datetime.fromtimestamp(start, dt.timezone.utc).isoformat()
        figures = [counts[name] for name in columns[1 + len(others) :]]
        yield "\t".join(map(str, (at, *others, *figures)))
