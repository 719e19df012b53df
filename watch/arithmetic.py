"""What a figure is worth: bounds of a share, the usual, and whether a rule's limits are passed. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from watch.rules import Rule

Z = 1.96
"""So sure are the bounds of a share: 95 times in 100."""
WEEKS = 4
FEWEST_WEEKS = 2
"""Of fewer weeks the usual is not known: one bad week would be all of it."""
REMINDERS_HOURS = (1, 4, 24)
"""How long after its opening an alert is told of again."""
OVER, CALM, BETWEEN = "over", "calm", "between"
"""What a reading is to a rule: beyond the limit at which it opens, back on the calm side, or neither."""


@dataclass(frozen=True)
class Reading:
    """What a rule's SQL says of one time and one subject.

    Attributes:
        subject: what it is about, such as a product; empty for the whole shop.
        value: the figure that the limits are for; None where there is nothing to tell it from.
        part: of a share, what is counted in it.
        whole: of a share, what it is a part of.
        volume: how much it stands on; of a share the whole.
        columns: all columns, for the rule's sentence.
    """

    subject: str
    value: float | None
    part: float | None = None
    whole: float | None = None
    volume: float = math.inf
    columns: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Usual:
    """The usual of a subject: the median of earlier weeks (None where too few can tell it), and of how many."""

    value: float | None
    weeks: int


def wilson(part: float, whole: float, z: float = Z) -> tuple[float, float]:
    """Return the bounds between which a share lies of which ``whole`` cases were seen; 0 and 1 where none was."""
    if whole <= 0:
        return 0.0, 1.0
    share = min(max(part / whole, 0.0), 1.0)
    middle = share + z * z / (2 * whole)
    reach = z * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    scale = 1 + z * z / whole
    return max(0.0, (middle - reach) / scale), min(1.0, (middle + reach) / scale)


def usual(values: Sequence[float | None]) -> Usual:
    """Return the median of what earlier weeks say; None among them are weeks that say nothing."""
    known = [value for value in values if value is not None]
    return Usual(statistics.median(known) if len(known) >= FEWEST_WEEKS else None, len(known))


def sure_value(rule: Rule, reading: Reading) -> float | None:
    """Return the figure that has to be beyond the limit: of a share the bound that is nearer to the calm side."""
    if reading.part is None or reading.whole is None:
        return reading.value
    low, high = wilson(reading.part, reading.whole)
    return low if rule.is_above else high


def side(rule: Rule, reading: Reading) -> str:
    """Return what a reading is to the rule's limits, whatever the usual is: over, calm, or between the two."""
    if reading.value is None:
        return BETWEEN
    sure = sure_value(rule, reading)
    assert sure is not None
    if reading.volume >= rule.least and (sure > rule.opens if rule.is_above else sure < rule.opens):
        return OVER
    is_calm = reading.value <= rule.closes if rule.is_above else reading.value >= rule.closes
    return CALM if is_calm else BETWEEN


def is_unusual(rule: Rule, reading: Reading, of: Usual | None) -> bool:
    """Say whether a reading that is over is also far enough from the usual; where that is unknown, it is."""
    if rule.times_usual is None or of is None or of.value is None or reading.value is None:
        return True
    bound = rule.times_usual * of.value
    return reading.value > bound if rule.is_above else reading.value < bound


def reminders_due(opened_at: float, now: float) -> int:
    """Return how many reminders of an alert are due by now, those that were sent included."""
    return sum(now - opened_at >= hours * 3600 for hours in REMINDERS_HOURS)
