"""What shippers put around a line: an object with the line in it, or a prefix; in plain Python.

An envelope is known by its shape alone. Whether it is one, or only looks like one, shows by what is in it: see
:mod:`audit.oracle.reader`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from zlib import crc32

from audit.oracle.access_line import split_line
from audit.oracle.json_text import WHITE, Number, object_of, text_of
from audit.oracle.texts import with_escapes_of_json

MOST_LEVELS = 2
MESSAGES = ("message", "log", "MESSAGE", "msg")
FILES = (("file",), ("log", "file", "path"), ("path",), ("filename",))
OFFSETS = (("offset",), ("log", "offset"))
HOSTS = (("host", "name"), ("host",), ("hostname",))
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
TAG = r"[^\s:\[\]]+(?:\[[^\s\]]*\])?: +"
DATA = r'(?:-|(?:\[(?:[^"\]\\]|"(?:[^"\\]|\\.)*")*\])+)'
PREFIXES = [
    re.compile(prefix, re.ASCII)
    for prefix in (
        rf"<\d{{1,3}}>1 (?:{ISO}|-) \S+ \S+ \S+ \S+ {DATA} \ufeff?",  # syslog, RFC 5424
        rf"(?:<\d{{1,3}}>)?[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d (?:\S+ )?{TAG}",  # syslog, RFC 3164
        rf"{ISO} (?:stdout|stderr) [FP] ",  # Kubernetes
        rf"(?:<\d{{1,3}}>)?{ISO} \S+ {TAG}",  # rsyslog's files
        rf'{ISO} (?=[\[{{"]|\S+ - )',  # container logs with times
        rf"{ISO} \S+ ",  # Logstash's plain codec
        rf"(?:<\d{{1,3}}>)?\S+ {TAG}",  # a relay that keeps no time
    )
]
"""What may stand before a line; of those that fit it, the first counts."""
CONSOLE = re.compile(r'(\d[^\t"\\]{7,39})\t[^\t]*\t([^\t"\\]*)\t[^\t]*\t(?=\{)', re.ASCII)
"""Caddy's log for people: time, level, logger and message, and then the object, which lacks them."""


class Text:
    """A text that may be a record, an envelope, or both; it is taken apart when somebody asks for it."""

    def __init__(self, text: str) -> None:
        """Take the text without what stands around it."""
        self.text = text
        self.is_object_like = text.startswith("{")

    @cached_property
    def fields(self) -> dict[str, Any] | None:
        """The object that the text is; None where it is none, or has anything behind it."""
        if not self.is_object_like:
            return None
        fields, behind = object_of(self.text)
        return None if behind else fields

    @cached_property
    def line(self) -> tuple[str, re.Match[str]] | None:
        """The client and all else of a line in the common or the combined format."""
        if self.is_object_like:
            return None
        address, rest = split_line(self.text)
        return None if rest is None else (address, rest)

    @property
    def is_event(self) -> bool:
        """Whether the text is an event that says itself what was done."""
        return self.fields is not None and self.fields.get("action") is not None

    @property
    def is_native(self) -> bool:
        """Whether the text is an event, or a line in the common or the combined format."""
        return self.is_event if self.is_object_like else self.line is not None

    @cached_property
    def message(self) -> str | None:
        """The line in an object; None where there is none."""
        return _message(self.fields or {})

    @cached_property
    def inner(self) -> Text | None:
        """What is in the envelope that the text looks like; None where it looks like none."""
        if self.is_native:
            return None
        if self.is_object_like:
            return None if self.message is None else _stripped(self.message)
        console = CONSOLE.match(self.text)
        if console:
            time, logger = console[1].replace("/", "-"), console[2]
            rest = self.text[console.end() + 1 :]
            return Text(f'{{"ts":"{time}","logger":"{logger}",{rest}')
        matches = (prefix.match(self.text) for prefix in PREFIXES)
        match = next(filter(None, matches), None)
        return _stripped(self.text[match.end() :]) if match else None

    def position(self, source: str | None) -> str | None:
        """Return where the envelope says that what is in it stood: host, file and offset, or a cursor of journald.

        ``source``, the header, is the host where the envelope names none. Without either, files of two servers may have
        the same name, and what stood there is part of the position.
        """
        fields = self.fields or {}
        file, offset = _first_text(fields, FILES), _first_text(fields, OFFSETS, is_whole=True)
        if file and offset:
            host = _first_text(fields, HOSTS) or source or None
            what = "" if host or self.message is None else f":{crc32(self.message.encode())}"
            return f"{host or ''}:{file}:{offset}{what}"
        return _first_text(fields, (("__CURSOR",),))


def with_inner(text: Text) -> list[Text]:
    """Return a text and what is in it, level by level, from the outermost."""
    texts = [text]
    while len(texts) <= MOST_LEVELS and (inner := texts[-1].inner):
        texts.append(inner)
    return texts


def _message(fields: Mapping[str, Any]) -> str | None:
    messages = (fields.get(name) for name in MESSAGES)
    texts = (text_of(message) for message in messages if isinstance(message, str) and not isinstance(message, Number))
    stripped = (text.strip(WHITE) for text in texts if text)
    return next(filter(None, stripped), None)


def _stripped(text: str) -> Text:
    text = text.strip(WHITE)
    return Text(with_escapes_of_json(text) if text.startswith("{") else text)


def _first_text(fields: Mapping[str, Any], paths: tuple[tuple[str, ...], ...], is_whole: bool = False) -> str | None:
    """Return what is under the first of the paths that has a text or a number, if asked a whole one."""
    shape = re.compile(r"\d{1,19}" if is_whole else r"(?s:.+)", re.ASCII)
    for path in paths:
        value: Any = fields
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if isinstance(value, str) and shape.fullmatch(value):
            return text_of(value)
    return None
