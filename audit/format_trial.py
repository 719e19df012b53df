"""How the lines of a log would be read: formats, fields, and what would be rejected. Pure: lines in, findings out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from audit.oracle import Event
from audit.rule_hits import RuleHits, RuleTrial
from lake.formats.strings.guess import guess
from lake.formats.w3c import string_for
from lake.url_rules import UrlRules

HEAD_LINES = 200
"""So many lines of a file are enough to see whether it can be read."""
GUESSED_LINES = 20
"""From so many lines that fit no format one is guessed."""


@dataclass
class Readings:
    """Lines that were read alike: how many, and the first of them with what they say."""

    lines: int = 0
    examples: list[tuple[bytes, Event]] = field(default_factory=list)

    def take(self, line: bytes, event: Event, most: int) -> None:
        """Count a line; keep it if there are fewer than ``most``."""
        self.lines += 1
        if len(self.examples) < most:
            self.examples.append((line, event))


@dataclass
class FormatTrial:
    """Reads lines as the stream would.

    ``by_format`` has those that would count, by the name of their format, and ``by_reason`` those that would be
    rejected.
    """

    rules: UrlRules
    log_format: str = ""
    """The log string by which the lines are said to be written, in our own names; empty where none is given."""
    source: str | None = None
    most_examples: int = 5
    lines: int = 0
    by_format: dict[str, Readings] = field(default_factory=dict)
    by_reason: dict[str, Readings] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Compile the rules."""
        self._trial = RuleTrial(self.rules)

    @property
    def hits(self) -> RuleHits:
        """Which URL rules caught how much."""
        return self._trial.hits

    @property
    def read(self) -> int:
        """How many lines would count."""
        return sum(readings.lines for readings in self.by_format.values())

    def take(self, line: bytes, fields: str = "") -> None:
        """Read a line; ``fields`` are those that the last ``#Fields`` of a W3C log has named."""
        self.lines += 1
        event = self._trial.read(line, self.log_format or string_for(line, fields), self.source)
        kind, name = (self.by_reason, event.reject_reason) if event.reject_reason else (self.by_format, event.format)
        kind.setdefault(name or "", Readings()).take(line, event, max(self.most_examples, GUESSED_LINES))

    def examples(self) -> list[tuple[bytes, Event]]:
        """Return lines to show: the first of each format, and then the next ones."""
        by_number = sorted(self.by_format.values(), key=lambda readings: -readings.lines)
        first = [readings.examples[0] for readings in by_number]
        more = [example for readings in by_number for example in readings.examples[1:]]
        return [*first, *more][: self.most_examples]

    def guessed(self) -> str | None:
        """Return a log string that fits the lines that no format does; None where nobody can tell."""
        unread = self.by_reason.get("not_a_log_line")
        return guess([line.decode(errors="replace") for line, _ in unread.examples]) if unread else None


def unread_head(
    lines: Sequence[tuple[bytes, str]], rules: UrlRules, log_format: str = "", source: str = ""
) -> FormatTrial | None:
    """Return what became of the first lines of a file if none of them can be read; None where one can.

    A time that is ahead can be read.

    Args:
        lines: Each with the fields of a W3C log, or an empty text.
        rules: By which they are read.
        log_format: As in :class:`FormatTrial`.
        source: The name of the server; may be empty.
    """
    trial = FormatTrial(rules, log_format, source or None)
    for line, fields in lines[:HEAD_LINES]:
        trial.take(line, fields)
        if trial.by_format or "time_in_future" in trial.by_reason:
            return None
    return trial if trial.lines else None
