"""The loader's own exact counts: plain Python that shares no code with the streams."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from functools import cache
from pathlib import Path

from bench.traffic import WINDOW_SECONDS, Agent, Event
from lake.contracts import AGENT_GROUPS, DIMENSIONS, names
from lake.contracts import MEASURES as CONTRACT_MEASURES

MEASURES = tuple(names(CONTRACT_MEASURES))
"""Of a measure that JSON events do not have, such as bytes, the loader counts 0."""

COUNTED_AS = {"view_product": "views", "add_to_cart": "add_to_carts", "checkout": "checkouts"}

Cell = tuple[str, str, bool]
"""Dimension, key and is_bot, within one window."""
Cells = dict[Cell, list[int]]
_INDEX = {name: index for index, name in enumerate(MEASURES)}


class Counts:
    """Counts by window (epoch seconds of its start) and cell; the lists are in the order of ``MEASURES``."""

    def __init__(self) -> None:
        """Start with nothing counted."""
        self.windows: dict[int, Cells] = defaultdict(lambda: defaultdict(lambda: [0] * len(MEASURES)))

    def add(self, event: Event, is_late: bool) -> None:
        """Count one event; call it once for an event that is sent twice."""
        second = event.occurred_ms // 1000
        cells = self.windows[second - second % WINDOW_SECONDS]
        ones = _index_of_ones(event.action, event.status_code, event.agent, is_late)
        is_bot = event.agent.is_bot
        for dimension in DIMENSIONS.values():
            key = getattr(event, dimension.column, None) if dimension.column else "all"
            if key is None:
                continue
            cell = cells[dimension.name, str(key).zfill(dimension.digits), is_bot]
            for index in ones:
                cell[index] += 1
            if event.response_ms is not None:
                cell[_INDEX["timed_events"]] += 1
                cell[_INDEX["response_ms"]] += event.response_ms

    def save(self, folder: Path) -> None:
        """Write each window into a file of its own, and forget it; a window must not be saved twice."""
        folder.mkdir(parents=True, exist_ok=True)
        for window, cells in self.windows.items():
            with (folder / f"{window}.jsonl").open("x") as file:
                file.writelines(json.dumps([*cell, measures]) + "\n" for cell, measures in cells.items())
        self.windows.clear()


def saved_windows(folder: Path) -> list[int]:
    """Return the windows that were saved, in order."""
    return sorted(int(path.stem) for path in folder.glob("*.jsonl"))


def load_window(folder: Path, window: int) -> Cells:
    """Return the cells of a saved window."""
    with (folder / f"{window}.jsonl").open() as file:
        lines = [json.loads(line) for line in file]
    return {(dimension, key, is_bot): measures for dimension, key, is_bot, measures in lines}


@cache
def _index_of_ones(action: str, status_code: int, agent: Agent, is_late: bool) -> tuple[int, ...]:
    """Return the indexes of the measures to which such an event adds one."""
    is_checkout = action == "checkout"
    is_client_error, is_server_error = 400 <= status_code <= 499, 500 <= status_code <= 599
    applies = {
        "events": True,
        COUNTED_AS[action]: True,
        "client_errors": is_client_error,
        "server_errors": is_server_error,
        "payment_errors": is_checkout and is_server_error,
        "failed_checkouts": is_checkout and (is_client_error or is_server_error),
        "not_found": status_code == 404,
        "late_events": is_late,
        "crawler_events": agent.is_bot,
        "no_agent": agent.text is None,
    }
    if agent.text is not None:
        applies[f"agents_{zlib.crc32(agent.text.encode()) % AGENT_GROUPS}"] = True
    return tuple(_INDEX[name] for name, is_true in applies.items() if is_true)
