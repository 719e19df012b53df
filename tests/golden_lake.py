"""The golden lake: a small data folder that an earlier Weblake wrote, put back to work, and what it says in figures."""

from __future__ import annotations

import json
import subprocess
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from unsynced import leave_writing_to_the_system

from lake.settings import Settings, child_environment
from spark.tables.delta import snapshot
from stack.servers import kafka, postgres
from stack.servers.embedded import Embedded
from stack.servers.migrations import migrate

GOLDEN = Path(__file__).parent / "golden"
ARCHIVE = GOLDEN / "golden.tar.gz"
EXPECTED: dict[str, Any] = json.loads((GOLDEN / "expected.json").read_text())
RULES = "rules.yml"
"""The URL rules of the lake's owner, in the data folder: under them the lake was last counted."""
DUMP = "weblogs.sql"
SINCE = {"products": " where product_id <> ''"}
"""Mart -> a condition that leaves out rows that the Weblake of the golden lake did not have."""
RECORDS = ("replays", "verdicts", "erasures")


@dataclass(frozen=True)
class Bookmark:
    """Where PostgreSQL stands in which ledger, and when it was last filled from the start."""

    version: int
    ledger_id: str
    filled_at: object


@contextmanager
def golden_stack(data: Path) -> Iterator[Settings]:
    """Unpack the golden lake, and start a broker and a database on it; the passwords are new.

    The database is restored the way a person would: roles and passwords come from the new server, all else from the
    dump. Then the migrations of the day run over it, as they do when a stack of an earlier version starts.
    """
    unpack(data)
    with Embedded(data, SPARK_MASTER="local[2]", WEBLAKE_RULES=str(data / RULES)) as settings:
        leave_writing_to_the_system(settings)
        restore(settings)
        yield settings


def unpack(data: Path) -> None:
    """Unpack the golden lake into a new folder."""
    data.mkdir(parents=True)
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(data, filter="data")


def contents(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the text of each file, and every row of each Parquet file, in use or not."""
    for path in sorted(folder.rglob("*")):
        if path.suffix == ".parquet":
            yield path, repr(pq.read_table(path, partitioning=None).to_pylist())
        elif path.is_file():
            yield path, path.read_bytes().decode(errors="replace")


def restore(settings: Settings) -> None:
    """Put the dump in the place of the new server's empty database."""
    name = settings.postgres_database
    with closing(postgres.connect(settings, postgres.OWNER, "postgres")) as connection, connection.cursor() as cursor:
        cursor.execute(f"drop database {name}")
        cursor.execute(f"create database {name}")
    psql = [str(postgres.program("psql")), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1"]
    subprocess.run(
        [*psql, f"--file={settings.data / DUMP}", settings.postgres_dsn(postgres.OWNER)],
        env=child_environment(settings),
        check=True,
        capture_output=True,
    )
    migrate(settings)


def records(settings: Settings, kind: str) -> list[dict[str, Any]]:
    """Return what is on record of ``replays``, ``verdicts`` or ``erasures``, the oldest first."""
    return [json.loads(path.read_text()) for path in sorted(Path(settings.lake_root, kind).glob("*.json"))]


def bookmark(settings: Settings) -> Bookmark:
    """Return PostgreSQL's bookmark."""
    (row,) = postgres.query(settings, "dbt", "select version, ledger_id, filled_at from silver.bookmark")
    version, ledger_id, filled_at = row
    return Bookmark(int(str(version)), str(ledger_id), filled_at)


def figures(session: SparkSession, settings: Settings, measures: list[str], marts: list[str]) -> dict[str, Any]:
    """Return what the lake, PostgreSQL and Kafka hold, in plain figures. JSON gives them back as they are."""
    bronze = session.read.format("delta").load(settings.bronze)
    ledger = session.read.format("delta").load(settings.ledger)
    everything = ledger.filter("dimension = 'all'")
    return {
        "bronze_rows": bronze.count(),
        "bronze_rows_by_format": _counts(bronze, "format"),
        "rejected_by_reason": _counts(bronze.filter("reject_reason is not null"), "reject_reason"),
        "ledger_version": snapshot(session, settings.ledger).version,
        "ledger_entries": _counts(ledger, "cause", "dimension"),
        "ledger_sums_of_all": _sums(everything, measures),
        "ledger_sums_of_bots": _sums(everything.filter("is_bot"), measures),
        "mirror_sums_of_all": mirror_sums(settings, measures),
        "mirror_bookmark": bookmark(settings).version,
        "mirror_verdicts": _rows(settings, "silver.verdicts"),
        "marts_rows": {name: _rows(settings, f"marts.{name}{SINCE.get(name, '')}") for name in marts},
        "records": {kind: len(records(settings, kind)) for kind in RECORDS},
        "kafka_ends": {str(partition): end for partition, end in sorted(kafka.end_offsets(settings).items())},
    }


def mirror_sums(settings: Settings, measures: list[str]) -> dict[str, int]:
    """Return PostgreSQL's sums of dimension ``all``."""
    sums = ", ".join(f"coalesce(sum({name}), 0)::bigint" for name in measures)
    (row,) = postgres.query(settings, "dbt", f"select {sums} from silver.window_counts where dimension = 'all'")
    return {name: int(str(number)) for name, number in zip(measures, row, strict=True)}


def _counts(frame: DataFrame, *columns: str) -> dict[str, int]:
    counted = Counter({"/".join(map(str, row[:-1])): int(row[-1]) for row in frame.groupBy(*columns).count().collect()})
    return dict(sorted(counted.items()))


def _sums(frame: DataFrame, measures: list[str]) -> dict[str, int]:
    return frame.agg(*(F.coalesce(F.sum(name), F.lit(0)).alias(name) for name in measures)).collect()[0].asDict()


def _rows(settings: Settings, table: str) -> int:
    ((number,),) = postgres.query(settings, "dbt", f"select count(*) from {table}")
    return int(str(number))
