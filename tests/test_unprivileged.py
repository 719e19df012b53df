"""How root starts PostgreSQL: as a user who reads nothing of root's, wherever such a user can reach the folder."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from stack.servers.postgres import program
from stack.servers.unprivileged import command_prefix

pytestmark = pytest.mark.root


@pytest.fixture
def data() -> Iterator[Path]:
    """A data folder in one that others may pass through, with a secret of root's; pytest's own are closed to them."""
    above = Path(tempfile.mkdtemp())
    above.chmod(0o711)
    folder = above / "data"
    folder.mkdir(mode=0o700)
    (folder / "stack.env").touch(mode=0o600)
    (folder / "postgres").mkdir()
    yield folder
    shutil.rmtree(above)


def reads(prefix: list[str], path: Path) -> bool:
    return subprocess.run([*prefix, "cat", str(path)], capture_output=True, check=False).returncode == 0


def test_what_the_server_runs_cannot_read_the_passwords(data: Path) -> None:
    prefix = command_prefix(data / "postgres", program("postgres"))
    assert not reads(prefix, data / "stack.env")
    assert subprocess.run([*prefix, "touch", str(data / "postgres" / "mine")], check=False).returncode == 0
    assert command_prefix(data / "postgres", program("postgres")) == prefix


def test_in_a_folder_that_is_closed_to_others_the_server_runs_all_the_same(data: Path) -> None:
    open_to_others = command_prefix(data / "postgres", program("postgres"))
    data.parent.chmod(0o700)
    prefix = command_prefix(data / "postgres", program("postgres"))
    assert prefix != open_to_others
    assert subprocess.run([*prefix, "touch", str(data / "postgres" / "mine")], check=False).returncode == 0
    data.parent.chmod(0o711)
    assert command_prefix(data / "postgres", program("postgres")) == open_to_others
