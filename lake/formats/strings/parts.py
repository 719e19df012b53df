"""The parts of a server's log string: texts, and variables of which some become our fields.

A server can write the same thing twice, as a time of its own and of the server behind it. Each of our fields is the
variable that knows it best, and the others are skipped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from lake.formats.log_string import FIELDS

RESPONSE = tuple(name for name in FIELDS if name.startswith("response_"))
GROUPS = (*((name,) for name in FIELDS if name not in RESPONSE), RESPONSE)
"""Fields of which a string needs one, in the order in which they choose their variables."""
ADDRESS_FIRST, ADDRESS_IN_HEADER, ADDRESS_IN_LIST = 0, 3, 4
"""Ranks of variables that may be the client's address: a list of forwarded-for only where there is no other."""
WHOLE_URL, PATH = 0, 1
"""Ranks of a url with its query, and of one without."""
REPLACED = {"request": ("method", "url", "query"), "time": ("date", "clock")}
"""A field -> the fields that nobody needs beside it."""


@dataclass(frozen=True)
class Variable:
    """A variable of a server's."""

    shown: str
    """As the server calls it."""
    ranks: Mapping[str, int] = field(default_factory=dict)
    """The fields of ours that it can be -> its rank among the variables that can be this field; the lowest is best."""
    otherwise: str = "_"
    """What it is if it is none of them."""
    has_zone: bool = True
    """Whether it says its time zone, if it is a time."""


Part = str | Variable


@dataclass(frozen=True)
class Place:
    """A variable by the name that a log string has for it."""

    name: str
    shown: str
    has_zone: bool = True


def placed(parts: Sequence[Part]) -> list[str | Place]:
    """Return the parts of a log string in our own names: texts and places in turns, with no blanks at both ends."""
    names = _chosen(parts)
    places = [
        part if isinstance(part, str) else Place(names.get(index, part.otherwise), part.shown, part.has_zone)
        for index, part in enumerate(parts)
    ]
    return _settled(_trimmed(_joined(places)))


def shortened(places: Sequence[str | Place]) -> list[str | Place]:
    """Return the places with ``{rest}`` for all that follows the last field, if that can be."""
    last = max(
        (index for index, place in enumerate(places) if isinstance(place, Place) and place.name in FIELDS), default=0
    )
    head, tail = list(places[: last + 2]), places[last + 2 :]
    is_bounded = isinstance(head[-1], str) and any(isinstance(place, Place) for place in tail)
    if not is_bounded or any(isinstance(place, str) and '] "' in place for place in (head[-1], *tail)):
        return list(places)
    return [*head, Place("rest", "the rest")]


def text_of(places: Sequence[str | Place]) -> str:
    """Return the log string of these places."""
    return "".join(escaped(place) if isinstance(place, str) else f"{{{place.name}}}" for place in places)


def escaped(text: str) -> str:
    """Return a text as a log string has it."""
    return "".join({"{": "{open}", "}": "{close}"}.get(character, character) for character in text)


def _chosen(parts: Sequence[Part]) -> dict[int, str]:
    """Return the fields that variables become, by the positions of these.

    A host that meets the url must be the one that is known by its name.
    """
    names: dict[int, str] = {}
    needless: set[str] = set()
    for group in GROUPS:
        candidates = [
            (-1 if name == "host" and names.get(index + 1) == "url" else rank, index, name)
            for index, part in enumerate(parts)
            if isinstance(part, Variable) and index not in names
            for name, rank in part.ranks.items()
            if name in group and name not in needless
        ]
        if candidates:
            rank, index, name = min(candidates)
            names[index] = name
            needless.update(REPLACED.get(name, ("query",) if (name, rank) == ("url", WHOLE_URL) else ()))
    return names


def _joined(places: Sequence[str | Place]) -> list[str | Place]:
    """Return the places with texts that meet made one, and with skipped places that meet made one."""
    joined: list[str | Place] = []
    for place in places:
        before = joined[-1] if joined else None
        if isinstance(place, str):
            if isinstance(before, str):
                joined[-1] = before + place
            elif place:
                joined.append(place)
        elif isinstance(before, Place) and _is_one(before, place):
            joined[-1] = replace(before, name="_", shown=f"{before.shown}{place.shown}")
        else:
            joined.append(place)
    return joined


def _is_one(first: Place, second: Place) -> bool:
    """Return whether nobody needs to know where the first ends: a host counts only with the url behind it."""
    skipped = ("_", "_text", "port", "_numbers")
    return first.name in (*skipped, "host") and second.name in (*skipped, "_dash")


def _trimmed(places: list[str | Place]) -> list[str | Place]:
    """Return the places without blanks at both ends, which lines lose, too."""
    if places and isinstance(places[0], str):
        places[0] = places[0].lstrip()
    if places and isinstance(places[-1], str):
        places[-1] = places[-1].rstrip()
    return [place for place in places if place != ""]


def _settled(places: Sequence[str | Place]) -> list[str | Place]:
    """Return the places with a port only behind what has one, and a text only where blanks in it matter."""
    settled = list(places)
    for index, place in enumerate(places):
        if not isinstance(place, Place):
            continue
        named = [getattr(before, "name", before) for before in places[max(index - 2, 0) : index]]
        has_address = named in (["ip_address", ":"], ["host", ":"])
        is_text = index + 1 == len(places) or places[index + 1] == " "
        if (place.name == "port" and not has_address) or (place.name == "_text" and not is_text):
            settled[index] = replace(place, name="_")
    return settled
