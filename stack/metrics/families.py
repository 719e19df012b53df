"""How a metric is written: its name, its meaning, and a value for each combination of its labels."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from lake.contracts.work import Histogram


def gauge(name: str, meaning: str, values: Mapping[str, float | None], label: str) -> Metric:
    """Return a gauge with one label: value of the label -> value, None where it is not known."""
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family


def single(name: str, meaning: str, value: float | None) -> Metric:
    """Return a gauge without labels; without a value where that is None, so it is not known."""
    family = GaugeMetricFamily(name, meaning)
    if value is not None:
        family.add_metric([], value)
    return family


def counter(name: str, meaning: str, values: Mapping[str, float], label: str) -> Metric:
    """Return a counter with one label; its samples end in ``_total``."""
    family = CounterMetricFamily(name, meaning, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family


def histogram(name: str, meaning: str, values: Mapping[str, Histogram], label: str) -> Metric:
    """Return a histogram with one label."""
    family = HistogramMetricFamily(name, meaning, labels=[label])
    for key, one in values.items():
        bounds = [*(str(bound) for bound in one.bounds), "+Inf"]
        family.add_metric([key], list(zip(bounds, map(float, accumulate(one.counts)), strict=True)), one.total)
    return family
