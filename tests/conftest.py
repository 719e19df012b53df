"""Fixtures that tests share: one Spark session, and one broker and database, for the whole run."""

from __future__ import annotations

import gc
import logging
import os
import random
import shutil
import tempfile
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession
from unsynced import leave_writing_to_the_system

from lake.settings import Settings, load_settings
from lake.url_rules import UrlRules, load_url_rules
from spark.session import spark_session
from stack.servers.embedded import Embedded
from weblake.process import PRIVATE

pytest_plugins = ["built_marts", "faults.table"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--moments", type=int, default=20, help="at how many moments the fault suite interrupts a start")
    parser.addoption("--seed", type=int, help="repeat the random choices of an earlier run of the fault suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that use Spark, which are long: short ones fill up the end of a run in two processes."""
    long = {item.path for item in items if "session" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in long)


def pytest_collection_finish() -> None:
    """Keep the collector of garbage from looking through all libraries again and again: they stay to the end."""
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs root, or a program of Debian's that is not there, and say which."""
    if item.get_closest_marker("root") and (os.geteuid() != 0 or not shutil.which("setpriv")):
        pytest.skip("only root can act as another user, and with setpriv, which is in util-linux")
    marks = [(name, mark.kwargs.get("package", name)) for mark in item.iter_markers("debian") for name in mark.args]
    missing = {name: package for name, package in marks if shutil.which(name) is None}
    if missing:
        pytest.skip(f"{', '.join(missing)} is not installed; on Debian: apt-get install {' '.join(missing.values())}")


@pytest.fixture(autouse=True)
def _process_as_it_was() -> Iterator[None]:
    """Give the process back its umask and its folder for temporary files, which a command of ours replaces."""
    umask, folder = os.umask(PRIVATE), tempfile.tempdir
    os.umask(umask)
    yield
    os.umask(umask)
    tempfile.tempdir = folder


@pytest.fixture
def log_as_it_was() -> Iterator[None]:
    """Give Python's log back its handlers and its level, which a command of ours replaces."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def fault_seed(request: pytest.FixtureRequest, testrun_uid: str) -> int:
    """The seed of the fault suite's run: that of ``--seed``, or a new one, the same in all of its processes."""
    seed: int | None = request.config.getoption("seed")
    return random.Random(testrun_uid).randrange(1_000_000) if seed is None else seed


@pytest.fixture(scope="session")
def stack_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of a real broker, with its topic, and a real database, with its roles, both for this run alone."""
    with Embedded(tmp_path_factory.mktemp("stack")) as settings:
        leave_writing_to_the_system(settings)
        yield settings


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """The one Spark session of the run. It lives long enough for the second compilation; what tests start does not."""
    data = tmp_path_factory.mktemp("spark")
    settings = load_settings({"WEBLAKE_DATA": str(data), "SPARK_MASTER": "local[2]"})
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SPARK_SUBMIT_OPTS", raising=False)
        umask = os.umask(PRIVATE)  # as in our programs
        try:
            session = spark_session(settings)
        finally:
            os.umask(umask)
    yield session
    session.stop()


@pytest.fixture(scope="session")
def rules() -> UrlRules:
    """The URL rules that Weblake ships."""
    return load_url_rules(load_settings().rules_file)
