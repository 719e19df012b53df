"""What plain Python says to the questions of docs/questions.md, from a list of events and without SQL."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeVar

from frames import START
from made_up_shop import (
    CLASSES,
    CRAWLER,
    DECISIONS,
    EVIDENCE,
    IMPOSTOR,
    REPLAYS,
    RIVAL,
    VERDICTS,
    Event,
    counted_until,
)

Row = tuple[object, ...]
Answer = Callable[[list[Event]], list[Row]]
Key = TypeVar("Key")

HOUR, ONE_DAY, WEEK = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(days=7)
MINUTE = dt.timedelta(minutes=1)
CONVICTING = 100


def ratio(part: int, whole: int, digits: int, times: int = 1) -> Decimal | None:
    """Divide and round as PostgreSQL does: halves away from zero, and nothing where there is nothing to divide by."""
    if not whole:
        return None
    return (Decimal(times * part) / whole).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def start_of(moment: dt.datetime, width: dt.timedelta) -> dt.datetime:
    """Return the start of the window of that width, of at most a day."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight + (moment - midnight) // width * width


def number(events: Iterable[Event], action: str, bots: bool | None = False) -> int:
    """Count the events of an action, of people unless it says otherwise; ``None`` counts both."""
    return sum(event.action == action and bots in (None, event.is_bot) for event in events)


def groups(events: Iterable[Event], key: Callable[[Event], Key | None]) -> dict[Key, list[Event]]:
    """Put events together that share a key; without those that have none."""
    found: dict[Key, list[Event]] = {}
    for event in events:
        if (name := key(event)) is not None:
            found.setdefault(name, []).append(event)
    return found


def by_product(events: Iterable[Event]) -> dict[str, list[Event]]:
    return groups(events, lambda event: event.product)


def days(events: Iterable[Event]) -> list[tuple[dt.datetime, list[Event]]]:
    """Return the newest two weeks of days with their events."""
    by_day = groups(events, lambda event: start_of(event.moment, ONE_DAY))
    return [(day, by_day[day]) for day in sorted(by_day, reverse=True)[:14]]


def people(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if not event.is_bot]


def pages(events: Iterable[Event]) -> list[Event]:
    return [event for event in events if event.action != "asset"]


def ranked(rows: Iterable[Row], column: int) -> list[Row]:
    """Sort rows by a column from the largest down, and by the first column where that is the same."""
    return sorted(sorted(rows, key=lambda row: str(row[0])), key=lambda row: -float(str(row[column])))


def window_of(event: Event) -> dt.datetime:
    return start_of(event.moment, dt.timedelta(seconds=10))


def products_by_people(events: list[Event]) -> list[Row]:
    rows = []
    for product, theirs in by_product(events).items():
        views, carts = number(theirs, "view_product"), number(theirs, "add_to_cart")
        rows.append((product, views, carts, ratio(carts, views, 4)))
    return ranked(rows, 1)[:10]


def never_carted(events: list[Event]) -> list[Row]:
    rows = []
    for product, theirs in by_product(events).items():
        views = number(theirs, "view_product")
        if views >= 20 and not number(theirs, "add_to_cart"):
            rows.append((product, views, number(theirs, "add_to_cart", None), max(map(window_of, theirs))))
    return ranked(rows, 1)[:20]


def people_by_hour(events: list[Event]) -> list[Row]:
    by_hour = groups(events, lambda event: start_of(event.moment, HOUR))
    looks = {hour: pages(people(theirs)) for hour, theirs in by_hour.items() if hour > max(by_hour) - ONE_DAY}
    return [(hour, len({event.address for event in looks[hour]}), len(looks[hour])) for hour in sorted(looks)]


def funnel(events: list[Event]) -> list[Row]:
    rows: list[Row] = []
    for day, theirs in days(people(events)):
        views, carts, checkouts = (number(theirs, name) for name in ("view_product", "add_to_cart", "checkout"))
        rates = ratio(carts, views, 1, 100), ratio(checkouts, carts, 1, 100)
        rows.append((day, len({event.address for event in theirs}), views, carts, checkouts, *rates))
    return rows


def slow_and_failing(events: list[Event]) -> list[Row]:
    timed: list[Row] = []
    untimed: list[Row] = []
    for action, theirs in groups(events, lambda event: event.action).items():
        times = [event.response_ms for event in theirs if event.response_ms is not None]
        human = people(theirs)
        failed, refused = (sum(event.status // 100 == kind for event in human) for kind in (5, 4))
        row = action, ratio(sum(times), len(times), 1), len(human), failed, ratio(failed, len(human), 2, 100), refused
        (timed if times else untimed).append(row)
    return [*ranked(timed, 1), *sorted(untimed, key=lambda row: str(row[0]))]


def payments(events: list[Event]) -> list[Row]:
    checkouts = [event for event in people(events) if event.action == "checkout"]
    rows: list[Row] = []
    by_hour = groups(checkouts, lambda event: start_of(event.moment, HOUR))
    for hour in sorted(by_hour, reverse=True):
        kinds = Counter(event.status // 100 for event in by_hour[hour])
        if kinds[5] or kinds[4]:
            rows.append((hour, len(by_hour[hour]), kinds[5], kinds[4], kinds[2]))
    return rows[:24]


def searches(events: list[Event]) -> list[Row]:
    found = [event for event in events if event.action == "search"]
    return [(day, number(theirs, "search"), number(theirs, "search", True)) for day, theirs in days(found)]


def now_and_before(events: list[Event]) -> list[Row]:
    end = max(start_of(event.moment, MINUTE) for event in events) + MINUTE
    rows = []
    for span, width in (("hour", HOUR), ("week", WEEK)):
        now = [event for event in people(events) if event.moment >= end - width]
        before = [event for event in people(events) if end - 2 * width <= event.moment < end - width]
        counts = [len(pages(now)), len(pages(before)), number(now, "checkout"), number(before, "checkout")]
        rows.append((span, *counts))
    return rows


def shares_of_bots(events: list[Event]) -> list[Row]:
    bots = [event for event in events if event.is_bot]
    shares = {
        "bytes": (sum(event.bytes for event in bots), sum(event.bytes for event in events)),
        "events": (len(bots), len(events)),
        "page requests": (len(pages(bots)), len(pages(events))),
    }
    return [(name, part, whole, ratio(part, whole, 1, 100)) for name, (part, whole) in shares.items()]


def classes_of_bots(events: list[Event]) -> list[Row]:
    bots = [event for event in events if event.is_bot]
    rows = []
    for name, theirs in groups(bots, lambda event: CLASSES.get(event.address, "unclear")).items():
        by_day = groups(theirs, lambda event: event.moment.date())
        most = max(len({event.address for event in day}) for day in by_day.values())
        actions = number(theirs, "view_product", True), number(theirs, "checkout", True)
        rows.append((name, most, len(theirs), sum(event.bytes for event in theirs), *actions))
    return ranked(rows, 2)


def products_by_bots(events: list[Event]) -> list[Row]:
    rows = []
    for product, theirs in by_product(events).items():
        bots, human = number(theirs, "view_product", True), number(theirs, "view_product")
        if bots:
            rows.append((product, bots, human, ratio(bots, bots + human, 1, 100)))
    return ranked(rows, 1)[:10]


def claims(events: list[Event]) -> list[Row]:
    rows = []
    for address, theirs in groups(events, lambda event: event.address).items():
        agents = Counter(event.agent for event in theirs)
        word = "no" if agents[IMPOSTOR] else "nothing speaks against it"
        rows.append((address, agents[CRAWLER] + agents[IMPOSTOR], agents[IMPOSTOR], word))
    return sorted((row for row in rows if row[1]), key=lambda row: str(row[0]))


def reasons(address: str) -> list[Row]:
    """Return reason, points, figure and threshold of each, with the verdict; one row where there is no reason."""
    verdict = VERDICTS.get(address, (None, None, None))
    evidence = EVIDENCE[address].items()
    found = [(reason, points, str(figure), from_on, *verdict) for reason, (points, figure, from_on) in evidence]
    return [*ranked(found, 1)] or [(None, None, None, None, *verdict)]


def disagreements(events: list[Event]) -> list[Row]:
    rows: list[Row] = []
    for address, evidence in EVIDENCE.items():
        score = sum(points for points, *_ in evidence.values())
        theirs = [event for event in events if event.address == address]
        is_convicted, would_convict = all(event.is_bot for event in theirs), score >= CONVICTING
        verdict = VERDICTS.get(address, (None, None, None))
        if is_convicted != would_convict or verdict[1] == "hand":
            rows.append((address, len(theirs), score, would_convict, is_convicted, *verdict))
    return ranked(rows, 1)


def unfinished(events: list[Event]) -> list[Row]:
    whole_until = min(max(map(window_of, events)) + dt.timedelta(seconds=10), counted_until(events))
    viewed = [event for event in events if event.product]
    windows: dict[str, tuple[list[Event], dt.timedelta]] = {
        "traffic": (events, MINUTE),
        "product_views": (viewed, 5 * MINUTE),
        "visitors": (events, HOUR),
        "bot_classes": (events, ONE_DAY),
    }
    starts = {(mart, start_of(event.moment, width)) for mart, (found, width) in windows.items() for event in found}
    is_open = [(start, mart) for mart, start in starts if start + windows[mart][1] > whole_until]
    newest_first = sorted(sorted(is_open, key=lambda row: row[1]), key=lambda row: row[0], reverse=True)
    return [(mart, start) for start, mart in newest_first]


def late_events(events: list[Event]) -> list[Row]:
    late = [(day, sum(event.is_late for event in theirs), len(theirs)) for day, theirs in days(events)]
    return [(day, part, ratio(part, whole, 2, 100)) for day, part, whole in late]


def statuses(events: list[Event]) -> list[Row]:
    counts = Counter(event.status for event in events)
    human = Counter(event.status for event in people(events))
    return [
        (str(status), human[status], counts[status] - human[status], ratio(counts[status], len(events), 2, 100))
        for status in sorted(counts, key=lambda status: (-counts[status], status))
    ]


def restatements(_: list[Event]) -> list[Row]:
    undone = {record.undo: record.id for record in REPLAYS if record.undo}
    rows: list[Row] = []
    for hour, record in enumerate(REPLAYS, 1):
        moved = record.moved.get("events", 0), record.moved.get("views", 0)
        is_in_force = record.undo is None and record.id not in undone
        if record.corrections:
            what = START, START + ONE_DAY, record.reason, *moved, is_in_force, undone.get(record.id)
            rows.append((START + hour * HOUR, *what))
    return rows[::-1]


def decisions(_: list[Event]) -> list[Row]:
    rows = [(START + hour * HOUR, *decision) for hour, decision in enumerate(DECISIONS, 1)]
    own = [(when, *what) for when, address, *what in rows if address == RIVAL]
    return [(*row, row == own[-1]) for row in own]


def views_in_five_minutes(events: list[Event]) -> list[tuple[dt.datetime, str, int]]:
    rows = []
    for product, theirs in by_product(events).items():
        windows = groups(theirs, lambda event: start_of(event.moment, 5 * MINUTE))
        rows += [(start, product, number(some, "view_product")) for start, some in windows.items()]
    return sorted(rows)


def kinds_of_products(events: list[Event]) -> list[Row]:
    rows: list[Row] = []
    for product, theirs in by_product(events).items():
        views, carts, checkouts = (number(theirs, name) for name in ("view_product", "add_to_cart", "checkout"))
        kinds = {"too few views": views < 20, "looked at only": not carts, "left in the cart": not checkouts}
        kind = next((name for name, fits in kinds.items() if fits), "checked out")
        rows.append((product, kind, views, 1))
    return sorted(rows, key=lambda row: str(row[0]))


def days_of_people(events: list[Event]) -> list[Row]:
    rows: list[Row] = []
    for day, theirs in days(people(events)):
        failed = sum(event.action == "checkout" and event.status >= 500 for event in theirs)
        clients = {event.address for event in theirs}
        actions = number(theirs, "view_product"), number(theirs, "checkout")
        rows.append((day, len(clients), len(pages(theirs)), *actions, failed))
    return rows
