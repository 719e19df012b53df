"""What became of records after Kafka had them: waits until the stream has counted them, and asks bronze."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ingest.files.identity import place_of
from ingest.stored import StoredOffsets
from lake.bronze_rows import open_bronze
from lake.contracts.reports import read_stream_report
from lake.errors import LakeError
from lake.fates import Fate, Rejects, fate_of
from lake.reject_advice import advice_for
from lake.settings import Settings

POLL_SECONDS = 0.5
NO_STREAM = "no stream runs here, so nothing is counted yet: `make up` starts it"
MORE = "`make status` shows how far the stream is; importing the same files again later says what became of them"


@dataclass(frozen=True)
class Rejection:
    """Lines that were rejected for one reason, the first of them, and what to do."""

    reason: str
    lines: int
    place: str
    text: bytes
    advice: str


@dataclass(frozen=True)
class Account:
    """What became of the lines of an import, as far as it is known; ``rejections`` the most frequent first."""

    counted: int = 0
    duplicates: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    missing: int = 0
    """Lines that are not in bronze where Kafka has them."""
    unknown: int = 0
    """Lines of which it is not known where Kafka has them, so nobody looked for them."""
    note: str | None = None
    """Why it is not known, or not yet so."""

    @property
    def rejected(self) -> int:
        """How many lines were rejected."""
        return sum(rejection.lines for rejection in self.rejections)

    @property
    def known(self) -> int:
        """Of how many lines it is known what became of them."""
        return self.counted + self.duplicates + self.rejected


def await_account(
    settings: Settings,
    stored: StoredOffsets,
    logs: Mapping[str, str],
    patience_seconds: float,
    show: Callable[[int, int], object],
) -> Account:
    """Wait until the stream has counted the records, and return what became of them.

    Args:
        settings: Where the lake is, and the report of the stream.
        stored: Where in Kafka the records are.
        logs: What the ids of a log's lines begin with -> its name.
        patience_seconds: How long the stream may get no further.
        show: Called with how many records have come through, and how many there are.
    """
    note = _wait(settings, stored, patience_seconds, show)
    try:
        rows = open_bronze(settings)
        fate = fate_of(rows, stored.places) if rows else Fate()
    except LakeError as error:
        return Account(note=note or f"what became of the lines is not known: {error}; {MORE}")
    if note and not fate.found:
        return Account(note=note)
    rejections = [_rejection(reason, rejects, logs) for reason, rejects in fate.rejected.items()]
    return Account(
        fate.counted,
        fate.duplicates,
        sorted(rejections, key=lambda one: -one.lines),
        stored.number - stored.unknown - fate.found,
        stored.unknown,
        note,
    )


def _wait(
    settings: Settings, stored: StoredOffsets, patience_seconds: float, show: Callable[[int, int], object]
) -> str | None:
    """Wait until all records are in the ledger; return why it was given up, if it was."""
    ends, before, moved_at = stored.ends, None, time.monotonic()
    rows_to_count = -1
    while True:
        report = read_stream_report(settings.stream_file)
        if report is None or not report.has_living_writer():
            return NO_STREAM
        if report.bronze.refusal:
            return f"bronze waits for you, and nothing is counted until then: {report.bronze.error or '`make status`'}"
        filled = report.bronze.next_offsets
        if rows_to_count < 0 and all(filled.get(partition, 0) >= end for partition, end in ends.items()):
            rows_to_count = report.bronze.rows
        if 0 <= rows_to_count <= report.silver.rows:
            show(stored.number, stored.number)
            return None
        show(stored.before(filled), stored.number)
        if (filled, report.silver.rows) != before:
            before, moved_at = (filled, report.silver.rows), time.monotonic()
        elif time.monotonic() - moved_at > patience_seconds:
            errors = "".join(f"; {stage}: {error}" for stage, error in report.errors.items())
            return f"the stream has got no further for {patience_seconds:.0f} s{errors}; {MORE}"
        time.sleep(POLL_SECONDS)


def _rejection(reason: str, rejects: Rejects, logs: Mapping[str, str]) -> Rejection:
    order = list(logs)

    def place(sample: tuple[str, bytes]) -> tuple[int, int]:
        file, number = place_of(sample[0])
        return (order.index(file) if file in logs else len(order), number)

    event_id, text = min(rejects.samples, key=place)
    file, number = place_of(event_id)
    where = f"{logs.get(file, 'a log')}: line {number:,}"
    return Rejection(reason, rejects.records, where, text, advice_for(reason))
