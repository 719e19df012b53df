"""What systemd reads in a unit file."""

from __future__ import annotations

import shlex
from collections import defaultdict


def settings_of(text: str) -> dict[str, list[str]]:
    """The values of each name, as they are written, in their order; no two sections of ours share a name."""
    values: dict[str, list[str]] = defaultdict(list)
    for line in text.splitlines():
        if line and line[0] not in "#;[":
            name, _, value = line.partition("=")
            values[name].append(value)
    return values


def words(value: str) -> list[str]:
    """The words of a value that may have quotes, such as that of ExecStart or Environment."""
    return [without_specifiers(word) for word in shlex.split(value.removeprefix("-"))]


def without_specifiers(value: str) -> str:
    """A value as it is without %, which stands twice for itself and begins nothing else in paths of ours."""
    parts = value.split("%%")
    assert not any("%" in part for part in parts), f"{value} has a specifier"
    return "%".join(parts)


def environment_of(text: str) -> dict[str, str]:
    """The environment that a unit gives to its commands."""
    pairs = (word.partition("=") for value in settings_of(text)["Environment"] for word in words(value))
    return {name: value for name, _, value in pairs}
