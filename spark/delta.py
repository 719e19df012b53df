"""Delta tables: made from their contracts, read at their latest version, appended to exactly once."""

from __future__ import annotations

from dataclasses import dataclass

from delta.tables import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from lake.contracts import Column
from lake.errors import LakeError

RETAINED_HOURS = 1


@dataclass(frozen=True)
class Snapshot:
    """A table at its latest version: its id, and how far each writer (``txnAppId``) has come."""

    version: int
    table_id: str
    progress: dict[str, int]


def create_table(
    session: SparkSession, path: str, columns: tuple[Column, ...], partition: str, properties: dict[str, str]
) -> None:
    """Create the table where there is none yet."""
    builder = DeltaTable.createIfNotExists(session).location(path).partitionedBy(partition)
    for column in columns:
        builder = builder.addColumn(column.name, column.type, comment=column.comment)
    for name, value in properties.items():
        builder = builder.property(name, value)
    builder.execute()


def snapshot(session: SparkSession, path: str) -> Snapshot:
    """Return the table's latest state, from its log alone.

    Raises:
        LakeError: there is no table at ``path``.
    """
    jvm = session._jvm
    assert jvm is not None
    none = jvm.scala.Option.empty()
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(session._jsparkSession, path)
    state = log.update(False, none, none)
    if state.version() < 0:
        raise LakeError(f"there is no Delta table at {path}; start the stream once (`make up`), or set LAKE_ROOT")
    progress = {}
    transactions = state.transactions().iterator()
    while transactions.hasNext():
        writer = transactions.next()
        progress[str(writer._1())] = int(writer._2())
    return Snapshot(version=int(state.version()), table_id=str(state.metadata().id()), progress=progress)


def append_once(frame: DataFrame, path: str, writer: str, step: int) -> None:
    """Append ``frame`` in one commit, unless ``writer`` has committed ``step`` before: then nothing happens."""
    (frame.write.format("delta").mode("append").option("txnAppId", writer).option("txnVersion", str(step)).save(path))


def compact(session: SparkSession, path: str) -> None:
    """Rewrite small files as larger ones, and delete those that nobody has needed for an hour. No row changes."""
    table = DeltaTable.forPath(session, path)
    table.optimize().executeCompaction()
    table.vacuum(RETAINED_HOURS)
