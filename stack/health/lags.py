"""How far each stage is behind the one before it, and since when; how long the source has been silent."""

from __future__ import annotations

from dataclasses import dataclass

from lake.contracts.reports import StreamReport
from lake.settings import Settings
from stack.health.topic import Topic

USUAL_SECONDS = 30
"""How long rows wait for a stage where all is as it should be; a busy machine takes its time."""
STALE_SECONDS = 60
MOST_SECONDS = 600
"""A stage that deals with rows, but has had the oldest of them for that long, gets more than it can do."""
TOLD_SECONDS = 3600.0
"""So long status tells of what a sender did wrong."""
FEW_UNLISTED = 10
"""So many events with an action that nobody listed may be mistakes."""
SILENT_SECONDS = 300
"""How long the generator, which sends all the time, may seem to send nothing."""


@dataclass(frozen=True)
class Stage:
    """One stage: rows it has dealt with, and how many wait for it."""

    name: str
    rows: int
    lag_rows: int
    lag_seconds: float
    """How long the oldest of them has waited while the stream ran."""
    batch_seconds: float = 0.0
    """How long it has been at its present batch; 0 where it is at none."""
    still_seconds: float | None = None
    """How long ago it last dealt with rows; None where that is not known."""
    pace_seconds: float = 0.0
    """How long it lets rows wait on purpose."""

    @property
    def is_late(self) -> bool:
        """Whether rows have waited for longer than usual."""
        return self.lag_rows > 0 and self.lag_seconds > USUAL_SECONDS + self.pace_seconds

    @property
    def is_stale(self) -> bool:
        """Whether rows have waited for too long, and it deals with none, or with fewer than come."""
        limit = STALE_SECONDS + self.pace_seconds
        is_still = self.still_seconds is None or self.still_seconds > limit
        return self.lag_rows > 0 and self.lag_seconds > (limit if is_still else MOST_SECONDS)


def lags(topic: Topic | None, stream: StreamReport | None, pace_seconds: float, now: float) -> list[Stage]:
    """Return bronze, silver and mirror with their lags.

    Args:
        topic: How far Kafka's topic has got; None when that is not known.
        stream: The stream's report; None when there is none.
        pace_seconds: How often bronze takes records from Kafka.
        now: Epoch seconds.
    """
    if stream is None:
        stream = StreamReport(running_since=now)
    bronze, silver, mirror = stream.bronze, stream.silver, stream.mirror
    unread = sum(topic.ends.values()) - sum(bronze.next_offsets.values()) if topic else 0
    since = dict(stream.waiting_since)
    if topic and topic.unread_since:
        since["bronze"] = max(topic.unread_since, stream.running_since)
    behind = (
        ("bronze", bronze.rows, unread, pace_seconds),
        ("silver", silver.rows, bronze.rows - silver.rows, 0.0),
        ("mirror", mirror.rows, silver.rows - mirror.rows, 0.0),
    )
    return [
        Stage(
            name,
            rows,
            max(lag, 0),
            max(now - since.get(name, now), 0.0) if lag > 0 else 0.0,
            stream.updated_at - stream.batch_since[name] if name in stream.batch_since else 0.0,
            max(now - stream.moved_at[name], 0.0) if name in stream.moved_at else None,
            pace,
        )
        for name, rows, lag, pace in behind
    ]


def record_age(topic: Topic | None, stream: StreamReport | None, now: float) -> float | None:
    """Return the age of the newest record (seconds); None where there is none, or where it is not read yet."""
    if topic is None or stream is None or not stream.bronze.as_of or topic.unread_since:
        return None
    return max(now - stream.bronze.as_of, 0.0)


def clock_ahead(stream: StreamReport | None, now: float) -> float:
    """Return by how much a sender's clock is ahead (seconds); 0 where none was within the last hour."""
    if stream is None or now - stream.bronze.clock_ahead_at > TOLD_SECONDS:
        return 0.0
    return stream.bronze.clock_ahead_seconds


def unlisted_share(stream: StreamReport | None, now: float) -> float:
    """Return the share of events whose action nobody listed; 0 where there were few, or none within the last hour."""
    if stream is None or now - stream.silver.unlisted_at > TOLD_SECONDS or stream.silver.unlisted < FEW_UNLISTED:
        return 0.0
    return stream.silver.unlisted / stream.silver.named


def most_silent_seconds(settings: Settings, has_generator: bool) -> float | None:
    """Return how long no record may come; None where it does not matter."""
    if settings.silent_minutes is None:
        return SILENT_SECONDS if has_generator else None
    return settings.silent_minutes * 60 or None
