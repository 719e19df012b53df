"""Which format a text is of, beside those of Weblake's own, and its fields; in plain Python."""

from __future__ import annotations

from collections.abc import Iterable

from audit.oracle.envelopes import Text
from audit.oracle.fields import Fields, fields_of_labels, fields_of_object, is_request
from audit.oracle.scanner import scanner
from lake.formats import ltsv
from lake.formats.known import DECLARED, LogFormat
from lake.formats.log_string import LONGEST_LINE, longest_line

Found = tuple[str, Fields] | None
"""A format and the fields of a text of it; None where there is none."""


class Formats:
    """The formats of a lake: those that are tried first, and the others."""

    def __init__(self, formats: Iterable[LogFormat]) -> None:
        """Part the formats."""
        every = tuple(formats)
        self._first = tuple(one for one in every if one.first)
        self._others = tuple(one for one in every if not one.first)

    def ask_first(self, text: Text, declared: str | None, source: str | None) -> Found:
        """Read a text by the string that came with it, or else by the formats that are tried first."""
        if len(text.text) > LONGEST_LINE:
            return None
        fields = _scan(declared, text.text) if declared is not None else None
        return (DECLARED, fields) if fields is not None else _read(self._first, text, source)

    def ask_last(self, text: Text, source: str | None) -> Found:
        """Read a text that is neither an event nor a line in the combined format."""
        if text.is_object_like:
            return fields_of_object(text.fields) if text.fields is not None else None
        if len(text.text) > LONGEST_LINE:
            return None
        found = _read(self._others, text, source)
        if found is not None:
            return found
        labelled = fields_of_labels(text.text)
        return (ltsv.NAME, labelled) if labelled is not None else None


def _read(formats: Iterable[LogFormat], text: Text, source: str | None) -> Found:
    for one in formats:
        if one.source is not None and one.source != source:
            continue
        for string in one.strings:
            fields = _scan(string, text.text)
            if fields is not None:
                return one.name, fields
    return None


def _scan(string: str, text: str) -> Fields | None:
    fields = scanner(string).scan(text) if len(text) <= longest_line(string) else None
    return fields if fields is not None and is_request(fields) else None
