"""Some lines of a log, by which it is recognised: those it begins and ends with, and a few runs in between.

Neighbours are of one day, so few days of the lake have to be looked at.
"""

from __future__ import annotations

from collections import deque
from random import Random
from typing import NamedTuple

from ingest.files.identity import LineIds

RUN = 16
"""Lines that stand together."""
RUNS = 4
"""Runs between the beginning and the end; each run of the log is as likely as another to be among them."""


class Numbered(NamedTuple):
    """A line, and its number in the log."""

    value: bytes
    number: int


class Sampled(NamedTuple):
    """A line, and the id with which it would be sent."""

    value: bytes
    event_id: bytes


class Sample:
    """Takes the lines of a log one after the other, and keeps a few."""

    def __init__(self) -> None:
        self._dice = Random(0)
        self._first: list[Numbered] = []
        self._runs: list[list[Numbered]] = []
        self._last: deque[Numbered] = deque(maxlen=RUN)
        self._run: list[Numbered] = []
        self._seen = 0

    def take(self, line: Numbered) -> None:
        """Look at the next line of the log."""
        if len(self._first) < RUN:
            self._first.append(line)
            return
        self._last.append(line)
        self._run.append(line)
        if len(self._run) == RUN:
            self._keep(self._run)
            self._run = []

    def lines(self, source: str = "") -> list[Sampled]:
        """Return what was kept, each line once, as one of that server's; the log's first line is the first."""
        ids = LineIds(source)
        kept = dict.fromkeys([*self._first, *(line for run in self._runs for line in run), *self._last])
        return [Sampled(line.value, ids.take(line.value, line.number)) for line in kept]

    def _keep(self, run: list[Numbered]) -> None:
        """Keep a run, perhaps in the place of another, so that all have the same chance."""
        self._seen += 1
        if len(self._runs) < RUNS:
            self._runs.append(run)
        elif (place := self._dice.randrange(self._seen)) < RUNS:
            self._runs[place] = run
