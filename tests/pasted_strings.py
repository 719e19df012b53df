"""What log strings and lines of tests have in common.

Names in capitals stand for what most lines have: see ``FACTS`` and ``written``.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from lake.formats.log_string import FIELDS, pattern_of, variables

WORDS = {
    "ADDRESS": "203.0.113.9",
    "LIST": "203.0.113.7, 192.0.2.9",
    "TIME": "01/Mar/2026:03:00:00 +0000",
    "ISO": "2026-03-01T03:00:00+00:00",
    "REQUEST": "GET /product/p1?ref=a%20b HTTP/1.1",
    "TARGET": "/product/p1?ref=a%20b",
    "REFERRER": "https://shop.example/a?b",
    "AGENT": "Mozilla/5.0 (X11; Linux x86_64) Firefox/126.0",
    "HOST": "shop.example",
}
FACTS = {
    "ip_address": "ADDRESS",
    "client": "ADDRESS",
    "forwarded_for": "LIST",
    "user_id": "-",
    "time": "TIME",
    "request": "REQUEST",
    "method": "GET",
    "url": "TARGET",
    "query": "ref=a%20b",
    "status_code": "200",
    "bytes": "512",
    "response_time": "0.000",
    "referrer": "REFERRER",
    "user_agent": "AGENT",
    "host": "HOST",
}
"""Field -> what most lines say of it."""


class Pasted(NamedTuple):
    """A string, a line, and what is read from it: the fields of which it says what most say, and the others."""

    name: str
    string: str
    line: str
    usual: str
    other: dict[str, str]

    @property
    def fields(self) -> dict[str, str]:
        return {
            name: written(value) for name, value in ({n: FACTS[n] for n in self.usual.split()} | self.other).items()
        }


def written(text: str) -> str:
    """Return a text with the words in capitals replaced by what they stand for."""
    for word, value in WORDS.items():
        text = text.replace(word, value)
    return text


def plain(pattern: str) -> str:
    """Return a pattern of Java's for Python 3.10, which has no possessive quantifiers."""
    return re.sub(r"(?<!\\)([*+?}])\+", r"\1", pattern).replace(r"\z", r"\Z")


def fields(string: str, line: str) -> dict[str, str] | None:
    """Return the fields of a line by a log string; None if it does not fit."""
    match = re.search(plain(pattern_of(string)), line, re.ASCII)
    pairs = zip(variables(string), match.groups(), strict=True) if match else ()
    return {name: value for name, value in pairs if name in FIELDS} if match else None
