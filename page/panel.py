"""One panel: the queries that it shows, and how they are asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from psycopg2 import sql
from psycopg2.extensions import cursor as Cursor

from page.span import Span
from page.view import View

MOST_ROWS = 100
"""Rows of a list on the page."""
MOST_CSV_ROWS = 100_000

MEASURES = (
    *("events", "views", "add_to_carts", "checkouts", "failed_checkouts", "payment_errors", "declined_count"),
    *("client_errors", "server_errors", "response_ms", "timed_events"),
)


def _counted(measure: str) -> sql.SQL:
    """Return the SQL for a measure of those whom the switch shows; marts have columns for all and for people."""
    human = f"human_{measure}"
    return sql.SQL(f"case %(who)s when 'people' then {human} when 'bots' then {measure} - {human} else {measure} end")


COUNTED = {measure: _counted(measure) for measure in MEASURES}


@dataclass(frozen=True)
class Table:
    """Rows of a query with the names of their columns."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


@dataclass(frozen=True)
class Panel:
    """A part of the page.

    Attributes:
        name: by which the page and its URL know it.
        title: what stands above it.
        queries: table -> SQL. In braces stand a measure, which is counted for those whom the switch shows; ``bin`` or
            ``bin_coarse``, the step that a window lies in; and ``bins`` or ``bins_coarse``, a query for all steps.
        csv: the table that is the panel's CSV.
        parts: more SQL that queries name in braces.
        needs: table -> the relation that may be missing; the table is empty then.
        is_of_state: whether it changes with the stack's state, and not with the marts alone.
    """

    name: str
    title: str
    queries: Mapping[str, str]
    csv: str
    parts: Mapping[str, str] = field(default_factory=dict)
    needs: Mapping[str, str] = field(default_factory=dict)
    is_of_state: bool = False

    def read(self, cursor: Cursor, view: View, span: Span, most_rows: int = MOST_ROWS) -> dict[str, Table]:
        """Return the panel's tables by name.

        Raises:
            psycopg2.Error: the database does not answer, or not in time.
        """
        return {name: self._read(cursor, name, view, span, most_rows) for name in self.queries}

    def read_csv(self, cursor: Cursor, view: View, span: Span) -> Table:
        """Return the table that is the panel's CSV, with more rows than the page shows.

        Raises:
            psycopg2.Error: the database does not answer, or not in time.
        """
        return self._read(cursor, self.csv, view, span, MOST_CSV_ROWS)

    def without_marts(self) -> Panel:
        """Return the panel as it is before there are marts: without rows, unless it tells of the stack's state."""
        return self if self.is_of_state else replace(self, needs=dict.fromkeys(self.queries, "marts.build_info"))

    def _read(self, cursor: Cursor, name: str, view: View, span: Span, most_rows: int) -> Table:
        if name in self.needs:
            cursor.execute("select to_regclass(%s) is null", (self.needs[name],))
            if cursor.fetchone() == (True,):
                return Table((), [])
        own = {"who": view.who, "product": view.product, "is_all": view.is_all, "most_rows": most_rows}
        words: dict[str, sql.Composable] = {**COUNTED, **span.bins}
        words |= {part: sql.SQL(text).format(**words) for part, text in self.parts.items()}
        query = sql.SQL(self.queries[name]).format(**words)
        cursor.execute(query, {**span.parameters, **own})
        return Table(tuple(column.name for column in cursor.description or ()), cursor.fetchall())
