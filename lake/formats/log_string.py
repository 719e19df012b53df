r"""Log strings: a line of a log as one string, with a variable in the place of each field.

``{ip_address} - {user_id} [{time}] "{request}" {status_code} {bytes}`` is the common log format. Whatever a server
calls its fields, here they have the names of :data:`FIELDS`; ``{_}`` is a field that nobody needs, and ``{rest}``
whatever ends the line. ``{open}`` and ``{close}`` are braces. All else stands for itself.

A field ends where the text after it begins: ``[{time}]`` at the first ``]``. Beyond that,

- between two double quotes, a field may have quotes with a backslash before them;
- ``{status_code}`` is three digits or a dash, ``{bytes}`` and the times of response are numbers or a dash;
- ``{ip_address}`` and ``{forwarded_for}`` before a blank may be a list, with a comma before each blank of its own;
- ``{response_decimal}`` has a point and digits behind it;
- ``{_numbers}`` is a list of numbers and dashes, as nginx writes it of servers that it tried one after the other;
- ``{pad}`` is any number of blanks;
- ``{rest}`` has no ``] "`` in it: another line may begin there;
- ``{ip_address}:{port}`` is parted at the last colon before a blank;
- ``{time}`` before a blank may have the one that stands before its zone in most logs;
- ``{request}``, ``{user_agent}`` and ``{_text}`` before a blank may have blanks: they end where all that follows fits.

A string becomes a regular expression by rewritings, plain data, which Spark applies to the strings that travel with
lines, and :func:`pattern_of` to those of files.
"""

from __future__ import annotations

import re

FIELDS = (
    "ip_address",
    "forwarded_for",
    "user_id",
    "time",
    "date",
    "clock",
    "request",
    "method",
    "url",
    "query",
    "status_code",
    "bytes",
    "response_time",
    "response_decimal",
    "response_ms",
    "response_us",
    "response_ns",
    "referrer",
    "user_agent",
    "encoded_agent",
    "host",
    "event_id",
)
"""What a log string can name of a record.

``date`` and ``clock`` are a time in two parts, in UTC if neither names a zone; ``method``, ``url`` and ``query`` a
request in parts; ``response_time`` seconds, ``response_decimal`` seconds only if they have a point, and the other three
what they say; ``encoded_agent`` an agent with ``+`` or ``%20`` for blanks; ``event_id`` what tells the record from all
others.
"""
SKIPPED = ("_", "_text", "_numbers", "port", "pad", "rest")
"""What else it can have: fields that nobody needs."""
COMMON = '{ip_address} - {user_id} [{time}] "{request}" {status_code} {bytes}'
NAMED = {"common": COMMON, "combined": f'{COMMON} "{{referrer}}" "{{user_agent}}"'}
"""Strings that have a name, which may stand for them, as ``{combined}``."""
LONGEST_STRING, LONGEST_LINE = 4_096, 65_536
"""Characters. Longer lines are read as JSON events or as combined lines, or not at all."""

_NAMES = "|".join((*FIELDS, *SKIPPED))
_OPEN = r"\{(?:request|user_agent|_text)\} (?=\{|\z)|\{ip_address\}:\{port\}"
USABLE = (
    rf"^(?!(?:[\s\S]*?(?:{_OPEN})){{3}})"  # each takes time that grows with the square of the line
    rf"(?=[\s\S]{{1,{LONGEST_STRING}}}\z)"
    rf"(?:[^{{}}\\\x00-\x08\x0a-\x1f]|\{{(?:{_NAMES}|open|close)\}})*+\z"
)
"""A pattern that all strings have that can be rewritten, whoever wrote them."""
VARIABLE = r"\{(?!open|close)(\w+)\}"

_LITERAL = r"(?:\\.|[^\\{(])"
REWRITINGS = (
    (r"[\\^$.|?+*()\[\]]", r"\\$0"),
    (r"\{open\}", r"\\x7b"),
    (r"\{close\}", r"\\x7d"),
    (
        r'(?<=")\{(?:_|_text|user_agent|encoded_agent|referrer|request|forwarded_for|user_id|url|query|host)\}(?=")',
        r'([^"\\\\]*+(?:\\\\.[^"\\\\]*+)*+)',
    ),
    (r"\{ip_address\}:\{port\}", r"(\\S+):(\\d*+)"),
    (r"\{status_code\}", r"(\\d{3}|-)"),
    (r"\{bytes\}", r"(\\d++|-)"),
    (r"\{response_decimal\}", r"(\\d++[.]\\d++)"),
    (r"\{pad\}", "( *+)"),
    (r"\{rest\}", r'((?:(?!\\] ")[^\\r\\n])*+)'),
    (r"\{response_(?:time|ms|us|ns)\}", r"(-?\\d++(?:[.]\\d++)?+|-)"),
    (r"\{_numbers\}", r"((?:-|\\d++(?:[.]\\d++)?+)(?:(?:, ?+| : )(?:-|\\d++(?:[.]\\d++)?+))*+)"),
    (r"\{(?:ip_address|forwarded_for)\}(?= )", r"(\\S++(?:(?<=,) \\S++)*+)"),
    (r"\{time\}(?= )", r"(\\d\\d?+/[A-Z][a-z]{2}/\\d{4}:\\S++ [+-]\\d{4}|\\S++)"),
    (r"\{(?:request|user_agent|_text)\}(?= (?:[{(]|\z))", r"([^\\r\\n]*?)"),
    (rf"\{{[a-z_]\w*\}}((\\x7[bd]|{_LITERAL}){_LITERAL}*+)", r"([^$2\\r\\n]*+(?:(?!$1)$2[^$2\\r\\n]*+)*+)$1"),
    (r"\{[a-z_]\w*\}", r"([^\\r\\n]*+)"),
)
"""What is replaced, as a pattern, and by what: in Java's syntax, in this order."""
BEGIN, END = "^", r"[ \t\r\n]*+\z"
"""What stands before and behind what becomes of a string."""


def pattern_of(string: str) -> str:
    """Return a regular expression of Java for the lines that a log string describes, with a group for each variable."""
    for pattern, replacement in REWRITINGS:
        string = re.sub(
            pattern.replace(r"\z", r"\Z").replace("*+", "*"), _of_python(replacement), string, flags=re.ASCII
        )
    return f"{BEGIN}{string}{END}"


def variables(string: str) -> list[str]:
    """Return the names of the variables of a log string, in their order."""
    return re.findall(VARIABLE, string, re.ASCII)


def _of_python(replacement: str) -> str:
    return re.sub(r"\$(\d)", r"\\g<\1>", replacement)
