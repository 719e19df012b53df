"""Waiting for a condition, with or without an end."""

from __future__ import annotations

import time
from collections.abc import Callable

from tenacity import RetryCallState, RetryError, Retrying, retry_if_result, stop_after_delay, stop_never, wait_fixed

from lake.errors import ServiceError


class TooLongError(ServiceError):
    """What was waited for did not come in time."""


def wait_until(
    condition: Callable[[], bool],
    seconds: float | None,
    what: str,
    pause_seconds: float = 0.1,
    say: Callable[[float], None] | None = None,
    say_seconds: float = 10,
) -> None:
    """Ask ``condition`` until it is true.

    Args:
        condition: What to wait for.
        seconds: How long to wait; None is for ever.
        what: What was waited for, in words that follow "until".
        pause_seconds: Between two questions.
        say: Called every ``say_seconds`` with the seconds waited so far.
        say_seconds: See ``say``.

    Raises:
        TooLongError: it was not true within ``seconds``.
    """
    started = last_note = time.monotonic()

    def before_sleep(_: RetryCallState) -> None:
        nonlocal last_note
        now = time.monotonic()
        if say and now - last_note > say_seconds:
            last_note = now
            say(now - started)

    attempts = Retrying(
        retry=retry_if_result(lambda is_true: not is_true),
        stop=stop_never if seconds is None else stop_after_delay(seconds),
        wait=wait_fixed(pause_seconds),
        before_sleep=before_sleep,
    )
    try:
        attempts(condition)
    except RetryError as error:
        raise TooLongError(f"after {seconds:.0f} s still waiting until {what}") from error
