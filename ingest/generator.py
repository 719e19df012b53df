"""A run of the simulated shop: it sends its traffic to Kafka, and writes the truth about its clients to a file."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from ingest.connection import connect
from ingest.producer import Producer
from ingest.shop.generate import Bounds, generate
from ingest.shop.incidents import Incident
from ingest.shop.traffic import JSON, Traffic
from ingest.shop.truth import Truth
from lake.settings import Settings

log = logging.getLogger(__name__)

EVEN_HOUR = 7 * 3600.0
"""Hour of the day at which people and bots come as ``bots`` says: where a run with a seed and no start begins."""


@dataclass(frozen=True)
class GeneratorOptions:
    """What to send: records per second, the bots' share of them, when to end, and what makes the events the same again.

    Attributes:
        seconds: stop after so many seconds of traffic; None is never.
        count: stop after so many records; None is never.
        seed: the same seed gives the same events; None draws one.
        start: start of event time (epoch seconds); None is now.
        form: ``json`` or ``log``.
        truth: file for which client is what; None is the data folder's.
        incidents: what goes wrong meanwhile.
    """

    rate: float
    bots: float
    seconds: float | None = None
    count: int | None = None
    seed: int | None = None
    start: float | None = None
    form: str = JSON
    truth: Path | None = None
    incidents: tuple[Incident, ...] = ()


def run_generator(settings: Settings, options: GeneratorOptions, stop: threading.Event) -> Producer | None:
    """Send traffic until its end or until ``stop`` is set; return the producer, which says what has arrived.

    None where it was stopped before there was a broker.

    Raises:
        ServiceError: Kafka refused a record.
    """
    seed = random.SystemRandom().getrandbits(32) if options.seed is None else options.seed
    day_starts_at = options.start
    if day_starts_at is None:
        day_starts_at = time.time() if options.seed is None else EVEN_HOUR
    traffic = Traffic(seed, options.rate, options.bots, day_starts_at, options.form, options.incidents)
    truth = Truth(options.truth or settings.data / "truth" / "clients.csv")
    bounds = Bounds(options.seconds or math.inf, options.count or math.inf)
    for incident in options.incidents:
        log.info("incident %s from second %g to %g of the traffic", incident.kind, incident.starts, incident.ends)
    log.info("seed %d, %g records per second, bots %.0f %%", seed, options.rate, options.bots * 100)
    producer = connect(settings, None, stop, "the generator")
    if producer is None:
        return None
    try:
        generate(traffic, producer, truth, bounds, options.start, stop)
    finally:
        producer.close()
    return producer
