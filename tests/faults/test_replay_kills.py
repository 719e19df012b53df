"""A replay and a verdict, interrupted between any two of their writes, end the same."""

from __future__ import annotations

import json
import time
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from faults.rig import Cells, Rig
from faults.steps import die_in, have_done
from faults.traffic import Traffic

from lake.contracts.records import Change
from lake.requests import ReplayRequest, VerdictRequest
from lake.settings import load_settings
from spark import failpoints
from stack.servers import postgres

pytestmark = pytest.mark.faults

DAY = 86_400
POINTS = [point for point in failpoints.POINTS if point.startswith("replay-")]
VERDICT_POINTS = [point for point in failpoints.POINTS if point.startswith("verdict-")]
OF_CLIENT = ("client", "client_day")
BOT_EVENTS = "select coalesce(sum(events), 0)::bigint from silver.window_counts where dimension = 'all' and is_bot"
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

    die_in(rig, ReplayRequest("right", now - 401 * DAY, now + DAY), POINTS)
    rig.compare()
    assert record(rig, "right")["moved"]["views"] == views(rig.cells()) - views(wrong) > 0
    die_in(rig, ReplayRequest("undone", 0, 0, undo="right"), POINTS[-2:])
    assert rig.cells() == wrong
    assert record(rig, "undone")["moved"]["views"] == -record(rig, "right")["moved"]["views"]
    have_done(rig, ReplayRequest("undone-undone", 0, 0, undo="undone"))
    rig.prove()


def test_a_verdict_dies_between_any_two_of_its_writes(rig: Rig) -> None:
    rig.producer.send(islice(Traffic(rig.dice), 3_000))
    rig.start()
    rig.wait_until_counted()
    cells = rig.cells()
    client = rig.dice.choice(sorted({key for dimension, _, key in cells if dimension in OF_CLIENT}))
    events = sum(number for (dimension, _, key), number in cells.items() if dimension in OF_CLIENT and key == client)
    for verdict, bot_events in (("convicted", events), ("pardoned", 0)):
        die_in(rig, VerdictRequest(verdict, "hand", (Change(client, verdict, "by the fault suite"),)), VERDICT_POINTS)
        assert postgres.query(rig.settings, "dbt", BOT_EVENTS) == [(bot_events,)]
    rig.prove()


def record(rig: Rig, name: str) -> dict[str, Any]:
    """Return what is on record of a replay."""
    found: dict[str, Any] = json.loads((Path(rig.settings.replays) / f"{name}.json").read_text())
    return found


def views(cells: Cells) -> int:
    """Return the product views among the cells."""
    return sum(
        events for (dimension, _, key), events in cells.items() if (dimension, key) == ("action", "view_product")
    )
