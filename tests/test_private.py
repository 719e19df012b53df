"""Nobody but their owner may look into the folders that hold clients' addresses."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from settings_in import settings_in

from lake.command import weblake_command
from lake.errors import SettingsError
from lake.settings import PROJECT, Settings, child_environment
from stack import private
from stack.servers import unprivileged
from stack.servers.stack_env import write
from weblake.main import run

USUAL = 0o022
SCRATCH = """
import sys
from pathlib import Path
from lake.scratch import scratch_folder
print(scratch_folder(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def open_to_others(folder: Path) -> list[Path]:
    paths = (folder, *folder.rglob("*"))
    return [path for path in paths if not path.is_symlink() and path.stat().st_mode & 0o077]


def up_without_servers(data: Path) -> subprocess.CompletedProcess[str]:
    """``weblake up`` in a shell with the usual umask; it ends when it finds that Kafka is to be elsewhere."""
    elsewhere = {"KAFKA_BOOTSTRAP_SERVERS": "kafka.example:9092", "WEBLAKE_CHARTS": str(data / "charts")}
    settings = settings_in(data, **elsewhere)
    environment = child_environment(settings)
    return subprocess.run(
        weblake_command("up"), cwd=PROJECT, env=environment, umask=USUAL, capture_output=True, text=True, check=False
    )


@pytest.fixture
def older(tmp_path: Path) -> Settings:
    """A data folder as it was made before, with charts elsewhere."""
    settings = settings_in(tmp_path / "data", WEBLAKE_CHARTS=str(tmp_path / "charts"))
    for name in ("kafka/log/web_logs-0/0.log", "lake/bronze/part-0.parquet", "truth/clients.csv", "run.sh"):
        path = settings.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("203.0.113.7\n")
        path.chmod(0o644)
    (settings.data / "run.sh").chmod(0o755)
    write(settings, {"POSTGRES_PORT": "5432"})
    for path in (settings.data, *settings.data.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)
    return settings


def test_what_a_program_makes_is_private_whatever_the_shell_says(tmp_path: Path) -> None:
    done = up_without_servers(tmp_path / "data")
    assert "kafka.example" in done.stderr
    assert (tmp_path / "data" / "up.lock").exists()
    assert open_to_others(tmp_path / "data") == []
    assert "open to other users" not in done.stdout


def test_an_older_folder_is_closed_once_and_that_is_said(older: Settings) -> None:
    number = len(open_to_others(older.data))
    assert number == 11
    assert f"{number} files and folders were open to other users" in up_without_servers(older.data).stdout
    assert open_to_others(older.data) == []
    assert os.access(older.data / "run.sh", os.X_OK)
    assert "open to other users" not in up_without_servers(older.data).stdout


def test_closing_follows_no_link_and_touches_nothing_that_is_not_ours(older: Settings, tmp_path: Path) -> None:
    beside = tmp_path / "shared" / "notes.txt"
    lake = tmp_path / "shared" / "bronze" / "part-0.parquet"
    for path in (beside, lake):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o644)
        path.parent.chmod(0o755)
    (older.data / "link").symlink_to(beside)
    modes = [path.stat().st_mode for path in (beside, beside.parent)]
    settings = replace(older, lake_root=str(tmp_path / "shared"))
    assert len(private.complaints(settings)) == 2
    private.close(settings)
    assert open_to_others(lake.parent) == []
    assert [path.stat().st_mode for path in (beside, beside.parent)] == modes
    assert private.complaints(settings) == []


def test_the_status_tells_of_a_folder_that_is_open(
    older: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nowhere = {"POSTGRES_PORT": "1", "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "WEBLAKE_CHARTS": str(older.charts)}
    for name, value in {"WEBLAKE_DATA": str(older.data), **nowhere}.items():
        monkeypatch.setenv(name, value)
    assert run(["status"]) == 4
    assert f"NOT WELL: other users may look into {older.data} (mode 755)" in capsys.readouterr().out
    private.close(older)
    assert run(["status"]) == 4
    assert "other users" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("mode", "names", "says"),
    [(0o1777, "", "is for all users"), (0o755, "www", "such as www"), (0o755, "kafka scratch www", "such as www")],
)
def test_a_folder_of_others_is_refused_and_left_as_it_is(mode: int, names: str, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    for name in ("", *names.split()):
        (folder / name).mkdir(parents=True, exist_ok=True)
    folder.chmod(mode)
    with pytest.raises(SettingsError, match=says):
        private.claim(settings_in(folder))
    assert folder.stat().st_mode & 0o7777 == mode


def test_a_new_disk_and_a_folder_of_ours_are_taken(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    (tmp_path / "lost+found").mkdir()
    private.claim(settings)
    write(settings, {"POSTGRES_PORT": "5432"})
    (tmp_path / "notes.txt").touch()
    private.claim(settings)


def test_spark_keeps_all_in_the_data_folder_and_to_itself(session: SparkSession, tmp_path: Path) -> None:
    session.range(100).repartition(3).write.format("delta").save(str(tmp_path / "table"))
    assert open_to_others(tmp_path / "table") == []
    scratch = Path(session.conf.get("spark.local.dir") or "")
    java = session.sparkContext._jvm
    assert java is not None
    assert java.System.getProperty("java.io.tmpdir") == str(scratch)
    assert list(scratch.glob("blockmgr-*")) != []
    assert open_to_others(scratch) == []


def test_what_a_killed_program_left_is_cleared_and_what_a_living_one_has_stays(tmp_path: Path) -> None:
    def start() -> tuple[subprocess.Popen[str], Path]:
        command = [sys.executable, "-c", SCRATCH, str(tmp_path / "scratch")]
        process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        folder = Path(process.stdout.readline().strip())
        (folder / "rows").touch()
        return process, folder

    (killed, gone), (living, kept) = start(), start()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    third, own = start()
    assert sorted((tmp_path / "scratch").glob("*/rows")) == sorted([kept / "rows", own / "rows"])
    assert not gone.exists()
    for process in (living, third):
        process.communicate()


@pytest.fixture
def passable() -> Iterator[Path]:
    """A folder that all users may pass through; those of pytest they may not."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.root
def test_a_server_of_another_user_reaches_its_folder_and_nobody_else_gets_in(
    passable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unprivileged, "_namespace_prefix", list)
    monkeypatch.setattr(unprivileged, "SYSTEM_USER", "nobody")
    settings = settings_in(passable / "data", WEBLAKE_CHARTS=str(passable))
    folder = settings.data / "postgres"
    folder.mkdir(parents=True)
    private.close(settings)
    for text in ("first", "second"):
        (folder / "new.conf").unlink(missing_ok=True)
        (folder / "new.conf").write_text(text)
        (folder / "new.conf").chmod(0o600)
        unprivileged.give_to_owner_of(folder, folder / "new.conf")
        prefix = unprivileged.command_prefix(folder, Path("/bin/sh"))
        done = subprocess.run([*prefix, "cat", str(folder / "new.conf")], capture_output=True, text=True, check=True)
        assert done.stdout == text
    assert settings.data.stat().st_mode & 0o777 == 0o710
    assert private.complaints(settings) == []
    assert private.close(settings) == 0
