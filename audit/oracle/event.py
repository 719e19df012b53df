"""One Kafka record, and what it says."""

from __future__ import annotations

from dataclasses import dataclass, field

from audit.oracle.clients import Client
from audit.oracle.times import SECOND

WINDOW = 10 * SECOND


@dataclass(frozen=True)
class Record:
    """One Kafka record: its bytes, its identity header, and the second at which Kafka appended it.

    ``declared`` is the log string that came with it, as bronze keeps it, and ``source`` its header of that name.
    """

    value: bytes
    header: str | None
    position: str
    ingested: float
    declared: str | None = None
    source: str | None = None


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
    """What tells it from all others, by what is in the record, or where a shipper says that it stood."""
    path: str | None = None
    rule: int | None = None
    """Number of the URL rule that applies to its request, from 0."""
    host: str | None = None
    """The host that was asked, in lower case; None where nobody knows."""
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
