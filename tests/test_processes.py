"""The processes of the stack, by supervisor's word and by the system's, where one of them is missing."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_in import settings_in

from stack.health.processes import Marked, Process, processes
from stack.supervision import ProgramState

NOW = 1_800_000_000.0
SUPERVISOR = Marked("supervisor", 10, 1, NOW - 90, is_frozen=False)
STREAM = Marked("stream", 20, 10, NOW - 80, is_frozen=False)
JAVA = Marked("stream", 21, 20, NOW - 70, is_frozen=False)
FROZEN_JAVA = Marked("stream", 21, 20, NOW - 70, is_frozen=True)
TOLD = {"stream": ProgramState("stream", "RUNNING", 20, NOW - 80)}


def shown(folder: Path, supervisor: int, told: dict[str, ProgramState], ours: list[Marked] | None) -> list[Process]:
    found = processes(settings_in(folder, GENERATE="0"), supervisor, told, ours, NOW)
    return [one for one in found if one.name in ("supervisor", "stream")]


@pytest.mark.parametrize(
    ("supervisor", "told", "ours", "expected"),
    [
        (10, TOLD, [SUPERVISOR, STREAM, JAVA], [("RUNNING", 10, ()), ("RUNNING", 20, ())]),
        (10, TOLD, None, [("RUNNING", 10, ()), ("RUNNING", 20, ())]),
        (10, TOLD, [SUPERVISOR, STREAM, FROZEN_JAVA], [("RUNNING", 10, ()), ("FROZEN", 20, (21,))]),
        (0, {}, [SUPERVISOR, JAVA, STREAM], [("SILENT", 10, ()), ("RUNNING", 20, ())]),
        (0, {}, [JAVA, STREAM], [("STOPPED", 0, ()), ("UNSUPERVISED", 20, ())]),
        (0, {}, [STREAM, FROZEN_JAVA], [("STOPPED", 0, ()), ("FROZEN", 20, (21,))]),
        (0, {}, [], [("STOPPED", 0, ()), ("STOPPED", 0, ())]),
        (0, {}, None, [("UNKNOWN", 0, ()), ("UNKNOWN", 0, ())]),
    ],
)
def test_each_process_has_the_state_that_is_known_of_it(
    supervisor: int,
    told: dict[str, ProgramState],
    ours: list[Marked] | None,
    expected: list[tuple[str, int, tuple[int, ...]]],
    tmp_path: Path,
) -> None:
    assert [(one.state, one.pid, one.frozen) for one in shown(tmp_path, supervisor, told, ours)] == expected


def test_a_program_is_as_old_as_the_first_of_its_processes(tmp_path: Path) -> None:
    (_, stream) = shown(tmp_path, 0, {}, [JAVA, STREAM])
    assert stream.uptime_seconds == 80.0
