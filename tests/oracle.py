"""What the pipeline should count: the audit's oracle, by the URL rules that Weblake ships."""

from __future__ import annotations

from collections.abc import Iterable

from audit.oracle import Cell, Oracle, Record, clients
from lake.settings import load_settings
from lake.url_rules import load_url_rules

__all__ = ["Record", "count"]


def count(records: Iterable[Record]) -> tuple[dict[Cell, int], int, int]:
    """Count events per (dimension, window, key); also returns the numbers of rejected and of duplicate records."""
    settings = load_settings()
    return Oracle(load_url_rules(settings.rules_file), clients(settings.ranges_file)).count(records)
