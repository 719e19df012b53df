"""Why PostgreSQL does not let somebody in, in words: it is not there yet, it is not ready yet, or it says no."""

from __future__ import annotations

from dataclasses import dataclass

ABSENT = ("Connection refused", "timeout expired", "server closed the connection unexpectedly", "Connection reset")
FINAL = ("password authentication failed", "does not exist", "no pg_hba.conf entry", "is not permitted to log in")
UNREADY = ("the database system is ", "too many clients", "remaining connection slots are reserved")
"""What it says while it starts, stops or recovers, or has no room for another session: the next try may be let in."""


@dataclass(frozen=True)
class Refusal:
    """Why a login failed; ``is_final`` where waiting does not help."""

    words: str
    is_final: bool


def refusal_in(message: str) -> Refusal:
    """Return what libpq's message about a failed connection says.

    It has a line or more for each address that was tried; the last one counts.
    """
    answer = message.rpartition(" failed: ")[2].strip()
    line = (answer.splitlines() or ["no reason given"])[0].removeprefix("FATAL:").strip()
    if any(text in answer for text in ABSENT):
        return Refusal(f"it does not listen yet ({line})", is_final=False)
    if any(text in answer for text in UNREADY):
        return Refusal(f"it is not ready yet: {line}", is_final=False)
    return Refusal(line, is_final=any(text in answer for text in FINAL))
