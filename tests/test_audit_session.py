"""The audit's Spark session: how many tasks it has, and what is said when Java does not start."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from audited import command
from settings_in import settings_in

from audit.session import modest


@pytest.mark.parametrize(
    ("master", "ours"),
    [
        ("local[4]", "local[2]"),
        ("local[*]", "local[2]"),
        ("local[2]", "local[2]"),
        ("local[1]", "local[1]"),
        ("local", "local"),
        ("spark://host:7077", "spark://host:7077"),
    ],
)
def test_an_audit_has_few_tasks_at_a_time_on_one_machine(master: str, ours: str) -> None:
    assert modest(master) == ours


def test_a_java_that_does_not_start_fails_no_check_and_its_last_word_is_shown(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), spark_driver_memory="900000g")
    done = command(tmp_path, settings=settings)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Spark's Java process did not start: " in done.stdout
    assert done.stdout.splitlines()[0].startswith("Weblake: ")
    assert "object heap" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
