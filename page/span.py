"""The stretch of time that a view shows, and the steps of its charts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from psycopg2 import sql

from page.view import LENGTHS, View

DAY, WEEK = dt.timedelta(days=1), dt.timedelta(weeks=1)
STEPS = (*(dt.timedelta(minutes=number) for number in (1, 5, 10, 15, 30, 60, 180, 360)), DAY, WEEK)
MOST_STEPS = 240
MINUTE = STEPS[0]
COARSE = dt.timedelta(minutes=5)
"""The width of the marts' windows that are wider than a minute. Every span begins and ends with one of them."""
TREND_STEPS = 24
BINS = "select bin from generate_series(%(start)s, %(end)s - interval '1 second', %(step)s, %(zone)s) as bin"
UTC = dt.timezone.utc


@dataclass(frozen=True)
class Span:
    """From ``start`` to ``end``, which is not in it; both are the ends of steps in the shop's time zone."""

    start: dt.datetime
    end: dt.datetime
    step: dt.timedelta
    zone: str

    @property
    def parameters(self) -> dict[str, Any]:
        """What queries bind: times, the steps of minutes' and of coarser marts, and how many a trend has."""
        return {
            "start": self.start,
            "end": self.end,
            "zone": self.zone,
            "origin": self.start,
            "step": self.step,
            "coarse_step": max(self.step, COARSE),
            "trend_steps": min(TREND_STEPS, (self.end - self.start) // COARSE),
            "unit": "week" if self.step == WEEK else "day",
        }

    @property
    def bins(self) -> dict[str, sql.SQL]:
        """The parts of queries that put a window into its step, and that list all steps."""
        return {
            name: sql.SQL(text)
            for step, suffix in (("step", ""), ("coarse_step", "_coarse"))
            for name, text in (
                (f"bin{suffix}", self._bin(step)),
                (f"bins{suffix}", BINS.replace("step", step)),
            )
        }

    def _bin(self, step: str) -> str:
        if self.step < DAY:
            return f"date_bin(%({step})s, window_start, %(origin)s)"
        return "date_trunc(%(unit)s, window_start, %(zone)s)"


def span_of(view: View, first: dt.datetime | None, newest: dt.datetime | None, now: dt.datetime, zone: str) -> Span:
    """Return the span of a view.

    Args:
        view: What is asked for.
        first: The first minute in which something was counted; None where nothing was.
        newest: The last such minute.
        now: When the marts were built: periods without times end there.
        zone: The shop's time zone.
    """
    bounds = view.bounds()
    if bounds:
        start, end = bounds
    elif view.is_all and first and newest:
        start, end = first, newest + MINUTE
    else:
        end = now
        start = end - LENGTHS.get(view.period, LENGTHS["1h"])
    end = _ceiling(end, COARSE)
    step = next((step for step in STEPS if (end - start) / step <= MOST_STEPS), WEEK)
    start = _floor(start, max(step, COARSE), ZoneInfo(zone))
    return Span(start, end, step, zone)


def _floor(time: dt.datetime, step: dt.timedelta, zone: ZoneInfo) -> dt.datetime:
    """Return the start of the step that the time lies in: steps are counted from midnight in the zone."""
    local = time.astimezone(zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    if step == WEEK:
        midnight -= local.weekday() * DAY
    if step >= DAY:
        return midnight.astimezone(UTC)
    start = midnight.astimezone(UTC)
    return start + (time - start) // step * step


def _ceiling(time: dt.datetime, step: dt.timedelta) -> dt.datetime:
    epoch = dt.datetime(1970, 1, 1, tzinfo=UTC)
    return epoch - (epoch - time) // step * step
