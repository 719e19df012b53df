"""What replays, verdicts and maintenance print."""

from __future__ import annotations

from lake.contracts import REJECTED
from lake.contracts.edition import URL_RULES
from lake.contracts.records import ReplayRecord, VerdictRecord
from lake.requests import Sizes, TableSize, VerdictAnswer
from weblake.console import STRONG, Cell, write, write_table
from weblake.show.units import bytes_text, instant_text

HASH_DIGITS = 7
"""So much of a hash is shown: enough to see whether two replays went by the same rules."""


def show_replay(record: ReplayRecord) -> None:
    """Write what a replay corrected, or would correct: the largest corrections, and how many there are."""
    rows = [
        (
            row.dimension,
            row.key,
            "-" if row.dimension == REJECTED.name else "bot" if row.is_bot else "human",
            ", ".join(f"{name} {value:+,d}" for name, value in row.measures.items()),
        )
        for row in record.shown
    ]
    if rows:
        write_table(("dimension", "key", "who", "corrections"), rows)
    if record.keys > len(rows):
        write(f"... and {record.keys - len(rows):,} more keys")
    appended = "would be appended (dry run)" if record.dry_run else "appended"
    write(f"replay {record.id}: {record.corrections:,} corrections {appended}", STRONG)


def show_replays(records: list[ReplayRecord]) -> None:
    """Write one line per replay."""
    if not records:
        write("no replays yet")
        return
    rows = [
        (
            Cell(record.id, STRONG),
            instant_text(record.at),
            f"undoes {record.undo}" if record.undo else f"{instant_text(record.first)} to {instant_text(record.end)}",
            record.client or "-",
            f"{record.corrections:,}",
            moved_text(record.moved) or "-",
            record.reason or "-",
            record.rules.get(URL_RULES, "-")[:HASH_DIGITS],
        )
        for record in records
    ]
    write_table(
        ("replay", "done at", "range", "client", "corrections", "moved", "reason", "rules"), rows, right="    r"
    )


def show_verdicts(records: list[VerdictRecord]) -> None:
    """Write one line per verdict."""
    if not records:
        write("no verdicts yet")
        return
    rows: list[tuple[Cell | str, ...]] = [
        (
            str(record.number),
            instant_text(record.at),
            Cell(change.ip_address, STRONG),
            change.verdict,
            record.by,
            change.reason,
        )
        for record in records
        for change in record.changes
    ]
    write_table(("number", "at", "client", "verdict", "by", "reason"), rows, right="r")


def verdict_text(address: str, verdict: str, outcome: VerdictAnswer, dry_run: bool) -> str:
    """Return what a verdict moved, or would move, in one line."""
    if not outcome.changes:
        return f"{address} was already {verdict}; nothing to do"
    moved = moved_text(outcome.moved) or "nothing moves"
    return f"{address} {'would be' if dry_run else 'is'} {verdict}; to the bots: {moved}"


def show_maintenance(before: Sizes, after: Sizes) -> None:
    """Write each table's files and bytes, in use and on the disk, before and after."""
    rows: list[tuple[Cell | str, ...]] = [
        (Cell(name, STRONG), *(size(sizes[name]) for size in (_in_use, _on_disk) for sizes in (before, after)))
        for name in before
    ]
    write_table(("table", "in use before", "after", "on disk before", "after"), rows, right=" rrrr")


def moved_text(moved: dict[str, int]) -> str:
    """Return what was added to each measure, in one line; empty where nothing was."""
    return ", ".join(f"{name} {number:+,d}" for name, number in moved.items() if number)


def _in_use(size: TableSize) -> str:
    return f"{size.files:,} files, {bytes_text(size.bytes)}"


def _on_disk(size: TableSize) -> str:
    return f"{size.disk_files:,} files, {bytes_text(size.disk_bytes)}"
