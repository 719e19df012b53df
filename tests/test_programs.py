"""The order of the programs."""

from __future__ import annotations

from stack.programs import PROGRAMS


def test_the_servers_start_first_and_stop_last() -> None:
    order = [program.name for program in sorted(PROGRAMS, key=lambda program: program.priority)]
    assert order[:3] == ["kafka", "postgres", "stream"]
    assert order[-1] == "generator"
