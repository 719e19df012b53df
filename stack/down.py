"""``weblake down``: end every process of the stack and leave its data; ``weblake clean``: delete that as well."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

import psutil

from lake.contracts.following import followers
from lake.errors import ServiceError, StoppedError
from lake.posts import Worker, imports
from lake.settings import STACK_FILE, Settings
from stack import supervision
from stack.console import say
from stack.leftovers import end_leftovers, leftovers
from stack.programs import PROGRAMS
from stack.servers.waiting import TooLongError, wait_until
from stack.supervisor_config import pid_file
from stack.turns import CLEAN, START, last_turn, turn

PATIENCE_SECONDS = sum(program.stop_seconds for program in PROGRAMS)
IMPORT_SECONDS = 10
"""How long imports may take to end; they give Kafka three seconds for what is on its way."""
CHILDREN_SECONDS = 5
"""How long the children of an ended program may take to notice: a JVM outlives its Python driver for a moment."""


def down(settings: Settings) -> None:
    """Stop everything and wait until it is gone; tell a ``make up`` and imports that are at work, and say so.

    Raises:
        ServiceError: a process cannot be ended.
        StoppedError: somebody interrupted it.
    """
    started = time.monotonic()
    try:
        with last_turn(settings):
            _end_imports(settings)
            had_supervisor = _shut_down(settings)
            had_orphans = _end_orphans(settings)
    except KeyboardInterrupt:
        raise StoppedError(
            "interrupted; what was told to end goes on ending: `make down` waits for it, `make up` starts it again"
        ) from None
    for one in followers(settings.data):
        say(f"{one} goes on, and waits for Kafka")
    if had_supervisor or had_orphans:
        say(f"down after {time.monotonic() - started:.1f} s; the data stays in {settings.data}")
    else:
        say("nothing was running")


def _end_imports(settings: Settings) -> None:
    """Tell imports to end, while Kafka still takes what they have on its way, and say what became of them."""
    seen: list[Worker] = []

    def have_ended() -> bool:
        at_work = imports(settings.data)
        for one in at_work:
            if one not in seen:  # also one that has begun meanwhile
                seen.append(one)
                with suppress(psutil.Error):
                    if one.pid:
                        psutil.Process(one.pid).terminate()
        return not at_work

    with suppress(TooLongError):
        wait_until(have_ended, IMPORT_SECONDS, "imports have ended")
    left = imports(settings.data)
    for one in seen:
        what = f"has not ended within {IMPORT_SECONDS} s, and loses Kafka" if one in left else "was told to end"
        say(f"{one} {what}: unless it was done, run it again when the stack is up; no line counts twice")


def _shut_down(settings: Settings) -> bool:
    """Have supervisor stop all programs and itself; return whether it ran."""
    if not supervision.is_running(settings):
        return False
    supervisor = supervision.pid(settings)
    pids = {name: state.pid for name, state in supervision.states(settings).items() if state.pid}
    if supervisor:
        supervision.shut_down(settings)
    _wait_for_shutdown(settings, {**pids, "supervisor": supervisor})
    return True


def _end_orphans(settings: Settings) -> bool:
    """End what runs without a supervisor; return whether there was anything.

    Raises:
        ServiceError: a process cannot be ended.
    """
    orphans = leftovers(settings)
    if orphans:
        say(f"ending {len(orphans)} processes that supervisor had lost track of")
        end_leftovers(settings)
    remaining = leftovers(settings)
    if remaining:
        numbers = ", ".join(str(process.pid) for process in remaining)
        raise ServiceError(f"these processes of the stack cannot be ended: {numbers}; end them by hand")
    pid_file(settings).unlink(missing_ok=True)  # a killed supervisor's; systemd would believe it
    return bool(orphans)


def confirm(question: str, force: bool, command: str = "make clean") -> None:
    """Ask before something is deleted, unless ``force`` answers already; ``command`` is what asks.

    Raises:
        ServiceError: the answer is no, or there is nobody to give one.
    """
    if force:
        return
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        raise ServiceError(f"nothing was deleted; answer y, or run `{command} FORCE=1`")


def clean(settings: Settings, force: bool) -> None:
    """Ask, unless ``force``, and delete the data folder and the charts.

    Raises:
        ServiceError: the stack is up, the folder is not one of ours, or the answer is no.
    """
    _require_rest(settings)
    if not settings.data.exists():
        say(f"nothing to delete: there is no {settings.data}")
        return
    if not (settings.data / STACK_FILE).exists():
        raise ServiceError(
            f"{settings.data} has no {STACK_FILE}, so it is not a data folder of Weblake; delete it yourself"
        )
    confirm(f"Delete {settings.data} (all events, counts and passwords) and its charts?", force)
    with turn(settings, CLEAN):
        _require_rest(settings)  # somebody may have started it while the question stood
        for path in settings.data.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            elif path.name not in (START, STACK_FILE):
                path.unlink()
        shutil.rmtree(settings.data)  # what keeps a start waiting, and says that the folder is ours, goes last
        for chart in settings.charts.glob("*.png"):
            chart.unlink()
    say(f"deleted {settings.data} and the charts in {settings.charts}")


def _require_rest(settings: Settings) -> None:
    if supervision.is_running(settings) or leftovers(settings):
        raise ServiceError("the stack is up; run `make down` first")
    following = followers(settings.data)
    if following:
        raise ServiceError(f"{following[0]} keeps its positions in {settings.data}; stop it first")


def _wait_for_shutdown(settings: Settings, pids: dict[str, int]) -> None:
    """Wait until the programs, and supervisor last, have ended; report each (supervisor itself no longer answers)."""
    started = time.monotonic()
    running = {name for name, number in pids.items() if number}
    while supervision.is_running(settings) or running:
        gone = {name for name in running if not psutil.pid_exists(pids[name])}
        for name in sorted(gone):
            say(f"  {name} stopped ({time.monotonic() - started:.1f} s)")
        running -= gone
        if time.monotonic() - started > PATIENCE_SECONDS:
            say(f"  still running after {PATIENCE_SECONDS} s: {', '.join(sorted(running))}")
            return
        time.sleep(0.1)
    deadline = time.monotonic() + CHILDREN_SECONDS
    while leftovers(settings) and time.monotonic() < deadline:
        time.sleep(0.1)
