"""Lines in the common and the combined format, taken apart in plain Python; shares no code with ``spark/``."""

from __future__ import annotations

import re

TEXT = r'"([^"\\]*(?:\\[^\n\r\x85\u2028\u2029][^"\\]*)*)"'
LIST = re.compile(r"\S+(?:(?<=,) \S+)*", re.ASCII)
SECOND_LIST = re.compile(rf" (?=\[?[0-9A-Fa-f]{{0,4}}[.:]|unknown,){LIST.pattern}", re.ASCII)
COMMON = rf" (\S+) ([^\[\r\n]*)\[([^\]\r\n]+)\] {TEXT} (\d{{3}}) (\d+|-)"
FORWARDED = r'(?: "([^"]*)")?[ \t\r\n]*'
RELAYED = re.compile(r"[0-9:] - ")
LOG = re.compile(rf"{COMMON}(?: {TEXT} {TEXT})?{FORWARDED}", re.ASCII)
BARE = re.compile(rf'{COMMON} {TEXT} "([^\r\n]*?)"{FORWARDED}', re.ASCII)
MORE = re.compile(r'(?<!\\)"(?: (?:-|[\d.]+))+ "[^"\r\n]*"[ \t\r\n]*\Z|[ "][a-z_]+="[^"\r\n]*"[ \t\r\n]*\Z', re.ASCII)
"""Numbers and a last field behind an agent, or a last field with its name."""
NO_CLIENT = re.compile(
    r'"|<\d'  # a line in quotes; the priority of syslog
    r"|\d{4}-\d\d-\d\dT|[A-Z][a-z]{2} [ \d]\d \d\d:"  # a time
    r"|\S+ [^\s:\[\]]+(?:\[[^\s\]]*\])?: ",  # a host that relays the lines of a program
    re.ASCII,
)
"""How no line begins that begins with its client: a relay or a collector has put it before one."""


def split_line(text: str) -> tuple[str, re.Match[str] | None]:
    """Return what a line has for its client, one or two lists, and all else of it; None where it is no such line."""
    first = LIST.match(text)
    if first is None or NO_CLIENT.match(text):
        return "", None
    second = SECOND_LIST.match(text, first.end())
    for end in (second.end() if second else first.end(), first.end()):
        rest = LOG.fullmatch(text, end) or BARE.fullmatch(text, end)
        if rest and not (rest.re is BARE and _is_more(text[rest.start(8) :])) and not _is_relayed(rest):
            return text[:end], rest
    return "", None


def _is_relayed(line: re.Match[str]) -> bool:
    """Say whether a relay has put something before the whole line, which is then not the client."""
    identity, user, stamp = line.groups()[:3]
    before_quotes = f"{identity} {user}[{stamp}] ".partition('"')[0]
    return identity != "-" and RELAYED.search(before_quotes) is not None


def _is_more(rest: str) -> bool:
    """Say whether behind the quote of an agent there is another line, or more than an agent and a forwarded-for."""
    return '] "' in rest or rest.count('" "') > 1 or MORE.search(rest) is not None
