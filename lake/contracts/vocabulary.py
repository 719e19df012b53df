"""Words and limits that stages share: actions, causes, verdicts, reject reasons, windows."""

from __future__ import annotations

import datetime as dt

TOPIC_PARTITIONS = 6
WINDOW_SECONDS = 10
LATE_AFTER_SECONDS = 600
EARLIEST_EVENT = "1990-01-01 00:00:00"
"""No web server wrote a log before. An earlier time is what a clock says that was never set."""
MOST_SHIFT = dt.timedelta(days=2)
"""More than the time zones of two ends of the world are apart."""
MAX_KEY_CHARACTERS = 256
"""A longer product id is cut, and ends in a hash of all of it."""
MAX_AGENT_CHARACTERS = 2048
MAX_TARGET_CHARACTERS = 8192
"""The URL rules see so much of a request's target, which bronze keeps whole: servers take no longer ones by default."""
LARGEST_AMOUNT = 10**11
"""More milliseconds or bytes are counted as unknown: sums of them would outgrow a bigint, and end the stream."""

VIEW = "view_product"
ADD_TO_CART = "add_to_cart"
CHECKOUT = "checkout"
OTHER = "other"
ASSET = "asset"
POST = "post"
PROBE = "probe"
SEARCH = "search"

BY_STREAM = "stream"
BY_REPLAY = "replay"
BY_VERDICT = "verdict"
"""The causes of the ledger's entries."""

CONVICTED = "convicted"
PARDONED = "pardoned"
RELEASED = "released"
"""The verdicts on a client: a bot, a person, or what its agent says."""

ERASED = "erased"
"""Stands where the address of a client stood that was erased."""
UNKNOWN = "unknown"
"""The key of the client of whom a record says nothing, or nothing that can be read; in bronze, it has no address."""

AGENT_GROUPS = 4
"""User agents are told apart by a hash in so many groups: as many groups in use, as many different agents at least."""

BEFORE_HORIZON = "before_horizon"
"""Why an event is rejected that could be a repeat of one whose row has gone: see :mod:`lake.contracts.horizon`."""
REJECT_REASONS = (
    "several_records",
    "not_json",
    "trailing_bytes",
    "not_a_log_line",
    "not_an_event",
    "missing_time",
    "unreadable_time",
    "time_in_future",
    BEFORE_HORIZON,
)
"""Why a record is kept in bronze and counted nowhere, in the order in which they are looked for."""
FORMER_REASONS = (
    "invalid_utf8",
    "nul_character",
    "time_too_old",
    "missing_ip",
    "invalid_ip",
    "unknown_action",
    "wrong_type",
    "key_too_long",
)
"""Reasons of earlier versions, which rows of bronze from those days still have."""
READING = 3
"""The number of the way in which records are read: a change that makes another event of old bytes makes it one more."""
