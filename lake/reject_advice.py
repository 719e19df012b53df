"""What to do about records that were rejected, by reason."""

from __future__ import annotations

_ADVICE = {
    "not_a_log_line": "it is neither a JSON event nor a line in a format that Weblake reads: docs/logs.md lists those",
    "not_json": "it begins like a JSON object and is none: it may be cut off, or its quotes are not escaped",
    "trailing_bytes": "something follows the JSON object: send one object a record",
    "several_records": "it holds several records: have the sender put each into a message of its own",
    "missing_time": "it does not say when it happened: log the time",
    "unreadable_time": "its time cannot be read: docs/logs.md lists the ways to write one",
    "time_too_old": "its time is before 2000: look at the clock of the server",
    "time_in_future": "its time is ahead of this machine's: look at both clocks, and at the time zone",
    "missing_ip": "it has no client address: log it",
    "invalid_ip": "its client is no IP address: have the server log the address, and not the name",
    "unknown_action": "its action is not listed in the rules file: add it to `actions` there",
    "wrong_type": "a number, status or text of it has the wrong type: docs/logs.md shows an event",
    "key_too_long": "its address, action or product is longer than 256 characters",
    "invalid_utf8": "it is not UTF-8: have the server write UTF-8",
    "nul_character": "it contains a NUL character",
}


def advice_for(reason: str) -> str:
    """Return what is wrong with a record that was rejected for this reason, and what to do."""
    return _ADVICE.get(reason, "docs/logs.md says what this means")
