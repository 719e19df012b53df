"""The cause of an error in words, out of what Spark, Java, Python and PostgreSQL really write."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.causes import MOST_CHARACTERS, cause, cause_in
from lake.errors import LakeError
from stack.servers.ports import pick_quiet_ports

LOST = """\
[STREAM_FAILED] Query [id = aa14239f-cd8b-4243-96e7-ea59b01752dd, runId = e1b20747-e305-4deb-bb78-1fae263fa6bb] \
terminated with exception: Some data may have been lost because they are not available in Kafka any more;
either the data was aged out by Kafka or the topic may have been deleted before all the data in the
topic was processed.
If you don't want your streaming query to fail on such cases, set the source option failOnDataLoss to false.
Reason: Partition web_logs-3 offset was changed from 5911 to 64.
This could be either 1) a user error that the start offset is set beyond available offset when starting query, or 2) \
the kafka topic-partition is deleted and re-created. SQLSTATE: XXKST
=== Streaming Query ===
Identifier: bronze [id = aa14239f-cd8b-4243-96e7-ea59b01752dd, runId = e1b20747-e305-4deb-bb78-1fae263fa6bb]
Current Committed Offsets: {KafkaV2[Subscribe[web_logs]]: {"web_logs":{"0":6044}}}
Caused by: none of this
"""
SILENT = (
    "[STREAM_FAILED] Query terminated with exception: org.apache.kafka.common.errors.TimeoutException: "
    "Timed out waiting. Call: listNodes SQLSTATE: XXKST"
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LOST, "Partition web_logs-3 offset was changed from 5911 to 64."),
        (SILENT, "Timed out waiting. Call: listNodes"),
        ("java.lang.RuntimeException: java.io.IOException: No space left on device", "No space left on device"),
        ("java.net.UnknownHostException: lake.example", "UnknownHostException: lake.example"),
        ("java.lang.NullPointerException", "NullPointerException"),
        (
            "[PATH_NOT_FOUND] There is no file:/x. SQLSTATE: 42K03",
            "[PATH_NOT_FOUND] There is no file:/x.",
        ),
        ("", ""),
    ],
)
def test_a_text_is_reduced_to_its_cause(text: str, words: str) -> None:
    assert cause_in(text) == words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (LakeError("the lake is full; delete something\nand more"), "the lake is full; delete something"),
        (OSError(errno.ENOSPC, "No space left on device"), "[Errno 28] No space left on device"),
        (KeyError("version"), "KeyError: 'version'"),
        (RuntimeError(), "RuntimeError"),
        (ValueError("word " * 1000), f"{('word ' * 1000)[: MOST_CHARACTERS - 1]}…"),
    ],
)
def test_an_error_is_told_in_one_line(error: Exception, words: str) -> None:
    assert cause(error) == words


def test_postgresql_is_quoted() -> None:
    (closed,) = pick_quiet_ports(1)
    with pytest.raises(psycopg2.OperationalError) as raised:
        psycopg2.connect(f"host=127.0.0.1 port={closed}")
    assert cause(raised.value) == f'connection to server at "127.0.0.1", port {closed} failed: Connection refused'


def run_stream(session: SparkSession, folder: Path, work: Callable[[DataFrame], None]) -> BaseException:
    """Run a query whose batches do the work, and return the error that it ends with."""
    rows = session.readStream.format("rate-micro-batch").option("rowsPerBatch", 10).load()
    writer = rows.writeStream.foreachBatch(lambda batch, _: work(batch))
    query = writer.option("checkpointLocation", str(folder / "checkpoint")).trigger(availableNow=True).start()
    with pytest.raises(PySparkException) as raised:
        query.awaitTermination(60)
    return raised.value


def full(_: DataFrame) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", "/lake/bronze")


def refuse(_: DataFrame) -> None:
    raise LakeError("the disk of the lake has 3 MB free; free some")


def fail_in_a_task(batch: DataFrame) -> None:
    batch.select(F.raise_error(F.lit("the shelf is full"))).collect()


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (full, "[Errno 28] No space left on device: '/lake/bronze'"),
        (refuse, "the disk of the lake has 3 MB free; free some"),
        (fail_in_a_task, "[USER_RAISED_EXCEPTION] the shelf is full"),
    ],
)
def test_a_query_that_failed_says_why(
    work: Callable[[DataFrame], None], words: str, session: SparkSession, tmp_path: Path
) -> None:
    error = run_stream(session, tmp_path, work)
    assert "[STREAM_FAILED]" in str(error).splitlines()[0]
    assert cause(error) == words


def test_java_says_why_a_table_cannot_be_written(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Py4JJavaError) as raised:
        session.range(3).write.parquet(str(tmp_path / "file" / "table"))
    assert cause(raised.value) == f"Parent path is not a directory: file:{tmp_path}/file"


def test_the_same_is_said_of_an_error_in_a_batch_and_outside(session: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    target = str(tmp_path / "file" / "table")
    error = run_stream(session, tmp_path, lambda batch: batch.write.parquet(target))
    assert cause(error) == f"Parent path is not a directory: file:{tmp_path}/file"
