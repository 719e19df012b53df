"""The known formats of access logs as log strings: those that Weblake ships, and those of a user's own file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lake.errors import RulesError, WeblakeError, brief, shown
from lake.formats import ltsv
from lake.formats.access_log import ACCESS_LOG
from lake.formats.json_event import JSON_EVENT
from lake.formats.json_logs import JSON_LOGS
from lake.formats.log_string import FIELDS, LONGEST_STRING, NAMED, SKIPPED, USABLE, variables
from lake.rules_file import FORMATS_FILE, read_layers

DECLARED = "declared"
"""The format of records that came with a log string of their own, as bronze's column ``format`` has it."""
RESERVED = (JSON_EVENT.name, ACCESS_LOG.name, ltsv.NAME, DECLARED, *(log.name for log in JSON_LOGS))
KEYS = {"name", "description", "string", "strings", "first", "source"}
OURS = re.compile(rf"\{{(?:{'|'.join((*FIELDS, *SKIPPED, *NAMED))})\}}")
USABLE_IN_PYTHON = re.compile(USABLE.replace("*+", "*").replace(r"\z", r"\Z"), re.ASCII)


@dataclass(frozen=True)
class LogFormat:
    """A format of lines: its name, as bronze's column ``format`` has it, and the log strings that lines of it fit.

    Formats that are ``first`` are tried before all that Weblake knows by itself; one with a ``source`` only on records
    whose header ``source`` is that text.
    """

    name: str
    description: str
    strings: tuple[str, ...]
    first: bool = False
    source: str | None = None


@cache
def shipped_formats() -> tuple[LogFormat, ...]:
    """Return the formats that Weblake ships.

    Raises what :func:`load_formats` raises.
    """
    return load_formats(FORMATS_FILE)


def load_formats(path: Path) -> tuple[LogFormat, ...]:
    """Read a file of formats, and those that it extends, whose formats come after its own.

    Raises:
        RulesError: a file is missing, is no YAML, or a format cannot be used; the message names it.
    """
    formats: list[LogFormat] = []
    for layer, content in read_layers(path):
        if not isinstance(content, dict) or not isinstance(content.get("formats"), list):
            raise RulesError(f"{layer} needs a list `formats`; see the file that Weblake ships")
        entries = enumerate(content["formats"], start=1)
        own = [_format(f"format {number} in {layer}", entry) for number, entry in entries]
        names = [one.name for one in own]
        again = next((name for number, name in enumerate(names) if name in names[:number]), None)
        if again is not None:
            raise RulesError(
                f"{layer} has two formats {shown(again)}; give them two names, or list their `strings` in one"
            )
        formats += own
    return tuple(formats)


def _format(where: str, entry: Any) -> LogFormat:
    if not isinstance(entry, dict) or "name" not in entry or not set(entry) <= KEYS:
        keys = "`string` or `strings`, and perhaps `description`, `first` and `source`"
        raise RulesError(f"{where} is {shown(entry)}; give it `name`, {keys}")
    name = entry["name"]
    if not isinstance(name, str) or not re.fullmatch(r"[a-z][a-z0-9_]*", name, re.ASCII):
        raise RulesError(f"{where}: the name {shown(name)} must be lower-case letters, digits and _")
    if name in RESERVED:
        raise RulesError(f"{where}: the name {shown(name)} is that of a format that needs no string; take another")
    where = f"{where} ({name})"
    is_first = entry.get("first", False)
    if not isinstance(is_first, bool):
        raise RulesError(f"{where}: `first` is {shown(is_first)}; write true or false")
    return LogFormat(
        name=name,
        description=_text(where, "description", entry.get("description", "")),
        strings=tuple(_string(where, string) for string in _strings(where, entry)),
        first=is_first,
        source=_text(where, "source", entry["source"]) if "source" in entry else None,
    )


def _text(where: str, key: str, value: Any) -> str:
    if not isinstance(value, str):
        raise RulesError(f"{where}: `{key}` is {shown(value)}; write a text, in quotes")
    return value


def _strings(where: str, entry: dict[str, Any]) -> list[str]:
    """Return the strings of an entry as they are written."""
    if ("string" in entry) == ("strings" in entry):
        raise RulesError(f"{where} is {shown(entry)}; give it `string`, or a list `strings`")
    strings = entry["strings"] if "strings" in entry else [entry["string"]]
    if not isinstance(strings, list) or not strings:
        raise RulesError(f"{where}: `strings` is {shown(strings)}; list at least one string")
    wrong = next((string for string in strings if not isinstance(string, str) or not string), None)
    if wrong is not None:
        raise RulesError(f"{where}: the string {shown(wrong)} is no text; write what describes a line, in quotes")
    return strings


def _string(where: str, text: str) -> str:
    """Return a string in our names, also of one that is written as servers write theirs."""
    string = text if OURS.search(text) else _translated(where, text)
    for name, named in NAMED.items():
        string = string.replace(f"{{{name}}}", named)
    if not USABLE_IN_PYTHON.match(string):
        raise RulesError(
            f"{where}: the string {shown(text)} cannot be used; it must have at most {LONGEST_STRING:,} characters, "
            "none of them a backslash, braces only around names that lake/formats/log_string.py has, and at most two "
            "of `{request}`, `{user_agent}` and `{_text}` with but a blank behind them"
        )
    names = set(variables(string))
    if not (("time" in names or {"date", "clock"} <= names) and names & {"request", "url"}):
        raise RulesError(
            f"{where}: the string {shown(text)} has no time, or no request; without `{{time}}`, or `{{date}}` and "
            "`{clock}`, and `{request}` or `{url}`, no line can be counted"
        )
    return string


def _translated(where: str, text: str) -> str:
    from lake.formats.strings.dialects import log_string  # only for strings of users: reading a format needs no dialect

    try:
        return log_string(text)
    except WeblakeError as error:
        raise RulesError(f"{where}: the string {shown(text)} cannot be read ({brief(error)}); correct it") from error
