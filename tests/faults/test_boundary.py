"""The boundary before which PostgreSQL's counts are settled: the stream dies while it moves, and while counts change
behind it.
"""

from __future__ import annotations

import signal
import time

import pytest
from faults.rig import PATIENCE_SECONDS, Rig
from faults.steps import die_in, some
from faults.traffic import Traffic

from lake.contracts.mirror import CLIENT_DAY
from lake.contracts.records import Change
from lake.requests import VerdictRequest

pytestmark = pytest.mark.faults

POINTS = ("mirror-while-settling", "mirror-in-transaction", "mirror-after-transaction")
KILLS = 10
NEVER = "200000"
"""Hours: longer ago than the oldest event."""


def test_the_stream_dies_while_it_settles_what_is_no_longer_hot(rig: Rig) -> None:
    traffic = Traffic(rig.dice, late=0.5)
    rig.start(HOT_HOURS=NEVER)
    rig.producer.send(some(traffic, 3_000))
    rig.wait_until_counted()
    assert CLIENT_DAY not in {dimension for dimension, _, _ in rig.cells()}, "all of it is hot"
    rig.stream.stop()
    rig.environment["HOT_HOURS"] = "1"
    with rig.producer.streaming(traffic, per_second=100):
        for point in POINTS:
            rig.start(WEBLAKE_FAIL_AT=point)
            assert rig.stream.wait_for_end(PATIENCE_SECONDS) == -signal.SIGKILL, f"{point} was not reached"
            rig.faults[point] += 1
    rig.start()
    rig.prove()
    assert CLIENT_DAY in {dimension for dimension, _, _ in rig.cells()}, "what is old is settled"


def test_late_events_and_verdicts_change_settled_counts_while_the_stream_is_killed(rig: Rig) -> None:
    rig.environment["HOT_HOURS"] = "0"
    traffic = Traffic(rig.dice, late=0.9)
    rig.start()
    rig.producer.send(some(traffic, 2_000))
    rig.wait_until_counted()
    with rig.producer.streaming(traffic, per_second=100):
        for _ in range(KILLS):
            time.sleep(rig.dice.uniform(0, 4))
            rig.stream.kill()
            rig.faults["stream killed"] += 1
            rig.start()
            rig.wait_until_working()
    settled = sorted({key for dimension, _, key in rig.cells() if dimension == CLIENT_DAY})
    for verdict in ("convicted", "pardoned"):
        change = Change(rig.dice.choice(settled), verdict, "by the fault suite")
        die_in(rig, VerdictRequest(verdict, "hand", (change,)), ("verdict-after-commit", *POINTS))
    rig.prove()
