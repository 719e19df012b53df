"""`weblake sql` on a real PostgreSQL: what an answer looks like."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from pathlib import Path

import pytest

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment

QUERY = "select 'p-1' as product_id, 3 as views, null as nothing"


@pytest.mark.stack
@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ((), [" product_id | views | nothing ", "------------+-------+---------", " p-1        |     3 | "]),
        (("--format", "csv"), ["product_id,views,nothing", "p-1,3,"]),
        (("--format", "plain"), ["p-1|3|"]),
    ],
)
def test_an_answer_has_the_names_of_its_columns(
    stack_settings: Settings, options: tuple[str, ...], answer: list[str]
) -> None:
    done = subprocess.run(
        weblake_command("sql", "--query", QUERY, *options),
        cwd=PROJECT,
        env=child_environment(stack_settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip("\n").splitlines() == answer


@pytest.mark.stack
def test_no_pager_takes_an_answer_from_a_terminal(stack_settings: Settings, tmp_path: Path) -> None:
    reader, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 20, 0, 0))
    pager = {"PAGER": f"tee {tmp_path}/paged", "PSQL_PAGER": "", "TERM": "xterm"}
    subprocess.run(
        weblake_command("sql", "--query", "select generate_series(1, 20) as number"),
        cwd=PROJECT,
        env=child_environment(stack_settings, **pager),
        stdin=terminal,
        stdout=terminal,
        check=True,
    )
    shown = b""
    while b"20" not in shown:  # a terminal gives what it has in pieces
        shown += os.read(reader, 4096)
    assert not (tmp_path / "paged").exists()
    os.close(reader)
    os.close(terminal)


@pytest.mark.stack
def test_a_table_shows_what_would_move_the_cursor_as_text(stack_settings: Settings) -> None:
    done = subprocess.run(
        weblake_command("sql", "--query", r"select e'\x1b[31m\u009b1m\rx' as product_id"),
        cwd=PROJECT,
        env=child_environment(stack_settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[2] == r" \x1B[31m\u009B1m\rx"
