"""What ``weblake rejected`` prints."""

from __future__ import annotations

from collections import Counter
from typing import Any

from lake.reject_advice import advice_for
from lake.rejected_rows import RejectedRow
from weblake.console import STRONG, Cell, write, write_table
from weblake.show.units import instant_text

CHARACTERS = 160
"""So much of a record is shown."""


def show_rejected(rows: list[RejectedRow], is_whole: bool) -> None:
    """Write the records as a table, and what to do about each of their reasons."""
    if not rows:
        write("no record is rejected")
        return
    lines = [
        (instant_text(row.at.timestamp()), place(row), Cell(row.reason, STRONG), row.format, text(row.value, is_whole))
        for row in rows
    ]
    write_table(("came at", "place", "reason", "format", "record"), lines, "Rejected records")
    for reason, number in Counter(row.reason for row in rows).most_common():
        write(f"{reason} ({number:,}): {advice_for(reason)}")


def as_dicts(rows: list[RejectedRow]) -> list[dict[str, Any]]:
    """Return the records for programs, whole."""
    return [
        {
            "at": instant_text(row.at.timestamp()),
            "partition": row.partition,
            "offset": row.offset,
            "reason": row.reason,
            "format": row.format,
            "text": text(row.value, is_whole=True),
        }
        for row in rows
    ]


def place(row: RejectedRow) -> str:
    """Return where the record lies in Kafka: ``3-1207`` for offset 1207 of partition 3."""
    return f"{row.partition}-{row.offset}"


def text(value: bytes, is_whole: bool) -> str:
    r"""Return a record's text; bytes that are not UTF-8 as ``\xff``, and cut where it is long."""
    decoded = value.decode(errors="backslashreplace")
    if is_whole or len(decoded) <= CHARACTERS:
        return decoded
    return f"{decoded[:CHARACTERS]}… ({len(value):,} bytes)"
