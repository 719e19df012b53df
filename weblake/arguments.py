"""Instants, addresses and numbers as they are written on the command line."""

from __future__ import annotations

import datetime as dt
import math
import re

from lake.addresses import canonical
from lake.contracts import ERASED, UNKNOWN
from lake.errors import SettingsError

UNITS = {"min": 60, "h": 3_600, "d": 86_400}
NAME = re.compile(
    r"(?=.{1,253}$)(?!(?:.*\.)?[0-9]+$)(?!.*\.[0-9][^.]*$)[a-z0-9][a-z0-9_-]*(?:\.[a-z0-9_-]+)*", re.ASCII
)
"""The name of a host, also of one label; nothing that is meant for an address, such as ``192.0.2.300``."""
ANONYMISED = re.compile(r"(?=.*[.:])(?=.*[x*])[0-9a-fx*.:]+", re.ASCII)
AGO = re.compile(rf"(\d{{1,5}}) ?({'|'.join(UNITS)})")


def read_instant(option: str, text: str) -> float:
    """Return the epoch seconds of an ISO 8601 time, UTC unless it has an offset.

    Raises:
        SettingsError: it is not a time.
    """
    try:
        instant = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError as error:
        raise SettingsError(
            f"{option} {text!r} is not a time; write it like 2026-01-31 or 2026-01-31T14:30Z"
        ) from error
    return (instant if instant.tzinfo else instant.replace(tzinfo=dt.timezone.utc)).timestamp()


def read_since(option: str, text: str, now: float) -> float:
    """Return the epoch seconds of a time, or of so long before ``now``: ``90min``, ``2h``, ``7d``.

    Raises:
        SettingsError: it is neither.
    """
    match = AGO.fullmatch(text.strip())
    if match:
        return now - int(match[1]) * UNITS[match[2]]
    try:
        return read_instant(option, text)
    except SettingsError as error:
        raise SettingsError(
            f"{option} {text!r} is not a time; write it like 30min, 2h or 7d, or like 2026-01-31 or 2026-01-31T14:30Z"
        ) from error


def read_duration(option: str, text: str) -> float:
    """Return the seconds of ``30min``, ``2h`` or ``7d``.

    Raises:
        SettingsError: it is none of them.
    """
    match = AGO.fullmatch(text.strip())
    if match is None:
        raise SettingsError(f"{option} {text!r} is no time that lasts; write it like 30min, 2h or 7d")
    return float(int(match[1]) * UNITS[match[2]])


def read_address(text: str) -> str:
    """Return an address in the spelling that the marts have; any other is understood.

    Raises:
        SettingsError: it is no IP address.
    """
    address = canonical(text)
    if address is None:
        raise SettingsError(f"--ip {text!r} is not an IP address; give it as the marts show it")
    return address


def read_client(text: str) -> str:
    """Return a client as the marts have it: an address, a host's name, or an anonymised address.

    Raises:
        SettingsError: it is none of them, or nobody: the unknown, or those who are erased already.
    """
    client = canonical(text) or text.strip().lower().removesuffix(".")
    is_client = canonical(text) or NAME.fullmatch(client) or ANONYMISED.fullmatch(client)
    if not is_client or client in (UNKNOWN, ERASED):
        raise SettingsError(f"--ip {text!r} is not an IP address, nor a host's name; give it as the marts show it")
    return client


def require_positive(option: str, number: float | None) -> None:
    """Raise SettingsError if a number is given that is not above 0, or is infinite."""
    if number is not None and not 0 < number < math.inf:
        raise SettingsError(f"{option} {number} is not above 0; give a larger number")
