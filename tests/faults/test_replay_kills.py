"""A replay, interrupted between any two of its writes, ends the same."""

from __future__ import annotations

import json
import signal
import time
from itertools import islice
from pathlib import Path

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


def replay_until_answered(rig: Rig, request: ReplayRequest, point: str | None = None) -> dict[str, object]:
    """Have a replay done, by a stream that dies at the failpoint and by the one that is started after it."""
    if point:
        rig.start(WEBLAKE_FAIL_AT=point)
        ask(rig.settings.requests, request)
        assert rig.stream.wait_for_end(DEATH_SECONDS) == -signal.SIGKILL, f"{point} was not reached"
        rig.faults[point] += 1
        rig.start()
    else:
        ask(rig.settings.requests, request)

    def answer() -> dict[str, object]:
        return read_answer(rig.settings.requests, request.id) or {"done": False}

    wait_until(lambda: bool(answer()["done"]), ANSWER_SECONDS, f"{request.id} is answered (log: {rig.stream.log})")
    assert "error" not in answer(), answer()
    rig.wait_until_mirrored()
    return answer()


def test_a_replay_dies_between_any_two_of_its_writes(rig: Rig) -> None:
    rules = rig.settings.data / "rules.yml"
    rules.write_text(WRONG_RULES)
    rig.environment["WEBLAKE_RULES"] = str(rules)
    now = int(time.time()) // 10 * 10
    rig.producer.send(islice(Traffic(rig.dice), 3_000))
    rig.start()
    rig.wait_until_counted()
    wrong = rig.cells()
    rig.stream.stop()
    rules.write_text(load_settings().rules_file.read_text())

    for point in (point for point in POINTS if point.startswith("replay-")):
        replay = ReplayRequest(point, now - 401 * DAY, now + DAY)
        told = replay_until_answered(rig, replay, point)
        rig.compare()
        assert told["corrections"], "the corrections are not in the record"
        rig.stream.stop()
        replay_until_answered(rig, ReplayRequest(f"{point}-undo", 0, 0, undo=point), "replay-after-record")
        assert rig.cells() == wrong
        rig.stream.stop()
    rig.start()
    last = ReplayRequest("last", now - 401 * DAY, now + DAY)
    replay_until_answered(rig, last)
    records = [json.loads(path.read_text()) for path in Path(rig.settings.replays).glob("*.json")]
    moved = {record["moved"]["views"] for record in records if not record["undo"]}
    assert len(moved) == 1, f"one replay, done over and over, is on record with different sums: {moved}"
    rig.prove()
