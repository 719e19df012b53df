"""The verdicts that hold: which clients count as bots or as people, whatever their agents say.

A verdict is a numbered record in the lake. It holds from the commit of the ledger on that bears its number
(``txnAppId`` = verdicts). A ledger that was deleted is counted again under all verdicts that there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

from pyspark.sql import SparkSession

from lake.addresses import spellings
from lake.contracts import CONVICTED, PARDONED
from lake.contracts.records import BY_HAND, Change, VerdictRecord, as_text, as_verdict
from lake.settings import Settings
from spark.tables.delta import snapshot, writers_progress
from spark.tables.storage import list_texts, write_text

WRITER = "verdicts"


class Verdict(NamedTuple):
    """The last word on a client; ``at`` in epoch seconds."""

    verdict: str
    by: str
    at: float
    reason: str


@dataclass(frozen=True)
class Verdicts:
    """All verdicts that hold: address -> the last word on it, and the records that led there, the oldest first."""

    last: dict[str, Verdict]
    number: int = 0
    records: tuple[VerdictRecord, ...] = ()

    @cached_property
    def convicted(self) -> tuple[str, ...]:
        """The addresses that are taken for bots."""
        return self.addresses(CONVICTED)

    @cached_property
    def pardoned(self) -> tuple[str, ...]:
        """The addresses that are taken for people."""
        return self.addresses(PARDONED)

    def addresses(self, verdict: str) -> tuple[str, ...]:
        """Return the addresses with that verdict, in order."""
        return tuple(sorted(address for address, last in self.last.items() if last.verdict == verdict))

    def with_changes(self, changes: Iterable[Change], by: str, at: float) -> Verdicts:
        """Return the verdicts after some more that are not on record yet.

        One on another spelling than today's, in an old lake, is also one on the client in today's. But what the marts
        say of a key of old says nothing of a client that has a verdict of its own.
        """
        more = {
            address: Verdict(change.verdict, by, at, change.reason)
            for change in changes
            for address in spellings(change.ip_address)
            if address == change.ip_address or by == BY_HAND or address not in self.last
        }
        return replace(self, last={**self.last, **more}, number=self.number + 1)

    def with_record(self, record: VerdictRecord) -> Verdicts:
        """Return the verdicts after those of a record."""
        after = self.with_changes(record.changes, record.by, record.at)
        return replace(after, number=max(self.number, record.number), records=(*self.records, record))


def read_verdicts(session: SparkSession, settings: Settings) -> Verdicts:
    """Return the verdicts that hold at the ledger's latest version. This costs a Spark job."""
    ledger = snapshot(session, settings.ledger)
    upto = writers_progress(session, settings.ledger).get(WRITER, 0)
    verdicts = Verdicts({}, upto)
    for record in verdict_records(session, settings):
        if record.ledger_id != ledger.table_id or record.number <= upto:
            verdicts = verdicts.with_record(record)
    return verdicts


def verdict_records(session: SparkSession, settings: Settings) -> list[VerdictRecord]:
    """Return all verdicts on record, the oldest first; the last may not hold yet."""
    return [as_verdict(text) for text in list_texts(session, settings.verdicts)]


def write_verdict(session: SparkSession, settings: Settings, record: VerdictRecord) -> None:
    """Put verdicts on record."""
    write_text(session, f"{settings.verdicts}/{record.number:08d}.json", as_text(record))


def entries_since(session: SparkSession, settings: Settings, at: float) -> list[str]:
    """Return the ids of the ledger's entries of the verdicts after ``at`` (epoch seconds)."""
    return [entry_of(record.number) for record in verdict_records(session, settings) if record.at > at]


def entry_of(number: int) -> str:
    """Return the id of a verdict's entry in the ledger."""
    return f"verdict-{number}"
