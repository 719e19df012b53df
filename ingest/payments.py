"""The payment provider behind every checkout. It fails now and then, in bursts. Pure: time is an argument."""

from __future__ import annotations

from random import Random

FIRST_OUTAGE_SECONDS = (15.0, 40.0)
MEAN_SECONDS_BETWEEN_OUTAGES = 300.0
OUTAGE_SECONDS = (10.0, 60.0)
FAILURES_IN_OUTAGE = 0.6
FAILURES_ELSE = 0.01
FAILURES = (500, 502, 503)


class Payments:
    """Answers checkouts. Offsets are seconds since the start of the traffic, and never go backwards."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._outage_starts = rng.uniform(*FIRST_OUTAGE_SECONDS)
        self._outage_ends = self._outage_starts + rng.uniform(*OUTAGE_SECONDS)

    def answer(self, offset: float) -> int:
        """Return the HTTP status of a checkout: 200, or 500, 502 or 503 where the payment failed."""
        while offset >= self._outage_ends:
            self._outage_starts = self._outage_ends + self._rng.expovariate(1 / MEAN_SECONDS_BETWEEN_OUTAGES)
            self._outage_ends = self._outage_starts + self._rng.uniform(*OUTAGE_SECONDS)
        failures = FAILURES_IN_OUTAGE if offset >= self._outage_starts else FAILURES_ELSE
        if self._rng.random() < failures:
            return self._rng.choice(FAILURES)
        return 200
