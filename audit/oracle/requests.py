"""What a request asks for and does, in plain Python; shares only the rules themselves with ``spark/``."""

from __future__ import annotations

import re
import string

from audit.oracle.texts import percent_decoded, short_key
from lake.contracts import ASSET, OTHER, PROBE
from lake.url_rules import PRODUCT_GROUP, UrlRule, UrlRules

LONGEST_KEY = 256
LONGEST_TARGET = 8192
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([^/?#]*)", re.IGNORECASE | re.ASCII)
UNRESERVED = string.ascii_letters + string.digits + "-._~"
ENCODED = re.compile(r"%([0-9A-Fa-f]{2})", re.ASCII)
PARAMETER = re.compile(r"(?:;[^/?#;=]*|%3bjsessionid)=[^/?#;]*", re.IGNORECASE | re.ASCII)


class Requests:
    """Reads requests by the URL rules."""

    def __init__(self, rules: UrlRules) -> None:
        """Compile the rules."""
        self._rules = [_Rule(rule) for rule in rules.rules]

    def read(self, request: str, status: str | None) -> tuple[str | None, str, str | None]:
        """Return the path, the action and the product id of a request, ``GET /cart HTTP/1.1``, and its answer."""
        method, blank, rest = request.partition(" ")
        asked = rest.split(" HTTP/", 1)[0].strip(" ")
        is_method = "A" <= method[:1] <= "Z" and "\\" not in method
        if not (blank and is_method and asked and not asked.startswith("HTTP/")):
            return ("", OTHER, None) if request.strip(" ") in ("", "-") else (None, PROBE, None)
        origin = None if asked.startswith("/") else ORIGIN.match(asked)
        path = (asked[origin.end() :] if origin else asked) or "/"
        target = one_spelling(path[:LONGEST_TARGET])
        for rule in self._rules:
            match = rule.match(method, status, _host(origin[1]) if origin else "", target)
            if match:
                product = match[PRODUCT_GROUP] if rule.has_product else None
                return path, rule.action, short_key(percent_decoded(product), LONGEST_KEY) or None if product else None
        return path, OTHER, None


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


def _unless_reserved(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if character in UNRESERVED else match[0]


def _host(authority: str) -> str:
    name = authority.rpartition("@")[2] if "@" in authority else authority
    if name.startswith("["):
        return name[: name.find("]") + 1].lower() or ""
    return name.partition(":")[0].lower()


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\(\?<(?=[A-Za-z])", "(?P<", pattern), re.ASCII)
