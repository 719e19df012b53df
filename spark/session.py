"""The Spark session that all streams share."""

from __future__ import annotations

import sys

from pyspark.sql import SparkSession

from lake.errors import LakeError
from lake.settings import Settings

MEGABYTE = 1 << 20


def spark_session(settings: Settings, app: str = "weblake") -> SparkSession:
    """Return the session for ``settings.spark_master``, with Delta and Kafka on its class path.

    Raises:
        LakeError: the jars are missing.
    """
    jars = sorted(str(jar) for jar in (settings.jars / "spark").glob("*.jar"))
    if not jars:
        raise LakeError(f"no Spark jars in {settings.jars / 'spark'}; run `make setup`")
    options = {
        "spark.jars": ",".join(jars),
        "spark.pyspark.python": sys.executable,
        "spark.driver.memory": settings.spark_driver_memory,
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC -XX:+UseParallelGC -XX:MaxDirectMemorySize=512m",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.scheduler.mode": "FAIR",
        "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
        "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.adaptive.enabled": "false",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.execution.arrow.pyspark.enabled": "true",
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
        "spark.sql.optimizer.inSetSwitchThreshold": "0",
        "spark.sql.catalogImplementation": "in-memory",
        "spark.sql.warehouse.dir": f"{settings.data}/warehouse",
    }
    if settings.spark_master.startswith("local"):
        options |= {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    builder = SparkSession.Builder().appName(app).master(settings.spark_master)
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("WARN")
    return session
