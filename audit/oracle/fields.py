"""The fields of a record that carry their names with them: objects of JSON, and labelled values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from lake.formats.json_logs import JSON_LOGS, JsonLog
from lake.formats.ltsv import LABELS

Fields = Mapping[str, str]
"""Name of a field, as log strings have it -> its value, which may be a dash."""
NOTHING = ("", "-")
LABELLED = re.compile(r"([\w.-]+):(.*)", re.ASCII)


def is_request(fields: Fields) -> bool:
    """Say whether fields have a time, and a request or what it asked for, be it nothing."""
    has_time = _has(fields, "time") or (_has(fields, "date") and _has(fields, "clock"))
    return has_time and ("request" in fields or "url" in fields)


def value_of(fields: Fields, name: str) -> str | None:
    """Return the value of a field; None for a dash, for nothing at all, and where there is no such field."""
    value = fields.get(name)
    return None if value in NOTHING else value


def fields_of_object(content: Mapping[str, Any]) -> tuple[str, Fields] | None:
    """Return the format of a JSON log, and its fields; None where the object is of no log of requests."""
    for log in JSON_LOGS:
        if _is_of(log, content):
            found = {name: [_at(content, path) for path in paths] for name, paths in log.fields.items()}
            fields = _first_of_each(found)
            if is_request(fields) and (not log.needs_answer or _has_answer(fields)):
                return log.name, fields
    return None


def fields_of_labels(text: str) -> Fields | None:
    """Return the fields of labelled tab-separated values; None where a line is none of a request's.

    Of values with one label, the first counts; what has no label is nothing.
    """
    if "\t" not in text or "\n" in text or "\r" in text:
        return None
    matches = [match for part in text.split("\t") if (match := LABELLED.fullmatch(part))]
    values = {match[1]: match[2] for match in reversed(matches)}
    fields = _first_of_each({name: [values.get(label) for label in labels] for name, labels in LABELS.items()})
    return fields if is_request(fields) else None


def _has(fields: Fields, name: str) -> bool:
    return value_of(fields, name) is not None


def _has_answer(fields: Fields) -> bool:
    return "status_code" in fields or " HTTP/" in fields.get("request", "")


def _first_of_each(found: Mapping[str, Iterable[str | None]]) -> Fields:
    """Return of each field the first value that says something; if none does, a dash or nothing at all."""
    fields: dict[str, str] = {}
    for name, values in found.items():
        known = [value for value in values if value is not None]
        if known:
            fields[name] = next((value for value in known if value not in NOTHING), known[0])
    return fields


def _is_of(log: JsonLog, content: Mapping[str, Any]) -> bool:
    has_signs = all(isinstance(content.get(sign), str | dict) for sign in log.signs)
    return has_signs and all(str(content.get(key)).startswith(begin) for key, begin in log.prefixes.items())


def _at(content: Mapping[str, Any], path: str) -> str | None:
    """Return the text or the number at a path of keys, or the first of a list there."""
    value: Any = content
    for key in path.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, list):
        value = value[0] if value else None
    return value if isinstance(value, str) else None
