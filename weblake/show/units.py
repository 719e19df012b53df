"""Sizes, durations and instants as people read them."""

from __future__ import annotations

import datetime as dt

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def bytes_text(size: float) -> str:
    """Return a size with its unit: ``1536`` is ``1.5 KiB``."""
    for unit in UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {UNITS[-1]}"


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units: ``3700`` is ``1 h 1 min``."""
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def instant_text(seconds: float) -> str:
    """Return an instant (epoch seconds) as ``2026-01-31T14:30:00Z``."""
    return f"{dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc):%Y-%m-%dT%H:%M:%SZ}"
