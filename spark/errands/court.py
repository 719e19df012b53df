"""Court: carries out the verdicts that are asked for.

The commit of the ledger that bears a verdict's number moves the client's past from one side to the other, and what
comes later is counted on the new side at once. So record and ledger cannot disagree, wherever the process dies.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from lake.contracts import BY_VERDICT, CONVICTED, PARDONED, RELEASED
from lake.contracts.records import BY_HAND, BY_MARTS, HOLD_SECONDS, Change, VerdictRecord
from lake.requests import VerdictAnswer, VerdictRequest, answer
from lake.settings import Settings
from lake.url_rules import load_rules
from spark import failpoints
from spark.errands.moves import moves, summary
from spark.errands.requests import FAILURES, failure_text, first_request, is_final, report
from spark.events.agent_columns import MOST_LISTED
from spark.events.claims import load_ranges
from spark.events.counts import as_entry
from spark.events.judgement import Judgement
from spark.tables.delta import append_once, snapshot
from spark.tables.verdicts import WRITER, Verdict, Verdicts, entry_of, read_verdicts, write_verdict

log = logging.getLogger(__name__)


class Court:
    """Carries out one request at a time, between two batches."""

    def __init__(self, session: SparkSession, settings: Settings) -> None:
        """Read the verdicts that hold."""
        self._session = session
        self._settings = settings
        self._ranges = load_ranges(settings.ranges_file)
        self._tries = 0
        self.verdicts = read_verdicts(session, settings)
        self._table = (self.verdicts, verdict_table(session, self.verdicts))

    def judge(self, agents: Iterable[str] | None) -> Judgement:
        """Return what is known of the clients of some events, given their distinct agents, None if too many."""
        return self._judge_under(self.verdicts, agents)

    def _judge_under(self, verdicts: Verdicts, agents: Iterable[str] | None) -> Judgement:
        if self._table[0] is not verdicts:
            self._table = (verdicts, verdict_table(self._session, verdicts))
        return Judgement.of(agents, self._ranges, verdicts.convicted, verdicts.pardoned, self._table[1])

    def step(self, counted_up_to: int) -> bool:
        """Carry out the oldest request."""
        request = first_request(self._settings, VerdictRequest)
        if request is None:
            return False
        self._tries += 1
        try:
            outcome = self._carry_out(request, counted_up_to)
        except FAILURES as error:
            if not is_final(error, self._tries):
                raise
            report("verdicts", error)
            self.verdicts = read_verdicts(self._session, self._settings)  # an earlier try may have been committed
            outcome = VerdictAnswer(done=True, error=failure_text(error))
        self._tries = 0
        answer(self._settings.requests, request.id, outcome)
        return True

    def _carry_out(self, request: VerdictRequest, counted_up_to: int) -> VerdictAnswer:
        now = time.time()
        changes, held = admissible(self.verdicts, request, now)
        addresses = tuple(change.ip_address for change in held)
        if not changes:
            return VerdictAnswer(done=True, held=addresses)
        after = self.verdicts.with_changes(changes, request.by, now)
        corrections = moves(
            self._session,
            self._settings,
            load_rules(self._settings),
            [change.ip_address for change in changes],
            counted_up_to,
            self.judge,
            partial(self._judge_under, after),
        )
        moved = summary(corrections)
        if request.dry_run:
            return VerdictAnswer(done=True, changes=len(changes), held=addresses, moved=moved)
        ledger_id = snapshot(self._session, self._settings.ledger).table_id
        record = VerdictRecord(after.number, request.by, now, tuple(changes), moved, ledger_id)
        write_verdict(self._session, self._settings, record)
        failpoints.reach("verdict-before-commit")
        entries = as_entry(corrections, entry_of(after.number), BY_VERDICT)
        append_once(entries.coalesce(1), self._settings.ledger, WRITER, after.number)
        failpoints.reach("verdict-after-commit")
        self.verdicts = self.verdicts.with_record(record)
        log.info("verdict %d on %d clients", after.number, len(changes))
        return VerdictAnswer(done=True, changes=len(changes), held=addresses, moved=moved, number=after.number)


def admissible(verdicts: Verdicts, request: VerdictRequest, now: float) -> tuple[list[Change], list[Change]]:
    """Return the changes that have an effect, and those of the marts that have to wait.

    What was decided by hand stands until a hand decides otherwise.
    """
    changes, held = [], []
    for change in request.changes:
        last = verdicts.last.get(change.ip_address, Verdict(RELEASED, BY_MARTS, 0.0, ""))
        if change.verdict == last.verdict and (request.by == last.by or request.by == BY_MARTS):
            continue
        if request.by == BY_MARTS and last.by == BY_HAND and last.verdict != RELEASED:
            continue
        if request.by == last.by == BY_MARTS and now - last.at < HOLD_SECONDS:
            held.append(change)
        else:
            changes.append(change)
    return changes, held


def verdict_table(session: SparkSession, verdicts: Verdicts) -> DataFrame | None:
    """Return the verdicts that change how a client counts: ``ip_address`` and ``verdict``; None while they are few.

    A few are listed in the plan. There may be a hundred thousand after an attack, and then a list would take longer to
    hand over than a batch to count.
    """
    addresses = {CONVICTED: verdicts.convicted, PARDONED: verdicts.pardoned}
    if sum(map(len, addresses.values())) <= MOST_LISTED:
        return None
    rows = [(address, verdict) for verdict, listed in addresses.items() for address in listed]
    columns = dict(zip(("ip_address", "verdict"), zip(*rows, strict=True), strict=True))
    return session.createDataFrame(pa.table(columns))  # of Arrow's: from rows it would start Python workers
