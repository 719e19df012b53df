"""`make up`, `make down` and imports on one stack: each learns of the other, and says what became of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from settings_in import settings_in

from lake.command import weblake_command
from lake.posts import imports
from lake.settings import PROJECT, Settings, child_environment
from stack import down as stack_down
from stack.down import down
from stack.servers.waiting import wait_until
from stack.turns import CLEAN, START, STOP, last_turn, stopper, turn

UP = """
import signal, sys, time
from pathlib import Path
from lake.errors import StoppedError
from lake.settings import load_settings
from stack import up
from stack.console import say
from weblake.process import interrupt_on_stop

def bring_up(settings):
    say("ready")
    for line in sys.stdin:
        say(line)
    Path(settings.data, "finished").touch()

up._bring_up = bring_up
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # also where the tests run under nohup
interrupt_on_stop()
try:
    up.up(load_settings())
except StoppedError as error:
    say(str(error))
"""
"""`make up` with another work: it waits for its input to end."""


class Start:
    """A process that is at `make up`."""

    def __init__(self, data: Path, stdout: int = subprocess.PIPE) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", UP],
            cwd=PROJECT,
            env=child_environment(settings_in(data)),
            stdin=subprocess.PIPE,
            stdout=stdout,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream:
                stream.close()


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[ExitStack]:
    """Ends what a test has begun."""
    with ExitStack() as stack:
        yield stack


def start(begun: ExitStack, data: Path) -> Start:
    one = Start(data)
    begun.callback(one.end)
    return one


def test_down_ends_a_start_and_each_says_so(
    begun: ExitStack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = start(begun, tmp_path)
    assert other.line() == "ready"
    down(settings_in(tmp_path))
    said = f"another `make up` (pid {other.process.pid}) was starting this stack; it is told to stop\n"
    assert capsys.readouterr().out == f"{said}nothing was running\n"
    assert (
        other.line() == f"`make down` (pid {os.getpid()}) stopped the stack while it started; `make up` starts it again"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_start_says_how_to_go_on(number: signal.Signals, begun: ExitStack, tmp_path: Path) -> None:
    one = start(begun, tmp_path)
    assert one.line() == "ready"
    one.process.send_signal(number)
    assert one.line() == "interrupted; nothing runs: `make up` begins again"
    with turn(settings_in(tmp_path), "`make erase`"):
        pass  # its turn has ended with it


def test_a_second_start_waits_for_the_first(begun: ExitStack, tmp_path: Path) -> None:
    first = start(begun, tmp_path)
    assert first.line() == "ready"
    second = start(begun, tmp_path)
    pid = first.process.pid
    assert second.line() == f"`make up` (pid {pid}) is at work on this stack; waiting until it has ended"
    first.end()
    assert second.line() == "ready"


def test_a_start_waits_for_a_down(begun: ExitStack, tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / START).touch()
    with last_turn(settings):
        one = start(begun, tmp_path)
        assert one.line() == f"`make down` (pid {os.getpid()}) is at work on this stack; waiting until it has ended"
    assert one.line() == "ready"
    assert stopper(settings) is None


def test_a_start_that_waits_for_a_clean_says_that_nothing_is_left(begun: ExitStack, tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "data")
    settings.data.mkdir()
    (settings.data / STOP).touch()
    with turn(settings, CLEAN):
        one = start(begun, settings.data)
        assert one.line() == f"{CLEAN} (pid {os.getpid()}) is at work on this stack; waiting until it has ended"
        shutil.rmtree(settings.data)
        assert one.line() == f"somebody deleted {settings.data} meanwhile; run `make up` again"


def test_an_erasure_is_not_told_to_end_in_the_middle(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_in(tmp_path)
    with turn(settings, "`make erase`"), last_turn(settings):
        pass
    assert capsys.readouterr().out == f"`make erase` (pid {os.getpid()}) is at work on this stack, and ends with it\n"


def test_a_start_goes_on_when_nobody_reads_what_it_says(begun: ExitStack, tmp_path: Path) -> None:
    one = start(begun, tmp_path)
    assert one.line() == "ready"
    assert one.process.stdout is not None
    assert one.process.stdin is not None
    one.process.stdout.close()
    one.process.stdin.write("more\nand more\n")
    one.process.stdin.close()
    assert one.process.wait(30) == 0
    assert (tmp_path / "finished").exists()


def test_a_start_goes_on_when_its_terminal_is_closed(begun: ExitStack, tmp_path: Path) -> None:
    terminal, end = os.openpty()
    one = Start(tmp_path, stdout=end)
    begun.callback(one.end)
    os.close(end)
    assert os.read(terminal, 100).strip() == b"ready"
    os.close(terminal)
    one.process.communicate("more\nand more\n", timeout=30)
    assert one.process.returncode == 0
    assert (tmp_path / "finished").exists()


def test_down_leaves_no_file_in_a_folder_that_is_none_of_ours(tmp_path: Path) -> None:
    down(settings_in(tmp_path / "none"))
    down(settings_in(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_down_ends_a_start_that_waits_for_another_too(begun: ExitStack, tmp_path: Path) -> None:
    first = start(begun, tmp_path)
    assert first.line() == "ready"
    second = start(begun, tmp_path)
    assert "waiting until it has ended" in second.line()
    down(settings_in(tmp_path))
    assert first.line().startswith(f"`make down` (pid {os.getpid()}) stopped the stack while it started")
    assert second.line().endswith("stopped the stack while it started; `make up` starts it again")


@pytest.mark.stack
def test_an_import_ends_with_the_stack_and_says_how_to_go_on(
    begun: ExitStack, stack_settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    process = begun.enter_context(
        subprocess.Popen(
            weblake_command("import", "-"),
            cwd=PROJECT,
            env=child_environment(stack_settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    )
    begun.callback(process.kill)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write('203.0.113.9 - - [15/Jan/2026:07:00:00 +0000] "GET /product/1 HTTP/1.1" 200 5 "-" "x"\n' * 3000)
    process.stdin.flush()
    wait_until(lambda: bool(imports(stack_settings.data)), 60, "the import is at work")
    (stack_settings.data / START).touch()
    with last_turn(stack_settings):
        stack_down._end_imports(stack_settings)
    assert process.wait(30) == 130
    said = f"`make import` of - (pid {process.pid}) was told to end: unless it was done, run it again"
    assert said in capsys.readouterr().out
    assert f"weblake: `make down` (pid {os.getpid()}) stops the stack\n" in process.stderr.read()


def test_the_lock_of_a_start_that_was_killed_holds_nobody_up(begun: ExitStack, tmp_path: Path) -> None:
    one = start(begun, tmp_path)
    assert one.line() == "ready"
    one.end()
    assert (tmp_path / START).read_text().endswith("`make up`\n")
    with turn(settings_in(tmp_path), "`make up`"):
        pass
