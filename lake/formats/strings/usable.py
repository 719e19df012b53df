"""Whether a log string can be used, and what lines of it lack."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from lake.errors import FormatError, shown
from lake.formats.log_string import FIELDS, LONGEST_STRING, USABLE
from lake.formats.strings.parts import RESPONSE, Place, text_of

NUMBERS = ("bytes", "_numbers", *RESPONSE)
"""Names of places that end where their digits end."""
PAIRS = (("host", "url"), ("url", "_dash"))
"""Names of places that may meet."""
WITH_BLANKS = ("request", "user_agent", "_text")
ENDLESS = ("user_agent", "_text")
"""Of these, the ones whose end cannot be told before another: a request ends with its protocol."""
MOST_OPEN = 2
"""So many fields may have blanks in them, and end at one: USABLE has the same number."""


def checked(places: Sequence[str | Place]) -> str:
    """Return the log string of these places, if it can be used.

    Raises:
        FormatError: It cannot; the message says why.
    """
    string = text_of(places)
    names = [place.name for place in places if isinstance(place, Place)]
    _check_characters(string)
    if not ("time" in names or ("date" in names and "clock" in names)):
        raise FormatError(
            f"the log string {shown(string)} has no time; let the server write one, such as $time_iso8601 (nginx), "
            "%t (Apache) or {time}"
        )
    if not ("request" in names or "url" in names):
        raise FormatError(
            f"the log string {shown(string)} has no request and no url; let the server write one, such as $request "
            "(nginx), %r (Apache) or {request}"
        )
    _check_once(string, names)
    _check_ends(string, places)
    _check_open(string, places)
    if not re.search(re.sub(r"\*\+", "*", USABLE).replace(r"\z", r"\Z"), string, re.ASCII):
        raise FormatError(f"the log string {shown(string)} cannot be used; write it in names such as {{time}}")
    return string


def lacks(places: Sequence[str | Place]) -> list[str]:
    """Return sentences about what a usable string does not say of a request, and what follows."""
    names = {place.name for place in places if isinstance(place, Place)}
    no_address = not names & {"ip_address", "client", "forwarded_for"}
    no_method = not names & {"request", "method"}
    no_zone = any(isinstance(place, Place) and place.name == "time" and not place.has_zone for place in places)
    sentences = (
        (no_address, "It has no address of the client: everything counts, for the client `unknown`."),
        ("status_code" not in names, "It has no status: errors cannot be counted."),
        (not names & {"user_agent", "encoded_agent"}, "It has no user agent: bots cannot be told by their agent."),
        (no_method, "It has no method: every request is taken for GET."),
        (no_zone, "Its time names no zone: it is taken for a time in LOG_TIMEZONE."),
        ("time" not in names, "Its time is a date and a clock, which are taken for UTC."),
    )
    return [sentence for is_so, sentence in sentences if is_so]


def _check_characters(string: str) -> None:
    advice = None
    if not string:
        raise FormatError("the log string is empty; paste what stands behind log_format or LogFormat")
    if len(string) > LONGEST_STRING:
        advice = f"is longer than {LONGEST_STRING} characters; shorten it, with {{rest}} at its end"
    elif re.search(r"[\r\n]", string):
        advice = "has a line break; a record must be one line, so let the server write it as one"
    elif "\\" in string:
        advice = "has a backslash; log strings cannot have any, so let the server write something else"
    elif re.search(r"[\x00-\x08\x0b-\x1f]", string):
        advice = "has a control character; of these, log strings can have tabs only"
    if advice:
        raise FormatError(f"the log string {shown(string)} {advice}")


def _check_once(string: str, names: Sequence[str]) -> None:
    twice = next((name for name in FIELDS if names.count(name) > 1), None)
    if twice:
        raise FormatError(f"the log string {shown(string)} has {{{twice}}} twice; write {{_}} for one of them")


def _check_ends(string: str, places: Sequence[str | Place]) -> None:
    """Raise an error if a place does not end anywhere."""
    for index, (first, second) in enumerate(pairwise([*places, ""])):
        if not isinstance(first, Place):
            continue
        after = places[index + 2 : index + 3]
        if second == " " and after and isinstance(after[0], Place) and _are_mixed(first.name, after[0].name):
            raise FormatError(
                f"the log string {shown(string)} has {_named(first)} and {_named(after[0])} with a blank between them, "
                "and both may have blanks: where one ends cannot be told; let the server write quotes around them"
            )
        if first.name == "rest" and second != "":
            raise FormatError(
                f"the log string {shown(string)} goes on behind {{rest}}, which ends the line; take it off"
            )
        if isinstance(second, Place) and not _may_meet(first.name, second.name):
            raise FormatError(
                f"the log string {shown(string)} has {_named(first)} and {_named(second)} with nothing between them: "
                "where one ends cannot be told; let the server write a character between them that neither has"
            )
        if first.name == "_dash" and second == "":
            raise FormatError(
                f"the log string {shown(string)} ends with $is_args and {_named(first)}, which nginx writes as a dash "
                "where there are none; let it write $request_uri instead"
            )


def _are_mixed(first: str, second: str) -> bool:
    """Return whether two places with a blank between them, of which we need one, may have blanks themselves."""
    is_needed = first in FIELDS or second in FIELDS
    return first in ENDLESS and second in (*WITH_BLANKS, "rest") and is_needed


def _may_meet(first: str, second: str) -> bool:
    if first in NUMBERS:
        return second not in (*NUMBERS, "status_code", "port")
    return first in ("status_code", "pad") or (first, second) in PAIRS


def _check_open(string: str, places: Sequence[str | Place]) -> None:
    """Raise an error if too many fields may have blanks and end at one: each takes time with the line's length."""
    opened = []
    for index, place in enumerate(places):
        after = text_of(places[index + 1 : index + 3])
        is_parted = isinstance(place, Place) and place.name == "ip_address" and after == ":{port}"
        is_text = isinstance(place, Place) and place.name in WITH_BLANKS and re.match(r" (?:\{|\Z)", after)
        if isinstance(place, Place) and (is_parted or is_text):
            opened.append(_named(place))
    if len(opened) > MOST_OPEN:
        raise FormatError(
            f"the log string {shown(string)} has {len(opened)} fields that may have blanks in them and end at one, of "
            f"which it can have {MOST_OPEN}: {', '.join(opened)}; let the server write quotes around them"
        )


def _named(place: Place) -> str:
    return place.shown if place.shown == f"{{{place.name}}}" else f"{place.shown} ({{{place.name}}})"
