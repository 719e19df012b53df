"""Java's archive of loaded classes: with it, each start of Spark takes half as long.

Most of what Spark does before its first job is to read thousands of classes from jars, check and link them. Java can
keep the outcome in a file and map it into memory the next time (application class-data sharing, JEP 350). The archive
is made once, by the stream itself: it drains a few made-up events from a broker of its own into a database of its own.

``make setup`` calls this. Java ignores an archive that was made by another Java, or from other jars.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psutil

from lake.command import weblake_command
from lake.errors import ServiceError
from lake.scratch import scratch_folder
from lake.settings import PROJECT, Settings, child_environment
from stack.servers.embedded import Embedded
from stack.servers.kafka import QUICK
from stack.servers.processes import executable
from stack.setup.jars import pyspark_jars

EVENTS = 5_000
SECONDS = 600


def has_archive(settings: Settings) -> bool:
    """Say whether there is an archive, made by this Java from these jars."""
    archive, stamp = settings.class_archive, _stamp_file(settings)
    return archive.exists() and stamp.exists() and stamp.read_text() == _stamp()


def make_archive(settings: Settings) -> None:
    """Make the archive, replacing an older one. It is there as a whole or not at all.

    Raises:
        ServiceError: something did not start, or did not end in time.
    """
    archive = settings.class_archive
    archive.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch_folder(settings.jars / "scratch")) as name:
        made = Path(name, archive.name)
        overrides = {"SPARK_MASTER": "local[2]", "WEBLAKE_JARS": str(settings.jars), "WEBLAKE_MIN_FREE_MB": "1"}
        with Embedded(Path(name, "data"), **overrides) as own:
            _run(own, {}, "generate", f"--count={EVENTS}", f"--rate={EVENTS}", "--seed=1")
            options = f'{QUICK} "-XX:ArchiveClassesAtExit={made}"'
            _run(own, {"SPARK_SUBMIT_OPTS": options}, "run", "stream", "--once")
        if not made.exists():
            raise ServiceError(f"Java left no archive at {made}")
        _stamp_file(settings).write_text(_stamp())
        made.rename(archive)


def _run(settings: Settings, environment: dict[str, str], *command: str) -> None:
    """Run one of our programs, and wait until it and all that it has started have ended."""
    log = settings.data / "logs" / f"{command[0]}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = psutil.Popen(
            weblake_command(*command),
            cwd=PROJECT,
            env=child_environment(settings, **environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    members: set[psutil.Process] = {process}
    deadline = time.monotonic() + SECONDS
    try:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(psutil.NoSuchProcess):
                members |= set(process.children(recursive=True))
            time.sleep(0.1)
        _, hanging = psutil.wait_procs(members, timeout=max(0.0, deadline - time.monotonic()))
    finally:
        for member in members:
            with suppress(psutil.NoSuchProcess):
                member.kill()
        process.wait()
    if hanging or process.wait() != 0:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
        raise ServiceError(f"`weblake {' '.join(command)}` failed; the end of its log:\n{tail}")


def _stamp_file(settings: Settings) -> Path:
    return settings.class_archive.with_suffix(".txt")


def _stamp() -> str:
    command = [executable("java"), "-XX:-UsePerfData", "-version"]
    version = subprocess.run(command, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True, check=False)
    return f"{version.stdout}{pyspark_jars()}\n"
