"""Formats of access-log lines that are described by log strings: those that Weblake ships, and the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lake.formats.log_string import NAMED
from lake.rules_file import read_layers


@dataclass(frozen=True)
class LogFormat:
    name: str
    description: str
    strings: tuple[str, ...]
    first: bool = False
    source: str | None = None


def load_formats(path: Path) -> tuple[LogFormat, ...]:
    found = []
    for layer, content in read_layers(path):
        for e in content["formats"]:
            ss = e.get("strings") or [e["string"]]
            found.append(
                LogFormat(
                    e["name"],
                    e.get("description", ""),
                    tuple(s.replace("{common}", NAMED["common"]).replace("{combined}", NAMED["combined"]) for s in ss),
                    e.get("first", False),
                    e.get("source"),
                )
            )
    return tuple(found)


@cache
def shipped_formats() -> tuple[LogFormat, ...]:
    return load_formats(Path(__file__).resolve().parent.parent / "rules" / "formats.yml")
