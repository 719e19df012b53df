"""The range of time that an audit looks at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from lake.contracts.horizon import seconds_of


@dataclass(frozen=True)
class Scope:
    """From ``first`` (included) to ``last`` (excluded), epoch seconds; None where there is no bound."""

    first: float | None = None
    last: float | None = None

    @property
    def is_all(self) -> bool:
        """Whether there is no bound at all."""
        return self.first is None and self.last is None

    def widened(self, seconds: float) -> Scope:
        """Return the scope that begins and ends so much farther out."""
        first = None if self.first is None else self.first - seconds
        return Scope(first, None if self.last is None else self.last + seconds)

    def since(self, day: dt.date | None) -> Scope:
        """Return the part of the scope that does not lie before a day (UTC)."""
        if day is None:
            return self
        second = seconds_of(day)
        return Scope(second if self.first is None else max(self.first, second), self.last)

    def in_spark(self, column: str) -> str:
        """Return Spark SQL that is true where the timestamp lies in the scope."""
        return self._condition(column, "timestamp_micros({:.0f})", 1_000_000)

    def in_postgres(self, column: str) -> str:
        """Return PostgreSQL that is true where the timestamp lies in the scope."""
        return self._condition(column, "to_timestamp({:.6f})", 1)

    def _condition(self, column: str, instant: str, factor: int) -> str:
        bounds = []
        if self.first is not None:
            bounds.append(f"{column} >= {instant.format(self.first * factor)}")
        if self.last is not None:
            bounds.append(f"{column} < {instant.format(self.last * factor)}")
        return " and ".join(bounds) or "true"

    def __str__(self) -> str:
        if self.is_all:
            return "all time"
        return f"{_text(self.first, 'the beginning')} to {_text(self.last, 'now')}"


def _text(second: float | None, otherwise: str) -> str:
    if second is None:
        return otherwise
    return dt.datetime.fromtimestamp(second, dt.timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
