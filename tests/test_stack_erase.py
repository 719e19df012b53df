"""The pause of the programs during an erasure: whatever fails, they are started again."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_in import settings_in

from lake.contracts.records import ErasureRecord
from lake.errors import ServiceError
from lake.settings import Settings
from stack.erase import at_rest, read_record
from stack.supervision import ProgramState

ORDER = ["kafka", "postgres", "stream", "marts", "charts", "generator"]


class Supervisor:
    """Stands for the supervisor: it has programs, and refuses to stop or to start some."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.diary: list[str] = []
        self.names = ORDER
        self.refusals: set[str] = set()
        for name in ("states", "stop_program", "start_program"):
            monkeypatch.setattr(f"stack.supervision.{name}", getattr(self, name))

    def states(self, _: Settings) -> dict[str, ProgramState]:
        return {name: ProgramState(name, "RUNNING", 1, 0.0) for name in self.names}

    def stop_program(self, _: Settings, name: str) -> None:
        self._do(f"stop {name}")

    def start_program(self, _: Settings, name: str) -> None:
        self._do(f"start {name}")

    def _do(self, deed: str) -> None:
        self.diary.append(deed)
        if deed in self.refusals:
            raise ServiceError(f"cannot {deed}")


@pytest.fixture
def supervisor(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    return Supervisor(monkeypatch)


STOPS = [f"stop {name}" for name in reversed(ORDER[2:])]
STARTS = [f"start {name}" for name in ORDER]


def test_the_programs_stop_and_start_in_their_order(supervisor: Supervisor, tmp_path: Path) -> None:
    with at_rest(settings_in(tmp_path, GENERATE="1")):
        assert supervisor.diary == STOPS
    assert supervisor.diary == [*STOPS, *STARTS]


def test_all_start_again_when_one_does_not_stop(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.refusals = {"stop charts"}
    with pytest.raises(ServiceError, match="cannot stop charts"), at_rest(settings_in(tmp_path, GENERATE="1")):
        raise AssertionError("not at rest")
    assert supervisor.diary == ["stop generator", "stop charts", *STARTS]


def test_one_that_does_not_start_keeps_no_other_down(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.refusals = {"start kafka"}
    with pytest.raises(ServiceError, match="cannot start kafka"), at_rest(settings_in(tmp_path, GENERATE="1")):
        pass
    assert supervisor.diary == [*STOPS, *STARTS]


def test_nothing_begins_where_supervisor_is_silent(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.names = []
    with pytest.raises(ServiceError, match="does not say what runs"), at_rest(settings_in(tmp_path)):
        raise AssertionError("not at rest")
    assert supervisor.diary == []


def test_the_record_is_read_behind_what_delta_prints() -> None:
    assert read_record('Deleted 3 files\n{\n  "id": "e",\n  "at": 1.0,\n  "own": 3\n}\n') == ErasureRecord(
        "e", 1.0, own=3
    )


@pytest.mark.parametrize("output", ["", "Deleted 3 files\n", "{\n", '{\n  "id": "e"\n}\n'])
def test_output_without_a_record_is_named(output: str) -> None:
    with pytest.raises(ServiceError, match="printed no record"):
        read_record(output)
