"""A replay of an hour of traffic during as much live traffic: what it corrects, and how fresh the counts stay."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cells import compare_database
from bench.live import Live, measure_live
from bench.load import load_backlog, yesterday
from bench.stream import Stream, metered_services
from bench.traffic import WINDOW_SECONDS
from bench.watch import CountWatch
from lake.errors import ServiceError
from lake.requests import ReplayAnswer, ReplayRequest
from spark.commands.ask import carry_out

HOUR_SECONDS = 3600
LIVE_SECONDS = 180


@dataclass(frozen=True)
class Replay:
    """What a replay of ``events`` did; the freshness in ``live`` is that of the events that came during it."""

    events: int
    seconds: float
    corrections: int
    live: Live


def measure_replay(folder: Path, rate: int, say: Callable[[str], None]) -> Replay:
    """Count an hour at ``rate`` events per second, and replay it while as many come per second.

    Raises:
        ServiceError: a process failed, or a count is wrong.
    """
    events, expected = rate * HOUR_SECONDS, folder / "expected"
    outcome: dict[str, float] = {}

    with metered_services(folder) as (settings, meter):

        def replay() -> None:
            say("  the replay begins")
            began, first = time.monotonic(), yesterday()
            request = ReplayRequest("bench", first, first + HOUR_SECONDS)
            record = carry_out(settings, request, ReplayAnswer, lambda _: None).outcome()
            outcome.update(corrections=record.corrections, seconds=time.monotonic() - began)
            say(f"  the replay has ended after {outcome['seconds']:.0f} s with {record.corrections} corrections")

        loaded = load_backlog(settings, events, expected, say, per_window=rate * WINDOW_SECONDS)
        with CountWatch(settings) as watch, Stream(settings) as stream:
            meter.follow("stream", stream.pid)
            watch.wait_for(loaded.events, stream.check, say)
            live, _ = measure_live(settings, stream, meter, watch, rate, LIVE_SECONDS, expected, say, replay)
        difference = compare_database(settings, expected, say).first_difference
    if difference:
        raise ServiceError(f"the counts are wrong after the replay: {difference}")
    return Replay(events, outcome["seconds"], int(outcome["corrections"]), live)
