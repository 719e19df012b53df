"""Files of formats: what is in them becomes log strings, or an error that says what to do."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

from lake.errors import RulesError, WeblakeError
from lake.formats.known import LogFormat, load_formats, shipped_formats
from lake.formats.log_string import NAMED
from lake.rules_file import FORMATS_FILE
from lake.url_rules import UrlRules

STRING = "{time}|{ip_address}|{url}|{status_code}"


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_format_is_read_as_it_is_written(tmp_path: Path) -> None:
    file = write(
        tmp_path / "own.yml",
        f"""
formats:
  - name: our_edge
    description: our edge
    string: '{STRING}'
    first: true
    source: edge
  - name: more2
    strings: ['{{combined}} {{_}}', '{{common}}|{{rest}}']
""",
    )
    assert load_formats(file) == (
        LogFormat("our_edge", "our edge", (STRING,), first=True, source="edge"),
        LogFormat("more2", "", (f"{NAMED['combined']} {{_}}", f"{NAMED['common']}|{{rest}}")),
    )


def test_own_formats_are_tried_before_those_that_they_extend(tmp_path: Path) -> None:
    file = write(tmp_path / "own.yml", f"extends: {FORMATS_FILE}\nformats: [{{name: edge, string: '{STRING}'}}]\n")
    own, *shipped = load_formats(file)
    assert own.name == "edge"
    assert tuple(shipped) == shipped_formats()


def test_rules_have_the_shipped_formats_by_default(rules: UrlRules) -> None:
    assert rules.formats == shipped_formats()
    assert not any(one.first or one.source for one in rules.formats)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "needs a list `formats`; see the file"),
        ("formats: edge", "needs a list `formats`; see the file"),
        ("formats: [edge]", "format 1 in .* is 'edge'; give it `name`"),
        (f"formats: [{{string: '{STRING}'}}]", "format 1 in .*; give it `name`"),
        (f"formats: [{{name: edge, string: '{STRING}', zone: UTC}}]", "format 1 in .*; give it `name`"),
        (f"formats: [{{name: Edge, string: '{STRING}'}}]", "the name 'Edge' must be lower-case letters"),
        (f"formats: [{{name: json, string: '{STRING}'}}]", "the name 'json' is that of a format .*; take another"),
        ("formats: [{name: edge}]", r"\(edge\) is .*; give it `string`, or a list `strings`"),
        (f"formats: [{{name: edge, string: '{STRING}', strings: []}}]", "give it `string`, or a list `strings`"),
        ("formats: [{name: edge, strings: []}]", r"`strings` is \[\]; list at least one string"),
        ("formats: [{name: edge, string: 5}]", "the string 5 is no text; write"),
        (f"formats: [{{name: edge, string: '{STRING}', first: please}}]", "`first` is 'please'; write true or false"),
        (f"formats: [{{name: edge, string: '{STRING}', source: 5}}]", "`source` is 5; write a text"),
        (
            "formats: [{name: edge, string: '{time} {agent} {url}'}]",
            r"\(edge\): the string '{time} {agent} {url}' cannot",
        ),
        (
            "formats: [{name: edge, string: '{time} {url} \\'}]",
            "cannot be used; it must have .* none of them a backslash",
        ),
        ("formats: [{name: edge, string: '{request} {_text} {user_agent} {time}'}]", "at most two of `{request}`"),
        ("formats: [{name: edge, string: '{ip_address} {url}'}]", "has no time, or no request; without `{time}`"),
        ("formats: [{name: edge, string: '{date} {url}'}]", "has no time, or no request; without `{time}`"),
        ("formats: [{name: edge, string: '{time}'}]", "has no time, or no request; without `{time}`"),
        (
            f"formats: [{{name: edge, string: '{STRING}'}}, {{name: edge, string: '{STRING}'}}]",
            "has two formats 'edge'; give them two names",
        ),
    ],
)
def test_a_format_that_cannot_be_used_is_an_error_with_the_next_step(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=message):
        load_formats(write(tmp_path / "own.yml", text))


def test_a_string_as_servers_write_it_is_translated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def log_string(text: str) -> str:
        if text == "$remote_addr":
            raise WeblakeError("no time")
        return re.sub(r"\$\w+", "{_}", text).replace("{_}|{_}", "{time}|{request}")

    dialects = ModuleType("lake.formats.strings.dialects")
    dialects.__dict__["log_string"] = log_string
    monkeypatch.setitem(sys.modules, "lake.formats.strings.dialects", dialects)
    file = write(tmp_path / "own.yml", "formats: [{name: edge, string: '$time_local|$request'}]")
    assert load_formats(file)[0].strings == ("{time}|{request}",)
    write(file, "formats: [{name: edge, string: '$remote_addr'}]")
    with pytest.raises(RulesError, match=r"\(edge\): the string .* cannot be read \(no time\); correct it"):
        load_formats(file)
