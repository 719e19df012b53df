"""Words and limits that stages share: actions, causes, verdicts, reject reasons, windows."""

from __future__ import annotations

TOPIC_PARTITIONS = 6
WINDOW_SECONDS = 10
LATE_AFTER_SECONDS = 600
FUTURE_TOLERANCE_SECONDS = 300
EARLIEST_EVENT = "2000-01-01 00:00:00"
MAX_KEY_CHARACTERS = 256
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

REJECT_REASONS = (
    "invalid_utf8",
    "nul_character",
    "not_json",
    "trailing_bytes",
    "not_a_log_line",
    "missing_time",
    "unreadable_time",
    "time_too_old",
    "time_in_future",
    "unknown_action",
    "wrong_type",
    "key_too_long",
)
"""Why a record is kept in bronze and counted nowhere, in the order in which they are looked for."""
