"""What to do about records that were rejected, by reason."""

from __future__ import annotations

from lake.contracts import FORMER_REASONS

_ADVICE = {
    "not_a_log_line": "it is neither a JSON event nor a line in a format that Weblake reads: `make formats` shows why; "
    "docs/formats.md lists them",
    "not_json": "it begins like a JSON object and is none: it may be cut off, or its quotes are not escaped",
    "trailing_bytes": "something follows the JSON object: send one object a record",
    "several_records": "it holds several records: have the sender put each into a message of its own",
    "not_an_event": "it is a JSON object that is neither an event nor an access log's: docs/formats.md says which are",
    "missing_time": "it does not say when it happened: log the time",
    "unreadable_time": "its time cannot be read: docs/logs.md lists the ways to write one",
    "time_in_future": "its time is ahead by more than FUTURE_SECONDS: look at both clocks, and at the time zone",
    "before_horizon": "it is of a day whose records are gone (KEEP_BRONZE_DAYS), so it could be a repeat of one",
    **dict.fromkeys(
        FORMER_REASONS, "an earlier version rejected it: `make replay` reads it again, and counts it where it can"
    ),
}


def advice_for(reason: str) -> str:
    """Return what is wrong with a record that was rejected for this reason, and what to do."""
    return _ADVICE.get(reason, "docs/logs.md says what this means")
