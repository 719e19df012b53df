"""Answers to what panels ask, kept as long as they hold: however many ask at once, the database is asked once."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from anyio import to_thread
from psycopg2.extensions import cursor as Cursor

from page.csv_text import as_csv
from page.lookout import Lookout
from page.marts import AwayError, Marts
from page.panel import Panel, Table
from page.span import Span, span_of
from page.stand import Extent, Stand, read_extent, read_stand
from page.view import View

KEPT_ANSWERS = 300
KEPT_BYTES = 8 << 20


@dataclass(frozen=True)
class Answer:
    """The body of an answer, and the tag by which a browser asks whether it still holds."""

    body: bytes
    tag: str


@dataclass(frozen=True)
class Question:
    """What is asked: a panel's tables as JSON, or one of them as CSV."""

    panel: Panel
    view: View
    is_csv: bool = False

    def tag(self, stand: Stand) -> str:
        """Return what names the answer at a stand, in the quotes that HTTP wants."""
        shown = stand.of_state if self.panel.is_of_state else stand.of_marts
        return f'"{hashlib.sha256(f"{shown} {self.panel.name} {self.view} {self.is_csv}".encode()).hexdigest()[:24]}"'


class Answers:
    """Answers questions from the database, or from what it answered at the same stand."""

    def __init__(self, marts: Marts, lookout: Lookout, zone: str) -> None:
        """Keep nothing yet; ``zone`` is the shop's time zone."""
        self._marts = marts
        self._lookout = lookout
        self._zone = zone
        self._kept: OrderedDict[str, Answer] = OrderedDict()
        self._bytes = 0
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def tag(self, question: Question) -> str:
        """Return the tag of the answer as of now.

        Raises:
            AwayError: the database does not answer.
        """
        news = await self._lookout.look()
        if news.trouble:
            raise AwayError(news.trouble)
        return question.tag(news.stand)

    async def answer(self, question: Question) -> Answer:
        """Return the answer as of now.

        Raises:
            AwayError: the database does not answer, or has no marts yet.
            SlowError: it takes too long.
        """
        tag = await self.tag(question)
        kept = self._kept.get(tag)
        if kept:
            self._kept.move_to_end(tag)
            return kept
        if tag not in self._asked:
            self._asked[tag] = asyncio.create_task(self._ask(question))
            self._asked[tag].add_done_callback(lambda _: self._asked.pop(tag))
        return await asyncio.shield(self._asked[tag])

    async def _ask(self, question: Question) -> Answer:
        stand, body = await to_thread.run_sync(self._marts.read, self._reader(question))
        answer = Answer(body, question.tag(stand))
        self._keep(answer)
        return answer

    def _reader(self, question: Question) -> Callable[[Cursor], tuple[Stand, bytes]]:
        def read(cursor: Cursor) -> tuple[Stand, bytes]:
            stand = read_stand(cursor)
            now = stand.built_at or dt.datetime.now(dt.timezone.utc)
            extent = read_extent(cursor) if stand.version is not None else (None, None)
            span = span_of(question.view, *extent, now, self._zone)
            panel = question.panel if stand.version is not None else question.panel.without_marts()
            if question.is_csv:
                return stand, as_csv(panel.read_csv(cursor, question.view, span))
            return stand, as_json(stand, extent, span, panel.read(cursor, question.view, span))

        return read

    def _keep(self, answer: Answer) -> None:
        self._kept[answer.tag] = answer
        self._bytes += len(answer.body)
        while len(self._kept) > KEPT_ANSWERS or self._bytes > KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)


def as_json(stand: Stand, extent: Extent, span: Span, tables: dict[str, Table]) -> bytes:
    """Return the answer's JSON: times are epoch seconds."""
    first, newest = extent
    content = {
        "stand": stand.as_json(),
        "span": {"start": span.start, "end": span.end, "step": span.step.total_seconds()},
        "extent": {"first": first, "newest": newest},
        "tables": {name: {"columns": table.columns, "rows": table.rows} for name, table in tables.items()},
    }
    return to_json(content)


def to_json(content: Any) -> bytes:
    """Return JSON in which times are epoch seconds and decimals numbers."""
    return json.dumps(content, default=_plain, separators=(",", ":"), ensure_ascii=False).encode()


def _plain(value: object) -> float:
    if isinstance(value, dt.datetime):
        return value.timestamp()
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{type(value).__name__} has no place in JSON")
