"""The time that all charts of one run show: from the first minute in the marts to the newest, in steps of one width.

Products and suspects have no windows in the marts, so the one range that all charts can share is all of it. Nothing is
left out. Where that would squeeze the traffic, because two logs lie years apart or one event is a year early, the empty
time between is cut out of the axis instead, and the chart says so in the cut.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

STEPS = tuple(
    pd.Timedelta(width) for width in ("1min", "5min", "10min", "15min", "30min", "1h", "3h", "6h", "1D", "7D", "28D")
)
MOST_STEPS = 300
MINUTE = pd.Timedelta("1min")
"""The marts' finest windows."""
COARSEST_MART = pd.Timedelta("5min")
"""A mart of bots has no finer windows; all axes end at multiples of it, so that all charts have the same."""
SHORTEST_CUT = pd.Timedelta("2h")
MOST_CUTS = 6
"""More cuts would leave little room for what is between them."""
ZONE = "UTC"


@dataclass(frozen=True)
class Span:
    """The time that the charts of a run show.

    Attributes:
        first: start of the first minute that is counted.
        newest: start of the newest minute that is counted. A step that ends later is unfinished.
        sections: start and end of each stretch of the axis; what lies between two of them is cut out, and empty.
        step: the width of a step.
    """

    first: pd.Timestamp
    newest: pd.Timestamp
    sections: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    step: pd.Timedelta

    def edges(self, step: pd.Timedelta) -> pd.DatetimeIndex:
        """Return the starts of all steps, and the last one's end. A cut is one wide step."""
        sections = [pd.date_range(start, end, freq=step) for start, end in self.sections]
        return pd.DatetimeIndex([edge for section in sections for edge in section])

    @property
    def words(self) -> str:
        """The range in words: ``2026-03-01 10:00 to 10:08 UTC``."""
        return time_range(self.first, self.newest + MINUTE)


def time_span(minutes: pd.Series[pd.Timestamp]) -> Span | None:
    """Return the range of the minutes with traffic, None where there are none.

    Args:
        minutes: starts of minutes with traffic, of each hour the first and the last at least.
    """
    if minutes.empty:
        return None
    ordered = minutes.sort_values(ignore_index=True)
    first, newest = ordered.iloc[0], ordered.iloc[-1]
    gaps = _gaps_to_cut(ordered.diff().iloc[1:])
    cuts = sorted(gaps.index)
    shown = newest + MINUTE - first - gaps.sum()
    step = next((width for width in STEPS if shown / width <= MOST_STEPS), STEPS[-1])
    unit = max(step, COARSEST_MART)
    starts = [first, *(ordered[cut] for cut in cuts)]
    ends = [*(ordered[cut - 1] for cut in cuts), newest]
    sections = tuple((start.floor(unit), (end + MINUTE).ceil(unit)) for start, end in zip(starts, ends, strict=True))
    return Span(first, newest, sections, step)


def _gaps_to_cut(gaps: pd.Series[pd.Timedelta]) -> pd.Series[pd.Timedelta]:
    """Return the gaps that would squeeze the rest: as many as are each longer than all that stays when they are cut.

    So a shop's quiet nights stay, and so do gaps between many logs, each of which is seen without a cut.
    """
    longest = gaps[gaps > SHORTEST_CUT].nlargest(MOST_CUTS)
    rest = gaps.sum() - longest.cumsum()
    return longest.iloc[: int((longest > rest).to_numpy().nonzero()[0].max(initial=-1)) + 1]


def time_range(first: pd.Timestamp, last: pd.Timestamp) -> str:
    """Return a range of UTC times in words: ``2026-03-01 10:00 to 10:08 UTC``."""
    start = f"{first:%Y-%m-%d %H:%M}"
    end = f"{last:%H:%M}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M}"
    return f"{start} {ZONE}" if start.endswith(end) else f"{start} to {end} {ZONE}"


def in_words(step: pd.Timedelta) -> str:
    """Return the width of a step in words: ``minute``, ``5 minutes``, ``week``."""
    for name, unit in (("week", "7D"), ("day", "1D"), ("hour", "1h"), ("minute", "1min")):
        count, rest = divmod(step, pd.Timedelta(unit))
        if count and not rest:
            return name if count == 1 else f"{count} {name}s"
    return str(step)


def length_in_words(gap: pd.Timedelta) -> str:
    """Return about how long a gap is, in its largest unit of which it has two: ``7 years``, ``13 hours``."""
    for name, unit in (("years", "365D"), ("days", "1D"), ("hours", "1h")):
        if gap >= 2 * pd.Timedelta(unit):
            return f"{gap / pd.Timedelta(unit):.0f} {name}"
    return "2 hours"
