"""The payment provider behind every checkout. It fails now and then, in bursts. Pure: time is an argument."""

from __future__ import annotations

from random import Random

FIRST_OUTAGE_SECONDS = (15.0, 40.0)
MEAN_SECONDS_BETWEEN_OUTAGES = 300.0
OUTAGE_SECONDS = (10.0, 60.0)
FAILURES_IN_OUTAGE = 0.6
FAILURES_ELSE = 0.01
FAILURES = (500, 502, 503)
DECLINED = 402
DECLINES = 0.02
"""Honest cards that are refused: an empty account, a wrong digit."""


class Payments:
    """Answers checkouts.

    Attributes:
        now: the time, seconds since the start of the traffic; the caller moves it on.
    """

    def __init__(self, rng: Random) -> None:
        self.now = 0.0
        self._rng = rng
        self._outage_starts = rng.uniform(*FIRST_OUTAGE_SECONDS)
        self._outage_ends = self._outage_starts + rng.uniform(*OUTAGE_SECONDS)

    def answer(self) -> int:
        """Return the HTTP status of a checkout: 200, 402 (declined), or 500, 502 or 503 where the payment failed."""
        while self.now >= self._outage_ends:
            self._outage_starts = self._outage_ends + self._rng.expovariate(1 / MEAN_SECONDS_BETWEEN_OUTAGES)
            self._outage_ends = self._outage_starts + self._rng.uniform(*OUTAGE_SECONDS)
        failures = FAILURES_IN_OUTAGE if self.now >= self._outage_starts else FAILURES_ELSE
        luck = self._rng.random()
        if luck < failures:
            return self._rng.choice(FAILURES)
        return DECLINED if luck > 1 - DECLINES else 200
