"""The Spark session that all streams share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

from lake.errors import LakeError
from lake.scratch import java_files, scratch_of
from lake.settings import Settings

MEGABYTE = 1 << 20
JAVA_END_SECONDS = 1.0
OUT_OF_HEAP = 52
"""The code with which Spark ends its process when a task finds no room in the heap."""
CHECKPOINT_FILES = "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
DISTINCT_COLUMNS = ("value", "event_id", "event_key", "kafka_offset", "occurred_at")
"""Columns that hardly hold a value twice; bronze alone has them."""
EXPRESSIONS = "org.apache.spark.sql.functions"
"""Java's class of the functions that expressions are made with."""
SYSTEM_PYTHON = "python3"
"""What Spark starts Python workers with, unless ``PYSPARK_PYTHON`` says otherwise; our libraries are not in it."""
ROWS_AT_ONCE = 32
"""Of a table, for each task: a record has up to a megabyte."""
STACK = "-Xss16m"
"""For URL rules: Java calls itself for each repetition of a choice, ``(?:a|b)*``, and a target has 8,192 characters."""
LONG_METHODS = "-XX:-DontCompileHugeMethods"
"""What parses a record has become methods of more than 8,000 bytes, which Java would interpret for ever."""
JAVA_OPTIONS = (
    f"-Duser.timezone=UTC -XX:+UseParallelGC -XX:MaxDirectMemorySize=512m {STACK} "
    # Thirty times the usual calls, and ten times the loops, before the costly second compilation: a row's code has them
    # in its first batches; the planner's has them much later, and would keep the compiler busy in the first minutes.
    "-XX:Tier4InvocationThreshold=150000 -XX:Tier4MinInvocationThreshold=18000 -XX:Tier4CompileThreshold=450000 "
    f"-XX:Tier4BackEdgeThreshold=400000 {LONG_METHODS}"
)


def java_options(settings: Settings) -> str:
    """Return what Spark's Java process is started with."""
    options = " ".join([JAVA_OPTIONS, *(f'"{option}"' for option in java_files(settings))])
    if not settings.class_archive.exists():
        return options
    return f'{options} "-XX:SharedArchiveFile={settings.class_archive}" -Xlog:cds*=off'


def spark_session(settings: Settings, app: str = "weblake") -> SparkSession:
    """Return the session for ``settings.spark_master``, with Delta and Kafka on its class path.

    Raises:
        LakeError: the jars are missing.
    """
    jars = sorted(str(jar) for jar in (settings.jars / "spark").glob("*.jar"))
    if not jars:
        raise LakeError(f"no Spark jars in {settings.jars / 'spark'}; run `make setup`")
    scratch = scratch_of(settings)
    options = {
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.driver.extraJavaOptions": java_options(settings),
        "spark.local.dir": str(scratch),
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.json.enablePartialResults": "false",  # an object with an error in it is none
        # To note where in Python an expression was written, for messages, takes ten calls of Java for each.
        "spark.python.sql.dataFrameDebugging.enabled": "false",
        "spark.sql.dataFrameQueryContext.enabled": "false",
        # Every aggregate would first ask the files' statistics for its answer, which ours do not have: a job in vain.
        "spark.databricks.delta.optimizeMetadataQuery.enabled": "false",
        "spark.sql.codegen.cache.maxEntries": "1000",  # the 100 that Spark keeps are fewer than our loops have in turn
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.maxConcurrentOutputFileWriters": "8",  # rows of up to so many days need not be sorted by day
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.hadoop.parquet.compression.codec.zstd.level": "1",  # a tenth cheaper to write than 3, and no larger
        # A dictionary of values that are all different is made only to be thrown away: a fifth of the cost of writing.
        **{f"spark.hadoop.parquet.enable.dictionary#{column}": "false" for column in DISTINCT_COLUMNS},
        "spark.sql.execution.arrow.pyspark.enabled": "true",
        # The thousands that Spark would read at once fill the heap where records are large; fewer cost no more.
        "spark.sql.parquet.columnarReaderBatchSize": str(ROWS_AT_ONCE),
        # Both write a file by a plain create and rename; the others start four processes for each on a local disk.
        "spark.sql.streaming.checkpointFileManagerClass": CHECKPOINT_FILES,
        "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
        "spark.sql.streaming.metricsEnabled": "false",
        "spark.sql.streaming.numRecentProgressUpdates": "2",
        "spark.databricks.delta.snapshotPartitions": "1",
        "spark.databricks.delta.properties.defaults.enableDeletionVectors": "false",
        "spark.databricks.delta.optimize.minFileSize": str(8 * MEGABYTE),
        "spark.databricks.delta.optimize.maxFileSize": str(64 * MEGABYTE),
        "spark.databricks.delta.retentionDurationCheck.enabled": "false",
        "spark.databricks.delta.vacuum.logging.enabled": "false",
        "spark.databricks.delta.allFilesInCrc.enabled": "false",
        "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",
        "spark.sql.sources.parallelPartitionDiscovery.parallelism": "2",
        "spark.sql.optimizer.inSetConversionThreshold": "0",  # lists of values stay out of the generated code
        "spark.sql.optimizer.inSetSwitchThreshold": "0",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": f"{settings.data}/warehouse",
    }
    is_local = settings.spark_master.startswith("local")
    if is_local:
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
        options |= {"spark.driver.extraClassPath": os.pathsep.join(jars)}  # or Spark copies them at each start
        # Hadoop gives files rights of its own. On a cluster another user's workers may have to read them.
        options |= {"spark.hadoop.fs.permissions.umask-mode": "077"}
    else:
        options |= {"spark.jars": ",".join(jars), "spark.executor.extraJavaOptions": f"{STACK} {LONG_METHODS}"}
    options |= {"spark.authenticate": "true"} if is_local or settings.spark_auth_secret else {}
    if settings.spark_auth_secret:
        _start_java(options)
        options |= {"spark.authenticate.secret": settings.spark_auth_secret}
    builder = SparkSession.Builder().appName(app).master(settings.spark_master)
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    _keep_names_of_java(session)
    if session.sparkContext.pythonExec == SYSTEM_PYTHON:
        session.sparkContext.pythonExec = sys.executable
    return session


def _start_java(options: dict[str, str]) -> None:
    """Start Java with options that anybody may see, as ``ps`` shows them; it gets what is secret over py4j's socket."""
    SparkContext._ensure_initialized(conf=SparkConf(loadDefaults=False).setAll(list(options.items())))


def _keep_names_of_java(session: SparkSession) -> None:
    """Keep what py4j would ask Java for with each expression; a name without a package has it search all jars."""
    java: Any = session.sparkContext._jvm
    functions = getattr(java, EXPRESSIONS)
    for name in ("col", "lit", "when", "sum", "expr"):
        setattr(functions, name, getattr(functions, name))
    for name in (EXPRESSIONS, "functions"):
        setattr(java, name, functions)
    java.PythonUtils = java.PythonUtils


def how_java_ended(session: SparkSession, patience_seconds: float) -> str:
    """Return how Spark's Java process has ended, in words; empty where it runs.

    One that dies closes its sockets first, so for a moment it may seem to run: ``patience_seconds`` is for that.
    """
    process = java_process(session)
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience_seconds)
    code = process.returncode
    if code is None:
        return ""
    if code == -signal.SIGKILL:
        return "Spark's Java process was killed, as the system does when memory runs out"
    if code == OUT_OF_HEAP:
        return "Spark's Java process had no room left in its heap; SPARK_DRIVER_MEMORY sets how large that is"
    return f"Spark's Java process has ended with code {code}"


def java_process(session: SparkSession) -> subprocess.Popen[bytes]:
    """Return the Java process that works for the session; this process has started it."""
    gateway: Any = session.sparkContext._gateway
    process: subprocess.Popen[bytes] = gateway.proc
    return process
