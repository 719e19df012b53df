"""The address of a client: its one spelling, and every other spelling of it within text."""

from __future__ import annotations

import ipaddress
import re
from itertools import combinations

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_WRAPPED = re.compile(
    r"\[([0-9a-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?|([0-9.]+):\d{1,5}|([0-9a-f:.]*:[0-9a-f:.]*)%\S+", re.ASCII
)


def canonical(text: str) -> str | None:
    """Return an address in its one spelling; None if the text is none.

    The spelling is that of RFC 5952. An IPv4 address within IPv6 (``::ffff:192.0.2.1``) is that IPv4 address. A port,
    brackets and a zone are taken off.
    """
    text = text.strip().lower()
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped:
        text = wrapped[1] or wrapped[2] or wrapped[3]
    try:
        address: Address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return str(address)


def spellings(recorded: str) -> tuple[str, ...]:
    """Return a client as an older version may have it on record, and in its one spelling where that is another."""
    own = canonical(recorded)
    return (recorded,) if own in (None, recorded) else (recorded, str(own))


def address_pattern(client: str) -> str:
    """Return a regular expression (Java's and Python's) for a client wherever it stands alone, however it is spelled.

    ``192.0.2.1`` is not found in ``192.0.2.10``. An address is found in each of its spellings, whatever the spelling
    of ``client``; anything else, such as a host's name, as it is, in small or capital letters.
    """
    own = canonical(client)
    if own is None:
        return f"(?i:(?<![0-9a-z_-])(?<![0-9a-z_][.]){re.escape(client)}(?![0-9a-z_-])(?![.][0-9a-z_]))"
    address = ipaddress.ip_address(own)
    if isinstance(address, ipaddress.IPv4Address):
        return _v4_pattern(address)
    alone = "(?<![0-9a-f:].)"
    branches = _spellings(address)
    first = branches[0][0]
    if any(branch[0] != first or branch[1] == "{" for branch in branches):
        return f"(?i:(?<![0-9a-f:])(?:{'|'.join(branches)})(?![0-9a-f:]))"
    return f"[{first}{first.upper()}](?i:{alone}(?:{'|'.join(branch[1:] for branch in branches)})(?![0-9a-f:]))"


def _v4_pattern(address: ipaddress.IPv4Address) -> str:
    """Return the pattern of an address alone or within IPv6; each branch begins with its first character, for speed."""
    text, number = str(address), int(address)
    bare, end = re.escape(text), r"(?![0-9])(?!\.[0-9])"
    in_hex = f"{_group(number >> 16)}:{_group(number & 0xFFFF)}(?![0-9a-f:])"
    inside = f"ffff:(?:{bare}{end}|{in_hex})"
    alone = f"{text[0]}(?<![0-9].)(?<![0-9][.].){bare[1:]}{end}"
    short = f":(?<![0-9a-fA-F:].):(?i:(?:0{{1,4}}:){{0,4}}{inside})"
    long = f"0(?<![0-9a-fA-F:].)0{{0,3}}:(?i:(?:0{{1,4}}:){{4}}{inside})"
    return f"(?:{alone}|{short}|{long})"


def _group(number: int) -> str:
    """Return a regular expression for a group of an IPv6 address, with or without zeros before it."""
    digits = f"{number:x}"
    return digits if len(digits) == 4 else f"0{{0,{4 - len(digits)}}}{digits}"


def _spellings(address: ipaddress.IPv6Address) -> list[str]:
    """Return a regular expression for each way to leave out groups that are zero."""
    numbers = [int(group, 16) for group in address.exploded.split(":")]
    groups = [_group(number) for number in numbers]
    dotted = ".".join(map(str, address.packed[-4:])).replace(".", "[.]") + r"(?![.]?[0-9])"
    patterns = [":".join(groups), ":".join([*groups[:6], dotted])]
    for first, end in combinations(range(9), 2):
        if not any(numbers[first:end]):
            patterns.append(f"{':'.join(groups[:first])}::{':'.join(groups[end:])}")
            if end <= 6:
                patterns.append(f"{':'.join(groups[:first])}::{':'.join([*groups[end:6], dotted])}")
    return patterns
