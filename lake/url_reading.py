"""What a request asks for and does by the URL rules, in plain Python: for the audit's oracle, and for looks at a log.

The stream has expressions of its own for the same, in ``spark/events``. It must not use this, by which it is checked.
"""

from __future__ import annotations

import hashlib
import re
import string
from typing import NamedTuple
from urllib.parse import unquote

from lake.contracts import ASSET, OTHER, PROBE
from lake.url_rules import PRODUCT_GROUP, PYTHON_FLAGS, UrlRule, UrlRules, as_python

LONGEST_KEY = 256
LONGEST_TARGET = 8192
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*)", re.IGNORECASE | re.ASCII)
UNRESERVED = string.ascii_letters + string.digits + "-._~"
ENCODED = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
PARAMETER = re.compile(r"(?:;[^/?#;=]*|%3bjsessionid)=[^/?#;]*", re.IGNORECASE | re.ASCII)
MALFORMED = re.compile(r"%(?![0-9A-Fa-f]{2})", re.ASCII)


class Asked(NamedTuple):
    """What a request asks for, its path and query as they were sent, and what it does.

    ``rule`` is the number of the rule that says so, from 0. ``path`` is None for what is no request. ``host`` is that
    of a request for a whole URL.
    """

    path: str | None
    action: str
    product_id: str | None = None
    rule: int | None = None
    host: str | None = None


class UrlReader:
    """Reads requests by the URL rules."""

    def __init__(self, rules: UrlRules) -> None:
        """Compile the rules."""
        self._rules = [_Rule(rule) for rule in rules.rules]

    def read(self, request: str, status: str | None) -> Asked:
        """Return what a request, ``GET /cart HTTP/1.1``, asks for and does, given the status of its answer."""
        method, blank, rest = request.partition(" ")
        asked = rest.split(" HTTP/", 1)[0].strip(" ")
        is_method = "A" <= method[:1] <= "Z" and "\\" not in method
        if not (blank and is_method and asked and not asked.startswith("HTTP/")):
            return Asked("", OTHER) if request.strip(" ") in ("", "-") else Asked(None, PROBE)
        origin = None if asked.startswith("/") else ORIGIN.match(asked)
        path = (asked[origin.end() :] if origin else asked) or "/"
        target, host = one_spelling(path[:LONGEST_TARGET]), _host(origin[1]) if origin else ""
        for number, rule in enumerate(self._rules):
            match = rule.match(method, status, host, target)
            if match:
                text = match[PRODUCT_GROUP] if rule.has_product else None
                product = short_key(percent_decoded(text), LONGEST_KEY) or None if text else None
                return Asked(path, rule.action, product, number, host or None)
        return Asked(path, OTHER, host=host or None)


class _Rule:
    def __init__(self, rule: UrlRule) -> None:
        self.action = rule.action
        self._rule = rule
        self._pattern = _compiled(rule.pattern)
        self._host = _compiled(rule.host or "")
        self._query = _compiled(rule.query or "")
        self.has_product = rule.action != ASSET and PRODUCT_GROUP in self._pattern.groupindex

    def match(self, method: str, status: str | None, host: str, target: str) -> re.Match[str] | None:
        """Return where the pattern is in the target, if all else that the rule asks for is so too."""
        wanted = self._rule.statuses
        is_asked = (
            (not self._rule.methods or method in self._rule.methods)
            and (not wanted or status is None or status in wanted or f"{status[:1]}xx" in wanted)
            and (not self._rule.host or self._host.search(host))
            and (not self._rule.query or self._query.search(target.partition("?")[2]))
        )
        return self._pattern.search(target) if is_asked else None


def one_spelling(path: str) -> str:
    """Return a path with its query as the rules see it."""
    text = re.sub(r"\\x([0-9A-Fa-f]{2})", r"%\1", path).replace('\\"', "%22").replace(" ", "%20")
    text = ENCODED.sub(_unless_reserved, text)
    way, mark, query = text.partition("?")
    if re.search(r"[%\\; +]|//|/\./", path):
        way = PARAMETER.sub("", way)
        while "/./" in way:
            way = way.replace("/./", "/")
        while "//" in way:
            way = way.replace("//", "/")
    return way + mark + query.replace("+", "%20")


def percent_decoded(text: str) -> str:
    """Return a text with its percent-encoded bytes as characters; U+FFFD for bytes that are none, and for NUL."""
    if "%" not in text:
        return text
    return unquote(MALFORMED.sub("%25", text), errors="replace").replace("\0", "\ufffd")


def short_key(text: str, longest: int) -> str:
    """Return a key that is no longer than so many characters; the end of a longer one is a hash of all of it."""
    if len(text) <= longest:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return f"{text[: longest - 17]}~{digest}"


def _unless_reserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in UNRESERVED else match[0]


def _host(authority: str) -> str:
    name = authority.rpartition("@")[2] if "@" in authority else authority
    if name.startswith("["):
        return name[: name.find("]") + 1].lower() or ""
    return name.partition(":")[0].lower()


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(as_python(pattern), PYTHON_FLAGS)
