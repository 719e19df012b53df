"""Replay: the counts of a range made again from bronze's raw bytes; the ledger gets the difference.

A replay is done in pieces, so that live batches can be counted in between. Each piece's corrections are exact for the
bronze batch and the ledger at that moment, and what the stream appends later adds to both sides alike. So the pieces
are kept aside, and the last step appends all of them in one commit. Interrupted before that, it begins again.

A replay is undone by its negative. Where verdicts have since moved clients in its windows, that would take from one
side what has gone to the other; there the windows are counted again as their rows were read on arrival.
"""

from __future__ import annotations

import logging
import time
from dataclasses import asdict, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.contracts import (
    BY_REPLAY,
    COUNTS,
    LEDGER_PARTITION,
    names,
    spark_schema,
)
from lake.contracts.edition import URL_RULES, Edition
from lake.contracts.horizon import seconds_of
from lake.contracts.records import ReplayRecord
from lake.errors import LakeError
from lake.requests import ReplayAnswer, ReplayRequest, answer
from lake.settings import Settings
from lake.url_rules import UrlRules, load_rules
from spark import failpoints
from spark.errands.corrections import corrections, read_by_todays_rules, read_on_arrival, within
from spark.errands.pieces import pieces
from spark.errands.replay_records import (
    corrected_windows,
    entry_of,
    largest,
    number_of_keys,
    read_replay,
    replays,
    summaries,
    totals,
    undone_replay,
    write_replay,
)
from spark.errands.requests import FAILURES, failure_text, first_request, is_final, report
from spark.events.counts import as_entry, negative
from spark.events.judgement import Judge
from spark.tables.delta import append_once, snapshot, writers_progress
from spark.tables.edition import first_replayable, holds_all_windows, write_edition
from spark.tables.files import no_rows
from spark.tables.horizon import horizon_of
from spark.tables.storage import remove_folder
from spark.tables.verdicts import entries_since

log = logging.getLogger(__name__)


class Replays:
    """The replays that are asked for, one at a time, piece by piece."""

    def __init__(self, session: SparkSession, settings: Settings, judge: Judge, edition: Edition) -> None:
        """Prepare; ``judge`` says who is a bot, ``edition`` by which measures and rules the stream counts.

        ``records`` has what is on record: id -> record, the oldest first, without the corrections that it shows. Each
        replay makes another dictionary of it.
        """
        self.records = summaries(session, settings)
        self._judge = judge
        self._edition = edition
        self._session = session
        self._settings = settings
        self._at_hand: ReplayRequest | None = None
        self._rules = UrlRules((), ())
        self._rules_edition = edition
        self._pieces: list[tuple[int, int]] = []
        self._done = 0
        self._is_committed = False
        self._tries = 0

    def step(self, counted_up_to: int) -> bool:
        """Do one piece of the oldest request."""
        request = first_request(self._settings, ReplayRequest)
        if request is None:
            return False
        self._tries += 1
        try:
            if self._at_hand != request:
                self._begin(request)
            elif self._done < len(self._pieces):
                self._do_piece(request, counted_up_to)
            else:
                self._finish(request)
        except FAILURES as error:
            is_only_unrecorded = self._at_hand == request and self._is_committed
            if is_only_unrecorded or not is_final(error, self._tries):
                raise
            report(f"replay {request.id}", error)
            self._at_hand = None
            answer(self._settings.requests, request.id, ReplayAnswer(done=True, error=failure_text(error)))
        self._tries = 0
        return True

    def _begin(self, request: ReplayRequest) -> None:
        record = read_replay(self._session, self._settings, request.id)
        if record is not None:  # it was done, and interrupted before it was answered
            answer(self._settings.requests, request.id, ReplayAnswer(done=True, record=record))
            return
        log.info("replay %s begins", request.id)
        remove_folder(self._session, self._staging)
        self._rules = load_rules(self._settings)
        url_rules = {URL_RULES: Edition.of_today(self._settings).rules[URL_RULES]}
        self._rules_edition = replace(self._edition, rules={**self._edition.rules, **url_rules})
        undone = undone_replay(replays(self._session, self._settings), request) if request.undo is not None else None
        self._is_committed = _writer(request) in writers_progress(self._session, self._settings.ledger)
        if self._is_committed:
            self._pieces = []
        elif undone:
            self._require_later_windows(undone)
            self._pieces = self._pieces_to_restate(undone)
        else:
            self._require_rows(request)
            self._pieces = pieces(self._session, self._settings, self._rules, request)
        self._done = 0
        self._at_hand = request

    def _do_piece(self, request: ReplayRequest, counted_up_to: int) -> None:
        windows = self._pieces[self._done]
        entries = self._ledger().filter(within("window_date", windows))
        if request.undo is None:
            rows = read_by_todays_rules(self._session, self._settings, self._rules, windows, counted_up_to)
        else:
            undone = F.broadcast(self._entries(request.undo).select("window_start").distinct())
            entries = entries.join(undone, "window_start", "left_semi")
            rows = read_on_arrival(self._session, self._settings, windows, counted_up_to)
            rows = rows.join(undone, "window_start", "left_semi")
        rows.persist()
        try:
            changes = corrections(rows, entries, self._judge)
            changes.write.mode("overwrite").parquet(f"{self._staging}/piece={self._done}")
        finally:
            rows.unpersist()
        failpoints.reach("replay-after-piece")
        self._done += 1
        answer(self._settings.requests, request.id, ReplayAnswer(False, len(self._pieces), self._done))

    def _require_rows(self, request: ReplayRequest) -> None:
        """Raise LakeError if bronze no longer has all rows of the range."""
        horizon, first = horizon_of(self._session, self._settings), first_replayable(self._session, self._settings)
        if horizon and first and request.first < seconds_of(first):
            raise LakeError(
                f"bronze begins at the horizon, {horizon.day}, so nothing before {first} can be counted again; replay "
                f"from {first} on"
            )

    def _require_later_windows(self, record: ReplayRecord) -> None:
        """Raise LakeError if a replay has corrected windows before the horizon: what lies there is final."""
        horizon = horizon_of(self._session, self._settings)
        if horizon and not self._entries(record.id).filter(F.col(LEDGER_PARTITION) < F.lit(horizon.day)).isEmpty():
            raise LakeError(
                f"replay {record.id} cannot be undone: it has corrected days before the horizon, {horizon.day}, and "
                "those are final; restore the rules and replay what comes after"
            )

    def _pieces_to_restate(self, record: ReplayRecord) -> list[tuple[int, int]]:
        """Return the pieces in which to count a replay's windows again to undo it; none if its negative will do.

        Raises:
            LakeError: verdicts have moved clients in them since, and they were not read as on arrival before.
        """
        since = entries_since(self._session, self._settings, record.at)
        windows = F.broadcast(self._entries(record.id).select("window_start").distinct())
        if self._ledger().filter(F.col("entry").isin(since)).join(windows, "window_start", "left_semi").isEmpty():
            return []
        others = self._ledger().filter(F.col("entry") != entry_of(record.id)).join(windows, "window_start", "left_semi")
        if record.undo or not corrected_windows(self._session, self._settings, others).isEmpty():
            raise LakeError(
                f"replay {record.id} cannot be undone: verdicts have moved clients in its windows, and another replay "
                "corrected them too; restore the rules and replay the range"
            )
        whole = ReplayRequest(record.id, record.first, record.end)  # where its client was is another rules' question
        return pieces(self._session, self._settings, self._rules, whole)

    @property
    def _staging(self) -> str:
        return f"{self._settings.replays}/staging"

    def _finish(self, request: ReplayRequest) -> None:
        """Append the corrections in one commit, and put the replay on record."""
        changes = self._corrections(request)
        rows = changes.count()
        record = ReplayRecord(
            **asdict(request),
            rules={} if request.undo else dict(self._rules_edition.rules),
            at=time.time(),
            corrections=rows,
            moved=totals(changes),
            keys=number_of_keys(changes),
            shown=largest(changes),
        )
        if rows and not request.dry_run:
            entries = as_entry(changes, entry_of(request.id), BY_REPLAY)
            failpoints.reach("replay-before-commit")
            append_once(entries.coalesce(1), self._settings.ledger, _writer(request), 0)
            self._is_committed = True
            failpoints.reach("replay-after-commit")
            record = replace(record, ledger_version=snapshot(self._session, self._settings.ledger).version)
        if not request.dry_run:
            self._note_edition(request)  # with the record the replay is done: nothing would come back to note it
            write_replay(self._session, self._settings, record)
            self.records = {**self.records, record.id: replace(record, shown=())}
            failpoints.reach("replay-after-record")
        self._at_hand = None
        remove_folder(self._session, self._staging)
        answer(self._settings.requests, request.id, ReplayAnswer(done=True, record=record))
        log.info("replay %s: %d corrections%s", request.id, rows, " (dry run)" if request.dry_run else "")

    def _note_edition(self, request: ReplayRequest) -> None:
        """Write down that the stream's edition now counts all of the ledger, if this replay made it so.

        It does not if the replay read other URL rules than the stream did at its start: the stream counts by its own.
        """
        is_of_all = request.undo is None and request.client is None
        is_of_stream = is_of_all and self._rules_edition == self._edition
        if is_of_stream and holds_all_windows(self._session, self._settings, request.first, request.end):
            write_edition(self._session, self._settings, self._edition)

    def _corrections(self, request: ReplayRequest) -> DataFrame:
        """Return the corrections; the ledger's own, where they were appended before and only the record is missing."""
        if self._is_committed:
            return self._entries(request.id).select(*names(COUNTS))
        return negative(self._entries(request.undo)) if request.undo and not self._pieces else self._staged()

    def _staged(self) -> DataFrame:
        if not self._pieces:
            return no_rows(self._session, COUNTS)
        return self._session.read.schema(spark_schema(COUNTS)).parquet(
            *(f"{self._staging}/piece={number}" for number in range(len(self._pieces)))
        )

    def _entries(self, replay_id: str) -> DataFrame:
        return self._ledger().filter(F.col("entry") == entry_of(replay_id))

    def _ledger(self) -> DataFrame:
        return self._session.read.format("delta").load(self._settings.ledger)


def _writer(request: ReplayRequest) -> str:
    return f"replay:{request.id}"
