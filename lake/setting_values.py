"""What the text of a setting stands for: a number, a switch, one word of a list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar
from zoneinfo import ZoneInfo

from lake.errors import SettingsError

T = TypeVar("T")

PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
"""How a client may reach Kafka."""
MECHANISMS = ("SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN")
"""How it may log in."""


def number(name: str, text: str, convert: Callable[[str], T], minimum: T) -> T:
    """Return a number that is not below ``minimum``.

    Raises:
        SettingsError: it is none.
    """
    try:
        value = convert(text)
    except ValueError as error:
        raise SettingsError(f"{name}={text!r} is not a number; set it to one, or leave it out") from error
    if value < minimum:  # type: ignore[operator]
        raise SettingsError(f"{name}={text!r} is below {minimum}; set it to {minimum} or more")
    return value


def number_or_auto(name: str, text: str) -> int | None:
    """Return a whole number that is not below 0; None for ``auto``.

    Raises:
        SettingsError: it is neither.
    """
    return None if text.lower() == "auto" else number(name, text, int, minimum=0)


def word(name: str, text: str, words: tuple[str, ...]) -> str:
    """Return one of ``words``, which are in capitals.

    Raises:
        SettingsError: it is another.
    """
    if text.upper() not in words:
        raise SettingsError(f"{name}={text!r} is unknown; set it to one of {', '.join(words)}")
    return text.upper()


def switch(name: str, text: str) -> bool:
    """Return whether a switch is on.

    Raises:
        SettingsError: it says neither.
    """
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    if text.lower() not in words:
        raise SettingsError(f"{name}={text!r} is neither 1 nor 0; set it to one of them")
    return words[text.lower()]


def time_zone(name: str, text: str) -> str:
    """Return the name of a time zone, as the tz database has it.

    Raises:
        SettingsError: there is no such zone.
    """
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, KeyError) as error:
        raise SettingsError(f"{name}={text!r} is no time zone; set it to one such as Europe/Berlin") from error
