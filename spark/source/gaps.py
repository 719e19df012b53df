"""Offsets that hold no record: the ends of transactions, and what was aborted.

Bronze reads what is committed, so the rows of a batch may be fewer than its offsets. Kafka does not say which offsets
those are, nor does it keep them for ever. So the batch itself is the evidence: the note of its commit says from which
offset to which it has read, its rows say which of them were records, and Spark fails a batch from which Kafka has
removed a record. How many of each partition's offsets were none is added up in bronze's property: see
:mod:`lake.contracts.generations`. A row that goes missing later makes a gap that was not counted there.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lake.contracts import BRONZE
from lake.contracts.generations import as_property, read_generations
from lake.errors import LakeError
from lake.settings import Settings
from spark.source.topic import Offsets
from spark.tables.delta import commit_actions, properties, set_properties, snapshot
from spark.tables.files import DataFile, read_files

log = logging.getLogger(__name__)

COMMITS_BACK = 20
"""So many commits, at most, are made by others between bronze's last batch and its next start."""


def batch_note(begins: Offsets, ends: Offsets) -> str:
    """Return the note of a batch's commit: the offsets of each partition that it has read, ``ends`` excluded."""
    return json.dumps({"from": begins, "to": ends})


def note_gaps(session: SparkSession, settings: Settings, batch: int) -> None:
    """Note how many offsets of a batch held no record, unless all did, or it is noted. Its commit must be bronze's.

    Only a batch with such offsets costs more than a look at its commit: a Spark job and a commit of its own.
    """
    actions = commit_actions(session, settings.bronze, batch)
    read = _offsets_read(actions)
    files = [DataFile.of(action["add"]) for action in actions if "add" in action]
    history = read_generations(properties(session, settings.bronze))
    if read is None or not history or not history[-1].noted_batch < batch >= history[-1].first_batch:
        return
    begins, ends = read
    number = {partition: end - begins[partition] for partition, end in ends.items()}
    if sum(number.values()) == sum(file.rows for file in files):
        return
    rows = _rows(session, settings, [file.path for file in files])
    empty = {partition: count - rows.get(partition, 0) for partition, count in number.items()}
    noted = [*history[:-1], history[-1].with_batch(batch, ends, empty)]
    set_properties(session, settings.bronze, as_property(noted))
    log.info("bronze version %d: %d offsets without a record", batch, sum(empty.values()))


def note_last_gaps(session: SparkSession, settings: Settings) -> None:
    """Note the gaps of bronze's last batch, where the process ended before it had."""
    last = snapshot(session, settings.bronze).version
    for batch in range(last, max(last - COMMITS_BACK, -1), -1):
        try:
            if _offsets_read(commit_actions(session, settings.bronze, batch)) is not None:
                note_gaps(session, settings, batch)
                return
        except LakeError:  # the log no longer has that commit, and so none before it
            return


def _offsets_read(actions: list[dict[str, Any]]) -> tuple[Offsets, Offsets] | None:
    """Return the bounds of what a commit has read, by its note; None where it is no batch of bronze's."""
    text = next((action["commitInfo"].get("userMetadata") for action in actions if "commitInfo" in action), None)
    if not text or not text.startswith("{"):
        return None
    note = json.loads(text)
    begins, ends = (
        {int(partition): offset for partition, offset in note.get(name, {}).items()} for name in ("from", "to")
    )
    return begins, ends


def _rows(session: SparkSession, settings: Settings, paths: list[str]) -> dict[int, int]:
    """Return how many rows of each partition are in some files of bronze."""
    if not paths:
        return {}
    rows = (
        read_files(session, settings.bronze, BRONZE, paths).groupBy("kafka_partition").agg(F.count("*").alias("rows"))
    )
    return {row["kafka_partition"]: row["rows"] for row in rows.collect()}
