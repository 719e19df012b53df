"""What is on record of verdicts and replays, as PostgreSQL has it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor
from psycopg2.extras import Json, execute_values

from lake.contracts import MIRROR_SCHEMA, names
from lake.contracts.mirror import REPLAY_RECORDS_TABLE, VERDICT_RECORDS_TABLE, VERDICTS_TABLE, VERSION, MirrorTable
from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from spark.tables.verdicts import Verdicts

Row: TypeAlias = dict[str, Any]

_NEWS = "create temporary table news (like {table}) on commit drop"
_DELETE = "delete from {table} where not exists (select from news where ({news_key}) = ({old_key}))"
_UPSERT = """
    insert into {table} as old ({columns}) select {columns} from news on conflict ({key}) do update
    set ({columns}) = row({new_values}) where ({old_facts}) is distinct from ({new_facts})
"""


@dataclass(frozen=True)
class Records:
    """The verdicts that hold and have held, and the replays by id. Another of either is another object."""

    verdicts: Verdicts
    replays: Mapping[str, ReplayRecord] = field(default_factory=dict)


def put_records(cursor: Cursor, records: Records, version: int) -> bool:
    """Make PostgreSQL's tables of records say the same, and return whether that changed a row of them.

    Rows that say so already stay as they are; the others are stamped with ``version``, that of the bookmark.
    """
    verdicts = records.verdicts
    last = (
        {**_on_client(Change(address, word.verdict, word.reason), word.by, word.at), "number": verdicts.number}
        for address, word in verdicts.last.items()
    )
    decided = (row for record in verdicts.records for row in _of_verdict(record, version))
    replayed = (_of_replay(record, version) for record in records.replays.values())
    tables = ((VERDICTS_TABLE, last), (VERDICT_RECORDS_TABLE, decided), (REPLAY_RECORDS_TABLE, replayed))
    return sum(_put(cursor, table, rows) for table, rows in tables) > 0


def _of_verdict(record: VerdictRecord, version: int) -> Iterable[Row]:
    """Return a row per client; if it was on two that are both erased, the last word on them."""
    last = {change.ip_address: change for change in record.changes}
    about = {"number": record.number, "clients": len(record.changes), "moved": Json(record.moved), "version": version}
    return [{**_on_client(change, record.by, record.at), **about} for change in last.values()]


def _on_client(change: Change, by: str, at: float) -> Row:
    return {
        "ip_address": change.ip_address,
        "verdict": change.verdict,
        "decided_by": by,
        "reason": change.reason,
        "decided_at": _instant(at),
    }


def _of_replay(record: ReplayRecord, version: int) -> Row:
    return {
        "id": record.id,
        "done_at": _instant(record.at),
        "range_start": None if record.undo else _instant(record.first),
        "range_end": None if record.undo else _instant(record.end),
        "client": record.client,
        "undo_of": record.undo,
        "reason": record.reason,
        "rules": Json(record.rules),
        "corrections": record.corrections,
        "keys": record.keys,
        "moved": Json(record.moved),
        "ledger_version": record.ledger_version,
        "version": version,
    }


def _instant(seconds: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, tz=dt.timezone.utc)


def _put(cursor: Cursor, table: MirrorTable, rows: Iterable[Row]) -> int:
    """Make the rows of a table these, and return how many of them were others."""
    columns = names(table.columns)
    facts = [name for name in columns if name not in (*table.key, VERSION.name)]
    parts = {
        "table": sql.Identifier(MIRROR_SCHEMA, table.name),
        "key": _listed(table.key),
        "columns": _listed(columns),
        "news_key": _listed(table.key, "news"),
        "old_key": _listed(table.key, table.name),
        "new_values": _listed(columns, "excluded"),
        "old_facts": _listed(facts, "old"),
        "new_facts": _listed(facts, "excluded"),
    }
    cursor.execute(sql.SQL(_NEWS).format(**parts))
    insert = sql.SQL("insert into news ({columns}) values %s").format(**parts)
    execute_values(cursor, insert, [tuple(row[name] for name in columns) for row in rows])
    changes = 0
    for statement in (_DELETE, _UPSERT):
        cursor.execute(sql.SQL(statement).format(**parts))
        changes += cursor.rowcount
    cursor.execute("drop table news")
    return changes


def _listed(columns: Iterable[str], table: str = "") -> sql.Composed:
    """Return columns, with the table's name before each where one is given, separated by commas."""
    return sql.SQL(", ").join(sql.Identifier(*filter(None, (table, name))) for name in columns)
