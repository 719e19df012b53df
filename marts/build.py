"""Build the marts with dbt: `weblake dbt`.

dbt lives in this one process: a first parse takes seconds, and every build after it a fraction of one.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, TypeAlias

import psycopg2
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

from lake.errors import ServiceError, WeblakeError, first_line
from lake.locks import lock_holders
from lake.settings import PROJECT, Settings, lend_environment
from marts.measure import note_build
from marts.room import room_for_dbt

DBT_PROJECT = PROJECT / "dbt"
DBT_LOG = "dbt.log"
MARTS_SCHEMA = "marts"
"""The schema that analysts read."""
DBT_LOG_BYTES = 1 << 20
LOCK_TIMEOUT = "due to lock timeout"
"""What PostgreSQL says when a statement has waited for a lock for too long."""
LOCK_POLL_SECONDS = 0.2

ProjectFile: TypeAlias = tuple[Path, int, int]

log = logging.getLogger(__name__)


class Marts:
    """dbt with the project parsed once, and again after an edit. Not for use by two threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.data / "dbt"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._note = _notes(self._folder / DBT_LOG)
        self._runner = dbtRunner(callbacks=[self._note])
        self._files: list[ProjectFile] = []

    def has_changed(self) -> bool:
        """Return whether the project was edited since it was parsed; true before the first time."""
        return _project_files() != self._files

    def run(self, *options: str) -> None:
        """Run dbt. All models together bring every mart to the mirror's present version, at once.

        Raises:
            ServiceError: a model failed; the message names it, and the marts show what they did.
        """
        self._invoke("run", *options)

    def test(self) -> int:
        """Run all data and unit tests; return how many there were. Raises ServiceError naming those that failed."""
        return self._invoke("test")

    def docs(self) -> Path:
        """Write the documentation of all models; return the page to open."""
        self._parse()
        self._call("docs", "generate", "--static")
        return self._folder / "static_index.html"

    def _invoke(self, *command: str) -> int:
        self._parse()
        return len(_results(self._call(*command)))

    def _parse(self) -> None:
        files = _project_files()  # an edit while dbt reads them is noticed next time
        if files == self._files:
            return
        self._runner = dbtRunner(callbacks=[self._note])
        parsed = self._call("parse").result
        if not isinstance(parsed, Manifest):
            raise ServiceError(f"dbt parse returned {type(parsed).__name__}; expected the parsed project")
        self._runner = dbtRunner(manifest=parsed, callbacks=[self._note])
        self._files = files

    def _call(self, *command: str) -> dbtRunnerResult:
        quiet = ["--quiet", "--log-level", "none", "--log-level-file", "none", "--no-use-colors"]
        frugal = ["--no-send-anonymous-usage-stats", "--no-version-check", "--no-print"]
        paths = [f"--{name}={path}" for name, path in self._paths().items()]
        keep = [] if command[0] == "docs" else ["--no-write-json"]
        with lend_environment(self._settings, "dbt"):  # dbt/profiles.yml reads it
            outcome = self._runner.invoke([*quiet, *frugal, *keep, *command, *paths])
        if outcome.exception:
            raise ServiceError(
                f"dbt {command[0]} failed: {first_lines(outcome.exception)}; see {self._folder / DBT_LOG}"
            ) from outcome.exception
        failed = [result for result in _results(outcome) if str(result.status) in ("error", "fail", "runtime error")]
        if failed:
            named = "; ".join(f"{result.node.name}: {first_lines(result.message)}" for result in failed)
            raise ServiceError(f"dbt {command[0]} failed in {named}; see {self._folder / DBT_LOG}")
        return outcome

    def _paths(self) -> dict[str, Path]:
        return {
            "project-dir": DBT_PROJECT,
            "profiles-dir": DBT_PROJECT,
            "target-path": self._folder,
            "log-path": self._folder,
        }


def build(marts: Marts, settings: Settings, full_refresh: bool = False) -> None:
    """Build now and log what was done.

    Raises:
        ServiceError: a model failed. Where it waited for a lock in vain, the message says who holds locks on the marts.
        SpaceError: the disk is nearly full, and the marts show what they did.
    """
    started = time.monotonic()
    try:
        with room_for_dbt(settings):
            marts.run(*(["--full-refresh"] if full_refresh else []))
    except ServiceError as error:
        if LOCK_TIMEOUT not in str(error):
            raise
        raise ServiceError(f"{error}; {_who_holds_locks(settings)}") from error
    note_build(settings, time.monotonic() - started)


@contextmanager
def building(settings: Settings, stop: threading.Event | None = None) -> Iterator[None]:
    """Hold ``<data>/marts.lock``, so that no two builds (or a build and a test) run at once; wait for it.

    Raises:
        WeblakeError: ``stop`` was set while waiting.
    """
    settings.data.mkdir(parents=True, exist_ok=True)
    with (settings.data / "marts.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if stop is not None and stop.is_set():
                    raise WeblakeError("stopped while another build held marts.lock") from None
                time.sleep(LOCK_POLL_SECONDS)
        yield


def _notes(file: Path) -> Callable[[Any], None]:
    """Return what writes dbt's warnings and errors to a file. dbt's own log words each of its thousands of events."""
    handler = RotatingFileHandler(file, maxBytes=DBT_LOG_BYTES, backupCount=1, delay=True, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    notes = logging.Logger("dbt")  # of its own: two of these may write two files
    notes.addHandler(handler)

    def note(event: Any) -> None:
        if event.info.level in ("warn", "error"):
            notes.warning("%s %s", event.info.level, event.info.msg)

    return note


def _project_files() -> list[ProjectFile]:
    """Return path, time of change and size of each file from which dbt builds."""
    files = sorted(path for folder in ("models", "macros", "tests") for path in (DBT_PROJECT / folder).rglob("*.*"))
    stats = ((path, path.stat()) for path in (DBT_PROJECT / "dbt_project.yml", *files))
    return [(path, stat.st_mtime_ns, stat.st_size) for path, stat in stats]


def _results(outcome: dbtRunnerResult) -> list[Any]:
    return list(getattr(outcome.result, "results", None) or [])


def _who_holds_locks(settings: Settings) -> str:
    """Return who holds locks on the marts, in words; why nobody can say, where PostgreSQL does not."""
    try:
        with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
            return lock_holders(cursor, MARTS_SCHEMA)
    except psycopg2.Error as error:
        return f"who holds the lock is not known: {first_line(error)}"


def first_lines(message: object) -> str:
    """Return the first two lines of what dbt says, the second of which has the reason."""
    lines = [line.strip() for line in str(message).splitlines() if line.strip()]
    return " ".join(lines[:2])
