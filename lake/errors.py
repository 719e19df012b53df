"""Errors that Weblake raises on purpose. Each message says what failed, the value, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lake.contracts.refusals import Refusal


MOST_SHOWN = 120
"""So many characters of a user's file may stand in a message: a file may be one line of a megabyte."""


class WeblakeError(Exception):
    """Anything that Weblake refuses or cannot do."""


class SettingsError(WeblakeError):
    """A setting has a value that cannot be used."""


class RulesError(WeblakeError):
    """The URL rules file cannot be used."""


class FormatError(SettingsError):
    """A log format string cannot be used."""


class ServiceError(WeblakeError):
    """Kafka or PostgreSQL cannot be reached, or refused what was asked."""


class LakeError(WeblakeError):
    """The lake is not in the state that the current work needs."""


class RefusedError(LakeError):
    """Bronze waits until somebody accepts what has happened to the topic."""

    def __init__(self, message: str, what: Refusal) -> None:
        """Take the message for people, and in ``what`` the same for ``make accept-…``."""
        super().__init__(message)
        self.what = what


class StoppedError(WeblakeError):
    """Somebody stopped the work before its end; the message says what goes on without it."""


class SpaceError(WeblakeError):
    """A disk has less room than is to be kept free: the work waits."""


class LockedError(LakeError):
    """Another process is writing the lake."""


def brief(text: object) -> str:
    """Return a text, or an error's, in one line of at most ``MOST_SHOWN`` characters."""
    line = " ".join(str(text).split())
    return line if len(line) <= MOST_SHOWN else f"{line[: MOST_SHOWN - 1]}…"


def shown(value: object) -> str:
    """Return what a file holds as Python would write it, but of a long value only how it begins."""
    return brief(repr(value))


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message; its class where it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
