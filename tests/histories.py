"""Random histories of a ledger: what arrives, crashes, is replayed and undone; and an oracle of its sums after them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field

from frames import LINE, at, iso
from hypothesis import strategies as st

from spark import failpoints

WINDOWS = 30
AGENTS = {False: "Mozilla/5.0 Firefox/131.0", True: "Googlebot/2.1"}
ACTIONS = ["view_product", "view_product", "checkout", "search", "line", "garbage"]
DIMENSIONS = ("all", "client", "product", "action")
MEASURED = ("events", "views", "checkouts")
POINTS = [point for point in failpoints.POINTS if point.startswith(("silver-", "replay-"))]
RULES = {
    "arrival": "rules: [{action: view_product, pattern: '^/product/(?<product>[^/]+)'}]\n"
    "actions: [view_product, checkout]\n",
    "with search": "rules: [{action: view_product, pattern: '^/product/(?<product>[^/]+)'}]\n"
    "actions: [view_product, checkout, search]\n",
    "no products": "rules: [{action: page, pattern: '^/product/'}]\nactions: [view_product]\n",
}
Sums = Counter[tuple[str, int, str, bool, str]]


@dataclass(frozen=True)
class Sighting:
    """One record; of records with one ``number`` in one window, the first good one counts. ``second`` of START."""

    number: int | None
    second: int
    action: str
    is_bot: bool

    def value(self) -> bytes:
        """Return the record's bytes: a log line for the action ``line``, garbage for ``garbage``, else JSON."""
        if self.action == "garbage":
            return b"{"
        client, agent = f"203.0.113.{self.second % 256}", AGENTS[self.is_bot]
        if self.action == "line":
            line = LINE.format(target=f"/product/{self.second % 2}")
            stamped = line.replace("12:00:00", f"{at(self.second):%H:%M:%S}").replace("203.0.113.7", client)
            return stamped.replace(AGENTS[False], agent).encode()
        fields = {"timestamp": iso(self.second), "ip_address": client, "action": self.action, "user_agent": agent}
        return json.dumps({**fields, "product_id": str(self.second % 2)}).encode()

    def cells(self, rules: str) -> list[tuple[str, str]]:
        """Return the (dimension, key) pairs that it counts in under the rules, the action last; none if rejected."""
        if self.action == "garbage":
            return []
        known = {"arrival": ("view_product", "checkout"), "no products": ("view_product",)}
        common = [("all", "all"), ("client", f"203.0.113.{self.second % 256}")]
        product = [("product", str(self.second % 2))]
        if self.action == "line":
            is_page = rules == "no products"
            return [*common, *([] if is_page else product), ("action", "page" if is_page else "view_product")]
        is_known = self.action in known.get(rules, ("view_product", "checkout", "search"))
        return [*common, *product, ("action", self.action if is_known else "other")]


@dataclass(frozen=True)
class Arrive:
    """A batch of bronze."""

    sightings: list[Sighting]


@dataclass(frozen=True)
class Work:
    """Count, and do what is asked for; the process may die at a failpoint."""

    fail_at: str


@dataclass(frozen=True)
class Replay:
    """Ask for a replay of some windows under some rules."""

    rules: str
    first: int
    windows: int


@dataclass(frozen=True)
class Undo:
    """Ask for a replay, or an undoing, to be undone: the ``choice``-th of those that can be."""

    choice: int


Step = Arrive | Work | Replay | Undo

sightings = st.builds(
    Sighting,
    number=st.none() | st.integers(0, 2),
    second=st.integers(0, WINDOWS * 10 - 1),
    action=st.sampled_from(ACTIONS),
    is_bot=st.booleans(),
)
arrivals = st.builds(Arrive, st.lists(sightings, min_size=1, max_size=150))
work = st.builds(Work, st.sampled_from(["off", *(f"{point}:{times}" for point in POINTS for times in (1, 2))]))
replays = st.builds(Replay, st.sampled_from(list(RULES)), st.integers(0, WINDOWS - 1), st.integers(1, WINDOWS))
histories = st.lists(arrivals | work | replays | st.builds(Undo, st.integers(0, 9)), min_size=3, max_size=8)


@dataclass
class Oracle:
    """What the ledger's sums must be."""

    arrived: list[Sighting] = field(default_factory=list)
    counted: int = 0
    sums: Sums = field(default_factory=Counter)
    moved: dict[str, Sums] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)

    def truth(self, rules: str, upto: int) -> Sums:
        """Return the sums of the first ``upto`` records under the rules."""
        sums: Sums = Counter()
        seen: set[tuple[int, int]] = set()
        for sighting in self.arrived[:upto]:
            cells, window = sighting.cells(rules), sighting.second // 10
            is_repeated = sighting.number is not None and (sighting.number, window) in seen
            if not cells or is_repeated:
                continue
            if sighting.number is not None:
                seen.add((sighting.number, window))
            action = cells[-1][1]
            added = {"events": 1, "views": int(action == "view_product"), "checkouts": int(action == "checkout")}
            for dimension, key in cells:
                sums.update({(dimension, window, key, sighting.is_bot, name): count for name, count in added.items()})
        return sums

    def count(self) -> None:
        """Count what has arrived, as it was read on arrival."""
        self.sums.update(self.truth("arrival", len(self.arrived)))
        self.sums.subtract(self.truth("arrival", self.counted))
        self.counted = len(self.arrived)

    def replay(self, name: str, rules: str, windows: range) -> None:
        """Make the windows say what the rules say."""
        moved = Counter({key: n for key, n in self.truth(rules, self.counted).items() if key[1] in windows})
        moved.subtract({key: n for key, n in self.sums.items() if key[1] in windows})
        self._move(name, moved)

    def undo(self, name: str, undone: str) -> None:
        """Take a replay back."""
        self.undone.add(undone)
        self._move(name, Counter({key: -n for key, n in self.moved[undone].items()}))

    def _move(self, name: str, moved: Sums) -> None:
        self.moved[name] = moved
        self.sums.update(moved)
