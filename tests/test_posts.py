"""Files that say which process is at a piece of work."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import pytest

from lake.posts import IMPORTS, Worker, importing, imports, leave, take, worker
from lake.settings import PROJECT

HOLD = """
import sys
from pathlib import Path
from lake.posts import take
file = take(Path(sys.argv[1]), "`make up`")
print("ready", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the post."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


def test_one_process_has_a_post_and_others_are_told_who(tmp_path: Path) -> None:
    path = tmp_path / "up.lock"
    assert worker(path) is None
    with holder(path) as other:
        assert worker(path) == Worker(other.pid, "`make up`")
        assert str(worker(path)) == f"`make up` (pid {other.pid})"
        assert take(path, "`make down`") is None
        other.kill()
        other.wait()
        assert worker(path) is None, "a dead process has no post"
        file = take(path, "`make down`")
        assert file is not None
        assert worker(path) == Worker(os.getpid(), "`make down`")
        leave(file)
        assert worker(path) is None


def test_a_number_that_stands_there_from_an_earlier_holder_is_nobody_s(tmp_path: Path) -> None:
    path = tmp_path / "up.lock"
    with holder(path):
        path.write_text("1 `make up`\n")
        assert worker(path) == Worker(0, "`make up`")


def test_a_post_whose_file_is_removed_while_it_is_taken_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "up.lock"
    removals = iter([path.unlink])

    def lock(file: TextIO, how: int) -> None:
        next(removals, lambda: None)()
        fcntl_flock(file, how)

    fcntl_flock = fcntl.flock
    monkeypatch.setattr(fcntl, "flock", lock)
    file = take(path, "`make up`")
    assert file is not None
    assert worker(path) == Worker(os.getpid(), "`make up`")
    leave(file)


def test_who_only_looks_keeps_no_import_off_the_list(tmp_path: Path) -> None:
    path = tmp_path / IMPORTS / f"{os.getpid()}.lock"
    path.parent.mkdir()
    look = path.open("a+")
    fcntl.flock(look, fcntl.LOCK_SH)
    end = threading.Timer(0.2, look.close)
    end.start()
    with importing(tmp_path, "`make import` of access.log"):
        assert imports(tmp_path) == [Worker(os.getpid(), "`make import` of access.log")]
    end.join()


def test_a_post_of_another_user_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: str) -> TextIO:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / IMPORTS / "77.lock"
    path.parent.mkdir()
    path.touch()
    monkeypatch.setattr(Path, "open", refuse)
    assert worker(path) is None
    assert imports(tmp_path) == []
    assert path.exists()


def test_an_import_is_listed_while_it_lives(tmp_path: Path) -> None:
    with importing(tmp_path, "`make import` of access.log"):
        assert imports(tmp_path) == [Worker(os.getpid(), "`make import` of access.log")]
    assert imports(tmp_path) == []
    left = tmp_path / IMPORTS / "77.lock"
    left.write_text("77 `make import` of access.log\n")
    assert imports(tmp_path) == []
    assert not left.exists()
    with importing(tmp_path / "nowhere", "`make import` of access.log"):
        assert not (tmp_path / "nowhere").exists()
