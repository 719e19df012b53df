"""The time that all charts of one run show: from the first minute in the marts to the newest, in steps of one width.

Products and suspects have no windows in the marts, so the one range that all charts can share is all of it. Where that
would squeeze the traffic, because two logs lie years apart or a few late events are hours older than the others, the
time between is cut out of the axis, and the chart says so. Scattered events in such a time are not drawn, and the axis
says how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

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
        sections: start and end of each stretch of the axis; what lies outside of them is cut out, and nearly empty.
        step: the width of a step.
        left_out: how many events lie outside of the sections.
    """

    first: pd.Timestamp
    newest: pd.Timestamp
    sections: tuple[tuple[pd.Timestamp, pd.Timestamp], ...]
    step: pd.Timedelta
    left_out: int = 0

    def without(self, events: int) -> Span:
        """Return the span that says that so many events lie outside of its sections."""
        return replace(self, left_out=events)

    def edges(self, step: pd.Timedelta) -> pd.DatetimeIndex:
        """Return the starts of all steps, and the last one's end. A cut is one wide step."""
        sections = [pd.date_range(start, end, freq=step) for start, end in self.sections]
        return pd.DatetimeIndex([edge for section in sections for edge in section])

    @property
    def words(self) -> str:
        """The range in words: ``2026-03-01 10:00 to 10:08 UTC``."""
        return time_range(self.first, self.newest + MINUTE)


def time_span(busy: pd.Series[pd.Timestamp], first: pd.Timestamp, newest: pd.Timestamp) -> Span:
    """Return the range of the minutes with traffic.

    Args:
        busy: starts of the minutes with more than scattered events, of each hour the first and the last at least.
        first: the first minute with any event.
        newest: the newest one.
    """
    minutes = pd.Series(sorted({first, *busy, newest}))
    is_stray = first not in set(busy)
    gaps = _gaps_to_cut(minutes.diff().iloc[1:], is_stray)
    cuts = sorted(gaps.index)
    starts = [first, *(minutes[cut] for cut in cuts)]
    ends = [*(minutes[cut - 1] for cut in cuts), newest]
    if is_stray and 1 in cuts:
        del starts[0], ends[0]
    shown = sum((end + MINUTE - start for start, end in zip(starts, ends, strict=True)), pd.Timedelta(0))
    step = next((width for width in STEPS if shown / width <= MOST_STEPS), STEPS[-1])
    unit = max(step, COARSEST_MART)
    sections = tuple((start.floor(unit), (end + MINUTE).ceil(unit)) for start, end in zip(starts, ends, strict=True))
    return Span(first, newest, sections, step)


def _gaps_to_cut(gaps: pd.Series[pd.Timedelta], is_first_stray: bool) -> pd.Series[pd.Timedelta]:
    """Return the gaps that would squeeze the rest: as many as are each longer than all that stays when they are cut.

    So a shop's quiet nights stay, and so do gaps between many logs, each of which is seen without a cut. The first gap
    may be short where what comes before it is stray: the stream has only begun.
    """
    is_long = (gaps > SHORTEST_CUT) | (is_first_stray & (gaps.index == 1))
    longest = gaps[is_long].nlargest(MOST_CUTS)
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
