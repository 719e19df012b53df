"""When a stack is ready: its servers let us in, its programs run, and what was asked for can be seen."""

from __future__ import annotations

import time
from collections.abc import Callable

from lake.contracts import CHARTS
from lake.contracts.reports import StreamReport, read_loop_report, read_stream_report
from lake.errors import ServiceError
from lake.settings import Settings
from stack import supervision
from stack.console import say
from stack.logs import tail
from stack.programs import has_traffic, programs
from stack.servers import kafka, postgres
from stack.servers.waiting import TooLongError, wait_until
from stack.turns import require_no_stop

SERVICE_SECONDS = 120
TIMEOUT_SECONDS = 300
CATCH_UP_SECONDS = 120
SAY_SECONDS = 10
RESTARTS_THAT_FAIL = 3
"""A program that has been started this many times more during one ``up`` will not come up by itself."""


class Watch:
    """Waits, and notices meanwhile programs that end again and again, and a `make down`."""

    def __init__(self, settings: Settings) -> None:
        """Watch the stack of these settings."""
        self._settings = settings
        self._starts: dict[str, set[int]] = {}

    def wait(self, ready: Callable[[], bool], seconds: float, what: str, progress: Callable[[], str]) -> None:
        """Wait until ``ready``, saying every few seconds how far things are.

        Raises:
            ServiceError: ``seconds`` have passed, or a program keeps ending; with the end of its log.
            StoppedError: somebody stops the stack.
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
                "`make up` waits again, `make down` stops it"
            ) from error

    def _check(self) -> None:
        require_no_stop(self._settings)
        states = supervision.states(self._settings)
        if not states:
            raise ServiceError(
                f"supervisor has ended; see {self._settings.data}/logs/supervisor.log, and run `make up` again"
            )
        for name, state in states.items():
            starts = self._starts.setdefault(name, set())
            if state.pid:
                starts.add(state.pid)
            if state.state == "FATAL" or len(starts) > RESTARTS_THAT_FAIL:
                raise ServiceError(
                    f"{name} keeps ending. The end of its log:\n{tail(self._settings, name)}\n"
                    "Supervisor goes on trying; `make down` stops everything"
                )


def wait_for_database(settings: Settings, watch: Watch) -> None:
    """Wait until PostgreSQL lets its owner in.

    Raises:
        ServiceError: it does not, and will not by itself.
    """
    words = "it was not asked yet"

    def lets_owner_in() -> bool:
        nonlocal words
        refusal = postgres.refusal(settings, postgres.OWNER, "postgres")
        if refusal is None:
            return True
        words = refusal.words
        if refusal.is_final:
            raise ServiceError(
                f"PostgreSQL at {settings.postgres_host}:{settings.postgres_port} refuses its owner: {words}. "
                f"Waiting does not help: its password in {settings.data}/stack.env is not the one of the database in "
                f"{postgres.home(settings)}, or another server listens there. Restore that file from a backup, or let "
                "the mirror fill a new database from the ledger: run `make down`, move that folder away, and run "
                "`make up`"
            )
        return False

    watch.wait(lets_owner_in, SERVICE_SECONDS, "PostgreSQL lets its owner in", lambda: words)


def wait_for_broker(settings: Settings, watch: Watch) -> None:
    """Wait until Kafka opens its port."""
    words = f"it does not listen at {settings.kafka_servers} yet"
    watch.wait(lambda: kafka.is_listening(settings), SERVICE_SECONDS, "Kafka opens its port", lambda: words)


def wait_for_result(settings: Settings, watch: Watch) -> bool:
    """Wait until every program runs and the stream reports; with a generator also for its counts, and their charts.

    Returns:
        Whether it had to wait: where all this is so already, it takes no time.

    Raises:
        ServiceError: it does not come, or the stream waits for a person.
    """
    had_to_wait = not _all_run(settings)
    if had_to_wait:
        say("Waiting until every program runs ...")
        watch.wait(lambda: _all_run(settings), TIMEOUT_SECONDS, "every program runs", lambda: how_far(settings))
    _require_no_question(settings)
    if settings.generate:
        had_to_wait |= not _new_events_arrived(settings)
        counted_at = _wait_for_counts(settings, watch)
        had_to_wait |= _wait_for_charts(settings, watch, counted_at)
    return had_to_wait


def how_far(settings: Settings) -> str:
    """Return in words what is not up yet, or how many rows each stage has, and what keeps it."""
    stream = read_stream_report(settings.stream_file)
    waiting = [name for name, state in supervision.states(settings).items() if not state.is_running]
    if waiting:
        return f"not up yet: {', '.join(waiting)}"
    if not _is_alive(settings, stream):
        return "the stream is starting"
    assert stream is not None
    rows = (stream.bronze.rows, stream.silver.rows, stream.mirror.rows)
    errors = (f"; {stage}: {error}" for stage, error in stream.errors.items())
    return "rows so far: bronze {:,}, silver {:,}, PostgreSQL {:,}".format(*rows) + "".join(errors)


def _all_run(settings: Settings) -> bool:
    states = supervision.states(settings)
    names = {program.name for program in programs(settings)}
    everybody_runs = names <= set(states) and all(state.is_running for state in states.values())
    return everybody_runs and _is_alive(settings, read_stream_report(settings.stream_file))


def _is_alive(settings: Settings, stream: StreamReport | None) -> bool:
    """Say whether the report is of the stream that runs now, though it may be old, as on a disk that is full."""
    state = supervision.states(settings).get("stream")
    is_its = stream is not None and state is not None and stream.pid == state.pid
    return is_its and stream is not None and stream.has_living_writer()


def _require_no_question(settings: Settings) -> None:
    """Raise ServiceError if bronze waits for somebody to accept what became of the topic: nothing comes until then."""
    stream = read_stream_report(settings.stream_file)
    if stream and stream.bronze.refusal:
        why = stream.bronze.error or "`make status` says why"
        raise ServiceError(f"every program runs, but bronze waits for you: {why}")


def _wait_for_counts(settings: Settings, watch: Watch) -> float:
    """Wait until the marts have counts, and a while until they are of what the generator sends since its start.

    Return the epoch second from which on charts show counts, 0 where the counts were there before.
    """
    asked_at = 0.0

    def are_there() -> bool:
        nonlocal asked_at
        _require_no_question(settings)
        asking_at = time.time()
        if has_traffic(settings):
            return True
        asked_at = asking_at
        return False

    if not are_there():
        say("Waiting for the first counts in the marts ...")
        watch.wait(are_there, TIMEOUT_SECONDS, "the marts have their first counts", lambda: how_far(settings))
    elif not _new_events_arrived(settings):
        say("Waiting until new events are counted ...")
    patience = time.monotonic() + CATCH_UP_SECONDS
    watch.wait(
        lambda: _new_events_arrived(settings) or time.monotonic() > patience,
        TIMEOUT_SECONDS,
        "new counts arrive",
        lambda: how_far(settings),
    )
    if not _new_events_arrived(settings):
        say("  The stream is still catching up with what arrived before; `make status` shows how far it is.")
    return asked_at


def _new_events_arrived(settings: Settings) -> bool:
    """Say whether PostgreSQL has counts of an event that Kafka took since the generator's start."""
    _require_no_question(settings)
    stream = read_stream_report(settings.stream_file)
    return stream is not None and stream.mirror.as_of >= _started_at(settings, "generator")


def _wait_for_charts(settings: Settings, watch: Watch, since: float) -> bool:
    """Wait until all charts show what has been counted since then; return whether it had to wait."""

    def new_charts() -> int:
        oldest = max(since, _started_at(settings, "charts"))
        paths = (settings.charts / chart.file_name for chart in CHARTS)
        return sum(path.exists() and path.stat().st_mtime >= oldest for path in paths)

    is_asked_again = False

    def are_new() -> bool:
        nonlocal is_asked_again
        if new_charts() == len(CHARTS):
            return True
        if not is_asked_again and _have_been_drawn(settings):
            is_asked_again = True  # the next round may be an hour away
            say(f"  some are old, or missing in {settings.charts}; charts is started again")
            supervision.stop_program(settings, "charts")
            supervision.start_program(settings, "charts")
        return False

    is_late = new_charts() < len(CHARTS)
    if is_late:
        say("Waiting for the first charts ...")
        watch.wait(
            are_new,
            TIMEOUT_SECONDS,
            f"{len(CHARTS)} charts are in {settings.charts}",
            lambda: f"{new_charts()} of {len(CHARTS)} charts drawn",
        )
    return is_late


def _have_been_drawn(settings: Settings) -> bool:
    """Say whether the charts program has ended a good round since its start."""
    report = read_loop_report(settings.loop_file("charts"))
    return report is not None and not report.error and report.updated_at >= _started_at(settings, "charts")


def _started_at(settings: Settings, program: str) -> float:
    """Return when a program was started (epoch seconds); never, where it does not run."""
    state = supervision.states(settings).get(program)
    return state.started_at if state and state.pid else float("inf")
