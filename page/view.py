"""What a reader asks a panel for: a period, people or bots or both, and a product. It stands in the page's URL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from lake.errors import WeblakeError

WHO = ("people", "bots", "all")
LENGTHS = {
    "1h": dt.timedelta(hours=1),
    "6h": dt.timedelta(hours=6),
    "24h": dt.timedelta(hours=24),
    "7d": dt.timedelta(days=7),
    "30d": dt.timedelta(days=30),
}
"""Periods that end at the newest counts."""
EVERYTHING = "all"
LONGEST_PRODUCT = 512
"""Characters; a product's id has fewer."""
UTC = dt.timezone.utc


class ViewError(WeblakeError):
    """A request asks for what the page does not have."""


@dataclass(frozen=True)
class View:
    """What is asked for; ``product`` is None for all products.

    A period is one of :data:`LENGTHS`, ``all``, or two times in ISO 8601 with a slash between them.
    """

    period: str = "1h"
    who: str = "all"
    product: str | None = None

    @property
    def is_all(self) -> bool:
        """Whether all that was ever counted is asked for."""
        return self.period == EVERYTHING

    def bounds(self) -> tuple[dt.datetime, dt.datetime] | None:
        """Return the times that the period names; None where it goes by the newest counts.

        Raises:
            ViewError: it names none.
        """
        if self.is_all or self.period in LENGTHS:
            return None
        first, slash, last = self.period.partition("/")
        start, end = _instant(first), _instant(last)
        if not slash or start is None or end is None or not start < end:
            choices = ", ".join((*LENGTHS, EVERYTHING))
            raise ViewError(f"period={self.period!r} is none; take one of {choices}, or START/END in ISO 8601")
        return start, end


def read_view(query: Mapping[str, str]) -> View:
    """Return the view that a URL's query names.

    Raises:
        ViewError: a value cannot be used.
    """
    view = View(query.get("period") or View.period, query.get("who") or View.who, query.get("product"))
    if view.who not in WHO:
        raise ViewError(f"who={view.who!r} is nobody; take one of {', '.join(WHO)}")
    if view.product is not None and (len(view.product) > LONGEST_PRODUCT or "\0" in view.product):
        raise ViewError(f"product= has more than {LONGEST_PRODUCT} characters, or a NUL")
    view.bounds()
    return view


def _instant(text: str) -> dt.datetime | None:
    try:
        time = dt.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    time = time if time.tzinfo else time.replace(tzinfo=UTC)
    return time.astimezone(UTC) if 1 < time.year < 9999 else None
