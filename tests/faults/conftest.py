"""The fault suite's services and its rigs: ``make faults``."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator, Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from faults.rig import Rig, open_rig
from faults.supervised import MEGABYTES, Stack, small_disk
from faults.table import ROW, Row

from stack.servers.embedded import Embedded

HAS_PASSED = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """A broker and a database for all cases, which may be killed."""
    embedded = Embedded(tmp_path_factory.mktemp("services"))
    with embedded:
        yield embedded


@pytest.fixture
def rig(request: pytest.FixtureRequest, services: Embedded, fault_seed: int, tmp_path: Path) -> Iterator[Rig]:
    """A topic, a lake and a database of the case's own."""
    case = request.node.name.removeprefix("test_")
    name = re.sub(r"\W+", "_", case)[:40].strip("_")
    opened = open_rig(services, tmp_path / f"{name}_{uuid.uuid4().hex[:6]}", case, fault_seed)
    try:
        yield opened
    finally:
        opened.close()
        note_row(request, opened)


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    """A whole stack on a disk of its own of 1.5 GB, which is up."""
    with small_disk(tmp_path / "disk", MEGABYTES) as disk:
        stack = Stack(disk)
        try:
            stack.up()
            yield stack
        finally:
            stack.clear()


@pytest.fixture
def stacked(request: pytest.FixtureRequest, stack: Stack, fault_seed: int) -> Iterator[Rig]:
    """The rig of that stack, whose stream is supervised."""
    case = request.node.name.removeprefix("test_")
    opened = stack.as_rig(case, fault_seed)
    try:
        yield opened
    finally:
        stack.disk.release()
        opened.close()
        note_row(request, opened)


def note_row(request: pytest.FixtureRequest, rig: Rig) -> None:
    """Have the case in the table at the end."""
    verdict = "ok" if request.node.stash.get(HAS_PASSED, False) else "FAILED"
    faults = ", ".join(f"{number} x {fault}" for fault, number in rig.faults.items())
    row = Row(rig.case, rig.seed, len(rig.producer.sent), faults, rig.lost, rig.doubled, verdict)
    request.node.user_properties.append((ROW, asdict(row)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[HAS_PASSED] = report.passed
    return report
