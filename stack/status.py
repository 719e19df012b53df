"""What ``weblake status`` knows of the stack: processes, lags, versions, ages and sizes. ``stack/health`` judges it."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from lake.contracts.reports import BronzeReport, VerifyReport, read_stream_report
from lake.settings import Settings
from stack import private
from stack.disk import Room, disk_usage, room
from stack.health.database import Database, look_at_database
from stack.health.followers import Follower, look_at_followers
from stack.health.lags import Stage, clock_ahead, lags, most_silent_seconds, record_age, unlisted_share
from stack.health.look import Complain, Look
from stack.health.loops import Loop, loops
from stack.health.processes import RUNNING, UNSUPERVISED, Process, ask_supervisor, marked, processes
from stack.health.proxy import proxy_advice
from stack.health.reports import Reports, read_reports
from stack.health.topic import look_at_topic
from stack.servers import kafka, postgres


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
    is_stream_there: bool = False
    """Whether the process runs that wrote the stream's report, by whomever it was started."""
    advice: str | None = None
    """What to run once, although nothing is wrong."""
    proxy: str | None = None
    """What to do about an address that seems to be a proxy, and is counted as a client."""
    errors: list[str] = field(default_factory=list)
    """What is wrong by the word of the services and the programs themselves."""
    unknown: list[str] = field(default_factory=list)
    """What could not be looked up, and why."""
    complaints: list[str] = field(default_factory=list)
    """What is wrong with the folders, whether anything runs or not."""
    loops: list[Loop] = field(default_factory=list)
    followers: list[Follower] = field(default_factory=list)
    """Who follows log files, and who should."""
    room: Room | None = None
    """The disks; None where nobody could look."""
    charts_age_seconds: float | None = None
    """How long ago the oldest chart was drawn; None also where one is missing."""
    record_age_seconds: float | None = None
    """How long ago the newest record came; None also where it is not read yet."""
    most_silent_seconds: float | None = None
    """How long no record may come; None where it does not matter."""
    clock_ahead_seconds: float = 0.0
    """By how much the clock of a sender is ahead whose records were rejected for that within the last hour."""
    unlisted_share: float = 0.0
    """The share of events whose action is not in the rules file, of a batch within the last hour."""
    verify: VerifyReport | None = None
    recent_records: int = 0
    """How many records bronze took in within the last ten minutes."""
    recent_rejected: int = 0
    """How many of them were rejected."""
    rejected_most: str | None = None
    """The reason of most that were rejected in that time; None where there is none, or PostgreSQL does not know yet."""
    looked_at: float = 0.0
    """Epoch seconds; all ages are those of then."""
    seconds: float = 0.0
    """How long all looks took."""
    start_offsets: dict[int, int] = field(default_factory=dict)
    """The oldest offset of each partition that Kafka still has."""

    def process(self, name: str) -> Process | None:
        """Return a process by its name."""
        return next((process for process in self.processes if process.name == name), None)

    def loop(self, name: str) -> Loop | None:
        """Return a loop by its name; None where its program does not run."""
        return next((loop for loop in self.loops if loop.name == name), None)


def gather(settings: Settings, with_sizes: bool = True) -> Status:
    """Look at everything at once. Each look has a time limit, and the status says which have found nothing, and why.

    Returns within ``LOOK_SECONDS`` and a moment.
    """
    now = time.time()
    supervisor = Look("supervisor", lambda _: ask_supervisor(settings))
    system = Look("the list of processes", lambda _: marked(settings))
    server = f"PostgreSQL at port {settings.postgres_port}"
    database = Look(server, lambda complain: look_at_database(settings, complain), "postgres")
    broker = f"Kafka at {settings.kafka_servers}"
    shared = Look(server, lambda _: proxy_advice(settings), "postgres")
    topic = Look(broker, lambda _: look_at_topic(settings, _next_offsets(settings)), "kafka")
    files = Look(f"what the programs wrote to {settings.data}", lambda complain: read_reports(settings, complain))
    folders = Look("the rights of the folders", lambda _: private.complaints(settings))
    tails = Look("who follows logs", lambda _: look_at_followers(settings, now))
    disks = Look("the disks", lambda _: room(settings))
    sizes = Look("the sizes of the folders", lambda complain: _sizes(settings, complain) if with_sizes else {})
    errors: list[str] = []
    unknown: list[str] = []
    told = supervisor.answer(errors, unknown) or (0, {})
    rows = processes(settings, *told, system.answer(errors, unknown), now)
    marts = database.answer(errors, unknown) or Database()
    ends = topic.answer(errors, unknown)
    reports = files.answer(unknown, unknown) or Reports()
    stream = reports.stream
    recent = (stream.bronze if stream else BronzeReport()).taken_in(now)
    errors += [f"{stage}: {error}" for stage, error in stream.errors.items()] if stream else []
    return Status(
        data=str(settings.data),
        processes=rows,
        end_offsets=ends.ends if ends else {},
        stages=lags(ends, stream, settings.trigger_seconds, now),
        rejected=stream.bronze.rejected if stream else 0,
        ledger_version=max(stream.silver.version, stream.mirror.bookmark) if stream else -1,
        bookmark=marts.bookmark,
        marts_version=marts.marts_version,
        marts_age_seconds=_age(marts.built_at, now),
        stream_age_seconds=_age(stream.updated_at if stream else None, now),
        is_stream_there=stream is not None and stream.has_living_writer(),
        disk_bytes=sizes.answer(unknown, unknown) or {},
        advice=stream.silver.advice if stream else None,
        proxy=shared.answer([], []),  # it says nothing of how the stack is
        errors=errors,
        unknown=unknown,
        complaints=folders.answer(unknown, unknown) or [],
        loops=loops(settings, reports.loops, _starts(rows, now), now),
        followers=tails.answer(unknown, unknown) or [],
        room=disks.answer(unknown, unknown),
        charts_age_seconds=_age(reports.charts_drawn_at, now),
        record_age_seconds=record_age(ends, stream, now),
        most_silent_seconds=most_silent_seconds(settings, any(row.name == "generator" for row in rows)),
        clock_ahead_seconds=clock_ahead(stream, now),
        unlisted_share=unlisted_share(stream, now),
        verify=reports.verify,
        recent_records=recent.records,
        recent_rejected=recent.rejected,
        rejected_most=marts.rejected_most,
        looked_at=now,
        seconds=time.time() - now,
        start_offsets=ends.starts if ends else {},
    )


def _age(at: float | None, now: float) -> float | None:
    return None if at is None else max(now - at, 0.0)


def _starts(rows: list[Process], now: float) -> dict[str, float]:
    """Return when each program that runs was started (epoch seconds); a frozen one can say nothing, and need not."""
    return {row.name: now - row.uptime_seconds for row in rows if row.state in (RUNNING, UNSUPERVISED)}


def _next_offsets(settings: Settings) -> dict[int, int]:
    """Return how far bronze has read; nothing where its report cannot be read, which the look at reports says."""
    with suppress(OSError):
        stream = read_stream_report(settings.stream_file)
        return stream.bronze.next_offsets if stream else {}
    return {}


def _sizes(settings: Settings, complain: Complain) -> dict[str, int]:
    folders = {
        "kafka": kafka.home(settings),
        "postgres": postgres.home(settings),
        "lake": Path(settings.lake_root),
        "logs": settings.data / "logs",
    }
    return {name: disk_usage(path, complain) for name, path in folders.items()}
