"""The lake at one moment: versions of bronze and of the ledger that belong together. Read only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from pyspark.sql import DataFrame, SparkSession

from audit.check import Check, compared, number
from audit.oracle.clients import Clients, clients
from lake.addresses import spellings
from lake.contracts import BRONZE_PARTITION, CONVICTED, PARDONED
from lake.contracts.horizon import Horizon, read_horizon
from lake.contracts.records import BY_HAND, as_verdict
from lake.errors import LakeError
from lake.settings import Settings
from spark.tables.delta import live_files, properties, snapshot, writers_progress
from spark.tables.storage import list_texts

NAMED_FILES = 3


@dataclass(frozen=True)
class PinnedLake:
    """Bronze and the ledger at fixed versions; the ledger counts bronze up to ``batch``, under so many ``verdicts``."""

    session: SparkSession
    settings: Settings
    bronze_version: int
    ledger_version: int
    ledger_id: str
    batch: int
    verdicts: int
    horizon: Horizon | None = None
    """From which day on bronze is whole."""

    def bronze(self) -> DataFrame:
        """Return all of bronze at its version. Rows that are on record as gone may still wait to be deleted."""
        rows = self._at(self.settings.bronze, self.bronze_version)
        return rows.filter(f"{BRONZE_PARTITION} >= date'{self.horizon.day}'") if self.horizon else rows

    def counted_bronze(self) -> DataFrame:
        """Return the rows of bronze that the ledger has taken in."""
        return self.bronze().filter(f"batch <= {self.batch}")

    def ledger(self, version: int | None = None) -> DataFrame:
        """Return the entries of the ledger at its version, or at another."""
        return self._at(self.settings.ledger, self.ledger_version if version is None else version)

    def clients(self) -> Clients:
        """Return what is known of clients, with the verdicts that hold at the ledger's version."""
        last: dict[str, str] = {}
        for record in map(as_verdict, list_texts(self.session, self.settings.verdicts)):
            if record.ledger_id != self.ledger_id or record.number <= self.verdicts:
                for change in record.changes:
                    also = spellings(change.ip_address)[1:]  # today's spelling, if that on record is an old one
                    is_new = record.by == BY_HAND or not last.keys() & also
                    last |= dict.fromkeys((change.ip_address, *(also if is_new else ())), change.verdict)
        convicted, pardoned = (
            [address for address, verdict in last.items() if verdict == word] for word in (CONVICTED, PARDONED)
        )
        return clients(self.settings.ranges_file, convicted, pardoned)

    def _at(self, path: str, version: int) -> DataFrame:
        return self.session.read.format("delta").option("versionAsOf", version).load(path)


def pin(session: SparkSession, settings: Settings) -> tuple[PinnedLake, list[Check]]:
    """Fix the versions, the ledger's first: bronze is always at least as far. Also check that all files are there.

    If the horizon moves meanwhile, they are fixed again: the ledger could lack what is on record of the days before it.

    Raises:
        LakeError: there is no lake, or the ledger was counted from another bronze.
    """
    bronze_id = snapshot(session, settings.bronze).table_id
    horizon = read_horizon(properties(session, settings.bronze))
    ledger, progress = snapshot(session, settings.ledger), writers_progress(session, settings.ledger)
    while (again := snapshot(session, settings.ledger)).version != ledger.version:
        ledger, progress = again, writers_progress(session, settings.ledger)
    others = [name for name in progress if name.startswith("silver:") and name != f"silver:{bronze_id}"]
    if others:
        raise LakeError(
            f"the ledger {settings.ledger} was counted from another bronze table than {settings.bronze}; "
            "put that bronze table back, or move the ledger away and run `make rebuild`"
        )
    _, ledger_files = live_files(session, settings.ledger)
    bronze_version, bronze_files = live_files(session, settings.bronze)
    if read_horizon(properties(session, settings.bronze)) != horizon:
        return pin(session, settings)
    checks = [
        _check_files(session, "ledger", settings.ledger, ledger_files),
        _check_files(session, "bronze", settings.bronze, bronze_files),
    ]
    shuffle = max(2, len(bronze_files) // 50)
    session.conf.set("spark.sql.shuffle.partitions", str(shuffle))
    pinned = PinnedLake(
        session=session,
        settings=settings,
        bronze_version=bronze_version,
        ledger_version=ledger.version,
        ledger_id=ledger.table_id,
        batch=progress.get(f"silver:{bronze_id}", -1),
        verdicts=progress.get("verdicts", 0),
        horizon=horizon,
    )
    return pinned, checks


def _check_files(session: SparkSession, name: str, path: str, adds: list[dict[str, Any]]) -> Check:
    """Compare the files that the table's log names, by its ``add`` actions, with those that are there.

    Where some are missing, all later checks read what is left, so that they can say which records are lost.
    """
    jvm: Any = session._jvm
    system = jvm.org.apache.hadoop.fs.Path(path).getFileSystem(session._jsparkSession.sessionState().newHadoopConf())
    files = sorted(unquote(add["path"]) for add in adds)
    missing = [file for file in files if not system.exists(jvm.org.apache.hadoop.fs.Path(f"{path}/{file}"))]
    problem = ""
    if missing:
        session.conf.set("spark.sql.files.ignoreMissingFiles", "true")
        more = f" and {len(missing) - NAMED_FILES} more" if len(missing) > NAMED_FILES else ""
        problem = f"missing in {path}: {', '.join(missing[:NAMED_FILES])}{more}; restore from a backup"
    return compared(
        f"{name}: files",
        f"{number(len(files), 'file')} in its log",
        f"{len(files) - len(missing):,} there",
        problem,
    )
