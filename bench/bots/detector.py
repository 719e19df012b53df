"""The detector as it runs in the stack, without its servers of records: Spark's counts, PostgreSQL, dbt's verdicts.

It gets bytes and nothing else; the labels are in ``bench.bots.labelled``.
"""

from __future__ import annotations

import datetime as dt
from contextlib import closing
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from bench.bots.labelled import Sent
from lake.settings import Settings
from lake.url_rules import load_rules
from marts.build import Marts
from spark.entry_sums import sums_in_spark
from spark.events.agents import sort_agents
from spark.events.claims import load_ranges
from spark.events.duplicates import count_new
from spark.events.judgement import Judgement
from spark.events.parse import parse_records
from spark.tables.postgres import Bookmark, clear_tables, move_bookmark
from spark.tables.window_counts import Brought, add_entries, bring
from stack.servers import postgres

LEDGER_ID = "bot-eval"


class Verdict(NamedTuple):
    """What ``marts.bots`` says of a suspect: its class, score and reasons, and whether it is convicted."""

    kind: str
    score: int
    reasons: tuple[str, ...]
    is_convicted: bool


class Detector:
    """Counts and scores records in a database of its own.

    Args:
        session: a Spark session.
        settings: of a running PostgreSQL whose tables are there; all counts in it are replaced.
    """

    def __init__(self, session: SparkSession, settings: Settings) -> None:
        self._session = session
        self._settings = settings
        self._rules = load_rules(settings)
        self._ranges = load_ranges(settings.ranges_file)
        self._marts = Marts(settings)
        self._version = 0

    def judge(self, sent: list[Sent], epoch: float, upto: list[float]) -> list[dict[str, Verdict]]:
        """Judge the clients again and again, as the stack does: after the records due by each of ``upto``.

        Args:
            sent: the records in order; ``due`` in seconds since ``epoch``.
            epoch: when the traffic started, seconds since 1970.
            upto: seconds since ``epoch``, ascending.

        Returns:
            For each of ``upto``, the suspects by address.
        """
        parsed = parse_records(self._frame(sent, epoch, upto), self._rules)
        valid = parsed.filter(F.col("reject_reason").isNull()).cache()
        agents = [row[0] for row in valid.select("user_agent").distinct().collect() if row[0]]
        judgement = Judgement(sort_agents(agents), self._ranges)
        verdicts = []
        for step in range(len(upto)):
            self._version += 1
            new, earlier = valid.filter(F.col("batch") == step), valid.filter(F.col("batch") < step)
            self._store(count_new(new, earlier, judgement), is_first=step == 0)
            self._marts.run()
            verdicts.append(self.verdicts())
        valid.unpersist()
        return verdicts

    def verdicts(self) -> dict[str, Verdict]:
        """Return all suspects by address."""
        rows = postgres.query(
            self._settings, "analyst", "select ip_address, class, score, reasons, would_convict from marts.bots"
        )
        return {str(row[0]): Verdict(str(row[1]), int(str(row[2])), tuple(row[3]), bool(row[4])) for row in rows}  # type: ignore[arg-type]

    def _frame(self, sent: list[Sent], epoch: float, upto: list[float]) -> DataFrame:
        """Return the records as Kafka would give them, with the step that each belongs to as its batch."""
        batches, step = [], 0
        for record in sent:
            while step < len(upto) - 1 and record.due > upto[step]:
                step += 1
            batches.append(step)
        start = dt.datetime.fromtimestamp(epoch, dt.timezone.utc)
        table = pa.table(
            {
                "value": pa.array([record.value for record in sent], pa.binary()),
                "header_event_id": pa.array([record.header and record.header.decode() for record in sent], pa.string()),
                "kafka_partition": pa.array([0] * len(sent), pa.int32()),
                "kafka_offset": pa.array(range(len(sent)), pa.int64()),
                "ingested_at": pa.array([start + dt.timedelta(seconds=record.due) for record in sent]),
                "batch": pa.array(batches, pa.int64()),
            },
        )
        file = self._settings.data / "records.parquet"
        pq.write_table(table, file, row_group_size=max(1, len(sent) // 2))
        return self._session.read.parquet(str(file))

    def _store(self, counts: DataFrame, is_first: bool) -> None:
        """Add counts to the mirror in one transaction; the first ones replace what is there."""
        with closing(postgres.connect(self._settings, "pipeline")) as connection:
            connection.autocommit = False
            with connection, connection.cursor() as cursor:
                if is_first:
                    clear_tables(cursor)
                bring(cursor, sums_in_spark(counts), Brought())
                add_entries(cursor, self._version, None, None)
                move_bookmark(cursor, Bookmark(self._version, LEDGER_ID), None, is_filled_anew=is_first)
