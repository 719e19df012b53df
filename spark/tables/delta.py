"""Delta tables: made from their contracts, read at their latest version, appended to exactly once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from lake.contracts import Column
from lake.errors import LakeError
from spark.tables.java import java_class
from spark.tables.storage import read_text

PYTHON_UTILS = "org.apache.spark.api.python.PythonUtils"
DELTA = "org.apache.spark.sql.delta"
ERASURE = "erasure"
"""The note of a commit that renamed keys: counts that were read before it are no longer to be added to."""


@dataclass(frozen=True)
class Snapshot:
    """A table at its latest version."""

    version: int
    table_id: str


def create_table(
    session: SparkSession, path: str, columns: tuple[Column, ...], partition: str, properties: dict[str, str]
) -> None:
    """Create the table if there is none yet; add the columns that an older one lacks, null in its rows."""
    if DeltaTable.isDeltaTable(session, path):
        snapshot(session, path)  # so that own_snapshot() begins with what is there
        present_columns = session.read.format("delta").load(path).columns
        new_columns = [f"`{column.name}` {column.type}" for column in columns if column.name not in present_columns]
        if new_columns:
            table = path.replace("`", "``")
            session.sql(f"alter table delta.`{table}` add columns ({', '.join(new_columns)})")
        return
    builder = DeltaTable.createIfNotExists(session).location(path).partitionedBy(partition)
    for column in columns:
        builder = builder.addColumn(column.name, column.type, comment=column.comment)
    for name, value in properties.items():
        builder = builder.property(name, value)
    builder.execute()


def snapshot(session: SparkSession, path: str) -> Snapshot:
    """Return the table's latest state, from its log alone and without a Spark job.

    Raises:
        LakeError: there is no table at ``path``.
    """
    return _snapshot(_state(session, path))


def own_snapshot(session: SparkSession, path: str) -> Snapshot:
    """Return the table's state as this process last read or wrote it, for the one process that writes it.

    It does not look into the log's folder. That takes longer the more commits are kept there, a third of a second for
    those of half a day, and a batch would do it ten times.

    Raises:
        LakeError: there is no table at ``path``.
    """
    return _snapshot(_own_state(session, path))


def properties(session: SparkSession, path: str) -> dict[str, str]:
    """Return the table's properties as this process last read or wrote them; without a Spark job."""
    configuration = _own_state(session, path).metadata().configuration().iterator()
    pairs = {}
    while configuration.hasNext():
        pair = configuration.next()
        pairs[str(pair._1())] = str(pair._2())
    return pairs


def set_properties(session: SparkSession, path: str, values: dict[str, str]) -> None:
    """Set properties of the table, in a commit of their own."""
    table = path.replace("`", "``")
    texts = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    pairs = ", ".join(f"'{name}' = '{text}'" for name, text in texts.items())
    session.sql(f"alter table delta.`{table}` set tblproperties ({pairs})")


def writers_progress(session: SparkSession, path: str) -> dict[str, int]:
    """Return how far each writer (``txnAppId``) has come (``txnVersion``).

    The last commit's checksum says it. Where it is missing, or does not say, this costs a Spark job.
    """
    return _progress(_state(session, path))


def is_empty(session: SparkSession, path: str) -> bool:
    """Return whether the table is known to have no files at all; without a Spark job."""
    checksum = _state(session, path).checksumOpt()
    return bool(checksum.isDefined() and checksum.get().numFiles() == 0)


def live_files(session: SparkSession, path: str) -> tuple[int, list[dict[str, Any]]]:
    """Return the latest version and its files as the log's ``add`` actions. This costs a Spark job."""
    state = _state(session, path)
    files = DataFrame(state.allFiles().toDF(), session).select("path", "size", "partitionValues", "stats")
    return int(state.version()), [row.asDict() for row in files.collect()]


def commit_actions(session: SparkSession, path: str, version: int) -> list[dict[str, Any]]:
    """Return the actions of one commit, as the log has them; without a Spark job.

    Raises:
        LakeError: the log no longer has that commit.
    """
    text = read_text(session, f"{path}/_delta_log/{version:020d}.json")
    if text is None:
        raise LakeError(f"the log of {path} no longer has version {version}")
    return [json.loads(line) for line in text.splitlines() if line]


def append_once(frame: DataFrame, path: str, writer: str, step: int, note: str = "") -> None:
    """Append ``frame`` in one commit, unless ``writer`` has committed ``step`` before: then nothing happens.

    The ``note`` stands in the table's history. Delta does the same for a write with the options ``txnAppId`` and
    ``txnVersion``, but asks for the whole state of the table first, which costs five times what a small append does.
    So this puts Delta's own parts together: its check of the schema, its writing of files, its transaction.
    """
    session = frame.sparkSession
    transaction = _begin(session, path, writer, step)
    if transaction is None:
        return
    java_session, none = session._jsparkSession, _none(session)
    no_options = java_class(session, PYTHON_UTILS).toScalaMap({})
    append = java_class(session, f"{DELTA}.commands.WriteIntoDelta")(
        transaction.deltaLog(),
        java_class(session, "org.apache.spark.sql.SaveMode").Append,
        java_class(session, f"{DELTA}.DeltaOptions")(no_options, java_session.sessionState().conf()),
        transaction.snapshot().metadata().partitionColumns(),
        no_options,
        *(frame._jdf, none, none, False),
    )
    _commit(session, transaction, append.write(transaction, java_session, none, False), writer, step, note)


def skip_once(session: SparkSession, path: str, writer: str, step: int) -> None:
    """Commit that ``writer`` has nothing to append in ``step``; otherwise as :func:`append_once`."""
    transaction = _begin(session, path, writer, step)
    if transaction is not None:
        _commit(session, transaction, java_class(session, PYTHON_UTILS).toSeq([]), writer, step, "")


def _begin(session: SparkSession, path: str, writer: str, step: int) -> Any:
    """Begin a transaction of Delta's; None where ``writer`` has committed ``step`` before."""
    log, state = _log(session, path), java_class(session, "scala.Option").apply(_own_state(session, path))
    transaction = log.startTransaction(_none(session), state)
    transaction.readTxn().addOne(writer)  # so a commit of this writer from elsewhere, meanwhile, is a conflict
    return transaction if _progress(transaction.snapshot()).get(writer, -1) < step else None


def _commit(session: SparkSession, transaction: Any, files: Any, writer: str, step: int, note: str) -> None:
    """Commit the files, and that ``writer`` has come to ``step``."""
    none, some = _none(session), java_class(session, "scala.Option").apply
    operation = java_class(session, f"{DELTA}.DeltaOperations$Write")(
        java_class(session, "org.apache.spark.sql.SaveMode").Append,
        some(transaction.metadata().partitionColumns()),
        *(none, some(note) if note else none, none, none, none, none, none),
    )
    done = java_class(session, f"{DELTA}.actions.SetTransaction")(writer, step, some(int(time.time() * 1000)))
    transaction.commit(files.prepended(done), operation)


def _none(session: SparkSession) -> Any:
    return java_class(session, "scala.Option").empty()


def _log(session: SparkSession, path: str) -> Any:
    """Return Delta's view of a table's log, of which there is one in a process."""
    return java_class(session, f"{DELTA}.DeltaLog").forTable(session._jsparkSession, path)


def _state(session: SparkSession, path: str) -> Any:
    return _checked(_log(session, path).update(False, _none(session), _none(session)), path)


def _own_state(session: SparkSession, path: str) -> Any:
    return _checked(_log(session, path).unsafeVolatileSnapshot(), path)


def _snapshot(state: Any) -> Snapshot:
    return Snapshot(version=int(state.version()), table_id=str(state.metadata().id()))


def _checked(state: Any, path: str) -> Any:
    if state.version() < 0:
        raise LakeError(f"there is no Delta table at {path}; run `make up` to create it, or correct LAKE_ROOT")
    return state


def _progress(state: Any) -> dict[str, int]:
    """Return how far each writer has come in a snapshot of Delta's."""
    checksum = state.checksumOpt()
    noted = checksum.get().setTransactions() if checksum.isDefined() else checksum
    transactions = (noted.get() if noted.isDefined() else state.setTransactions()).iterator()
    progress = {}
    while transactions.hasNext():
        writer = transactions.next()
        progress[str(writer.appId())] = int(writer.version())
    return progress


@contextmanager
def noting(session: SparkSession, note: str) -> Iterator[None]:
    """Add a note to the commits that are made in this context, in the table's history."""
    name = "spark.databricks.delta.commitInfo.userMetadata"
    session.conf.set(name, note)
    try:
        yield
    finally:
        session.conf.unset(name)


def merge_files(session: SparkSession, path: str, condition: str) -> None:
    """Rewrite the small files of some partitions as larger ones. No row changes, and the old files stay for a while."""
    DeltaTable.forPath(session, path).optimize().where(condition).executeCompaction()


def replace_quietly(frame: DataFrame, path: str, condition: str) -> None:
    """Replace the rows of some partitions by others that say the same, in a commit that claims to change no data."""
    write = frame.write.format("delta").mode("overwrite").option("dataChange", "false")
    write.option("replaceWhere", condition).save(path)


def vacuum(session: SparkSession, path: str, hours: int) -> None:
    """Delete the files that the table has not needed for ``hours``; versions that did can no longer be read."""
    DeltaTable.forPath(session, path).vacuum(hours)
