"""Verdicts: clients that are taken for bots, or for people, whatever their agents say.

A verdict is a numbered record in the lake. It holds from the commit of the ledger on that bears its number
(``txnAppId`` = verdicts): that commit moves the client's past from one side to the other, and what comes later is
counted on the new side at once. So record and ledger cannot disagree, wherever the process dies. A ledger that was
deleted is counted anew under all verdicts that there are.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, NamedTuple

from pyspark.sql import SparkSession

from lake.contracts import BY_VERDICT, CONVICTED, PARDONED, RELEASED
from lake.errors import WeblakeError
from lake.requests import Change, VerdictRequest, answer, waiting
from lake.settings import Settings
from lake.url_rules import load_url_rules
from spark import failpoints
from spark.errands.moves import moves, summary
from spark.events.agents import sort_agents
from spark.events.claims import Ranges, load_ranges
from spark.events.counts import as_entry
from spark.events.judgement import Judgement
from spark.tables.delta import append_once, snapshot, writers_progress
from spark.tables.storage import list_texts, write_text

log = logging.getLogger(__name__)

WRITER = "verdicts"
BY_MARTS, BY_HAND = "marts", "hand"
HOLD_SECONDS = 3600
"""A verdict of the marts stands at least so long: clients at the threshold would go to and fro."""


class Verdict(NamedTuple):
    """The last word on a client; ``at`` in epoch seconds."""

    verdict: str
    by: str
    at: float
    reason: str


@dataclass(frozen=True)
class Verdicts:
    """All verdicts that hold: address -> the last word on it."""

    last: dict[str, Verdict]
    number: int = 0

    def addresses(self, verdict: str) -> tuple[str, ...]:
        """Return the addresses with that verdict, in order."""
        return tuple(sorted(address for address, last in self.last.items() if last.verdict == verdict))

    def with_changes(self, changes: Iterable[Change], by: str, at: float) -> Verdicts:
        """Return the verdicts after some more."""
        more = {change.ip_address: Verdict(change.verdict, by, at, change.reason) for change in changes}
        return Verdicts({**self.last, **more}, self.number + 1)


def read_verdicts(session: SparkSession, settings: Settings) -> Verdicts:
    """Return the verdicts that hold at the ledger's latest version. This costs a Spark job."""
    ledger = snapshot(session, settings.ledger)
    upto = writers_progress(session, settings.ledger).get(WRITER, 0)
    verdicts, number = Verdicts({}), upto
    for record in map(json.loads, list_texts(session, settings.verdicts)):
        if record["ledger_id"] != ledger.table_id or record["number"] <= upto:
            changes = [Change(**change) for change in record["changes"]]
            verdicts = verdicts.with_changes(changes, record["by"], record["at"])
            number = max(number, record["number"])
    return Verdicts(verdicts.last, number)


def entries_since(session: SparkSession, settings: Settings, at: float) -> list[str]:
    """Return the ids of the ledger's entries of the verdicts after ``at`` (epoch seconds)."""
    records = map(json.loads, list_texts(session, settings.verdicts))
    return [entry_of(record["number"]) for record in records if record["at"] > at]


def entry_of(number: int) -> str:
    """Return the id of a verdict's entry in the ledger."""
    return f"verdict-{number}"


def judge(session: SparkSession, settings: Settings, agents: Iterable[str]) -> Judgement:
    """Return what is known of the clients of some events, given their distinct agents."""
    return judgement(read_verdicts(session, settings), load_ranges(settings.ranges_file), agents)


def judgement(verdicts: Verdicts, ranges: Ranges, agents: Iterable[str]) -> Judgement:
    """Return what is known of the clients of some events, given the verdicts and their distinct agents."""
    return Judgement(
        agents=sort_agents(agents),
        ranges=ranges,
        convicted=verdicts.addresses(CONVICTED),
        pardoned=verdicts.addresses(PARDONED),
    )


class Court:
    """Carries out the verdicts that are asked for, one request at a time, between two batches."""

    def __init__(self, session: SparkSession, settings: Settings) -> None:
        """Read the verdicts that hold."""
        self._session = session
        self._settings = settings
        self._ranges = load_ranges(settings.ranges_file)
        self.verdicts = read_verdicts(session, settings)

    def judgement(self, agents: Iterable[str]) -> Judgement:
        """Return what is known of the clients of some events, given their distinct agents."""
        return judgement(self.verdicts, self._ranges, agents)

    def step(self, counted_up_to: int) -> bool:
        """Carry out the oldest request; returns whether there was one.

        Args:
            counted_up_to: the bronze batch that the ledger stands at.
        """
        requests = waiting(self._settings.requests, VerdictRequest)
        if not requests:
            return False
        request = requests[0]
        try:
            outcome = self._carry_out(request, counted_up_to)
        except WeblakeError as error:
            outcome = {"error": str(error)}
        answer(self._settings.requests, request.id, {"done": True, **outcome})
        return True

    def _carry_out(self, request: VerdictRequest, counted_up_to: int) -> dict[str, Any]:
        now = time.time()
        changes, held = admissible(self.verdicts, request, now)
        outcome: dict[str, Any] = {"changes": len(changes), "held": [change.ip_address for change in held], "moved": {}}
        if not changes:
            return outcome
        after = self.verdicts.with_changes(changes, request.by, now)
        found = moves(
            self._session,
            self._settings,
            load_url_rules(self._settings.rules_file),
            [change.ip_address for change in changes],
            counted_up_to,
            self.judgement,
            partial(judgement, after, self._ranges),
        )
        outcome["moved"] = summary(found)
        if request.dry_run:
            return outcome
        self._put_on_record(after.number, request.by, now, changes, outcome["moved"])
        failpoints.reach("verdict-before-commit")
        entries = as_entry(found, entry_of(after.number), BY_VERDICT)
        append_once(entries.coalesce(1), self._settings.ledger, WRITER, after.number)
        failpoints.reach("verdict-after-commit")
        self.verdicts = after
        log.info("verdict %d on %d clients", after.number, len(changes))
        return outcome | {"number": after.number}

    def _put_on_record(self, number: int, by: str, at: float, changes: list[Change], moved: dict[str, int]) -> None:
        record = {
            "number": number,
            "by": by,
            "at": at,
            "moved": moved,
            "ledger_id": snapshot(self._session, self._settings.ledger).table_id,
            "changes": [asdict(change) for change in changes],
        }
        write_text(self._session, f"{self._settings.verdicts}/{number:08d}.json", json.dumps(record))


def admissible(verdicts: Verdicts, request: VerdictRequest, now: float) -> tuple[list[Change], list[Change]]:
    """Return the changes that change something, and those of the marts that have to wait.

    What was decided by hand stands until a hand decides otherwise.
    """
    changes, held = [], []
    for change in request.changes:
        last = verdicts.last.get(change.ip_address, Verdict(RELEASED, BY_MARTS, 0.0, ""))
        if change.verdict == last.verdict and (request.by == last.by or request.by == BY_MARTS):
            continue
        if request.by == BY_MARTS and last.by == BY_HAND and last.verdict != RELEASED:
            continue
        if request.by == BY_MARTS and now - last.at < HOLD_SECONDS:
            held.append(change)
        else:
            changes.append(change)
    return changes, held
