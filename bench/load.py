"""The loader: fills the topic with a backlog, fast, while it counts what it sends."""

from __future__ import annotations

import datetime
import multiprocessing
import queue
import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from bench.counts import Counts
from bench.traffic import EVENTS_PER_WINDOW, WINDOW_SECONDS, Event, Shop, encode, make_events, times_in_window
from lake.errors import ServiceError
from lake.kafka_access import sender_options
from lake.settings import Settings

PARTITIONS = 6
SENT_TWICE_SHARE = 0.001
WORKERS = 2
SEED = 7
SAY_SECONDS = 5.0
MOST_EVENTS = 400_000_000
"""A day has 8,640 windows, and the backlog is of yesterday."""


@dataclass(frozen=True)
class Loaded:
    """What was sent: distinct events, records (with the copies), their bytes, and the seconds it took."""

    events: int
    records: int
    bytes: int
    seconds: float


def yesterday() -> int:
    """Return yesterday's first window (UTC), which is the backlog's."""
    midnight = datetime.datetime.now(datetime.timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    return int(midnight.timestamp()) - 86_400


def load_backlog(
    settings: Settings, events: int, expected: Path, say: Callable[[str], None], per_window: int = EVENTS_PER_WINDOW
) -> Loaded:
    """Send ``events`` distinct events of yesterday, and the copies of some; save the counts below ``expected``.

    Raises:
        ServiceError: a loading process failed.
    """
    started = time.monotonic()
    first_window = yesterday()
    shares = [(settings, events, per_window, first_window, worker, expected) for worker in range(WORKERS)]
    records, size, last_message = 0, 0, time.monotonic()
    with spawned(_load_share, shares) as answers:
        for more_records, more_bytes in answers:
            records += more_records
            size += more_bytes
            if time.monotonic() - last_message > SAY_SECONDS:
                last_message = time.monotonic()
                rate = records / (last_message - started)
                say(f"  {records:,} of {events * (1 + SENT_TWICE_SHARE):,.0f} records loaded, {rate:,.0f}/s")
    return Loaded(events, records, size, time.monotonic() - started)


def backlog_window(shop: Shop, seed: int, window_start: int, events: int) -> Iterator[tuple[Event, bool]]:
    """Yield a window's events in the order of sending, each with whether it is the second copy of an earlier one."""
    rng = random.Random(seed)
    due: dict[int, list[Event]] = {}
    for index, event in enumerate(make_events(shop, rng, times_in_window(rng, window_start, events))):
        yield event, False
        if rng.random() < SENT_TWICE_SHARE:
            due.setdefault(index + rng.randrange(events), []).append(event)
        for copy in due.pop(index, ()):
            yield copy, True
    for copies in due.values():
        for copy in copies:
            yield copy, True


@contextmanager
def spawned(work: Callable[..., None], arguments: list[tuple[Any, ...]]) -> Iterator[Iterator[Any]]:
    """Run each ``work(*arguments, answer)`` in a process of its own; yield what they pass to ``answer``, as it comes.

    The processes are ended with the context, however that ends.

    Raises:
        ServiceError: a process ended before its work was done.
    """
    context = multiprocessing.get_context("spawn")
    answers: multiprocessing.Queue[Any] = context.Queue()
    workers = [context.Process(target=_work, args=(work, one, answers), daemon=True) for one in arguments]
    try:
        for worker in workers:
            worker.start()
        yield _answers(workers, answers)
    finally:
        for worker in workers:
            if worker.pid is not None:
                worker.terminate()
                worker.join()


def producer(settings: Settings, linger_ms: int) -> Any:
    """Return a Kafka producer for many records."""
    from kafka import KafkaProducer

    return KafkaProducer(
        **sender_options(settings),
        acks="all",
        enable_idempotence=True,
        linger_ms=linger_ms,
        batch_size=256 * 1024,
        metrics_enabled=False,
    )


def _load_share(
    settings: Settings,
    events: int,
    per_window: int,
    first_window: int,
    worker: int,
    expected: Path,
    answer: Callable[[Any], None],
) -> None:
    """Load every ``WORKERS``-th window."""
    shop = Shop(SEED)
    windows = range(-(-events // per_window))
    with closing(producer(settings, linger_ms=50)) as kafka:
        for number in windows[worker::WORKERS]:
            counts, size = Counts(), 0
            count = min(per_window, events - number * per_window)
            window_start = first_window + number * WINDOW_SECONDS
            futures = []
            for index, (event, is_copy) in enumerate(backlog_window(shop, SEED + number, window_start, count)):
                record = encode(event)
                size += len(record)
                futures.append(kafka.send(settings.kafka_topic, record, partition=index % PARTITIONS))
                if not is_copy:
                    counts.add(event, is_late=True)
            kafka.flush()
            for future in futures:
                future.get(60)
            counts.save(expected)
            answer((len(futures), size))


_DONE = "done"


def _work(work: Callable[..., None], arguments: tuple[Any, ...], answers: Any) -> None:
    """Run in the spawned process; its parent handles Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(*arguments, answers.put)
    answers.put(_DONE)


def _answers(workers: list[SpawnProcess], answers: Any) -> Iterator[Any]:
    working = len(workers)
    while working:
        try:
            answer = answers.get(timeout=1)
        except queue.Empty:
            failed = [worker.exitcode for worker in workers if worker.exitcode]
            if failed:
                raise ServiceError(f"a sending process ended with code {failed[0]}; its output is above") from None
            continue
        if isinstance(answer, str) and answer == _DONE:
            working -= 1
        else:
            yield answer
