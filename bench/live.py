"""Live traffic: how long after Kafka took an event its count is in PostgreSQL."""

from __future__ import annotations

import math
import random
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from bench.counts import Counts
from bench.load import PARTITIONS, SEED, producer, spawned
from bench.stream import Stream
from bench.traffic import Shop, encode, make_events
from bench.usage import Meter, per_million, percent_of_a_core
from bench.watch import CountWatch, Step
from lake.errors import ServiceError
from lake.settings import Settings

WARM_UP_SECONDS = 20
TICK_SECONDS = 0.01
LINGER_MS = 5
SAY_SECONDS = 30
LIVE_SEED = 1_000_003


class Mark(NamedTuple):
    """The CPU seconds of each process tree up to a time (epoch seconds)."""

    at: float
    cpu: dict[str, float]


@dataclass(frozen=True)
class Live:
    """Freshness in seconds over the measured events, from append to sight; the warm-up before them is left out."""

    events: int
    rate: float
    seconds: float
    freshness_p50_seconds: float
    freshness_p95_seconds: float
    freshness_max_seconds: float
    cpu_seconds_per_million: dict[str, float]
    cpu_percent_of_a_core: dict[str, float]
    peak_memory_bytes: dict[str, int]


def measure_live(
    settings: Settings,
    stream: Stream,
    meter: Meter,
    watch: CountWatch,
    rate: int,
    seconds: int,
    expected: Path,
    say: Callable[[str], None],
    meanwhile: Callable[[], None] | None = None,
) -> tuple[Live, int]:
    """Send ``rate`` events per second for the warm-up and ``seconds``; return the figures and how many were sent.

    With ``meanwhile``, which begins after the warm-up, the freshness is that of the events appended until its end.

    Raises:
        ServiceError: a process failed, or the counts stand still.
    """
    base = watch.events
    arguments = [(settings, rate, WARM_UP_SECONDS + seconds, expected)]
    appended: list[float] = []
    began = ended = Mark(0.0, {})
    until: Future[float] | None = None
    with ThreadPoolExecutor(1) as pool, spawned(_send, arguments) as answers:
        for answer in answers:
            stream.check()
            if isinstance(answer, list):
                appended = sorted(answer)
                continue
            ended = Mark(time.time(), meter.cpu())
            if answer == WARM_UP_SECONDS:
                began = ended
                until = pool.submit(_end_of, meanwhile) if meanwhile else None
            if answer % SAY_SECONDS == 0:
                say(f"  {answer} of {WARM_UP_SECONDS + seconds} s, {watch.events - base:,} events in PostgreSQL")
    watch.wait_for(base + len(appended), stream.check, say)
    steps = [Step(step.at, step.events - base) for step in watch.steps if step.events > base]
    ages = sorted(freshness(appended, steps, began.at, until.result() if until else math.inf))
    if not ages:
        raise ServiceError("no event was sent after the warm-up; let the live part take longer")
    duration = ended.at - began.at
    events_sent = sum(began.at <= at < ended.at for at in appended)
    live = Live(
        events=len(ages),
        rate=events_sent / duration,
        seconds=duration,
        freshness_p50_seconds=percentile(ages, 0.5),
        freshness_p95_seconds=percentile(ages, 0.95),
        freshness_max_seconds=ages[-1],
        cpu_seconds_per_million=per_million(began.cpu, ended.cpu, events_sent),
        cpu_percent_of_a_core=percent_of_a_core(began.cpu, ended.cpu, duration),
        peak_memory_bytes=meter.peaks(),
    )
    return live, len(appended)


def _end_of(work: Callable[[], None]) -> float:
    work()
    return time.time()


def freshness(appended: list[float], steps: list[Step], since: float, until: float = math.inf) -> list[float]:
    """Return how old each event appended from ``since`` up to ``until`` was when the count first included it.

    Args:
        appended: when Kafka appended each event, in order, epoch seconds.
        steps: the rising counts, from the first of these events on.
        since: epoch seconds.
        until: epoch seconds, not included.
    """
    ages: list[float] = []
    included = 0
    for step in steps:
        ages += [step.at - at for at in appended[included : step.events] if since <= at < until]
        included = max(included, step.events)
    return ages


def percentile(values: list[float], share: float) -> float:
    """Return the smallest of the sorted values that ``share`` of them do not exceed."""
    return values[max(0, -(-int(len(values) * share * 1000) // 1000) - 1)]


def _send(settings: Settings, rate: int, seconds: int, expected: Path, answer: Callable[[Any], None]) -> None:
    """Send at an even pace; answer every full second, and at the end give the append time of every event."""
    shop, rng, counts = Shop(SEED), random.Random(LIVE_SEED), Counts()
    appended: list[float] = []
    waiting: deque[Any] = deque()
    sent, full_seconds = 0, 0
    with closing(producer(settings, LINGER_MS)) as kafka:
        kafka.partitions_for(settings.kafka_topic)
        started = time.monotonic()
        while sent < rate * seconds:
            passed = time.monotonic() - started
            due = min(int(passed * rate), rate * seconds) - sent
            for event in make_events(shop, rng, [time.time_ns() // 1_000_000] * due):
                waiting.append(kafka.send(settings.kafka_topic, encode(event), partition=sent % PARTITIONS))
                counts.add(event, is_late=False)
                sent += 1
            while waiting and waiting[0].is_done:
                appended.append(waiting.popleft().get(0).timestamp / 1000)
            if passed >= full_seconds + 1:
                full_seconds += 1
                answer(full_seconds)
            time.sleep(TICK_SECONDS)
        kafka.flush()
        appended += [future.get(60).timestamp / 1000 for future in waiting]
    counts.save(expected)
    answer(appended)
