"""The fault suite's services, its rigs, and the table that it ends with: ``make faults``."""

from __future__ import annotations

import re
import uuid
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest
from faults.rig import Rig, open_rig

from stack.embedded import Embedded


@dataclass(frozen=True)
class Row:
    """One case in the table."""

    case: str
    seed: int
    events: int
    faults: str
    lost: int
    doubled: int
    verdict: str


ROW = "row of the fault table"
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
        verdict = "ok" if request.node.stash.get(HAS_PASSED, False) else "FAILED"
        faults = ", ".join(f"{number} x {fault}" for fault, number in opened.faults.items())
        row = Row(case, fault_seed, len(opened.producer.sent), faults, opened.lost, opened.doubled, verdict)
        request.node.user_properties.append((ROW, asdict(row)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if call.when == "call":
        item.stash[HAS_PASSED] = report.passed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ended = [report for reports in terminalreporter.stats.values() for report in reports if _is_teardown(report)]
    rows = [Row(**value) for report in ended for name, value in report.user_properties if name == ROW]
    if not rows:
        return
    terminalreporter.section("faults")
    width = max(len(row.case) for row in rows)
    terminalreporter.line(
        f"{'case':<{width}}  {'seed':>6}  {'events':>7}  {'lost':>4}  {'doubled':>7}  verdict  faults"
    )
    for row in rows:
        numbers = f"{row.seed:>6}  {row.events:>7,}  {_known(row.lost):>4}  {_known(row.doubled):>7}"
        terminalreporter.line(f"{row.case:<{width}}  {numbers}  {row.verdict:<7}  {row.faults}")
    terminalreporter.line(f"again with the same seed: make faults SEED={rows[0].seed}")


def _is_teardown(report: object) -> bool:
    return isinstance(report, pytest.TestReport) and report.when == "teardown"


def _known(number: int) -> str:
    return "?" if number < 0 else str(number)
