"""How the stack is: its processes, how far each stage is, how its loops are, how old the marts are, what the disk has.

``weblake status`` prints it, ``--json`` for programs. See :func:`problems` for what it reports as not well.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psycopg2

from lake.contracts.reports import StreamReport, read_stream_report
from lake.errors import ServiceError, first_line
from lake.settings import Settings
from stack import private, supervision
from stack.disk import Room, disk_usage, room
from stack.loops import Loop, loops
from stack.programs import programs
from stack.servers import kafka, postgres
from stack.servers.roles import ANALYST

STALE_SECONDS = 60
SECOND_LOOK_SECONDS = 25
"""How long what seems stale gets to catch up: after a quiet hour, the first event finds every stage an hour old."""
LOOK_SECONDS = 2
BATCH_SECONDS = 300
"""A batch that takes longer than this is held up, whatever holds it up."""
BOOKMARK = "select coalesce(max(version), -1) from silver.bookmark"
BUILT = "select coalesce(max(version), -1), extract(epoch from max(built_at))::float8 from marts.build_info"
TOO_MANY = "too many connections for role"
"""What PostgreSQL says to an analyst who has all the connections that it may have, which is its own affair."""


@dataclass(frozen=True)
class Process:
    """One process; ``uptime_seconds`` is 0 where it does not run."""

    name: str
    state: str
    pid: int
    uptime_seconds: float


@dataclass(frozen=True)
class Stage:
    """One stage: rows it has dealt with, and how far it is behind the stage before it, in rows and seconds."""

    name: str
    rows: int
    lag_rows: int
    lag_seconds: float
    batch_seconds: float = 0.0
    """How long it has been at its present batch; 0 where it is at none."""

    @property
    def is_stale(self) -> bool:
        """Whether it has rows to deal with and has been behind for too long."""
        return self.lag_rows > 0 and self.lag_seconds > STALE_SECONDS


@dataclass(frozen=True)
class Status:
    """All that ``make status`` knows; times in seconds.

    Versions are -1 and ages None where there is nothing yet. A version that could not be looked up is None.
    """

    data: str
    processes: list[Process]
    end_offsets: dict[int, int]
    stages: list[Stage]
    rejected: int
    ledger_version: int
    bookmark: int | None
    marts_version: int | None
    marts_age_seconds: float | None
    stream_age_seconds: float | None
    disk_bytes: dict[str, int]
    advice: str | None = None
    """What to run once, although nothing is wrong."""
    errors: list[str] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    room: Room | None = None
    """The disks; None where nobody has looked."""


def look(settings: Settings) -> Status:
    """Return the status; if all programs run but something seems stale, look again for a while."""
    status = gather(settings)
    deadline = time.monotonic() + SECOND_LOOK_SECONDS
    while is_only_stale(status) and time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        status = gather(settings)
    return status


def is_only_stale(status: Status) -> bool:
    """Say whether something is stale although every program runs and every service answers."""
    everybody_runs = all(process.state == "RUNNING" for process in status.processes)
    has_room = not (status.room and status.room.waits)
    return bool(problems(status)) and everybody_runs and has_room and not status.errors


def gather(settings: Settings) -> Status:
    """Ask every service; name those that do not answer in ``errors``."""
    now = time.time()
    errors: list[str] = []
    # What is downstream first: or it might have gone on meanwhile, and seem to be ahead of what it comes from.
    bookmark, marts_version, built_at = _database_versions(settings, errors)
    stream = _stream_report(settings, errors)
    offsets = _end_offsets(settings, errors)
    if stream:
        errors += [f"{stage}: {error}" for stage, error in stream.errors.items()]
    errors += private.complaints(settings)
    processes = _processes(settings, now)
    return Status(
        data=str(settings.data),
        processes=processes,
        end_offsets=offsets,
        stages=lags(offsets, stream, now),
        rejected=stream.bronze.rejected if stream else 0,
        ledger_version=max(stream.silver.version, stream.mirror.bookmark) if stream else -1,
        bookmark=bookmark,
        marts_version=marts_version,
        marts_age_seconds=now - built_at if built_at else None,
        stream_age_seconds=now - stream.updated_at if stream else None,
        disk_bytes={name: disk_usage(path, errors.append) for name, path in _folders(settings).items()},
        advice=stream.silver.advice if stream else None,
        errors=errors,
        loops=loops(settings, _starts(processes, now), now, errors.append),
        room=room(settings),
    )


def problems(status: Status) -> list[str]:
    """Return what is down or stale, one sentence each; empty when all is well."""
    sentences = status.room.complaints if status.room else []  # first: a full disk explains most of the others
    sentences += [
        f"{process.name} is {process.state.lower()}" for process in status.processes if process.state != "RUNNING"
    ]
    sentences += [
        f"{stage.name} is {stage.lag_rows:,} rows and {stage.lag_seconds:.0f} s behind"
        for stage in status.stages
        if stage.is_stale
    ]
    sentences += [
        f"{stage.name} has been at one batch for {stage.batch_seconds:.0f} s; a rule that takes long for some lines "
        "may hold it up, and `make logs NAME=stream` says what it did last"
        for stage in status.stages
        if stage.batch_seconds > BATCH_SECONDS
    ]
    if status.stream_age_seconds is None:
        sentences.append("the stream has not reported yet")
    elif status.stream_age_seconds > STALE_SECONDS:
        sentences.append(f"the stream has said nothing for {status.stream_age_seconds:.0f} s")
    bookmark, version, age = status.bookmark, status.marts_version, status.marts_age_seconds
    is_known = bookmark is not None and version is not None
    if is_known and bookmark not in (-1, version) and (age is None or age > STALE_SECONDS):
        sentences.append(f"the marts are at version {version}, the bookmark is at {bookmark}")
    sentences += [loop.complaint for loop in status.loops if loop.complaint]
    return sentences + status.errors


def unfinished(status: Status) -> str:
    """Return what the marts do not show yet although nothing is wrong; empty when they show everything."""
    rows = sum(stage.lag_rows for stage in status.stages)
    if rows:
        return f"{rows:,} rows are being counted, and the marts do not show them yet"
    if status.marts_version != status.bookmark:
        return "the marts are being built, and do not show the last counts yet"
    return ""


def lags(offsets: dict[int, int], stream: StreamReport | None, now: float) -> list[Stage]:
    """Return bronze, silver and mirror with their lags.

    Args:
        offsets: end offset of each partition.
        stream: the stream's report; None when there is none.
        now: epoch seconds.
    """
    if stream is None:
        return [Stage("bronze", 0, sum(offsets.values()), 0.0), Stage("silver", 0, 0, 0.0), Stage("mirror", 0, 0, 0.0)]
    bronze, silver, mirror = stream.bronze, stream.silver, stream.mirror
    unread = sum(offsets.values()) - sum(bronze.next_offsets.values()) if offsets else 0
    behind = (
        ("bronze", bronze.rows, unread, bronze.as_of),
        ("silver", silver.rows, bronze.rows - silver.rows, silver.as_of),
        ("mirror", mirror.rows, silver.rows - mirror.rows, mirror.as_of),
    )
    batches = {name: stream.updated_at - since for name, since in stream.batch_since.items()}
    return [
        Stage(name, rows, max(lag, 0), _lag_seconds(lag, as_of, now, batches.get(name, 0.0)), batches.get(name, 0.0))
        for name, rows, lag, as_of in behind
    ]


def as_dict(status: Status) -> dict[str, Any]:
    """Return the status, with its problems, for JSON."""
    complaints = problems(status)
    return {**asdict(status), "problems": complaints, "unfinished": unfinished(status), "is_well": not complaints}


def _lag_seconds(lag: int, as_of: float, now: float, batch_seconds: float) -> float:
    """Return the age of the newest row that was dealt with; before the first, how long its batch has taken."""
    if lag <= 0:
        return 0.0
    return max(now - as_of, 0.0) if as_of else batch_seconds


def _stream_report(settings: Settings, errors: list[str]) -> StreamReport | None:
    try:
        return read_stream_report(settings.stream_file)
    except OSError as error:
        errors.append(f"{settings.stream_file} cannot be read ({error.strerror}); see who owns it")
        return None


def _starts(processes: list[Process], now: float) -> dict[str, float]:
    return {process.name: now - process.uptime_seconds for process in processes if process.state == "RUNNING"}


def _processes(settings: Settings, now: float) -> list[Process]:
    pid = supervision.pid(settings)
    states = supervision.states(settings)
    names = [*(program.name for program in programs(settings)), *states]
    processes = [Process("supervisor", "RUNNING" if pid else "STOPPED", pid, 0.0)]
    for name in dict.fromkeys(names):
        state = states.get(name)
        if state is None:
            processes.append(Process(name, "STOPPED", 0, 0.0))
        else:
            uptime = now - state.started_at if state.pid else 0.0
            processes.append(Process(name, state.state, state.pid, uptime))
    return processes


def _end_offsets(settings: Settings, errors: list[str]) -> dict[int, int]:
    if not kafka.is_listening(settings):
        errors.append(f"Kafka does not listen at {settings.kafka_servers}")
        return {}
    try:
        offsets = dict(sorted(kafka.end_offsets(settings).items()))
    except ServiceError as error:
        errors.append(str(error))
        return {}
    if not offsets:
        errors.append(f"Kafka has no topic {settings.kafka_topic!r}; run `make up`, which makes it again")
    return offsets


def _database_versions(settings: Settings, errors: list[str]) -> tuple[int | None, int | None, float | None]:
    """Return the bookmark, the version that the marts show, and when they were built (epoch seconds).

    What cannot be looked up is None, and the reason is among the errors.
    """
    bookmark, version, built_at = None, None, None
    try:
        ((number,),) = postgres.query(settings, "dbt", BOOKMARK)
        bookmark = int(str(number))
        ((is_there,),) = postgres.query(settings, "dbt", "select to_regclass('marts.build_info') is not null")
        ((number, seconds),) = postgres.query(settings, "dbt", BUILT) if is_there else [(-1, None)]
        version, built_at = int(str(number)), None if seconds is None else float(str(seconds))
    except psycopg2.Error as error:
        errors.append(f"PostgreSQL at port {settings.postgres_port}: {first_line(error)}")
        return bookmark, version, built_at
    refusal = postgres.refusal(settings, ANALYST)
    if refusal and TOO_MANY not in refusal:
        errors.append(f"the analyst cannot log in ({refusal}); run `make up`, which gives it its password again")
    return bookmark, version, built_at


def _folders(settings: Settings) -> dict[str, Path]:
    return {
        "kafka": kafka.home(settings),
        "postgres": postgres.home(settings),
        "lake": Path(settings.lake_root),
        "logs": settings.data / "logs",
    }
