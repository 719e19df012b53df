"""``make up``: bring whatever is there to the state that the settings ask for, and say where to look.

The same steps in the same order for a stack that is down, up, or half up, each of which changes nothing where all is as
it should be. So an interrupted ``make up`` is finished by the next one.
"""

from __future__ import annotations

import time

from lake.contracts.reports import read_stream_report
from lake.errors import StoppedError
from lake.settings import Settings
from stack import private, supervision
from stack.console import outliving_readers, say, step
from stack.down import PATIENCE_SECONDS
from stack.leftovers import end_leftovers, leftovers
from stack.programs import programs
from stack.readiness import TIMEOUT_SECONDS, Watch, how_far, wait_for_broker, wait_for_database, wait_for_result
from stack.servers import kafka, kafka_login, postgres
from stack.servers.migrations import migrate
from stack.servers.ports import PortClaims
from stack.servers.stack_env import (
    contradictions,
    keep,
    prepare,
    remember_generator,
    remember_outlook,
    remember_reading,
    remember_retention,
    require_password,
)
from stack.servers.waiting import wait_until
from stack.supervisor_config import write_config
from stack.topic import is_refused, make_topic
from stack.turns import UP, require_no_stop, turn


def up(settings: Settings) -> None:
    """Bring the stack to the state that the settings ask for, and return when it shows something.

    Raises:
        SettingsError: the data folder is not ours alone, or a setting cannot be used.
        ServiceError: something did not start in time, or never will; the message has the reason.
        StoppedError: somebody interrupted it, or stopped the stack meanwhile; the next ``up`` goes on.
    """
    private.claim(settings)
    with outliving_readers():
        try:
            with turn(settings, UP):
                _bring_up(settings)
        except KeyboardInterrupt:
            require_no_stop(settings)
            raise StoppedError(f"interrupted; {_what_still_runs(settings)}") from None


def _bring_up(settings: Settings) -> None:
    started = time.monotonic()
    closed = private.close(settings)
    if closed:
        say(f"{closed:,} files and folders were open to other users of this machine; now they are yours alone")
    require_password(settings)
    if supervision.is_shutting_down(settings):
        with step("The stack is going down; waiting until it has"):
            wait_until(lambda: not supervision.is_running(settings), PATIENCE_SECONDS, "the stack is down")
    was_up = supervision.is_running(settings)
    with PortClaims() as claims:
        settings = keep(settings) if was_up else _prepare(settings, claims)
        remember_generator(settings)
        remember_outlook(settings)
        remember_reading(settings)
        remember_retention(settings)
        if not postgres.is_initialised(settings):
            with step("Preparing PostgreSQL"):
                postgres.initialise(settings)
        changes = _follow(settings) if was_up else _start(settings)
        watch = Watch(settings)
        changes += _open_services(settings, watch)
    had_to_wait = wait_for_result(settings, watch)
    _say_outcome(was_up, bool(changes) or had_to_wait, time.monotonic() - started)
    _say_where_to_look(settings)


def _prepare(settings: Settings, claims: PortClaims) -> Settings:
    """End what an earlier run left, and make ports, passwords and the broker's files; return final settings."""
    orphans = leftovers(settings)
    if orphans:
        with step(f"Ending {len(orphans)} processes of an earlier run"):
            end_leftovers(settings)
    prepared = prepare(settings, claims)
    for note in prepared.notes:
        say(note)
    kafka.configure(prepared.settings, prepared.controller_port)
    if not kafka.is_formatted(prepared.settings):
        with step("Preparing Kafka"):
            kafka.format_storage(prepared.settings)
    return prepared.settings


def _start(settings: Settings) -> list[str]:
    with step("Starting supervisor, and with it " + ", ".join(program.name for program in programs(settings))):
        write_config(settings)
        supervision.start(settings)
    return []


def _follow(settings: Settings) -> list[str]:
    """Make the running programs follow the settings; return what changed, in words."""
    with step("Settings"):
        write_config(settings)
        changes = supervision.apply_config(settings)
    for change in changes:
        say(change)
    return changes


def _open_services(settings: Settings, watch: Watch) -> list[str]:
    """Wait for the servers, and give them roles, schemas, logins and the topic; return what had to be mended."""
    with step("PostgreSQL"):
        wait_for_database(settings, watch)
        notes = list(migrate(settings))
    with step("Kafka"):
        wait_for_broker(settings, watch)
        if settings.kafka_private_servers:
            kafka_login.admit_programs(settings, kafka.properties(settings))
        loss = make_topic(settings)
    if loss:
        notes.append(loss)
    for note in notes:
        say(note)
    if loss:
        watch.wait(
            lambda: is_refused(settings), TIMEOUT_SECONDS, "the stream sees the new topic", lambda: how_far(settings)
        )
    return notes


def _say_outcome(was_up: bool, has_changed: bool, seconds: float) -> None:
    if not was_up:
        say(f"Up after {seconds:.0f} s.\n")
    elif has_changed:
        say(f"The stack was up already, and is as asked for after {seconds:.0f} s.\n")
    else:
        say("The stack was up already, and all is as asked for; nothing had to be changed.\n")


def _what_still_runs(settings: Settings) -> str:
    """Say what an interrupted start leaves, and how to go on."""
    running = [name for name, state in supervision.states(settings).items() if state.pid]
    if running:
        return f"supervisor, {', '.join(running)} still run: `make up` goes on, `make down` ends them"
    rest = leftovers(settings)
    if rest:
        return f"{len(rest)} processes still run: `make up` begins again, `make down` ends them"
    return "nothing runs: `make up` begins again"


def _say_where_to_look(settings: Settings) -> None:
    traffic = (
        f"made up, {settings.generate_rate} events/s (`make up GENERATE=0` turns it off)"
        if settings.generate
        else "none made up (`make up GENERATE=1` turns it on); `make import FILE=access.log` sends a log"
    )
    if settings.outlook.page:
        say(f"  page        {settings.outlook.page_address}")
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
