"""Scrapes of an exporter as Prometheus makes them, and a status in which everything has been seen."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from urllib.error import URLError
from urllib.request import urlopen

from background import in_background
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample
from statuses import a_status

from lake.settings import Settings
from stack.disk import Room
from stack.health.lags import Stage
from stack.metrics.exporter import Exporter
from stack.metrics.server import keep_serving
from stack.servers.waiting import wait_until
from stack.status import Status


def seen(**changes: object) -> Status:
    facts = {
        "start_offsets": {0: 10, 1: 0},
        "stages": [Stage("bronze", 90, 10, 7.0), Stage("silver", 90, 0, 0.0), Stage("mirror", 90, 0, 0.0)],
        "record_age_seconds": 3.0,
        "most_silent_seconds": 300.0,
        "room": Room({"/": 5_000}, 1_024, [], []),
        "looked_at": 1_800_000_000.0,
    }
    return a_status(**(facts | changes))


def a_free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def at_port(settings: Settings, port: int) -> Settings:
    return replace(settings, outlook=replace(settings.outlook, metrics_port=port))


@contextmanager
def served(settings: Settings, exporter: Exporter) -> Iterator[None]:
    """Serve the exporter, and wait until it answers."""
    with in_background(lambda stop: keep_serving(settings, exporter, stop), "metrics"):
        wait_until(lambda: is_served(settings), 60, "metrics are served")
        yield


def is_served(settings: Settings) -> bool:
    try:
        return bool(page(settings))
    except URLError:
        return False


def page(settings: Settings) -> str:
    with urlopen(f"http://127.0.0.1:{settings.outlook.metrics_port}/metrics", timeout=30) as answer:
        return str(answer.read().decode())


def scraped(settings: Settings, exporter: Exporter) -> dict[str, list[Sample]]:
    """Name of each sample -> the samples, of one scrape."""
    with served(settings, exporter):
        families = list(text_string_to_metric_families(page(settings)))
    found: dict[str, list[Sample]] = {}
    for family in families:
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def values(samples: list[Sample], label: str) -> dict[str, float]:
    return {sample.labels[label]: sample.value for sample in samples}
