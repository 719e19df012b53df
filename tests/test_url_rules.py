"""The URL rules: what is wrong with a file of them is said, with the rule's number."""

from __future__ import annotations

from pathlib import Path

import pytest

from lake.errors import RulesError
from lake.url_rules import load_url_rules


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read .*; restore the file, or correct its path"),
        (b"rules: [", "is not YAML"),
        (b"\xff", "is not UTF-8"),
        (b"- a", "needs a list `rules`"),
        (b"actions: buy\nrules: []", "`actions` in .* is 'buy'"),
        (b"actions: [a]\nrules: [{action: a, pattern: }]", "rule 1 .*: the pattern is None"),
        (
            b"actions: [a]\nrules: [{action: a, pattern: '('}]",
            "rule 1 .*: the pattern '\\(' is not a regular expression",
        ),
    ],
)
def test_rules_that_cannot_be_used_are_an_error_that_names_them(
    content: bytes | None, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "urls.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(RulesError, match=message) as error:
        load_url_rules(path)
    assert str(path) in str(error.value)
