"""The stream as a process of the benchmark, ``weblake run stream``, and the servers that it runs on."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import psutil

from bench.usage import Meter, trees
from lake.command import weblake_command
from lake.contracts.reports import read_stream_report
from lake.errors import ServiceError
from lake.settings import PROJECT, Settings, child_environment
from stack.servers.embedded import Embedded

STOP_SECONDS = 60


@contextmanager
def metered_services(folder: Path, **values: str) -> Iterator[tuple[Settings, Meter]]:
    """Run a broker and a database in a folder of their own; yield their settings, and a meter that follows both.

    ``values`` are settings by name.
    """
    # As quick as a stack's, and all of it is measured.
    embedded = Embedded(folder, java_options=(), KAFKA_KEEP_MB="1000000", **values)
    with embedded as settings, Meter() as meter:
        meter.follow("broker", embedded.kafka.pid or 0)
        meter.follow("postgres", embedded.postgres.pid or 0)
        yield settings, meter


class Stream:
    """``with Stream(settings) as stream:`` starts it and ends it, with its Java process."""

    def __init__(self, settings: Settings) -> None:
        """Describe the process; ``started_at`` is epoch seconds."""
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self.log = settings.data / "logs" / "stream.log"
        self.started_at = 0.0

    def __enter__(self) -> Stream:
        """Start it, and do not wait until it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.started_at = time.time()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                weblake_command("run", "stream"),
                cwd=PROJECT,
                env=child_environment(self._settings),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ask it to end after the current batches, and kill what is left after a while."""
        if self._process is None:
            return
        members = trees([self._process.pid])[self._process.pid]
        self._process.terminate()
        try:
            self._process.wait(5 if kind else STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        _, alive = psutil.wait_procs(members, timeout=5)
        for process in alive:
            process.kill()
        psutil.wait_procs(alive, timeout=5)

    @property
    def pid(self) -> int:
        """Process id of the Python driver; Java is below it."""
        return self._process.pid if self._process else 0

    def check(self) -> dict[str, Any]:
        """Return how many rows each stage has dealt with, by its own report.

        Raises:
            ServiceError: the process has ended; the message has the end of its log.
        """
        if self._process and self._process.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            raise ServiceError(f"the stream ended with code {self._process.returncode}; the end of its log:\n{tail}")
        report = read_stream_report(self._settings.stream_file)
        if report is None:
            return {}
        return {"bronze": report.bronze.rows, "silver": report.silver.rows, "mirror": report.mirror.rows}
