"""The loader's own exact counts: plain Python that shares no code with the streams."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from pathlib import Path

from bench.traffic import WINDOW_SECONDS, Event

MEASURES = (
    "events",
    "views",
    "add_to_carts",
    "checkouts",
    "client_errors",
    "server_errors",
    "payment_errors",
    "late_events",
    "response_ms",
    "timed_events",
    "bytes",
    "assets",
    "robots_reads",
    "no_agent",
    "pages",
    "not_found",
    "probes",
    "posts",
    "failed_checkouts",
    "crawler_events",
    "tool_events",
    "impostor_events",
    "agents_0",
    "agents_1",
    "agents_2",
    "agents_3",
)
"""JSON events have no bytes, assets, robots_reads, pages, probes or posts: those stay 0 in PostgreSQL, too."""

COUNTED_AS = {"view_product": "views", "add_to_cart": "add_to_carts", "checkout": "checkouts"}

Cell = tuple[str, str, bool]
"""Dimension, key and is_bot, within one window."""
Cells = dict[Cell, list[int]]
_PLACE = {name: place for place, name in enumerate(MEASURES)}


class Counts:
    """Counts by window (epoch seconds of its start) and cell; the lists are in the order of ``MEASURES``."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.windows: dict[int, Cells] = defaultdict(lambda: defaultdict(lambda: [0] * len(MEASURES)))

    def add(self, event: Event, is_late: bool) -> None:
        """Count one event; call it once for an event that is sent twice."""
        second = event.occurred_ms // 1000
        cells = self.windows[second - second % WINDOW_SECONDS]
        amounts = _amounts(event, is_late)
        is_bot = event.agent.is_bot
        keys: list[Cell] = [
            ("all", "all", is_bot),
            ("action", event.action, is_bot),
            ("client", event.address, is_bot),
        ]
        if event.product is not None:
            keys.append(("product", event.product, is_bot))
        for key in keys:
            cell = cells[key]
            for place, amount in amounts:
                cell[place] += amount

    def save(self, folder: Path) -> None:
        """Write each window into a file of its own, forget it; a window must not be saved twice."""
        folder.mkdir(parents=True, exist_ok=True)
        for window, cells in self.windows.items():
            with (folder / f"{window}.jsonl").open("x") as file:
                file.writelines(json.dumps([*key, measures]) + "\n" for key, measures in cells.items())
        self.windows.clear()


def saved_windows(folder: Path) -> list[int]:
    """Return the windows that were saved, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.jsonl"))


def load_window(folder: Path, window: int) -> Cells:
    """Return the cells of a saved window."""
    with (folder / f"{window}.jsonl").open() as file:
        lines = [json.loads(line) for line in file]
    return {(dimension, key, is_bot): measures for dimension, key, is_bot, measures in lines}


def _amounts(event: Event, is_late: bool) -> list[tuple[int, int]]:
    """Return what the event adds, as (place of the measure, amount); what is 0 is left out."""
    counted = ["events", COUNTED_AS[event.action]]
    if 400 <= event.status <= 499:
        counted.append("client_errors")
    if 500 <= event.status <= 599:
        counted.append("server_errors")
        if event.action == "checkout":
            counted.append("payment_errors")
    if event.status == 404:
        counted.append("not_found")
    if event.action == "checkout" and 400 <= event.status <= 599:
        counted.append("failed_checkouts")
    if event.agent.is_bot:
        counted.append("crawler_events")
    if event.agent.text is not None:
        counted.append(f"agents_{zlib.crc32(event.agent.text.encode()) % 4}")
    if is_late:
        counted.append("late_events")
    if event.agent.text is None:
        counted.append("no_agent")
    amounts = [(_PLACE[name], 1) for name in counted]
    if event.response_ms is not None:
        amounts += [(_PLACE["timed_events"], 1), (_PLACE["response_ms"], event.response_ms)]
    return amounts
