"""What the audit of the marts is tried on: suspects that just meet a rule, people, and what is on record of them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator

from frames import START
from mirrors import Cell, Counts

from lake.contracts import DIMENSIONS
from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from spark.tables.verdicts import Verdicts

SUSPECTS: dict[str, Counts] = {
    "192.0.2.1": {"events": 30, "impostor_events": 30, "crawler_events": 30, "agents_0": 30},
    "192.0.2.2": {"events": 40, "tool_events": 30, "crawler_events": 9, "no_agent": 25},
    "192.0.2.3": {"events": 26, "probes": 10, "client_errors": 9, "not_found": 9},
    "192.0.2.4": {
        "events": 26,
        "checkouts": 22,
        "failed_checkouts": 20,
        "payment_errors": 3,
        "server_errors": 3,
        "client_errors": 17,
    },
    "192.0.2.5": {"events": 160, "views": 155, "pages": 160, "assets": 2, "add_to_carts": 1},
    "192.0.2.6": {"events": 45, "posts": 24, "pages": 45, "robots_reads": 1},
    "192.0.2.7": {"events": 100, "no_agent": 60, "not_found": 55, "client_errors": 55, "pages": 90},
    "192.0.2.8": {"events": 60, "agents_0": 15, "agents_1": 15, "agents_2": 15, "agents_3": 15, "probes": 20},
    "192.0.2.9": {
        "events": 400,
        "views": 200,
        "add_to_carts": 8,
        "checkouts": 5,
        "failed_checkouts": 1,
        "client_errors": 1,
        "probes": 99,
    },
    "192.0.2.10": {
        "events": 90,
        "impostor_events": 90,
        "crawler_events": 90,
        "searches": 60,
        "add_to_carts": 8,
        "checkouts": 5,
        "robots_reads": 2,
    },
    "192.0.2.11": {  # a proxy: many agents, which shop, beside whoever guesses pages and passwords
        "events": 900,
        "views": 300,
        "add_to_carts": 9,
        "checkouts": 60,
        "failed_checkouts": 50,
        "client_errors": 50,
        "not_found": 400,
        "probes": 300,
        "posts": 90,
        "searches": 70,
        "robots_reads": 1,
        "crawler_events": 700,
        "agents_0": 800,
        "agents_1": 20,
        "agents_2": 20,
        "agents_3": 60,
    },
    "192.0.2.12": {  # many agents that shop, of which nearly all is one attack
        "events": 1000,
        "views": 12,
        "add_to_carts": 5,
        "checkouts": 3,
        "not_found": 950,
        "probes": 950,
        "agents_0": 940,
        "agents_1": 20,
        "agents_2": 20,
        "agents_3": 20,
    },
    "192.0.2.13": {"events": 300, "views": 200, "agents_0": 60, "agents_1": 60, "agents_2": 60, "agents_3": 60},
    "192.0.2.0": {"events": 300, "probes": 299, "no_agent": 299},
    "shop.example": {"events": 300, "probes": 299, "views": 1, "no_agent": 299},
    "2001:db8:1:2::9": {"events": 80, "views": 40, "assets": 39, "pages": 41},
    "erased": {"events": 3, "views": 3},
    **{f"203.0.113.{serial}": {"events": 70, "views": 40 + serial, "assets": 20} for serial in range(12)},
    **{f"2001:db8::{serial}": {"events": 40, "views": 30 + serial, "assets": 5} for serial in range(11)},
}
STEADY = "198.51.100.1"
PEOPLE = [f"198.51.100.{serial}" for serial in range(2, 20)]
CONVICTED = PEOPLE[0]
FAILURES = ("failed_checkouts", "payment_errors", "client_errors", "server_errors")
AT = START.timestamp()
OUR_OWN, RIVAL = Change("192.0.2.3", "pardoned", "our own"), Change(CONVICTED, "convicted", "a rival")
MISTAKEN = VerdictRecord(
    1, "marts", AT, (Change("192.0.2.3", "convicted", "probing"), RIVAL), {"events": 9, "views": 4}
)
VERDICTS = Verdicts({}).with_record(MISTAKEN).with_record(VerdictRecord(2, "hand", AT + 60, (OUR_OWN,), {"events": -2}))
REPLAYS = {
    "a": ReplayRecord("a", 0, 600, at=AT, corrections=4, moved={"views": 2, "events": 1}, keys=3, rules={"urls": "1f"}),
    "b": ReplayRecord("b", undo="a", at=AT + 60, corrections=4, moved={"views": -2, "events": -1}, ledger_version=1),
    "c": ReplayRecord("c", undo="b", at=AT + 90, corrections=4, moved={"views": 2, "events": 1}, reason="no mistake"),
    "d": ReplayRecord("d", 600, 900, CONVICTED, at=AT + 99),
    "e": ReplayRecord("e", undo="d", at=AT + 120),
    "f": ReplayRecord("f", undo="gone", at=AT + 150),
}
ACTIONS = {"view_product": "views", "add_to_cart": "add_to_carts", "checkout": "checkouts", "search": "searches"}


def by_action(counts: Counts) -> Iterator[tuple[str, Counts]]:
    """Share counts out among the actions: each event has one."""
    rest = dict(counts)
    for action, measure in ACTIONS.items():
        if number := rest.pop(measure, 0):
            rest["events"] -= number
            failures = {name: rest.pop(name, 0) for name in FAILURES} if action == "checkout" else {}
            yield action, {"events": number, measure: number, **failures}
    yield "other", rest


def by_status(counts: Counts) -> Iterator[tuple[str, Counts]]:
    """Share events out among the statuses that their errors have."""
    errors = {"404": counts.get("client_errors", 0), "503": counts.get("server_errors", 0)}
    for status, number in (("200", counts["events"] - sum(errors.values())), *errors.items()):
        yield status, {"events": number}


def traffic(chance: random.Random) -> dict[Cell, Counts]:
    """Return counts of all dimensions that agree with each other, on two days, and some rejected records."""
    cells: dict[Cell, Counts] = {("rejected", START, "not_a_log_line|none", False): {"events": 3}}

    def add(address: str, seconds: int, counts: Counts) -> None:
        window = START + dt.timedelta(seconds=seconds // 10 * 10)
        is_bot = address == CONVICTED or bool(counts.get("crawler_events") or counts.get("tool_events"))
        own = {"all": "all", "client": address, "product": f"p-{seconds % 3}"}
        parts = [(name, own[name], counts) for name in DIMENSIONS if name in own]
        parts += [("action", action, part) for action, part in by_action(counts)]
        parts += [("status", status, part) for status, part in by_status(counts)]
        for dimension, key, part in parts:
            cell = cells.setdefault((dimension, window, key, is_bot), {})
            for name, number in part.items():
                cell[name] = cell.get(name, 0) + number

    for address, counts in SUSPECTS.items():
        add(address, chance.randrange(86_400), counts)
        add(address, chance.randrange(600), {"events": 1, "response_ms": chance.randrange(900), "timed_events": 1})
    first = chance.randrange(60)
    for minute in range(first, first + 55):
        add(STEADY, 60 * minute + chance.randrange(50), {"events": 1, "pages": 1, "agents_2": 1})
    for address in PEOPLE:
        for _ in range(chance.randrange(1, 90)):
            seen = {
                "events": 3,
                "views": 1,
                "assets": 1,
                "late_events": 1,
                "agents_1": 3,
                "bytes": chance.randrange(999),
            }
            add(address, chance.choice([chance.randrange(4_000), chance.randrange(86_400)]), seen)
    return cells
