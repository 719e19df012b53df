"""``make up``: prepare, start, wait for the first counts and charts, say where to look."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lake.contracts import CHARTS
from lake.contracts.reports import read_stream_report
from lake.errors import ServiceError
from lake.settings import Settings
from stack import private, supervision
from stack.console import say, step
from stack.down import end_processes, leftovers
from stack.logs import tail
from stack.programs import has_traffic, programs
from stack.servers import kafka, kafka_login, postgres
from stack.servers.migrations import migrate
from stack.servers.ports import PortClaims
from stack.servers.stack_env import (
    as_written,
    contradictions,
    make_passwords,
    prepare,
    remember_generator,
    require_password,
    unapplied,
)
from stack.servers.waiting import TooLongError, wait_until
from stack.topic import is_refused, make_topic

SERVICE_SECONDS = 120
TIMEOUT_SECONDS = 300
CATCH_UP_SECONDS = 120
SAY_SECONDS = 10
RESTARTS_THAT_FAIL = 3
"""A program that has been started this many times more during one ``up`` will not come up by itself."""


def up(settings: Settings) -> None:
    """Start the stack and return when it shows something; a running one only follows the generator's settings.

    Raises:
        SettingsError: the data folder is not ours alone.
        ServiceError: something did not start in time; the message has the end of its log.
    """
    private.claim(settings)
    with _only_one(settings):
        closed = private.close(settings)
        if closed:
            say(f"{closed:,} files and folders were open to other users of this machine; now they are yours alone")
        require_password(settings)
        if supervision.is_running(settings):
            _follow_settings(settings)
            return
        started = time.time()
        with PortClaims() as claims:
            settings = _start(settings, claims)
            watch = Watch(settings)
            _start_services(settings, watch)
        if settings.generate:
            counted = _wait_for_counts(settings, watch, started)
            _wait_for_charts(settings, watch, counted)
        else:
            _wait_for_health(settings, watch, started)
        say(f"Up after {time.time() - started:.0f} s.\n")
        _say_where_to_look(settings)


class Watch:
    """Notices programs that end again and again while somebody waits for them."""

    def __init__(self, settings: Settings) -> None:
        """Watch the stack of these settings."""
        self._settings = settings
        self._starts: dict[str, set[int]] = {}

    def wait(self, ready: Callable[[], bool], seconds: float, what: str, progress: Callable[[], str]) -> None:
        """Wait until ``ready``, saying every few seconds how far things are.

        Raises:
            ServiceError: ``seconds`` have passed, or a program keeps ending; with the end of its log.
        """

        def is_ready() -> bool:
            is_there = ready()
            if not is_there:
                self._check()
            return is_there

        try:
            wait_until(is_ready, seconds, what, 0.5, lambda waited: say(f"  {waited:.0f} s: {progress()}"), SAY_SECONDS)
        except TooLongError as error:
            raise ServiceError(
                f"{error} ({progress()}). The stack goes on trying: `make status` and `make logs` say how far it is, "
                "`make down` stops it"
            ) from error

    def _check(self) -> None:
        states = supervision.states(self._settings)
        if not states:
            raise ServiceError(f"supervisor has ended; see {self._settings.data}/logs/supervisor.log")
        for name, state in states.items():
            starts = self._starts.setdefault(name, set())
            if state.pid:
                starts.add(state.pid)
            if state.state == "FATAL" or len(starts) > RESTARTS_THAT_FAIL:
                raise ServiceError(
                    f"{name} keeps ending. The end of its log:\n{tail(self._settings, name)}\n"
                    "Supervisor goes on trying; `make down` stops everything"
                )


def _start(settings: Settings, claims: PortClaims) -> Settings:
    """Write down ports and passwords, prepare the servers' files, start supervisor; return the final settings."""
    orphans = leftovers(settings)
    if orphans:
        with step(f"Ending {len(orphans)} processes of an earlier run"):
            end_processes(orphans)
    prepared = prepare(settings, claims)
    settings = prepared.settings
    remember_generator(settings)
    for note in prepared.notes:
        say(note)
    kafka.configure(settings, prepared.controller_port)
    if not kafka.is_formatted(settings):
        with step("Preparing Kafka"):
            kafka.format_storage(settings)
    if not postgres.is_initialised(settings):
        with step("Preparing PostgreSQL"):
            postgres.initialise(settings)
    with step("Starting supervisor, and with it " + ", ".join(program.name for program in programs(settings))):
        supervision.write_config(settings)
        supervision.start(settings)
    return settings


def _start_services(settings: Settings, watch: Watch) -> None:
    with step("PostgreSQL"):
        watch.wait(
            lambda: postgres.accepts(settings, postgres.OWNER, "postgres"),
            SERVICE_SECONDS,
            "PostgreSQL lets its owner in",
            lambda: "no answer yet",
        )
        notes = migrate(settings)
    for note in notes:
        say(note)
    with step("Kafka"):
        loss = _prepare_kafka(settings, watch)
    if loss:
        say(loss)


def _prepare_kafka(settings: Settings, watch: Watch) -> str:
    """Wait for the broker, let our programs in, make the topic if there is none; return what is lost with the last."""
    watch.wait(lambda: kafka.is_listening(settings), SERVICE_SECONDS, "Kafka opens its port", lambda: "no answer yet")
    if settings.kafka_private_servers:
        kafka_login.admit_programs(settings, kafka.properties(settings))
    return make_topic(settings)


def _wait_for_counts(settings: Settings, watch: Watch, since: float) -> float:
    """Wait until the marts have counts, and a while for PostgreSQL to have those of this run.

    Return the epoch second from which on charts show counts.
    """
    asked_at = since

    def are_there() -> bool:
        nonlocal asked_at
        asked_at = time.time()
        return has_traffic(settings) and _stream_reported(settings, since)

    say("Waiting for the first counts in the marts ...")
    watch.wait(are_there, TIMEOUT_SECONDS, "the marts have their first counts", lambda: _how_far(settings))
    patience = time.monotonic() + CATCH_UP_SECONDS
    watch.wait(
        lambda: _new_events_arrived(settings, since) or time.monotonic() > patience,
        TIMEOUT_SECONDS,
        "new counts arrive",
        lambda: _how_far(settings),
    )
    if not _new_events_arrived(settings, since):
        say("  The stream is still catching up with what arrived before; `make status` shows how far it is.")
    return asked_at


def _wait_for_charts(settings: Settings, watch: Watch, since: float) -> None:
    say("Waiting for the first charts ...")
    watch.wait(
        lambda: _new_charts(settings, since) == len(CHARTS),
        TIMEOUT_SECONDS,
        f"{len(CHARTS)} charts are in {settings.charts}",
        lambda: f"{_new_charts(settings, since)} of {len(CHARTS)} charts drawn",
    )


def _wait_for_health(settings: Settings, watch: Watch, since: float) -> None:
    """Without a generator nothing may ever arrive: wait until every program runs and the stream has reported."""

    def is_healthy() -> bool:
        states = supervision.states(settings).values()
        return _stream_reported(settings, since) and all(state.is_running for state in states)

    say("Waiting until every program runs ...")
    watch.wait(is_healthy, TIMEOUT_SECONDS, "every program runs", lambda: _how_far(settings))


def _follow_settings(settings: Settings) -> None:
    remember_generator(settings)
    is_there = postgres.accepts(settings, postgres.OWNER, "postgres")
    notes = migrate(make_passwords(settings)) if is_there else []  # somebody may have dropped what others need
    for note in notes:
        say(note)
    supervision.write_config(settings)
    changes = supervision.apply_config(settings)
    is_mended = _restore_topic(as_written(settings)) or bool(notes)
    if changes:
        say(f"The stack was up already. To apply the settings: {', '.join(changes)}.\n")
    else:
        say(f"The stack was up already; nothing {'else ' if is_mended else ''}changed.\n")
    started_in = supervision.environment(settings)
    names = unapplied(settings, started_in) if started_in else []
    if names:
        say(f"Not as at the start of the stack: {', '.join(names)}. `make down` and `make up` apply what is set now.\n")
    _say_where_to_look(as_written(settings))


def _restore_topic(settings: Settings) -> bool:
    """Make a topic again that somebody has deleted, wait until the stream knows it, and return whether that was so."""
    watch = Watch(settings)
    loss = _prepare_kafka(settings, watch)
    if loss:
        say(loss)
        watch.wait(
            lambda: is_refused(settings), TIMEOUT_SECONDS, "the stream sees the new topic", lambda: _how_far(settings)
        )
    return bool(loss)


def _say_where_to_look(settings: Settings) -> None:
    traffic = (
        f"made up, {settings.generate_rate} events/s (`make up GENERATE=0` turns it off)"
        if settings.generate
        else "none made up (`make up GENERATE=1` turns it on); `make import FILE=access.log` sends a log"
    )
    say(f"  charts      {settings.charts}, drawn again every {settings.charts_seconds} s")
    say("  questions   make sql, or make sql Q='select * from product_views limit 10'")
    say("  health      make status, make logs")
    say(f"  traffic     {traffic}")
    database = f"{settings.postgres_host}:{settings.postgres_port}"
    say(f"  services    Kafka {settings.kafka_bootstrap_servers}, PostgreSQL {database}")
    say("  stop        make down")
    stream = read_stream_report(settings.stream_file)
    if stream and stream.silver.advice:
        say(f"\nTo do: {stream.silver.advice}.")
    for contradiction in contradictions(settings):
        say(f"\n{contradiction}")


def _how_far(settings: Settings) -> str:
    stream = read_stream_report(settings.stream_file)
    waiting = [name for name, state in supervision.states(settings).items() if not state.is_running]
    if waiting:
        return f"not up yet: {', '.join(waiting)}"
    if stream is None:
        return "the stream is starting"
    rows = (stream.bronze.rows, stream.silver.rows, stream.mirror.rows)
    errors = (f"; {stage}: {error}" for stage, error in stream.errors.items())
    return "rows so far: bronze {:,}, silver {:,}, PostgreSQL {:,}".format(*rows) + "".join(errors)


def _stream_reported(settings: Settings, since: float) -> bool:
    stream = read_stream_report(settings.stream_file)
    return stream is not None and stream.updated_at >= since


def _new_events_arrived(settings: Settings, since: float) -> bool:
    """Say whether PostgreSQL has counts of an event that Kafka took since."""
    stream = read_stream_report(settings.stream_file)
    return stream is not None and stream.mirror.as_of >= since


def _new_charts(settings: Settings, since: float) -> int:
    paths = (settings.charts / chart.file_name for chart in CHARTS)
    return sum(path.exists() and path.stat().st_mtime >= since for path in paths)


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the lock of ``up``, so that no two commands start a stack in one folder."""
    with (settings.data / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ServiceError(f"another `make up` is running in {settings.data}; wait for it") from error
        yield
