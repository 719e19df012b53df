from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lake.errors import ServiceError
from lake.settings import PROJECT, child_environment, load_settings
from spark.session import java_options
from stack.setup import class_archive
from stack.setup.class_archive import has_archive

NO_BROKER = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
"""For which the stream waits for ever, whatever else runs on this machine."""
START = """
import psutil
from lake.settings import load_settings
from spark.session import java_process, spark_session

session = spark_session(load_settings())
session.range(1).collect()
print(session.sparkContext.getConf().get("spark.authenticate.secret"))
print(psutil.Process(java_process(session).pid).cmdline())
"""


def test_java_takes_sparks_classes_from_the_archive_and_the_secret_from_no_command_line(tmp_path: Path) -> None:
    settings, log = load_settings({"WEBLAKE_DATA": str(tmp_path)}), tmp_path / "classes.log"
    assert has_archive(settings), "run `make setup`"
    options = {"SPARK_SUBMIT_OPTS": f'"-Xlog:class+load:file={log}"', "SPARK_AUTH_SECRET": "of-the-cluster"}
    environment = child_environment(settings, **options)
    done = subprocess.run(
        [sys.executable, "-c", START], cwd=PROJECT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    assert done.stdout.startswith("of-the-cluster\n[")
    assert done.stdout.count("of-the-cluster") == 1
    loaded = [line for line in log.read_text().splitlines() if " org.apache.spark." in line]
    from_archive = sum(line.endswith("source: shared objects file (top)") for line in loaded)
    from_jars = sum(line.endswith(".jar") for line in loaded)
    assert from_archive > 1_000
    assert from_jars < from_archive / 20


def test_spark_starts_without_an_archive_too(tmp_path: Path) -> None:
    settings = load_settings({"WEBLAKE_JARS": str(tmp_path), "WEBLAKE_DATA": str(tmp_path / "data")})
    assert "SharedArchiveFile" not in java_options(settings)
    settings.class_archive.parent.mkdir()
    settings.class_archive.touch()
    assert f'"-XX:SharedArchiveFile={settings.class_archive}"' in java_options(settings)


def test_an_archive_of_another_java_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings({"WEBLAKE_JARS": str(tmp_path)})
    settings.class_archive.parent.mkdir()
    settings.class_archive.touch()
    assert not has_archive(settings)
    class_archive._stamp_file(settings).write_text(class_archive._stamp())
    assert has_archive(settings)
    monkeypatch.setattr(class_archive, "_stamp", lambda: "another\n")
    assert not has_archive(settings)


def test_a_program_that_fails_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    settings = load_settings({"WEBLAKE_DATA": str(tmp_path)})
    with pytest.raises(ServiceError, match="RATE='fast' is not a number"):
        class_archive._run(settings, {"RATE": "fast"}, "run", "stream", "--once")


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(class_archive, "SECONDS", 2)
    settings = load_settings({"WEBLAKE_DATA": str(tmp_path)})
    with pytest.raises(ServiceError, match="failed"):
        class_archive._run(settings, NO_BROKER, "run", "stream", "--once")
    assert not [child for child in psutil.Process().children() if "weblake" in child.cmdline()]
