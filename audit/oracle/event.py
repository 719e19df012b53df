"""One Kafka record, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.oracle.clients import Client
from audit.oracle.times import SECOND

WINDOW = 10 * SECOND


@dataclass(frozen=True)
class Record:
    """One Kafka record: its bytes, its identity header, and the second at which Kafka appended it."""

    value: bytes
    header: str | None
    position: str
    ingested: float


@dataclass
class Event:
    """What a record says. ``reject_reason`` is why it counts nowhere; then other fields may be missing."""

    reject_reason: str | None = None
    format: str | None = None
    """What the record is of, also where it counts nowhere; None where nobody knows."""
    time: int | None = None
    ip_address: str | None = None
    action: str | None = None
    product_id: str | None = None
    given_id: str | None = None
    path: str | None = None
    rule: int | None = None
    """Number of the URL rule that applies to its request, from 0."""
    user_agent: str | None = None
    status_code: int | None = None
    response_ms: int | None = None
    bytes: int | None = None
    texts: list[str] = field(default_factory=list)
    is_line: bool = False
    client: Client = field(default_factory=Client)

    @property
    def window(self) -> int:
        """Start of the event's window."""
        return (self.time or 0) // WINDOW * WINDOW
