"""Log strings as people paste them: from nginx.conf, httpd.conf, lighttpd.conf, Tomcat, Jetty, or in our own names.

Each becomes a string in our own names, which ``lake/formats/log_string.py`` describes.
"""

from __future__ import annotations

import re
from difflib import get_close_matches

from lake.errors import FormatError, shown
from lake.formats.log_string import FIELDS, NAMED, SKIPPED
from lake.formats.strings.apache import DIRECTIVE, ENTITY, JAVA_SETTING, SETTING, apache_parts
from lake.formats.strings.nginx import nginx_parts
from lake.formats.strings.parts import Place, placed, shortened
from lake.formats.strings.usable import checked, lacks

OWN = r"(?<![%$])\{([A-Za-z_]\w*)\}"
NGINX, NGINX_SETTING = r"\$\{?[A-Za-z_]", r"\blog_format\s"
HOST_WITH_PORT = r"(\$\{?(?:host|http_host|server_name)\}?):\$\{?server_port\b\}?|(%[vV]|%\{[Hh]ost\}i):%p"
"""A host and its port, which are one name: where the host is an address of IPv6, it has colons of its own."""
KUBERNETES = r"\s*(?:[\w-]+\.kubernetes\.io/)?log-format-upstream:\s*"
"""What stands before a string of nginx in the settings of its ingress controller."""


def log_string(pasted: str, tomcat: bool | None = None) -> str:
    """Return the log string in our own names that a pasted one means.

    Args:
        pasted: The string, with or without the setting, the name and the quotes around it.
        tomcat: Whether it is Tomcat's, whose ``%D`` is in milliseconds; None for what it looks like.

    Raises:
        FormatError: No lines could be read by it; the message says why.
    """
    return checked(_places(pasted, tomcat))


def notes(pasted: str, tomcat: bool | None = None) -> list[str]:
    """Return sentences about what a usable string does not say of a request, and what follows.

    Whether times name their zone shows in what was pasted, but no longer in our own names.

    Raises:
        FormatError: The string cannot be used.
    """
    places = _places(pasted, tomcat)
    milliseconds = next((place for place in places if getattr(place, "name", "") == "response_ms"), None)
    notes = lacks(places)
    if isinstance(milliseconds, Place) and milliseconds.shown.endswith("D"):
        notes.append(
            "Its `%D` is taken for milliseconds, as Tomcat writes it up to version 9; later ones write microseconds: "
            "let them write `%{ms}T`."
        )
    return notes


def _places(pasted: str, tomcat: bool | None) -> list[str | Place]:
    """Return the places of a pasted string, usable ones if possible."""
    is_setting = re.search("log_?format", pasted, re.IGNORECASE)
    text = (_without_comments(pasted) if is_setting else pasted).strip()
    if not text:
        raise FormatError("the log string is empty; paste what stands behind log_format or LogFormat")
    places = _read(text, tomcat)
    if not any(isinstance(place, Place) for place in places):
        raise FormatError(
            f"{shown(text)} has no variables; paste what stands behind log_format (nginx), LogFormat (Apache) or "
            "pattern (Tomcat), or write names such as {time} and {request}"
        )
    try:
        checked(places)
    except FormatError:
        shorter = shortened(places)
        try:
            checked(shorter)
        except FormatError:
            return places
        return shorter
    return places


def _read(text: str, tomcat: bool | None) -> list[str | Place]:
    text = re.sub(HOST_WITH_PORT, r"\1\2", text)
    if text in NAMED:
        return _own(f"{{{text}}}")
    settings = re.findall(f"{NGINX_SETTING}|{SETTING}", text, re.MULTILINE | re.IGNORECASE)
    if len(settings) > 1:
        raise FormatError(f"{shown(text)} has {len(settings)} log strings; paste one of them")
    names = {name for name in re.findall(OWN, text) if name in (*FIELDS, *SKIPPED, *NAMED)}
    if re.search(NGINX_SETTING, text):
        return placed(nginx_parts(text))
    if re.search(f"{SETTING}|{JAVA_SETTING}|{ENTITY}", text, re.MULTILINE | re.IGNORECASE) and not names:
        return placed(apache_parts(text, tomcat))
    of_nginx, of_apache = (len(re.findall(pattern, text, re.ASCII)) for pattern in (NGINX, DIRECTIVE))
    if of_nginx > max(len(names), of_apache):
        return placed(nginx_parts(re.sub(KUBERNETES, "", text)))
    if of_apache > len(names):
        return placed(apache_parts(text, tomcat))
    return _own(text)


def _own(text: str) -> list[str | Place]:
    """Return the places of a string in our own names."""
    if re.fullmatch("'[^']*'", text):
        text = text[1:-1]
    for name, string in NAMED.items():
        text = text.replace(f"{{{name}}}", string)
    known = (*FIELDS, *SKIPPED)
    places: list[str | Place] = []
    for literal, name in re.findall(r"([^{]+|\{(?!\w+\}))|\{(\w+)\}", text):
        if name in ("open", "close"):
            places.append("{" if name == "open" else "}")
        elif not name and re.search("[{}]", literal):
            raise FormatError(f"the log string {shown(text)} has a brace; write {{open}} for one, and {{close}}")
        elif name and name not in known:
            like = get_close_matches(name, known, 1) or ["_"]
            raise FormatError(f"the log string {shown(text)} has the unknown name {{{name}}}; write {{{like[0]}}}?")
        else:
            places.append(Place(name, f"{{{name}}}") if name else literal)
    return places


def _without_comments(text: str) -> str:
    """Return a setting without comments; if it is all comment, as in nginx's own nginx.conf, without their signs."""
    lines = text.splitlines()
    rest = [line for line in lines if not re.match(r"\s*#", line)]
    return "\n".join(rest if "".join(rest).strip() else (re.sub(r"^\s*#+", "", line) for line in lines))
