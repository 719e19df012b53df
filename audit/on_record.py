"""What the lake has on record of verdicts and replays, against PostgreSQL's rows of it."""

from __future__ import annotations

import datetime as dt
from typing import Any, TypeAlias

from psycopg2.extensions import cursor as Cursor

from audit.check import Check, compared, difference, number
from audit.database import database_snapshot, mirror_stand
from audit.lake import PinnedLake
from lake.contracts.records import as_replay, as_verdict
from spark.tables.storage import modified_at, read_texts

NAME = "PostgreSQL: records"
QUERIES = (
    """
    select 'verdict ' || number || ' on ' || ip_address, verdict, decided_by, reason, decided_at, clients, moved
    from silver.verdict_records
    """,
    """
    select 'replay ' || id, done_at, range_start, range_end, client, undo_of, reason, rules, corrections, keys, moved,
        ledger_version
    from silver.replay_records
    """,
)
"""The first column is a name that tells a row from all others."""

Row: TypeAlias = dict[str, Any]


def check_on_record(lake: PinnedLake) -> list[Check]:
    """Compare PostgreSQL's rows with the records in the lake.

    A row may be missing while its record is newer than what PostgreSQL has taken over, and where the verdict never came
    to hold.
    """
    with database_snapshot(lake.settings) as cursor:
        stand = mirror_stand(cursor)
        theirs = {name: row for query in QUERIES for name, row in _rows(cursor, query).items()}
    if stand.ledger_id != lake.ledger_id:  # not filled yet, or from another ledger: the check of its counts says so
        return []
    ours, written_in, unheld = _on_record(lake)
    missing = [name for name in ours if name not in theirs and name not in unheld]
    late = {name for name in missing if modified_at(lake.session, written_in[name]) > stand.moved_at.timestamp()}
    wrong = [name for name, row in ours.items() if name in theirs and theirs[name] != row]
    wrong += [name for name in missing if name not in late] + [name for name in theirs if name not in ours]
    problem = ""
    if wrong:
        problem = f"first: {wrong[0]}: {_difference(ours.get(wrong[0]), theirs.get(wrong[0]))}"
        problem += f"; {number(len(wrong), 'row')} so"
    expected = len(ours) - len(unheld - theirs.keys()) - len(late)
    note = f"{number(len(late), 'newer record')} not taken over yet" if late else ""
    return [compared(NAME, number(expected, "row"), number(len(theirs), "row"), problem, note)]


def _rows(cursor: Cursor, query: str) -> dict[str, Row]:
    cursor.execute(query)
    names = [column.name for column in cursor.description or ()][1:]
    return {name: dict(zip(names, values, strict=True)) for name, *values in cursor.fetchall()}


def _on_record(lake: PinnedLake) -> tuple[dict[str, Row], dict[str, str], set[str]]:
    """Return the rows that the records make, the file of each, and the rows of verdicts that do not hold (yet)."""
    rows: dict[str, Row] = {}
    written_in: dict[str, str] = {}
    unheld: set[str] = set()
    for path, text in read_texts(lake.session, lake.settings.verdicts).items():
        more = _of_verdict(text)
        record = as_verdict(text)
        if record.ledger_id == lake.ledger_id and record.number > lake.verdicts:
            unheld |= more.keys()
        rows |= more
        written_in |= dict.fromkeys(more, path)
    for path, text in read_texts(lake.session, lake.settings.replays).items():
        more = _of_replay(text)
        rows |= more
        written_in |= dict.fromkeys(more, path)
    return rows, written_in, unheld


def _of_verdict(text: str) -> dict[str, Row]:
    record = as_verdict(text)
    return {
        f"verdict {record.number} on {change.ip_address}": {
            "verdict": change.verdict,
            "decided_by": record.by,
            "reason": change.reason,
            "decided_at": _instant(record.at),
            "clients": len(record.changes),
            "moved": record.moved,
        }
        for change in record.changes
    }


def _of_replay(text: str) -> dict[str, Row]:
    record = as_replay(text)
    is_undoing = record.undo is not None
    row = {
        "done_at": _instant(record.at),
        "range_start": None if is_undoing else _instant(record.first),
        "range_end": None if is_undoing else _instant(record.end),
        "client": record.client,
        "undo_of": record.undo,
        "reason": record.reason,
        "rules": record.rules,
        "corrections": record.corrections,
        "keys": record.keys,
        "moved": record.moved,
        "ledger_version": record.ledger_version,
    }
    return {f"replay {record.id}": row}


def _instant(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc)


def _difference(ours: Row | None, theirs: Row | None) -> str:
    if theirs is None:
        return "PostgreSQL has no such row; restart the stream"
    if ours is None:
        return "the lake has no such record"
    return difference(list(ours), list(ours.values()), [theirs[name] for name in ours], ("the lake", "PostgreSQL"))
