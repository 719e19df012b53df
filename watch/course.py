"""How the subjects of a rule fare from one look to the next: when their alerts open and close. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import NamedTuple

from watch.arithmetic import BETWEEN, CALM, OVER, Reading, Usual, is_unusual, side
from watch.rules import Rule


class Change(NamedTuple):
    """An alert opens, by this reading and compared with this usual; or without a reading one closes."""

    subject: str
    reading: Reading | None
    usual: Usual | None = None


@dataclass
class Track:
    """Since when a subject has been beyond the limit, or calm (epoch seconds); None where it is not."""

    over_since: float | None = None
    calm_since: float | None = None

    def move(self, where: str, at: float) -> None:
        """Note on which side a subject is at a time."""
        self.over_since = (at if self.over_since is None else self.over_since) if where == OVER else None
        self.calm_since = (at if self.calm_since is None else self.calm_since) if where == CALM else None


class Course:
    """One rule's subjects. It remembers since when, and nothing else: what is open, the caller knows."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self._tracks: dict[str, Track] = {}

    def step(
        self,
        readings: Sequence[Reading],
        usuals: Callable[[], Mapping[str, Usual]],
        opened: AbstractSet[str],
        at: float,
    ) -> list[Change]:
        """Take a look, and return what changes.

        Args:
            readings: what the rule's SQL says, at most one for each subject; a subject that is missing is calm.
            usuals: gives the usual of each subject; called only where it matters.
            opened: the subjects whose alerts are open.
            at: when the look was taken, epoch seconds.
        """
        by_subject = {reading.subject: reading for reading in readings}
        over = {subject for subject, reading in by_subject.items() if side(self.rule, reading) == OVER}
        usual = usuals() if over - opened and self.rule.times_usual is not None else {}
        changes = []
        tracks = {}
        for subject in {*by_subject, *opened}:
            reading = by_subject.get(subject)
            where = CALM if reading is None else side(self.rule, reading)
            if subject in over - opened and reading and not is_unusual(self.rule, reading, usual.get(subject)):
                where = BETWEEN
            track = self._tracks.get(subject, Track())
            track.move(where, at)
            tracks[subject] = track
            if subject in opened:
                if _has_lasted(track.calm_since, self.rule.calm_minutes, at):
                    changes.append(Change(subject, None))
            elif _has_lasted(track.over_since, self.rule.holds_minutes, at):
                changes.append(Change(subject, reading, usual.get(subject)))
        self._tracks = tracks
        return changes


def _has_lasted(since: float | None, minutes: float, at: float) -> bool:
    return since is not None and at - since >= minutes * 60
