"""Which URL rules catch how much of a log, and what none does. Pure: lines in, counts out."""

from __future__ import annotations

import re
import time
from collections import Counter
from dataclasses import dataclass, field

from audit.oracle import Event, Oracle
from lake.contracts import OTHER
from lake.url_rules import UrlRule, UrlRules

MOST_SHAPES = 100_000
"""So many shapes of paths are counted; of more, the rare ones are forgotten."""
DEEP = re.compile(r"^(/[^/]+/[^/]+)/.+$")
NUMBER = re.compile(r"\d+")


@dataclass
class Caught:
    """Lines that a rule caught, or paths of one shape that none did, and the first request among them."""

    lines: int = 0
    example: str = ""

    def take(self, request: str) -> None:
        """Count a line."""
        self.lines += 1
        self.example = self.example or request


@dataclass
class RuleHits:
    """What became of the lines of a log: ``by_rule`` by the rule's number, from 0; ``by_shape`` what no rule caught."""

    rules: tuple[UrlRule, ...]
    lines: int = 0
    events: int = 0
    rejected: int = 0
    unreadable: int = 0
    """Lines whose request is none, such as the first bytes of TLS, or empty."""
    by_rule: dict[int, Caught] = field(default_factory=dict)
    by_shape: dict[str, Caught] = field(default_factory=dict)

    @property
    def requests(self) -> int:
        """Lines with a request that can be read."""
        return self.lines - self.events - self.rejected - self.unreadable

    @property
    def other(self) -> int:
        """Requests that no rule caught."""
        return self.requests - sum(caught.lines for caught in self.by_rule.values())

    @property
    def actions(self) -> Counter[str]:
        """Requests by their action."""
        counts = Counter({OTHER: self.other})
        for number, caught in self.by_rule.items():
            counts[self.rules[number].action] += caught.lines
        return counts


class RuleTrial:
    """Reads lines by URL rules, and counts which of these catch them."""

    def __init__(self, rules: UrlRules) -> None:
        """Begin."""
        self.hits = RuleHits(rules.rules)
        self._oracle = Oracle(rules)
        self._now = time.time_ns() // 1000

    def read(self, line: bytes, declared: str | None = None, source: str | None = None) -> Event:
        """Count a line, and return what it says; ``declared`` is its log string, ``source`` its server's name."""
        event = self._oracle.read_deed(line, self._now, declared=declared, source=source)
        self._take(line, event)
        return event

    def _take(self, line: bytes, event: Event) -> None:
        hits = self.hits
        hits.lines += 1
        if event.reject_reason is not None:
            hits.rejected += 1
        elif not event.is_line:
            hits.events += 1
        elif not event.path:
            hits.unreadable += 1
        elif event.rule is not None:
            hits.by_rule.setdefault(event.rule, Caught()).take(_request(line, event))
        else:
            hits.by_shape.setdefault(shape_of(event.path), Caught()).take(_request(line, event))
            if len(hits.by_shape) > 2 * MOST_SHAPES:
                hits.by_shape = dict(commonest(hits.by_shape, MOST_SHAPES))


def shape_of(path: str) -> str:
    """Return what is alike in paths: without the query, numbers, and what is below the second folder."""
    way = NUMBER.sub("#", path.partition("?")[0])
    return DEEP.sub(r"\1/…", way)


def commonest(by_shape: dict[str, Caught], number: int) -> list[tuple[str, Caught]]:
    """Return the shapes that most lines have, the commonest first."""
    return sorted(by_shape.items(), key=lambda item: (-item[1].lines, item[0]))[:number]


def _request(line: bytes, event: Event) -> str:
    """Return the path and the status of a line, and the method if it is where most lines have it."""
    before = line.partition(b'"')[2].partition(b" ")[0].decode(errors="replace")
    method = f"{before} " if before.isascii() and before.isupper() else ""
    return f"{method}{event.path} {event.status_code or '-'}"
