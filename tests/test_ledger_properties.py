"""The ledger under random histories: whatever arrives, crashes, is replayed and undone, its sums are an oracle's.

The real silver and replay write real Delta tables; a failpoint raises instead of killing the process. Hypothesis draws
the histories. A lake costs seconds, so each history has many windows, which are cases of their own: other records come
to each, in other batches, and other replays go over it.
"""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from frames import RECORD, START, at
from histories import (
    ACTIONS,
    DIMENSIONS,
    MEASURED,
    RULES,
    WINDOWS,
    Arrive,
    Oracle,
    Replay,
    Sighting,
    Step,
    Sums,
    Undo,
    Work,
    histories,
)
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as hypothesis_settings
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE, LEDGER_KEY, names
from lake.requests import ReplayAnswer, ReplayRequest, ask, read_answer
from lake.settings import Settings, load_settings
from lake.url_rules import load_url_rules
from spark import failpoints
from spark.errands import pieces
from spark.errands.replay_records import replays
from spark.events.parse import parse_records
from spark.pipeline import Pipeline
from spark.tables.delta import append_once, snapshot


class Crash(Exception):  # noqa: N818 - it is no error
    """The process dies here."""


class Lake:
    """A lake in a folder of its own, and the oracle that is told the same."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self.session = session
        self.settings: Settings = load_settings(
            {"WEBLAKE_DATA": str(folder), "WEBLAKE_RULES": str(folder / "rules.yml"), "LAKE_ROOT": str(folder / "lake")}
        )
        self.oracle = Oracle()
        self.rules = "arrival"
        self.asked: dict[str, ReplayRequest] = {}
        self.settings.rules_file.write_text(RULES[self.rules])
        self.arrival_rules = load_url_rules(self.settings.rules_file)
        self.pipeline = Pipeline(session, self.settings)

    def do(self, step: Step) -> None:
        """Take one step of a history; one that cannot be taken, such as an undoing of nothing, is left out."""
        if isinstance(step, Arrive):
            self._arrive(step.sightings)
        elif isinstance(step, Work):
            self.work(step.fail_at)
        elif isinstance(step, Replay):
            self.ask_replay(step.rules, step.first, min(WINDOWS, step.first + step.windows))
        else:
            candidates = [name for name in self.oracle.moved if name not in self.oracle.undone]
            taken = {request.undo for request in self.asked.values()}
            free = [name for name in candidates if name not in taken]
            if free:
                self._ask(0, 0, undo=free[step.choice % len(free)])

    def _arrive(self, sightings: list[Sighting]) -> None:
        """Append a batch to bronze, parsed on arrival."""
        place = len(self.oracle.arrived)
        rows = [
            (
                bytearray(sighting.value()),
                None if sighting.number is None else f"e{sighting.number}",
                0,
                place + n,
                at(WINDOWS * 10),
            )
            for n, sighting in enumerate(sightings)
        ]
        batch = snapshot(self.session, self.settings.bronze).version + 1
        parsed = parse_records(self.session.createDataFrame(rows, RECORD), self.arrival_rules)
        numbered = parsed.withColumn("batch", F.lit(batch).cast("bigint")).select(*names(BRONZE)).coalesce(1)
        append_once(numbered, self.settings.bronze, "test", batch)
        self.oracle.arrived += sightings

    def ask_replay(self, rules: str, first: int, end: int) -> str:
        """Ask for a replay of windows; the rules hold for all that is still waiting, too. Returns its id."""
        self.rules = rules
        self.settings.rules_file.write_text(RULES[rules])
        start = int(START.timestamp())
        return self._ask(start + first * 10, start + end * 10)

    def _ask(self, first: int, end: int, undo: str | None = None) -> str:
        name = f"r{len(self.oracle.moved) + len(self.asked):03}"
        self.asked[name] = ReplayRequest(name, first, end, undo=undo)
        ask(self.settings.requests, self.asked[name])
        return name

    def work(self, fail_at: str = "off") -> None:
        """Have silver catch up, or die on the way and be started anew; tell the oracle what must have happened."""
        failpoints.arm(fail_at)
        try:
            self.pipeline.count()
        except Crash:
            self.pipeline = Pipeline(self.session, self.settings)
            if fail_at.startswith("silver-"):
                return
        finally:
            failpoints.arm(failpoints.OFF)
        self.oracle.count()
        self._tell_replays()

    def _tell_replays(self) -> None:
        """Tell the oracle of the replays that are in the ledger or on record, in the order of their asking."""
        if not self.asked:
            return
        entries = self.session.read.format("delta").load(self.settings.ledger).select("entry").distinct().collect()
        done = {row["entry"].removeprefix("replay-") for row in entries}
        done |= {record.id for record in replays(self.session, self.settings)}
        for name, request in list(self.asked.items()):
            answer = read_answer(self.settings.requests, name, ReplayAnswer)
            assert answer is None or answer.error is None, answer
            if name not in done:
                return
            del self.asked[name]
            if request.undo:
                self.oracle.undo(name, request.undo)
            else:
                start = int(START.timestamp())
                windows = range((request.first - start) // 10, (request.end - start) // 10)
                self.oracle.replay(name, self.rules, windows)

    def settle(self) -> None:
        """Work until nothing is left to do."""
        self.work()
        assert not self.asked
        assert list(self.settings.requests.glob("*.json")) == []

    def sums(self) -> Sums:
        """Return those of the ledger's sums that the oracle knows and that are not 0."""
        ledger = self.session.read.format("delta").load(self.settings.ledger)
        ledger = ledger.filter(F.col("dimension").isin(*DIMENSIONS))
        added = ledger.groupBy(*names(LEDGER_KEY)).agg(*(F.sum(name).alias(name) for name in MEASURED)).collect()
        return Counter(
            {
                (row["dimension"], _window(row["window_start"]), row["key"], row["is_bot"], name): row[name]
                for row in added
                for name in MEASURED
                if row[name]
            }
        )


def _window(start: dt.datetime) -> int:
    return int(start.timestamp() - START.timestamp()) // 10


def nonzero(sums: Sums) -> Sums:
    return Counter({key: number for key, number in sums.items() if number})


def check(session: SparkSession, history: list[Step]) -> None:
    """Live through a history, and hold the ledger against the oracle; then replay all of it as it was on arrival."""
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(session, Path(folder))
        for step in history:
            lake.do(step)
        lake.settle()
        assert lake.sums() == nonzero(lake.oracle.sums)
        lake.ask_replay("arrival", 0, WINDOWS)
        lake.settle()
        assert lake.sums() == nonzero(lake.oracle.truth("arrival", len(lake.oracle.arrived)))


@pytest.fixture(autouse=True)
def crash_at_failpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash() -> None:
        raise Crash

    monkeypatch.setattr(failpoints, "die", crash)
    monkeypatch.setattr(pieces, "ROWS_PER_PIECE", 150)


def some_sightings(dice: random.Random) -> Arrive:
    places = [(dice.choice((None, 0, 1)), dice.randrange(WINDOWS * 10)) for _ in range(100)]
    return Arrive([Sighting(*place, dice.choice(ACTIONS), dice.random() < 0.3) for place in places])


def test_sums_are_the_oracles_after_a_crash_a_replay_and_its_undoing(session: SparkSession) -> None:
    dice = random.Random(20)
    counting: list[Step] = [some_sightings(dice), Work("silver-after-commit"), some_sightings(dice)]
    check(session, [*counting, Replay("with search", 5, 12), Work("replay-after-commit"), Undo(0)])


@pytest.mark.faults
@pytest.mark.parametrize("part", range(2))
def test_sums_are_the_oracles_after_ten_histories(session: SparkSession, fault_seed: int, part: int) -> None:
    options = hypothesis_settings(
        max_examples=10,
        phases=[Phase.generate],  # to make a failing history smaller would take an hour
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    try_histories = options(given(histories)(lambda history: check(session, history)))
    seed(fault_seed + part)(try_histories)()
