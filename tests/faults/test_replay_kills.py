"""A replay, interrupted between any two of its writes, ends the same."""

from __future__ import annotations

import json
import signal
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from faults.rig import Rig
from faults.traffic import Traffic

from lake.failpoints import POINTS
from lake.requests import ReplayRequest, ask, read_answer
from lake.settings import load_settings
from stack.waiting import wait_until

pytestmark = pytest.mark.faults

DAY = 86_400
DEATH_SECONDS = 120
ANSWER_SECONDS = 120
WRONG_RULES = "rules: [{action: view_product, pattern: '^/item/'}]\nactions: [view_product, add_to_cart, checkout]\n"


def test_a_replay_dies_between_any_two_of_its_writes(rig: Rig) -> None:
    rules = rig.settings.data / "rules.yml"
    rules.write_text(WRONG_RULES)
    rig.environment["WEBLAKE_RULES"] = str(rules)
    now = int(time.time()) // 10 * 10
    rig.producer.send(islice(Traffic(rig.dice), 3_000))
    rig.start()
    rig.wait_until_counted()
    wrong = rig.cells()
    rules.write_text(load_settings().rules_file.read_text())

    views = set()
    for point in POINTS:
        if point.startswith("replay-"):
            die_in_replay(rig, ReplayRequest(point, now - 401 * DAY, now + DAY), point)
            views.add(record(rig, point)["moved"]["views"])
            rig.compare()
            do_replay(rig, ReplayRequest(f"{point}-undone", 0, 0, undo=point))
            assert rig.cells() == wrong
    assert len(views) == 1, f"the same replay, done over and over, is on record with different sums: {views}"

    do_replay(rig, ReplayRequest("last", now - 401 * DAY, now + DAY))
    die_in_replay(rig, ReplayRequest("undone", 0, 0, undo="last"), "replay-after-record")
    assert rig.cells() == wrong
    do_replay(rig, ReplayRequest("undone-undone", 0, 0, undo="undone"))
    rig.prove()


def die_in_replay(rig: Rig, request: ReplayRequest, point: str) -> None:
    """Have a replay done by a stream that dies at the failpoint, and by the one that is started after it."""
    rig.stream.stop()
    rig.start(WEBLAKE_FAIL_AT=point)
    ask(rig.settings.requests, request)
    assert rig.stream.wait_for_end(DEATH_SECONDS) == -signal.SIGKILL, f"{point} was not reached"
    rig.faults[point] += 1
    rig.start()
    do_replay(rig, request)


def do_replay(rig: Rig, request: ReplayRequest) -> None:
    """Have a replay done, unless it is being done, and wait until PostgreSQL has it."""
    ask(rig.settings.requests, request)

    def answer() -> dict[str, Any]:
        return read_answer(rig.settings.requests, request.id) or {"done": False}

    wait_until(lambda: bool(answer()["done"]), ANSWER_SECONDS, f"{request.id} is answered (log: {rig.stream.log})")
    assert "error" not in answer(), answer()
    rig.wait_until_mirrored()


def record(rig: Rig, name: str) -> dict[str, Any]:
    """Return what is on record of a replay."""
    found: dict[str, Any] = json.loads((Path(rig.settings.replays) / f"{name}.json").read_text())
    return found
