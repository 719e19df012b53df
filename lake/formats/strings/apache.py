"""Log strings of Apache, and of those that write theirs alike: lighttpd, Tomcat and Jetty."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import unescape

from lake.errors import FormatError, shown
from lake.formats.log_string import NAMED
from lake.formats.strings.parts import (
    ADDRESS_FIRST,
    ADDRESS_IN_HEADER,
    ADDRESS_IN_LIST,
    PATH,
    WHOLE_URL,
    Part,
    Variable,
)
from lake.formats.strings.time_patterns import CLOCK, DATE, ZONE, has_zone, is_time, sample

DIRECTIVE = r"%(?:%|[!<>\d,]*(?:\{([^}]*)\})?[!<>\d,]*(\^[A-Za-z]{2}|[A-Za-z]))"
SETTING = r"^[^\S\n]*(?:LogFormat\s|CustomLog\s+(?:\"[^\"]*\"|\S+)\s+(?=[\"'])|accesslog\.format\s*=)\s*"
"""What stands before a string in httpd.conf and in lighttpd.conf."""
JAVA_SETTING = r"(?:\bpattern|\b[\w.]*formatString)\s*(?:=|:(?=\s))\s*"
"""What stands before a string in Tomcat's server.xml, and in the settings of Spring Boot and Jetty."""
ENTITY = r"&(?:quot|apos|lt|gt|amp|#\d+);"
PIECE = r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|(\S.*))"""

RANKS: Mapping[str, Mapping[str, int]] = {
    "a": {"ip_address": ADDRESS_FIRST},
    "h": {"ip_address": 1},
    "u": {"user_id": 0},
    "r": {"request": 0},
    "m": {"method": 0},
    "U": {"url": PATH},
    "q": {"query": 0},
    ">s": {"status_code": 0},
    "s": {"status_code": 1},
    "b": {"bytes": 0},
    "B": {"bytes": 0},
    "O": {"bytes": 1},
    "V": {"host": 1},
    "v": {"host": 2},
    "T": {"response_time": 2},
    "D": {"response_us": 0},
}
"""Directive -> the fields that it can be, with its rank among the directives that can be the same."""
WITH_ARGUMENT: Mapping[tuple[str, str], Mapping[str, int]] = {
    ("c", "a"): {"ip_address": 2},
    ("c", "h"): {"ip_address": 2},
    ("peer", "a"): {"ip_address": 2},
    ("remote", "a"): {"ip_address": ADDRESS_FIRST},
    ("client", "a"): {"ip_address": ADDRESS_FIRST},
    ("d", "u"): {"user_id": 0},
    ("with query", "U"): {"url": WHOLE_URL},
    ("s", "T"): {"response_time": 2},
    ("ms", "T"): {"response_ms": 1},
    ("us", "T"): {"response_us": 0},
}
HEADERS: Mapping[str, Mapping[str, int]] = {
    "referer": {"referrer": 0},
    "user-agent": {"user_agent": 0},
    "host": {"host": 0},
    "x-forwarded-host": {"host": 3},
    "x-forwarded-for": {"forwarded_for": 0, "ip_address": ADDRESS_IN_LIST},
    "x-real-ip": {"ip_address": ADDRESS_IN_HEADER},
    "cf-connecting-ip": {"ip_address": ADDRESS_IN_HEADER},
    "true-client-ip": {"ip_address": ADDRESS_IN_HEADER},
    "x-client-ip": {"ip_address": ADDRESS_IN_HEADER},
}
TEXT_HEADERS = (
    r"cookie|user-agent|x-forwarded-for|accept.*|via|forwarded|content-type|cache-control|set-cookie|.*date.*"
)
"""Headers that can have blanks."""
SKIPPED = {*"AcCefHiIklLnopPRSsTUXtx", "F", "K", "w", "W", "^FU", "^FB", "^ti", "^to"}
"""Directives that nobody needs; those that also have ranks have them without an argument, or with another one."""
NAMED_ONLY = ("c", "e", "i", "n", "o", "x", "^ti", "^to")
"""Directives that need an argument."""
SOURCES = "aAhpu"
"""Directives with an argument that says whose it is."""


@dataclass(frozen=True)
class _Time:
    """A directive of a time, which may be a part of one, and what it writes."""

    sample: str
    shown: str


def apache_parts(pasted: str, tomcat: bool | None = None) -> list[Part]:
    """Return the parts of a string of Apache's kind, which may stand in its setting.

    Args:
        pasted: The string.
        tomcat: Whether it is Tomcat's; None for what it looks like.
    """
    string, is_java = string_of(pasted)
    if string.strip() in NAMED:
        string = '%h %l %u %t "%r" %>s %b' + ' "%{Referer}i" "%{User-Agent}i"' * (string.strip() == "combined")
    is_jetty = re.search(r"%\{client\}a|%\{[^}]*\|[^}]*\}t", string) is not None or "formatString" in pasted
    is_tomcat = (is_java and not is_jetty) if tomcat is None else tomcat
    parts: list[Part | _Time] = []
    end = 0
    for match in re.finditer(DIRECTIVE, simplified(string), re.ASCII):
        parts.append(_text(match.string[end : match.start()]))
        end = match.end()
        parts.extend(["%"] if match[0] == "%%" else _read(match, is_tomcat, is_jetty))
    return _with_times([*parts, _text(simplified(string)[end:])])


def string_of(pasted: str) -> tuple[str, bool]:
    """Return the string itself, and whether it is one of a server in Java by its setting or its quotes."""
    pasted = re.sub(r"\\\r?\n", "", pasted)
    java = re.search(JAVA_SETTING, pasted)
    is_java = java is not None or re.search(ENTITY, pasted) is not None
    setting = java or re.search(SETTING, pasted, re.MULTILINE | re.IGNORECASE)
    body = pasted[setting.end() :] if setting else pasted
    piece = re.match(PIECE if setting else PIECE + r"\s*\Z", body, re.DOTALL if not setting else 0)
    if piece and (setting or piece[3] is None):
        body = next((text for text in piece.groups() if text is not None), "")
    return re.sub(r"\\(.)", _unescaped, unescape(body) if is_java else body), is_java


def simplified(string: str) -> str:
    """Return the string with one directive for some that together are one thing."""
    string = re.sub(r"https?://%(?:v|V|\{[Hh]ost\}i)(?::%p)?(?=%U)", "", string)  # the url then begins with them
    string = re.sub("%m %U(?:%q)? %H", "%r", string) if "%q" not in string.replace("%U%q", "") else string
    return string.replace("%U%q", "%{with query}U")


def _unescaped(match: re.Match[str]) -> str:
    return {"t": "\t", "n": "\n", "r": "\r", '"': '"', "'": "'", "\\": "\\"}.get(match[1], match[0])


def _text(text: str) -> str:
    if "%" in text:
        raise FormatError(
            f"the log string has {shown(text[text.index('%') :])}, which is no directive of Apache's; "
            "write %% for a percent sign, or correct it"
        )
    return text


def _read(match: re.Match[str], is_tomcat: bool, is_jetty: bool) -> list[Part | _Time]:
    """Return what a directive is, with the brackets that it writes itself."""
    argument, letter = match[1], match[2]
    if letter == "t" and argument:
        pattern = argument.split("|")[0]
        return ["[", _Time(sample(pattern), match[0]), "]"] if is_jetty else _bracketed(sample(pattern), match[0])
    if letter == "t":
        return ["[", _Time("01/Mar/2026:04:05:07 +0100", match[0]), "]"]
    return [_variable(match, argument, letter, is_tomcat)]


def _bracketed(written: str, directive: str) -> list[Part | _Time]:
    """Return a time with what its own pattern has around it."""
    inner = re.fullmatch(r"([\[(\"']*)(.*?)([\])\"']*)", written, re.DOTALL)
    assert inner
    return [inner[1], _Time(inner[2], directive), inner[3]]


def _variable(match: re.Match[str], argument: str | None, letter: str, is_tomcat: bool) -> Variable:
    directive, lowered = match[0], (argument or "").lower()
    if letter == "i" and argument:
        return Variable(directive, HEADERS.get(lowered, {}), _otherwise(lowered))
    if letter == "D" and is_tomcat:
        return Variable(directive, {"response_ms": 0})
    if argument:
        ranks = WITH_ARGUMENT.get((argument, letter), {})
        is_known = letter in SKIPPED or letter in SOURCES
    else:
        after = letter == "s" and ">" in directive
        ranks = RANKS.get(">s" if after else letter, {})
        is_known = letter in RANKS or (letter in SKIPPED and letter not in NAMED_ONLY)
    if not is_known:
        raise FormatError(
            f"the log string has the directive {shown(directive)}, which is unknown; "
            "correct it, or write the string in names such as {time}, with {_} for what is not needed"
        )
    if letter == "p":
        return Variable(directive, otherwise="port")
    is_text = letter == "r" or (letter == "C" and not argument) or (letter in "oi" and _otherwise(lowered) == "_text")
    return Variable(directive, ranks, "_text" if is_text else "_")


def _otherwise(header: str) -> str:
    return "_text" if re.fullmatch(TEXT_HEADERS, header) else "_"


def _with_times(parts: Sequence[Part | _Time]) -> list[Part]:
    """Return the parts with one variable for those directives that together are a time."""
    parts = _with_zones([part for part in parts if part != ""])
    times = [index for index, part in enumerate(parts) if isinstance(part, _Time)]
    whole: list[Part] = []
    index = 0
    while index < len(parts):
        part = parts[index]
        if isinstance(part, _Time):
            ends = (end for end in reversed(times) if end >= index and is_time(_written(parts[index : end + 1])))
            end = next(ends, index)
            whole.append(_time(parts[index : end + 1]))
            index = end
        else:
            whole.append(part)
        index += 1
    names = {name for part in whole if isinstance(part, Variable) for name in part.ranks}
    if times and "time" not in names and not {"date", "clock"} <= names:
        run = parts[times[0] : times[-1] + 1]
        raise FormatError(
            f"the log string has the time {shown(_shown(run))}, which is written as {shown(_written(run))}; Weblake "
            "reads no such times: write %t, or %{%Y-%m-%dT%H:%M:%S%z}t"
        )
    return whole


def _with_zones(parts: Sequence[Part | _Time]) -> list[Part | _Time]:
    """Return the parts with a zone that a text has behind a time apart from that text."""
    apart: list[Part | _Time] = []
    for part in parts:
        zone = re.match(rf"{ZONE}(?![\w:])", part) if isinstance(part, str) and apart else None
        if zone and isinstance(apart[-1], _Time):
            apart += [_Time(zone[0], zone[0]), zone.string[zone.end() :]]
        else:
            apart.append(part)
    return apart


def _written(parts: Sequence[Part | _Time]) -> str:
    """Return what is written in the place of a run of parts; no time if a variable is among them that is none."""
    return "".join(part if isinstance(part, str) else getattr(part, "sample", "?") for part in parts)


def _shown(parts: Sequence[Part | _Time]) -> str:
    return "".join(part if isinstance(part, str) else part.shown for part in parts)


def _time(parts: Sequence[Part | _Time]) -> Part:
    written, names = _written(parts), _shown(parts)
    if written == names:
        return names
    otherwise = "_text" if " " in written else "_"
    if is_time(written):
        return Variable(names, {"time": 0}, otherwise, has_zone(written))
    for name, pattern in (("date", DATE), ("clock", CLOCK)):
        if re.fullmatch(pattern, written):
            return Variable(names, {name: 0}, otherwise, has_zone=False)
    return Variable(names, otherwise=otherwise)
