"""Temporary files: in the data folder, for as long as the process lives that they are of, or what it becomes."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from settings_in import settings_in

from lake.scratch import HOLD, java_files, scratch_folder, scratch_of
from lake.settings import PROJECT, STACK_FILE
from stack.servers import kafka
from stack.setup.jars import KAFKA
from weblake.process import prepare

pytestmark = pytest.mark.usefixtures("log_as_it_was")

BECOME = """
import sys
from pathlib import Path
from lake.scratch import scratch_folder
from stack.servers.processes import become
print(scratch_folder(Path(sys.argv[1])), flush=True)
become(["cat"], {})
"""


def test_a_program_that_a_process_becomes_keeps_the_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BECOME, str(tmp_path / "scratch")]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    process.stdin.write("it is cat now\n")
    process.stdin.flush()
    assert process.stdout.readline() == "it is cat now\n"
    scratch_folder(tmp_path / "scratch")
    assert folder.is_dir()
    process.communicate()
    scratch_folder.cache_clear()
    scratch_folder(tmp_path / "scratch")
    assert not folder.exists()


def test_a_folder_that_cannot_be_removed_stays_and_keeps_no_process_from_its_own(tmp_path: Path) -> None:
    left = tmp_path / "scratch" / "left"
    (left / HOLD).mkdir(parents=True)  # no lock can be taken there, as in a folder of another user
    assert scratch_folder(tmp_path / "scratch").is_dir()
    assert left.is_dir()


def test_commands_keep_temporary_files_in_a_data_folder_that_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    monkeypatch.setenv("TMPDIR", "/nowhere")
    before = tempfile.gettempdir()
    prepare()
    assert tempfile.gettempdir() == before
    assert list(tmp_path.iterdir()) == [], "a folder that may be anybody's was changed"
    (tmp_path / STACK_FILE).touch()
    prepare(makes_data=False)
    assert tempfile.gettempdir() == before
    prepare()
    assert Path(tempfile.gettempdir()) == scratch_of(settings_in(tmp_path))
    assert Path(tempfile.mkdtemp()).is_relative_to(tmp_path / "scratch")
    assert (tmp_path / "scratch").stat().st_mode & 0o777 == 0o700


def test_a_command_goes_on_where_there_is_no_room_for_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    (tmp_path / STACK_FILE).touch()
    (tmp_path / "scratch").touch()  # a file in its place: no folder can be made, as on a full disk
    before = tempfile.gettempdir()
    prepare()
    assert tempfile.gettempdir() == before


def test_the_brokers_java_writes_nothing_to_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "classpath", lambda jars, jar_set: f"{jars}/{jar_set.name}/*")
    command = kafka.server_command(settings_in(tmp_path))
    assert KAFKA.name in command[command.index("-cp") + 1]
    assert set(java_files(settings_in(tmp_path))) <= set(command)


def test_java_leaves_nothing_outside_the_data_folder_even_when_it_crashes(tmp_path: Path) -> None:
    """Java itself is the judge: it is told to crash, and to say where it would keep temporary files."""
    settings, elsewhere = settings_in(tmp_path / "50% a b"), tmp_path / "elsewhere"
    for folder in (settings.data / "logs", elsewhere):
        folder.mkdir(parents=True)
    command = ["java", "-Xmx16m", *java_files(settings), "-XshowSettings:properties"]
    told = subprocess.run([*command, "-version"], cwd=elsewhere, capture_output=True, text=True, check=True).stderr
    assert f"java.io.tmpdir = {scratch_of(settings)}\n" in told
    crash = ["-XX:+UnlockDiagnosticVMOptions", "-XX:AbortVMOnException=java.lang.ClassNotFoundException"]
    subprocess.run(
        [*command, *crash, "NoSuchClass"], cwd=elsewhere, capture_output=True, check=False, preexec_fn=no_core
    )
    assert len(list((settings.data / "logs").glob("java-*.log"))) == 1
    assert list(elsewhere.iterdir()) == []


def no_core() -> None:
    """Have a process leave no image of its memory when it crashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
