"""Reads lines by log strings, in plain Python: it walks along both; shares no code with ``spark/``.

The language of log strings is described in lake/formats/log_string.py. A string is a row of steps: pieces of text, and
fields. Most fields can end in one place only; those that cannot are tried with each end, from the likeliest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from lake.formats.log_string import SKIPPED

Ends = Callable[[str, int], Iterator[int]]
"""Where a field that begins at a place of a line may end, the likeliest place first."""

PARTS = re.compile(r"\{(\w+)\}|[^{]+", re.ASCII)
BRACES = {"open": "{", "close": "}"}
IN_QUOTES = frozenset(
    (
        *("_", "_text", "user_agent", "encoded_agent", "referrer", "request"),
        *("forwarded_for", "user_id", "url", "query", "host"),
    )
)
"""Fields that between two double quotes may have quotes with a backslash before them."""
OF_BLANKS = frozenset(("request", "user_agent", "_text"))
"""Fields that before a blank, and no more than that, may have blanks."""
NUMBER = r"\d+(?:\.\d+)?"
SHAPES = {
    "status_code": (r"-?\d{1,3}", "-"),
    "bytes": (r"\d+", "-"),
    "response_decimal": (r"\d+\.\d+",),
    "response_time": (f"-?{NUMBER}", "-"),
    "response_ms": (f"-?{NUMBER}", "-"),
    "response_us": (f"-?{NUMBER}", "-"),
    "response_ns": (f"-?{NUMBER}", "-"),
    "_numbers": (rf"(?:-|{NUMBER})(?:(?:, ?| : )(?:-|{NUMBER}))*",),
    "pad": (" *",),
    "_dash": ("-?",),
    "rest": (r'(?:(?!\] ")[^\r\n])*',),
}
"""Fields that have the same shapes wherever they stand."""
QUOTED = (r'[^"\\]*(?:\\[^\n\r\x85\u2028\u2029][^"\\]*)*',)
LIST = (r"\S+(?:(?<=,) \S+)*",)
CLIENT = (r"\S+(?:(?<=,) \S+)* (?=\[?[0-9A-Fa-f]{0,4}[.:]|unknown,)\S+(?:(?<=,) \S+)*(?= )", *LIST)
TIME = (
    r"\d\d?/[A-Z][a-z]{2}/\d{4}:\S+ [+-]\d{4}",
    r"(?:\d{4}-\d\d-\d\d|(?:[A-Z][a-z]{2}, )?\d\d? [A-Z][a-z]{2} \d{4}) \d\d:\S+"
    r"(?: (?:[+-]\d\d:?\d\d|UTC|GMT)(?= ))?",
    r"\S+",
)
AUTHORITY = (r"[^/\r\n]*",)
REQUEST = re.compile(r"\S+ \S+ HTTP/\d\S*", re.ASCII)
LAST = (r"\S*(?:(?<=,) \S+)*",)
BEFORE_BLANKS = {"client": CLIENT, "ip_address": LIST, "forwarded_for": LIST, "time": TIME}
"""Fields that before a blank have shapes of their own."""
PORT = (r"\d*",)
LINE = (r"[^\r\n]*",)
RUN = re.compile(r"\S*", re.ASCII)
END = re.compile(r"[ \t\r\n]*\Z")


@dataclass(frozen=True)
class _Step:
    """A piece of text, or a field: its name, and where it may end."""

    text: str = ""
    name: str = ""
    ends: Ends | None = None


_Choices = list[tuple[int, Iterator[int]]]
"""Numbers of steps, and their ends that are yet to be tried."""


class Scanner:
    """Reads the lines that a log string describes."""

    def __init__(self, string: str) -> None:
        """Take the string apart."""
        self._steps = _steps(string)

    def scan(self, text: str) -> dict[str, str] | None:
        """Return the fields of a line by their names; None where the string does not describe all of it.

        Of fields of one name, the first counts.
        """
        ends = self._ends(text)
        if ends is None:
            return None
        fields: dict[str, str] = {}
        begin = 0
        for step, end in zip(self._steps, ends, strict=True):
            if step.name and step.name not in SKIPPED:
                fields.setdefault(step.name, text[begin:end])
            begin = end
        return fields

    def _ends(self, text: str) -> list[int] | None:
        """Return where each step ends; None where they do not reach the end of the text."""
        ends: list[int] = []
        choices: _Choices = []
        tried = _Tried(text)
        at: int | None = 0
        while True:
            if at is None:
                number, at = _last_choice(choices)
                if at is None:
                    return None
                ends[number:] = [at]
            elif len(ends) < len(self._steps):
                at = self._step(len(ends), text, at, tried, choices)
                ends += [] if at is None else [at]
            elif END.match(text, at):
                return ends
            else:
                at = None

    def _step(self, number: int, text: str, at: int, tried: _Tried, choices: _Choices) -> int | None:
        """Return where a step ends that begins at a place; None where the place is wrong for it."""
        step = self._steps[number]
        if step.ends is None:
            return at + len(step.text) if text.startswith(step.text, at) else None
        if tried.has(number, at, step.ends):
            return None
        choices.append((number, step.ends(text, at)))
        return next(choices[-1][1], None)


class _Tried:
    """Where fields began from which all ends were tried in vain, so that none is tried twice."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._places: set[tuple[int, int]] = set()
        self._first: dict[int, int] = {}

    def has(self, number: int, at: int, ends: Ends) -> bool:
        """Say whether a field was tried from a place, and note that it is.

        A field with blanks in it ends, from a later place of the same line, where it did from an earlier one.
        """
        if ends in (_before_blanks, _of_request):
            first = self._first.setdefault(number, at)
            if first < at and _are_in_line(self._text, first, at):
                return True
            self._first[number] = at
        is_tried = (number, at) in self._places
        self._places.add((number, at))
        return is_tried


def _last_choice(choices: _Choices) -> tuple[int, int | None]:
    """Return the last step that has another end, and that end; drop the steps that have none."""
    while choices:
        number, untried = choices[-1]
        end = next(untried, None)
        if end is not None:
            return number, end
        choices.pop()
    return 0, None


@lru_cache(maxsize=1_000)
def scanner(string: str) -> Scanner:
    """Return what reads the lines of a log string."""
    return Scanner(string)


def _steps(string: str) -> list[_Step]:
    """Return the steps of a string: what a field may be depends on the text on both of its sides."""
    parts: list[tuple[str, str]] = [("", "")]  # texts and the fields behind them, in turn
    for match in PARTS.finditer(string):
        name = match[1] or ""
        if name and name not in BRACES:
            parts[-1] = (parts[-1][0], name)
            parts.append(("", ""))
        else:
            parts[-1] = (parts[-1][0] + BRACES.get(name, match[0]), "")
    steps: list[_Step] = []
    is_port = has_blanks = False
    for number, (before, name) in enumerate(parts):
        steps += [_Step(text=before)] if before else []
        if not name:
            continue
        after, following = parts[number + 1]
        if is_port:
            ends = _of_shapes(PORT)
        elif not after and following:
            ends = _before_field(name, following, parts[number + 2][0])
        elif (name, after, following) == ("ip_address", ":", "port"):
            ends = _before_colons
        elif has_blanks and before.endswith(" ") and not after and name not in (*SHAPES, *OF_BLANKS):
            ends = _of_shapes(LAST)
        else:
            ends = _ends_of(name, before, after)
        is_port = ends is _before_colons
        has_blanks = has_blanks or (name in OF_BLANKS and after == " ")
        steps.append(_Step(name=name, ends=ends))
    return steps


def _before_field(name: str, following: str, after: str) -> Ends:
    """Return where a field may end that has another right behind it, given the text behind that."""
    if (name, following) == ("host", "url"):
        return _of_shapes(AUTHORITY)
    if (name, following) == ("url", "_dash") and after:
        first = re.escape(after[0])
        return _of_shapes((rf"[^{first}?\r\n]*?(?=-{first})", rf"[^{first}\r\n]*"))
    return _ends_of(name, "", "")


def _ends_of(name: str, before: str, after: str) -> Ends:
    """Return where a field may end, by the texts before and after it."""
    if name in IN_QUOTES and before.endswith('"') and after.startswith('"'):
        return _of_shapes(QUOTED)
    if name in SHAPES:
        return _of_shapes(SHAPES[name])
    if name in BEFORE_BLANKS and after.startswith(" "):
        ends = _of_shapes(BEFORE_BLANKS[name])
        return _first_of(ends) if name == "client" else ends
    if name in OF_BLANKS and after == " ":
        return _of_request if name == "request" else _before_blanks
    return _before(after) if after else _of_shapes(LINE)


def _of_shapes(shapes: tuple[str, ...]) -> Ends:
    patterns = [re.compile(shape, re.ASCII) for shape in shapes]

    def ends(text: str, at: int) -> Iterator[int]:
        for pattern in patterns:
            match = pattern.match(text, at)
            if match:
                yield match.end()

    return ends


def _first_of(ends: Ends) -> Ends:
    return lambda text, at: islice(ends(text, at), 1)


def _before(after: str) -> Ends:
    def ends(text: str, at: int) -> Iterator[int]:
        end = text.find(after, at)
        if end >= 0 and _are_in_line(text, at, end):
            yield end

    return ends


def _before_blanks(text: str, at: int) -> Iterator[int]:
    end = text.find(" ", at)
    while end >= 0 and _are_in_line(text, at, end):
        yield end
        at, end = end, text.find(" ", end + 1)


def _of_request(text: str, at: int) -> Iterator[int]:
    """Yield the ends of a request: behind its version, if it has one, and then as of another field with blanks."""
    whole = REQUEST.match(text, at)
    if whole:
        yield whole.end()
    yield from _before_blanks(text, at)


def _before_colons(text: str, at: int) -> Iterator[int]:
    """Yield the ends of an address with a port behind it: before the last colon of all that has no blank, and so on."""
    run = RUN.match(text, at)
    end = text.rfind(":", at + 1, run.end() if run else at)
    while end > at:
        yield end
        end = text.rfind(":", at + 1, end)


def _are_in_line(text: str, at: int, end: int) -> bool:
    return text.find("\n", at, end) < 0 and text.find("\r", at, end) < 0
