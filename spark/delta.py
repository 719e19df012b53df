"""Delta tables: made from their contracts, read at their latest version, appended to exactly once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from lake.contracts import Column
from lake.errors import LakeError

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
    """Create the table where there is none yet; add the columns that an older one lacks, null in its rows."""
    if DeltaTable.isDeltaTable(session, path):
        there = session.read.format("delta").load(path).columns
        lacking = [f"`{column.name}` {column.type}" for column in columns if column.name not in there]
        if lacking:
            table = path.replace("`", "``")
            session.sql(f"alter table delta.`{table}` add columns ({', '.join(lacking)})")
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
    state = _state(session, path)
    return Snapshot(version=int(state.version()), table_id=str(state.metadata().id()))


def properties(session: SparkSession, path: str) -> dict[str, str]:
    """Return the table's properties; without a Spark job."""
    found = _state(session, path).metadata().configuration().iterator()
    pairs = {}
    while found.hasNext():
        pair = found.next()
        pairs[str(pair._1())] = str(pair._2())
    return pairs


def set_properties(session: SparkSession, path: str, values: dict[str, str]) -> None:
    """Set properties of the table, in a commit of their own."""
    table = path.replace("`", "``")
    texts = {name: value.replace("\\", "\\\\").replace("'", "\\'") for name, value in values.items()}
    pairs = ", ".join(f"'{name}' = '{text}'" for name, text in texts.items())
    session.sql(f"alter table delta.`{table}` set tblproperties ({pairs})")


def writers_progress(session: SparkSession, path: str) -> dict[str, int]:
    """Return how far each writer (``txnAppId``) has come (``txnVersion``). This costs a Spark job."""
    progress = {}
    transactions = _state(session, path).transactions().iterator()
    while transactions.hasNext():
        writer = transactions.next()
        progress[str(writer._1())] = int(writer._2())
    return progress


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


def read_text(session: SparkSession, path: str) -> str | None:
    """Return a small text file of the lake, on whatever storage; None where there is none."""
    jvm = session._jvm
    assert jvm is not None
    file = jvm.org.apache.hadoop.fs.Path(path)
    system = file.getFileSystem(session._jsparkSession.sessionState().newHadoopConf())
    if not system.exists(file):
        return None
    stream = system.open(file)
    try:
        return str(jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8"))
    finally:
        stream.close()


def write_text(session: SparkSession, path: str, text: str) -> None:
    """Write a small text file into the lake, in place of one that is there; at any moment there is one of them, whole.

    Hadoop's rename replaces no file, but the system's does; an object store shows a file only when it is complete.
    """
    if "://" not in path:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{file.name}.tmp")
        draft.write_text(text, encoding="utf-8")
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)  # Hadoop's checksum of what was there
        draft.replace(file)
        return
    jvm = session._jvm
    assert jvm is not None
    target = jvm.org.apache.hadoop.fs.Path(path)
    stream = target.getFileSystem(session._jsparkSession.sessionState().newHadoopConf()).create(target, True)
    try:
        stream.write(bytearray(text.encode()))
    finally:
        stream.close()


def list_texts(session: SparkSession, folder: str) -> list[str]:
    """Return the contents of a folder's ``*.json`` files, by name; none where there is no folder."""
    jvm = session._jvm
    assert jvm is not None
    path = jvm.org.apache.hadoop.fs.Path(f"{folder}/*.json")
    system = path.getFileSystem(session._jsparkSession.sessionState().newHadoopConf())
    found = [str(status.getPath()) for status in system.globStatus(path) or ()]
    return [text for text in (read_text(session, name) for name in sorted(found)) if text is not None]


def remove_folder(session: SparkSession, path: str) -> None:
    """Delete a folder of the lake with all that is in it, if it is there."""
    jvm = session._jvm
    assert jvm is not None
    folder = jvm.org.apache.hadoop.fs.Path(path)
    folder.getFileSystem(session._jsparkSession.sessionState().newHadoopConf()).delete(folder, True)


def _state(session: SparkSession, path: str) -> Any:
    jvm = session._jvm
    assert jvm is not None
    none = jvm.scala.Option.empty()
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(session._jsparkSession, path)
    state = log.update(False, none, none)
    if state.version() < 0:
        raise LakeError(f"there is no Delta table at {path}; start the stream once (`make up`), or set LAKE_ROOT")
    return state


def append_once(frame: DataFrame, path: str, writer: str, step: int, note: str = "") -> None:
    """Append ``frame`` in one commit, unless ``writer`` has committed ``step`` before: then nothing happens.

    The ``note`` stands in the table's history.
    """
    write = frame.write.format("delta").mode("append").option("txnAppId", writer).option("txnVersion", str(step))
    (write.option("userMetadata", note) if note else write).save(path)


@contextmanager
def noting(session: SparkSession, note: str) -> Iterator[None]:
    """Have the commits that are made here bear a note in the table's history."""
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


def folder_size(session: SparkSession, path: str) -> tuple[int, int]:
    """Return how many files and bytes there are in a folder of the lake."""
    jvm = session._jvm
    assert jvm is not None
    folder = jvm.org.apache.hadoop.fs.Path(path)
    found = folder.getFileSystem(session._jsparkSession.sessionState().newHadoopConf()).getContentSummary(folder)
    return int(found.getFileCount()), int(found.getLength())
