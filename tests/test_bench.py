"""The benchmark's own arithmetic: its counts against its own events, its comparison, its freshness."""

from __future__ import annotations

import binascii
import datetime
import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from bench.cells import first_difference
from bench.counts import MEASURES, Cells, Counts, load_window, saved_windows
from bench.live import freshness, percentile
from bench.load import backlog_window
from bench.scale import Measurement, table
from bench.traffic import BOTS, Shop, encode
from bench.usage import Meter, cpu_seconds, per_million, percent_of_a_core, trees
from bench.watch import CountWatch, Step
from lake.contracts import AGENT_GROUPS
from lake.errors import ServiceError
from lake.settings import Settings, load_settings
from lake.url_rules import load_url_rules

WINDOW = int(datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc).timestamp())
EVENTS = 20_000
FIELDS = {"all": None, "action": "action", "product": "product_id", "client": "ip_address"}
"""Dimension -> the field of a JSON event that is its key."""


@pytest.fixture(scope="module")
def sent() -> list[tuple[bytes, bool]]:
    """The records of one window in the order of sending, each with whether it is a copy."""
    return [(encode(event), is_copy) for event, is_copy in backlog_window(Shop(1), 2, WINDOW, EVENTS)]


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Cells:
    """What the loader counts of the same window, as it was saved."""
    folder = tmp_path_factory.mktemp("expected")
    counts = Counts()
    for event, is_copy in backlog_window(Shop(1), 2, WINDOW, EVENTS):
        if not is_copy:
            counts.add(event, is_late=True)
    counts.save(folder)
    assert saved_windows(folder) == [WINDOW]
    return load_window(folder, WINDOW)


def distinct(records: list[tuple[bytes, bool]]) -> list[dict[str, Any]]:
    return list({event["event_id"]: event for event in (json.loads(record) for record, _ in records)}.values())


def is_in_group(group: int, event: dict[str, Any]) -> bool:
    agent = event["user_agent"]
    return agent is not None and binascii.crc32(agent.encode()) % AGENT_GROUPS == group


def recount(events: list[dict[str, Any]], dimension: str, measure: str) -> Counter[tuple[str, bool]]:
    """Count a measure from the JSON alone."""
    applies: dict[str, Callable[[dict[str, Any]], int]] = {
        "events": lambda event: 1,
        "views": lambda event: event["action"] == "view_product",
        "add_to_carts": lambda event: event["action"] == "add_to_cart",
        "checkouts": lambda event: event["action"] == "checkout",
        "client_errors": lambda event: event["status_code"] // 100 == 4,
        "server_errors": lambda event: event["status_code"] // 100 == 5,
        "payment_errors": lambda event: event["action"] == "checkout" and event["status_code"] >= 500,
        "late_events": lambda event: 1,
        "response_ms": lambda event: round((event["response_time"] or 0) * 1000),
        "timed_events": lambda event: event["response_time"] is not None,
        "no_agent": lambda event: event["user_agent"] is None,
        "not_found": lambda event: event["status_code"] == 404,
        "failed_checkouts": lambda event: event["action"] == "checkout" and event["status_code"] >= 400,
        "crawler_events": lambda event: event["user_agent"] in BOTS,
        **{f"agents_{group}": partial(is_in_group, group) for group in range(AGENT_GROUPS)},
    }
    field = FIELDS[dimension]
    counts: Counter[tuple[str, bool]] = Counter()
    for event in events:
        key = "all" if field is None else event[field]
        if key is not None and measure in applies:
            counts[str(key), event["user_agent"] in BOTS] += int(applies[measure](event))
    return counts


def test_the_loader_sends_each_event_once_but_for_a_few_copies(sent: list[tuple[bytes, bool]]) -> None:
    copies = [record for record, is_copy in sent if is_copy]
    originals = [record for record, is_copy in sent if not is_copy]
    assert len(originals) == len(set(originals)) == len(distinct(sent)) == EVENTS
    assert set(copies) <= set(originals)
    assert 0 < len(copies) < EVENTS * 0.003


def test_records_have_about_270_bytes(sent: list[tuple[bytes, bool]]) -> None:
    assert 260 <= sum(len(record) for record, _ in sent) / len(sent) <= 285


def test_all_events_of_a_window_lie_in_it(sent: list[tuple[bytes, bool]]) -> None:
    times = [
        datetime.datetime.fromisoformat(str(event["timestamp"]).replace("Z", "+00:00")) for event in distinct(sent)
    ]
    assert {int(at.timestamp()) // 10 * 10 for at in times} == {WINDOW}


@pytest.mark.parametrize("dimension", FIELDS)
@pytest.mark.parametrize("measure", MEASURES)
def test_the_loaders_counts_are_those_of_its_events(
    sent: list[tuple[bytes, bool]], counted: Cells, dimension: str, measure: str
) -> None:
    index = MEASURES.index(measure)
    cells = {(key, is_bot): counts[index] for (name, key, is_bot), counts in counted.items() if name == dimension}
    assert {cell: count for cell, count in cells.items() if count} == +recount(distinct(sent), dimension, measure)


def test_the_loader_counts_in_every_dimension(counted: Cells) -> None:
    assert {dimension for dimension, _, _ in counted} >= set(FIELDS)


def test_the_same_seed_makes_the_same_events(sent: list[tuple[bytes, bool]]) -> None:
    again = [encode(event) for event, _ in backlog_window(Shop(1), 2, WINDOW, EVENTS)]
    assert again == [record for record, _ in sent]


def test_its_actions_are_among_the_shipped_rules(counted: Cells) -> None:
    actions = {key for dimension, key, _ in counted if dimension == "action"}
    assert actions <= set(load_url_rules(load_settings().rules_file).actions)


def cells(events: int, key: str = "p1") -> Cells:
    return {("product", key, False): [events] + [0] * (len(MEASURES) - 1), ("all", "all", True): [1] * len(MEASURES)}


def test_equal_cells_have_no_difference(counted: Cells) -> None:
    assert first_difference(counted, dict(reversed(counted.items()))) is None


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (cells(8), "product 'p1' human: events is 8 in PostgreSQL, 7 by the loader"),
        ({("all", "all", True): [1] * len(MEASURES)}, "product 'p1' human: the loader counted 7 events"),
        ({**cells(7), **cells(2, "p2")}, "product 'p2' human: PostgreSQL has 2 events, the loader sent none"),
    ],
)
def test_a_planted_difference_is_named(stored: Cells, message: str) -> None:
    difference = first_difference(cells(7), stored)
    assert difference is not None
    assert message in difference


def test_a_difference_in_any_measure_is_found(counted: Cells) -> None:
    cell = max(counted)
    for position, measure in enumerate(MEASURES):
        changed = [value + (index == position) for index, value in enumerate(counted[cell])]
        assert f": {measure} is " in (first_difference(counted, {**counted, cell: changed}) or "")


def test_freshness_is_from_append_to_the_first_count_that_includes_the_event() -> None:
    appended = [100.0, 101.0, 102.0, 103.0]
    steps = [Step(104.0, 2), Step(110.0, 4)]
    assert freshness(appended, steps, since=0.0) == [4.0, 3.0, 8.0, 7.0]
    assert freshness(appended, steps, since=101.5) == [8.0, 7.0]


def test_percentiles_are_of_the_values() -> None:
    values = [float(number) for number in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 1.0)] == [50.0, 95.0, 100.0]
    assert percentile([3.0], 0.5) == 3.0


def test_cpu_time_of_a_process_tree_is_counted() -> None:
    tree = trees([os.getpid()])[os.getpid()]
    before = cpu_seconds(tree)
    while cpu_seconds(tree) - before < 0.05:
        sum(range(100_000))
    assert trees([2**22 + 1]) == {2**22 + 1: []}


def test_a_meter_measures_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with Meter(sample_seconds=0.01) as meter:
        meter.follow("me", os.getpid())
        assert meter.cpu()["me"] > 0
        assert meter.peaks()["me"] > 0
    assert threading.active_count() == before


def test_costs_are_what_came_between_two_looks() -> None:
    before, after = {"stream": 10.0}, {"stream": 13.0}
    assert per_million(before, after, events=500_000) == {"stream": 6.0}
    assert percent_of_a_core(before, after, seconds=6.0) == {"stream": 50.0}


def test_a_watch_that_cannot_ask_ends_the_wait() -> None:
    nobody = replace(load_settings(), postgres_host="127.0.0.1", postgres_port=1)
    with CountWatch(nobody) as watch, pytest.raises(ServiceError, match="cannot be read"):
        watch.wait_for(1, check=lambda: None, say=lambda _: None)


@pytest.mark.stack
def test_a_watch_sees_the_count_move(stack_settings: Settings) -> None:
    with (
        closing(psycopg2.connect(stack_settings.postgres_dsn("pipeline"))) as pipeline,
        CountWatch(stack_settings) as watch,
    ):
        with pipeline, pipeline.cursor() as cursor:
            insert = sql.SQL(
                "insert into silver.window_counts (window_start, dimension, key, is_bot, version, {}) "
                "values (to_timestamp(0), 'all', 'watched', false, 0, {})"
            ).format(
                sql.SQL(", ").join(map(sql.Identifier, MEASURES)), sql.SQL(", ").join([sql.Literal(7)] * len(MEASURES))
            )
            cursor.execute(insert)
        assert watch.wait_for(7, check=lambda: None, say=lambda _: None).events >= 7
        with pipeline, pipeline.cursor() as cursor:
            cursor.execute("delete from silver.window_counts where key = 'watched'")


def test_a_window_is_saved_once(tmp_path: Path) -> None:
    for _ in range(2):
        counts = Counts()
        for event, _ in backlog_window(Shop(1), 2, WINDOW, 1):
            counts.add(event, is_late=False)
        if saved_windows(tmp_path):
            with pytest.raises(FileExistsError):
                counts.save(tmp_path)
        else:
            counts.save(tmp_path)


def test_a_scale_table_divides_the_largest_size_by_the_smallest() -> None:
    small, large = {"verify, s": 2.0, "never, s": 0.0}, {"verify, s": 5.0, "never, s": 0.0}
    sizes = [Measurement(1_000, small), Measurement(10_000, large)]
    head, verify, never = table(sizes).splitlines()
    assert head.split() == ["events", "1,000", "10,000", "ratio"]
    assert verify.split()[-3:] == ["2.00", "5.00", "2.50"]
    assert never.split()[-2:] == ["0.00", "0.00"]
