"""How a jar is known, which of them the broker has, and that none is installed that is not in the lock."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lake.errors import WeblakeError
from lake.settings import load_settings
from stack.setup import jars
from stack.setup.jar_lock import faults, write_lock
from stack.setup.jars import JAR_SETS, KAFKA, artifact_name, fetch_jars, has_jars, pyspark_jars
from stack.setup.prepare import prepare_jars
from weblake.main import run

LOG4J = "log4j-slf4j-impl-2.24.3.jar"


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What stands for a registry of jars: a folder with three of the broker, which a fetch copies, and their lock."""
    folder = tmp_path / "registry" / KAFKA.name
    folder.mkdir(parents=True)
    for name in ("kafka_2.13-4.1.1.jar", "jackson-core-2.19.0.jar", LOG4J):
        (folder / name).write_text(name)
    monkeypatch.setattr("stack.setup.jar_lock.LOCK", tmp_path / "jars.lock")
    write_lock(tmp_path / "registry", [KAFKA.name])
    monkeypatch.setattr(jars, "_run_ivy", lambda _set, _scratch, target: shutil.copytree(folder, target))
    monkeypatch.setattr("stack.setup.prepare.JAR_SETS", (KAFKA,))
    monkeypatch.setattr("stack.setup.prepare.has_archive", lambda _: True)
    return folder


def test_a_jar_is_known_by_its_artifact() -> None:
    assert artifact_name("zstd-jni-1.5.7-3.jar") == "zstd-jni"
    assert artifact_name("spark-sql-kafka-0-10_2.13-4.2.0.jar") == "spark-sql-kafka-0-10_2.13"


def test_the_lock_names_each_jar_that_is_installed() -> None:
    for jar_set in JAR_SETS:
        assert faults(load_settings().jars / jar_set.name, jar_set.name) == [], "run `.venv/bin/weblake setup --lock`"


def test_the_broker_has_pysparks_versions_of_what_both_have() -> None:
    shipped = {jar.name for jar in pyspark_jars().glob("*.jar")}
    known = {artifact_name(jar) for jar in shipped}
    named = [coordinate.split(":")[1:] for coordinate in KAFKA.companions]
    assert {f"{name}-{version}.jar" for name, version in named if name in known} <= shipped
    folder = load_settings().jars
    assert has_jars(folder, KAFKA), "run `make setup`"
    fetched = {jar.name for jar in (folder / KAFKA.name).glob("*.jar")}
    assert {f"{name}-{version}.jar" for name, version in named} <= fetched
    assert len({artifact_name(jar) for jar in fetched}) == len(fetched), "a library is there in two versions"


def test_jars_as_in_the_lock_are_installed(registry: Path, tmp_path: Path) -> None:
    assert fetch_jars(tmp_path / "jars", KAFKA) == len(list(registry.glob("*.jar")))
    assert has_jars(tmp_path / "jars", KAFKA)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda folder: (folder / LOG4J).write_bytes(b"PK"), rf"{LOG4J} is another file, of SHA-256 [0-9a-f]{{64}}"),
        (lambda folder: (folder / LOG4J).unlink(), f"{LOG4J} is missing"),
        (lambda folder: (folder / "evil-1.0.jar").touch(), r"evil-1\.0\.jar is not in the lock"),
    ],
)
def test_a_jar_that_is_not_that_of_the_lock_is_named_and_nothing_is_installed(
    change: object, says: str, registry: Path, tmp_path: Path
) -> None:
    assert callable(change)
    change(registry)
    with pytest.raises(WeblakeError, match=rf"not those of jars\.lock: {says}\. They were not installed"):
        fetch_jars(tmp_path / "jars", KAFKA)
    assert list((tmp_path / "jars").iterdir()) == []


def test_a_jar_that_was_changed_later_is_fetched_again_at_the_next_setup(
    registry: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = load_settings({"WEBLAKE_JARS": str(tmp_path / "jars")})
    prepare_jars(settings)
    (settings.jars / KAFKA.name / LOG4J).write_bytes(b"PK")
    capsys.readouterr()
    prepare_jars(settings)
    assert f"{LOG4J} is another file" in capsys.readouterr().err
    assert faults(settings.jars / KAFKA.name, KAFKA.name) == []
    prepare_jars(settings)
    assert capsys.readouterr() == ("", "")


def test_one_command_renews_the_lock(registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = set((tmp_path / "jars.lock").read_text().splitlines())
    (registry / LOG4J).rename(registry / "log4j-slf4j-impl-2.25.0.jar")
    monkeypatch.setenv("WEBLAKE_JARS", str(tmp_path / "jars"))
    assert run(["setup", "--lock"]) == 0
    after = set((tmp_path / "jars.lock").read_text().splitlines())
    assert [line.split()[1] for line in after - before] == ["kafka/log4j-slf4j-impl-2.25.0.jar"]
    assert [line.split()[1] for line in before - after] == [f"kafka/{LOG4J}"]
