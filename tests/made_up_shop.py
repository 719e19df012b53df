"""A made-up shop: two weeks of what people and bots did, what the marts should say of them, and the mirror's counts."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace

from frames import START, at
from mirrors import Cell, Counts, count, put_on_record

from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from lake.settings import Settings
from spark.tables.postgres import News
from spark.tables.records import Records
from spark.tables.verdicts import Verdicts

DAY = 86_400
DAYS = 15
BROWSER, CRAWLER, IMPOSTOR, TOOL = "browser", "crawler", "impostor", "tool"

GOOGLEBOT, POSER, MONITOR = "66.249.66.1", "192.0.2.10", "192.0.2.20"
WALKER, PARTNER, SUSPECT, TESTER, RIVAL = (f"203.0.113.{serial}" for serial in (5, 6, 7, 8, 9))
OFFICE = "198.51.100.2"
PEOPLE = [f"198.51.100.{serial}" for serial in range(2, 24)]

BAD_RECORDS = ("missing_time|json", "unreadable_time|access_log", "not_a_log_line|none")

Evidence = dict[str, tuple[int, int, int]]
"""Reason -> its points, the figure that was measured, and the figure from which on it counts."""


@dataclass(frozen=True)
class Event:
    """One thing that a client did."""

    moment: dt.datetime
    address: str
    action: str
    product: str | None = None
    agent: str = BROWSER
    status: int = 200
    response_ms: int | None = None
    bytes: int = 0
    is_log_line: bool = False
    is_late: bool = False

    @property
    def is_bot(self) -> bool:
        """Whether a bot did it: by a verdict where there is one, else by the agent."""
        verdict = VERDICTS.get(self.address)
        return verdict[0] == "convicted" if verdict else self.agent != BROWSER


DECISIONS = (
    (WALKER, "convicted", "marts", "catalogue_walk, no_assets", 160),
    (PARTNER, "convicted", "marts", "catalogue_walk, no_assets", 160),
    (PARTNER, "pardoned", "hand", "compares prices for us", -160),
    (RIVAL, "convicted", "hand", "looks at one product only", 6),
    (RIVAL, "released", "hand", "waits for more evidence", -6),
    (RIVAL, "convicted", "hand", "a rival", 9),
    (POSER, "convicted", "hand", "not Google", 0),
)
"""Client, verdict, who decided it and why, and how many events went to the bots; one an hour from the start on."""
VERDICTS = {address: (verdict, by, reason) for address, verdict, by, reason, _ in DECISIONS}
"""Client -> the last verdict on it, who decided it and why."""

REPLAYS = (
    ReplayRecord("r-1", reason="filters are no views", moved={"events": 0, "views": -30}, corrections=60),
    ReplayRecord("r-2", undo="r-1", reason="they are", moved={"events": 0, "views": 30}, corrections=60),
    ReplayRecord("r-3", reason="searches count", moved={"events": 12}, corrections=24),
    ReplayRecord("r-4", reason="to see whether all is well"),
)
"""One an hour, each of the first day where it is no undoing."""

REJECTED = 12
"""Records that were no events."""

WALK: Evidence = {"catalogue_walk": (75, 160, 150), "no_assets": (70, 160, 25)}
EVIDENCE: dict[str, Evidence] = {
    GOOGLEBOT: {"declared_crawler": (100, 20 * DAYS, 1)},
    POSER: {"impostor": (120, 6 * DAYS, 1), "declared_crawler": (100, 6 * DAYS, 1)},
    MONITOR: {"declared_tool": (100, 9 * DAYS, 1)},
    WALKER: WALK,
    PARTNER: WALK,
    SUSPECT: {"catalogue_walk": (75, 155, 150)},
    TESTER: {"card_testing": (100, 12, 10)},
    RIVAL: {},
}
"""Suspects, by what each was made up to do."""
CLASSES = {GOOGLEBOT: "crawler", POSER: "impostor", MONITOR: "tool", WALKER: "scraper"}
"""Bots by class. The others have no reason with a class: they are unclear."""


def made_up_events(seed: int = 7) -> list[Event]:
    """Return what happened, in no order. The same seed gives the same events."""
    chance = random.Random(seed)
    return [*_of_people(chance), *_of_declared_bots(chance), *_of_others(chance), *_of_the_last_hours()]


def fill(settings: Settings, events: list[Event]) -> None:
    """Fill the mirror with the counts of the events, the verdicts that they obey, and what else is on record."""
    count(settings, 1, counted(events))
    verdicts = Verdicts({})
    for number, (address, verdict, by, reason, moved) in enumerate(DECISIONS, 1):
        change = Change(address, verdict, reason)
        verdicts = verdicts.with_record(VerdictRecord(number, by, at_hour(number), (change,), {"events": moved}))
    replays = {
        record.id: replace(record, first=int(START.timestamp()), end=int(START.timestamp()) + DAY, at=at_hour(number))
        for number, record in enumerate(REPLAYS, 1)
    }
    news = News(counted_until(events).timestamp(), len(events) + REJECTED, REJECTED)
    put_on_record(settings, Records(verdicts, replays), 1, news)


def at_hour(number: int) -> float:
    """Return the epoch second of an hour of the first day."""
    return at(3_600 * number).timestamp()


def counted_until(events: list[Event]) -> dt.datetime:
    """Return when Kafka got the newest event: some seconds after it happened."""
    return max(event.moment for event in events) + dt.timedelta(seconds=4)


def counted(events: list[Event]) -> dict[Cell, Counts]:
    """Count events in every dimension, and beside each tenth of them a record that was rejected."""
    cells: dict[Cell, Counts] = {}
    for number, event in enumerate(events):
        window = event.moment.replace(second=event.moment.second // 10 * 10, microsecond=0)
        if number % 10 == 0:
            cells["rejected", window, BAD_RECORDS[number % 3], False] = {"events": 1}
        for dimension, key in _keys(event):
            cell = cells.setdefault((dimension, window, key, event.is_bot), {})
            for name, number in measures(event).items():
                cell[name] = cell.get(name, 0) + number
    return cells


def measures(event: Event) -> Counts:
    """Return what an event adds to each measure."""
    is_checkout, is_asset = event.action == "checkout", event.action == "asset"
    is_server_error, is_client_error = event.status >= 500, 400 <= event.status < 500
    return {
        "events": 1,
        "views": int(event.action == "view_product"),
        "add_to_carts": int(event.action == "add_to_cart"),
        "checkouts": int(is_checkout),
        "searches": int(event.action == "search"),
        "assets": int(is_asset),
        "pages": int(event.is_log_line and not is_asset),
        "client_errors": int(is_client_error),
        "server_errors": int(is_server_error),
        "payment_errors": int(is_checkout and is_server_error),
        "failed_checkouts": int(is_checkout and (is_server_error or is_client_error)),
        "not_found": int(event.status == 404),
        "late_events": int(event.is_late),
        "response_ms": event.response_ms or 0,
        "timed_events": int(event.response_ms is not None),
        "bytes": event.bytes,
        "crawler_events": int(event.agent in (CRAWLER, IMPOSTOR)),
        "impostor_events": int(event.agent == IMPOSTOR),
        "tool_events": int(event.agent == TOOL),
        "agents_1": 1,
    }


def _keys(event: Event) -> Iterator[tuple[str, str]]:
    """Return the dimensions in which an event counts, each with its key."""
    yield "all", "all"
    yield "action", event.action
    yield "client", event.address
    yield "status", f"{event.status:03d}"
    if event.product:
        yield "product", event.product


def _of_people(chance: random.Random) -> Iterator[Event]:
    """Visits: views with images, searches, carts, checkouts. From p-7 on nothing gets into a cart; few see p-10."""
    weights = [9, 8, 7, 6, 5, 4, 2, 5, 4, 1]
    for address in PEOPLE:
        for day in range(DAYS):
            if chance.random() < 0.4:
                continue
            seconds = day * DAY + chance.randrange(DAY - 3_600)
            for _ in range(chance.randrange(1, 9)):
                seconds += chance.randrange(5, 200)
                serial = chance.choices(range(1, 11), weights)[0]
                yield from _of_a_look(chance, address, seconds, serial)


def _of_a_look(chance: random.Random, address: str, seconds: int, serial: int) -> Iterator[Event]:
    product, is_late = f"p-{serial}", chance.random() < 0.05
    page = Event(at(seconds), address, "view_product", product, bytes=chance.randrange(900, 9_000), is_late=is_late)
    page = replace(page, is_log_line=True, status=404 if chance.random() < 0.03 else 200)
    yield page
    yield replace(page, action="asset", product=None, status=200)
    if chance.random() < 0.2:
        yield replace(page, action="search", product=None, is_log_line=False, response_ms=chance.randrange(900))
    if serial < 7 and chance.random() < 0.05 * serial:
        yield replace(page, moment=at(seconds + 30), action="add_to_cart", response_ms=chance.randrange(90), status=200)
        if serial > 2 and chance.random() < 0.6:
            status = chance.choice([200, 200, 200, 402, 503])
            named = product if serial != 4 else None
            yield Event(at(seconds + 90), address, "checkout", named, response_ms=70, status=status)


def _of_declared_bots(chance: random.Random) -> Iterator[Event]:
    """A crawler, one who uses its name, and a monitor that looks at one page; and one ``curl`` in an office."""
    for day in range(DAYS):
        start = day * DAY
        for _ in range(20):
            product = f"p-{chance.randrange(1, 11)}"
            yield Event(at(start + chance.randrange(DAY)), GOOGLEBOT, "view_product", product, CRAWLER)
        for _ in range(6):
            yield Event(at(start + chance.randrange(DAY)), POSER, "view_product", "p-6", IMPOSTOR, response_ms=900)
        yield Event(at(start), POSER, "other", agent=TOOL)
        for serial in range(9):
            status = 503 if day % 5 == serial == 0 else 200
            yield Event(at(start + chance.randrange(DAY)), MONITOR, "other", agent=TOOL, status=status, bytes=50)
    yield Event(at(DAY), OFFICE, "view_product", "p-1", TOOL)


def _of_others(chance: random.Random) -> Iterator[Event]:
    """Those who pose as browsers. What they do on a day is done before midnight."""
    for address, day, views, is_log_line in ((WALKER, 3, 160, True), (PARTNER, 5, 160, True), (SUSPECT, 9, 155, False)):
        for serial in range(views):
            moment = at(day * DAY + 250 * serial + chance.randrange(200))
            look = Event(moment, address, "view_product", f"p-{serial % 9 + 1}", bytes=700, is_log_line=is_log_line)
            yield replace(look, is_late=serial % 40 == 0)
    for serial in range(12):
        yield Event(at(11 * DAY + 500 * serial), TESTER, "checkout", status=402)
    for day in range(3):
        yield Event(at(day * DAY + 100), RIVAL, "view_product", "p-9")
        yield Event(at(day * DAY + 130), RIVAL, "add_to_cart", "p-9")
        yield Event(at(day * DAY + 190), RIVAL, "search", is_log_line=True)


def _of_the_last_hours() -> Iterator[Event]:
    """Something in each of the last two hours, to the newest minute and to the edges of both hours."""
    end = DAYS * DAY + 7 * 60
    for before in (0, 59, 60, 61, 90, 119, 120):
        yield Event(at(end - 60 * before), PEOPLE[5], "view_product", "p-3", bytes=10)
    yield Event(at(end - 60 * 30), PEOPLE[5], "checkout", "p-3", response_ms=80)
    yield Event(at(end - 60 * 100), PEOPLE[6], "checkout", "p-3", status=503)
    for minute, status in ((30, 402), (100, 402), (100, 503), (101, 200)):
        yield Event(at(end - 60 * minute + 7), RIVAL, "checkout", status=status)
    yield Event(at(end), RIVAL, "asset", bytes=99)
