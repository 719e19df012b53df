"""Instants, addresses and numbers as they are written on the command line."""

from __future__ import annotations

import datetime as dt
import ipaddress
import math

from lake.errors import SettingsError


def read_instant(option: str, text: str) -> float:
    """Return the epoch seconds of an ISO 8601 time, UTC unless it says more.

    Raises:
        SettingsError: it is no time.
    """
    try:
        instant = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise SettingsError(f"{option} {text!r} is no time; write it like 2026-01-31 or 2026-01-31T14:30Z") from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=dt.timezone.utc)).timestamp()


def require_address(text: str) -> None:
    """Raise SettingsError where the text is no IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError as error:
        raise SettingsError(f"--ip {text!r} is no address; give the client's as the marts write it") from error


def require_positive(option: str, number: float | None) -> None:
    """Raise SettingsError where a number is given and is not above 0, or endless."""
    if number is not None and not 0 < number < math.inf:
        raise SettingsError(f"{option} {number} is not above 0; give a number that is")
