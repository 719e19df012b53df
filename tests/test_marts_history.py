"""Random histories of the marts: after any order of events, verdicts, replays and runs, they are a full build's."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import pytest
from frames import START
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from mirrors import Cell, Counts, count, execute

from audit.check import Verdict
from audit.marts import MARTS, check_marts
from audit.scope import Scope
from lake.settings import Settings
from marts.build import Marts, build
from stack.servers import postgres

pytestmark = [pytest.mark.stack, pytest.mark.faults]

CLIENTS = {
    "192.0.2.1": {"agents_1": 1},
    "192.0.2.2": {"impostor_events": 1},
    "198.51.100.9": {"no_agent": 1, "pages": 1},
}
"""Clients, and what an event of theirs counts besides what it is."""
ACTIONS = {
    "view_product": {"views": 1, "pages": 1, "response_ms": 40, "timed_events": 1},
    "add_to_cart": {"add_to_carts": 1, "posts": 1},
    "checkout": {"checkouts": 1, "payment_errors": 1, "failed_checkouts": 1, "server_errors": 1},
    "asset": {"assets": 1, "bytes": 900},
    "search": {"searches": 1},
}
STATUSES = {"checkout": "503"}
SPOTS = [0, 7, 50, 3_600, 86_390, 86_400, 40 * 86_400]
"""Seconds of START at which events happen: in one minute, in one day, on either side of midnight, and far away."""


@dataclass(frozen=True)
class Arrive:
    """Some events of one kind arrive, however late."""

    client: str
    action: str
    product: str | None
    second: int
    number: int


@dataclass(frozen=True)
class Judge:
    """A client's events, past and future, go to one side."""

    client: str
    verdict: str


@dataclass(frozen=True)
class Replay:
    """All views of a product become pages that show none, or the other way round."""

    product: str


@dataclass(frozen=True)
class Reject:
    """All events of a spot are rejected by other rules, or count again; the newest event may be among them."""

    second: int


@dataclass(frozen=True)
class Build:
    """The marts follow the mirror."""


Step = Arrive | Judge | Replay | Reject | Build
ARRIVALS = st.builds(
    Arrive,
    st.sampled_from(sorted(CLIENTS)),
    st.sampled_from(sorted(ACTIONS)),
    st.sampled_from(["p-1", "p-2", None]),
    st.sampled_from(SPOTS),
    st.integers(1, 90),
)
STEPS = st.one_of(
    ARRIVALS,
    ARRIVALS,
    st.builds(Judge, st.sampled_from(sorted(CLIENTS)), st.sampled_from(["convicted", "pardoned", "released"])),
    st.builds(Replay, st.sampled_from(["p-1", "p-2"])),
    st.builds(Reject, st.sampled_from(SPOTS)),
    st.builds(Build),
)


@dataclass
class Shop:
    """What was counted so far, and the mirror that is told of it."""

    settings: Settings
    version: int
    events: Counter[Arrive] = field(default_factory=Counter)
    verdicts: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    rejected: set[int] = field(default_factory=set)

    def cells(self) -> Counter[tuple[Cell, str]]:
        """Return the sums as they stand: (cell, measure) -> number."""
        sums: Counter[tuple[Cell, str]] = Counter()
        for event, number in self.events.items():
            if event.second in self.rejected:
                continue
            is_hidden = event.action == "view_product" and event.product in self.hidden
            action = "page" if is_hidden else event.action
            own = {"pages": 1} if is_hidden else ACTIONS[event.action]
            measures = Counter({"events": 1}) + Counter(own) + Counter(CLIENTS[event.client])
            keys = {"all": "all", "client": event.client, "action": action, "status": STATUSES.get(action, "200")}
            if event.product and not is_hidden:
                keys["product"] = event.product
            window = START + dt.timedelta(seconds=event.second // 10 * 10)
            is_bot = self.verdicts.get(event.client) == "convicted"
            for dimension, key in keys.items():
                for name, value in measures.items():
                    sums[(dimension, window, key, is_bot), name] += value * number
        return sums

    def take(self, step: Step) -> None:
        """Do a step, and tell the mirror the difference that it makes."""
        before = self.cells()
        if isinstance(step, Arrive):
            self.events[Arrive(step.client, step.action, step.product, step.second, 0)] += step.number
        elif isinstance(step, Judge):
            self.verdicts[step.client] = step.verdict
            self.put_verdict(step)
        elif isinstance(step, Replay):
            self.hidden ^= {step.product}
        elif isinstance(step, Reject):
            self.rejected ^= {step.second}
        after = self.cells()
        self.version += 1
        changed: dict[Cell, Counts] = {}
        for cell, name in before.keys() | after.keys():
            if added := after[cell, name] - before[cell, name]:
                changed.setdefault(cell, {})[name] = added
        if changed:
            count(self.settings, self.version, changed)

    def put_verdict(self, step: Judge) -> None:
        execute(
            self.settings,
            f"insert into silver.verdicts values ('{step.client}', '{step.verdict}', 'hand', 'a test', now(), "
            f"{self.version}) on conflict (ip_address) do update set verdict = excluded.verdict",
        )


def shown(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all marts, without the version in which they changed, which no full build knows."""
    query = "select (to_jsonb(mart) - 'version')::text from marts.{} as mart order by 1"
    return {mart.name: postgres.query(settings, "analyst", query.format(mart.name)) for mart in MARTS}


def test_the_marts_after_any_history_are_those_of_a_build_from_the_start(
    shop: Settings, marts: Marts, fault_seed: int
) -> None:
    @seed(fault_seed)
    @settings(
        max_examples=4, phases=[Phase.generate], deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(st.lists(STEPS, min_size=4, max_size=9))
    def history_ends_as_a_build_from_the_start(steps: list[Step]) -> None:
        execute(shop, "delete from silver.window_counts; delete from silver.verdicts")
        execute(shop, "update silver.bookmark set filled_at = now()")
        ((version,),) = execute(shop, "select coalesce(max(version), 0) from silver.bookmark")
        lived = Shop(shop, version)
        lived.take(Arrive("192.0.2.1", "view_product", "p-1", 0, 3))
        for step in steps:
            build(marts, shop) if isinstance(step, Build) else lived.take(step)
        build(marts, shop)
        followed = shown(shop)
        checks = check_marts(shop, Scope(), patience_seconds=0)
        assert {check.name: check.note for check in checks if check.verdict is not Verdict.OK} == {}
        build(marts, shop, full_refresh=True)
        assert shown(shop) == followed

    history_ends_as_a_build_from_the_start()
