"""`weblake sql` on a real PostgreSQL: what an answer looks like."""

from __future__ import annotations

import subprocess

import pytest

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment

QUERY = "select 'p-1' as product_id, 3 as views, null as nothing"


@pytest.mark.stack
@pytest.mark.parametrize(
    ("options", "answer"),
    [
        ((), [" product_id | views | nothing ", "------------+-------+---------", " p-1        |     3 | "]),
        (("--format", "csv"), ["product_id,views,nothing", "p-1,3,"]),
        (("--format", "plain"), ["p-1|3|"]),
    ],
)
def test_an_answer_has_the_names_of_its_columns(
    stack_settings: Settings, options: tuple[str, ...], answer: list[str]
) -> None:
    done = subprocess.run(
        weblake_command("sql", "--query", QUERY, *options),
        cwd=PROJECT,
        env=child_environment(stack_settings),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip("\n").splitlines() == answer
