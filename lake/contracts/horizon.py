"""The horizon: the day from which on bronze has its rows, and what was on record of the days before when theirs went.

Bronze's table property ``weblake.horizon`` holds it. It only moves forward: of what lies before it, nobody can tell any
more whether a line is a repeat, so none of it is counted.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from lake.contracts.vocabulary import MOST_SHIFT

HORIZON_PROPERTY = "weblake.horizon"
DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Horizon:
    """The first day that bronze still has; ``at`` says when it came to that (epoch seconds)."""

    day: dt.date
    at: float
    rows: int
    """How many rows bronze had of the days before."""
    rejected: int
    """How many of those were rejected."""
    sums: Mapping[str, Mapping[str, int]]
    """What the ledger has of the days before: ``client, bot`` -> measure -> sum. Empty if it was counted anew since."""

    @classmethod
    def parse(cls, text: str) -> Horizon:
        """Read the property."""
        content = json.loads(text)
        return cls(**{**content, "day": dt.date.fromisoformat(content["day"])})

    def as_property(self) -> dict[str, str]:
        """Return the table property."""
        return {HORIZON_PROPERTY: json.dumps({**asdict(self), "day": self.day.isoformat()})}

    @property
    def second(self) -> int:
        """When its day begins; epoch seconds."""
        return seconds_of(self.day)

    def replayable(self, future_seconds: int, has_other_zones: bool) -> dt.date:
        """Return the first day of which bronze has all rows, however they are read.

        A row is of the day that was read on arrival. By its bytes it may be of a later one: a rejected row is of the
        day on which it came, and its event may be ahead of that; and another time zone may make it any day near.
        """
        ahead = -(-dt.timedelta(seconds=future_seconds) // DAY) * DAY
        return self.day + ahead + (MOST_SHIFT if has_other_zones else dt.timedelta())


def read_horizon(properties: Mapping[str, str]) -> Horizon | None:
    """Return the horizon of a table with these properties; None where all of its rows are there."""
    text = properties.get(HORIZON_PROPERTY)
    return Horizon.parse(text) if text else None


def seconds_of(day: dt.date) -> int:
    """Return when a day (UTC) begins; epoch seconds."""
    return int(dt.datetime.combine(day, dt.time(), dt.timezone.utc).timestamp())
