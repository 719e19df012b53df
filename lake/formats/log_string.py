r"""Log strings: a line of a log as one string, with a variable in the place of each field.

``{ip_address} - {user_id} [{time}] "{request}" {status_code} {bytes}`` is the common log format. Whatever a server
calls its fields, here they have the names of :data:`FIELDS`; ``{_}`` is a field that nobody needs, and ``{rest}``
whatever ends the line. ``{open}`` and ``{close}`` are braces. All else stands for itself.

A field ends where the text after it begins: ``[{time}]`` at the first ``]``. Beyond that,

- between two double quotes, a field may have quotes with a backslash before them;
- ``{status_code}`` is a number or a dash, ``{bytes}`` and the times of response are numbers or a dash;
- ``{ip_address}`` and ``{forwarded_for}`` before a blank may be a list, with a comma before each blank of its own, and
  ``{client}`` one or two such;
- ``{response_decimal}`` has a point and digits behind it;
- ``{_numbers}`` is a list of numbers and dashes, as nginx writes it of servers that it tried one after the other;
- ``{pad}`` is any number of blanks;
- ``{rest}`` has no ``] "`` in it: another line may begin there;
- ``{ip_address}:{port}`` is parted at the last colon before a blank;
- ``{host}{url}`` are parted at the first slash;
- ``{url}{_dash}`` is a url that may have a dash behind it, if it has no question mark: nginx writes one for ``$args``
  that are not there, and so ``/cart-`` for ``$uri$is_args$args``;
- ``{time}`` before a blank may have the blanks that most ways to write a time have;
- ``{request}``, ``{user_agent}`` and ``{_text}`` before a blank may have blanks: they end where all that follows fits,
  a request behind its ``HTTP/1.1`` if it can; then another field that ends the line has no blanks,
  or is a list. A string has two such at most,
  and with two, lines are short; another field that is needed stands in it once.

A string becomes a regular expression by rewritings, plain data, which Spark applies to the strings that travel with
lines, and :func:`pattern_of` to those of files.
"""

from __future__ import annotations

import re

FIELDS = (
    "client",
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

``client`` is what stands for the client at the beginning of an access line: an address, a list, or both, or a host and
an address; ``date`` and ``clock`` are a time in two parts, in UTC if neither names a zone; ``method``, ``url`` and
``query`` a request in parts; ``response_time`` seconds, ``response_decimal`` seconds only if they have a point, and
the other three what they say; ``encoded_agent`` an agent with ``+`` or ``%20`` for blanks; ``event_id`` what tells the
record from all others.
"""
SKIPPED = ("_", "_text", "_numbers", "_dash", "port", "pad", "rest")
"""What else it can have: fields that nobody needs."""
COMMON = '{client} - {user_id} [{time}] "{request}" {status_code} {bytes}'
NAMED = {"common": COMMON, "combined": f'{COMMON} "{{referrer}}" "{{user_agent}}"'}
"""Strings that have a name, which may stand for them, as ``{combined}``."""
LONGEST_STRING, LONGEST_LINE, LONGEST_OPEN_LINE = 4_096, 16_384, 1_024
"""Characters. Longer lines are read as JSON events or as combined lines, or not at all.

The last is for strings with two fields of which nobody knows where they end: that takes time that grows with the cube.
"""

_NAMES = "|".join((*FIELDS, *SKIPPED))
_OPEN = r"\{(?:request|user_agent|_text)\} (?=\{|\z)"
USABLE = (
    rf"^(?!(?:[\s\S]*?{_OPEN}){{3}})"
    r"(?![\s\S]*?(\{(?!open\}|close\})(?:[a-z]\w*|_dash)\})[\s\S]*?\1)"
    r"(?![\s\S]*?\{ip_address\}:\{port\}[\s\S]*?\{ip_address\}:\{port\})"
    rf"(?=[\s\S]{{1,{LONGEST_STRING}}}\z)"
    rf"(?:[^{{}}\\\x00-\x08\x0a-\x1f]|\{{(?:{_NAMES}|open|close)\}})*+\z"
)
"""A pattern that all strings have that can be rewritten, whoever wrote them."""
IS_OPEN = rf"^(?:[\s\S]*?{_OPEN}){{2}}"
"""A pattern that those strings have that are for lines of ``LONGEST_OPEN_LINE`` at most."""
VARIABLE = r"\{(?!open|close)(\w+)\}"

_LITERAL = r"(?:\\.|[^\\{(])"
_DAY = r"(?:\\d{4}-\\d\\d-\\d\\d|(?:[A-Z][a-z]{2}, )?+\\d\\d?+ [A-Z][a-z]{2} \\d{4})"
_ZONE = r"(?: (?:[+-]\\d\\d:?+\\d\\d|UTC|GMT)(?= ))?+"
REWRITINGS = (
    (r"[\\^$.|?+*()\[\]]", r"\\$0"),
    (r"\{open\}", r"\\x7b"),
    (r"\{close\}", r"\\x7d"),
    (
        r'(?<=")\{(?:_|_text|user_agent|encoded_agent|referrer|request|forwarded_for|user_id|url|query|host)\}(?=")',
        r'((?>[^"\\\\]*)(?:\\\\.(?>[^"\\\\]*))*+)',
    ),
    (r"\{host\}(?=\{url\})", r"((?>[^/\\r\\n]*))"),
    (rf"\{{url\}}(?=\{{_dash\}}(\\x7[bd]|{_LITERAL}))", r"([^$1?\\r\\n]*?(?=-$1)|[^$1\\r\\n]*+)"),
    (r"\{_dash\}", "(-?+)"),
    (r"\{ip_address\}:\{port\}", r"(\\S+):(\\d*+)"),
    (r"\{status_code\}", r"(-?\\d{1,3}+|-)"),
    (r"\{bytes\}", r"(\\d++|-)"),
    (r"\{response_decimal\}", r"(\\d++[.]\\d++)"),
    (r"\{pad\}", "( *+)"),
    (r"\{rest\}", r'((?:(?!\\] ")[^\\r\\n])*+)'),
    (r"\{response_(?:time|ms|us|ns)\}", r"(-?\\d++(?:[.]\\d++)?+|-)"),
    (r"\{_numbers\}", r"((?:-|\\d++(?:[.]\\d++)?+)(?:(?:, ?+| : )(?:-|\\d++(?:[.]\\d++)?+))*+)"),
    (
        r"\{client\}(?= )",
        r"((?>\\S+)(?:(?<=,) \\S++)*+(?: (?=\\[?[0-9A-Fa-f]{0,4}[.:]|unknown,)\\S++(?:(?<=,) \\S++)*+)?+)",
    ),
    (r"\{(?:ip_address|forwarded_for)\}(?= )", r"((?>\\S+)(?:(?<=,) \\S++)*+)"),
    (
        r"\{time\}(?= )",
        rf"(\\d\\d?+/[A-Z][a-z]{{2}}/\\d{{4}}:\\S++ [+-]\\d{{4}}|{_DAY} \\d\\d:\\S++{_ZONE}|\\S++)",
    ),
    (
        r"(\{(?:request|user_agent|_text)\} (?:[{(][\s\S]* )?)\{(?!request|user_agent|_text|rest)[a-z_]\w*\}\z",
        r"$1(\\S*+(?:(?<=,) \\S++)*+)",
    ),
    (r"\{request\}(?= (?:[{(]|\z))", r"(\\S++ \\S++ HTTP/\\d\\S*+|[^\\r\\n]*?)"),
    (r"\{(?:user_agent|_text)\}(?= (?:[{(]|\z))", r"([^\\r\\n]*?)"),
    (rf"\{{[a-z_]\w*\}}((\\x7[bd]|{_LITERAL}){_LITERAL}*+)", r"((?>[^$2\\r\\n]*)(?:(?!$1)$2(?>[^$2\\r\\n]*))*+)$1"),
    (r"\{[a-z_]\w*\}", r"((?>[^\\r\\n]*))"),
)
"""What is replaced, as a pattern, and by what: in Java's syntax, in this order."""
BEGIN, END = "^", r"[ \t\r\n]*+\z"
"""What stands before and behind what becomes of a string."""


def pattern_of(string: str) -> str:
    """Return a regular expression of Java for the lines that a log string describes, with a group for each variable."""
    for pattern, replacement in REWRITINGS:
        string = re.sub(
            pattern.replace(r"\z", r"\Z").replace(")*+", ")*"), _of_python(replacement), string, flags=re.ASCII
        )
    return f"{BEGIN}{string}{END}"


def longest_line(string: str) -> int:
    """Return how many characters a line may have that is read by a string."""
    return LONGEST_OPEN_LINE if re.match(IS_OPEN.replace(r"\z", r"\Z"), string) else LONGEST_LINE


def variables(string: str) -> list[str]:
    """Return the names of the variables of a log string, in their order."""
    return re.findall(VARIABLE, string, re.ASCII)


def _of_python(replacement: str) -> str:
    return re.sub(r"\$(\d)", r"\\g<\1>", replacement)
