"""Who the client of a record is, in plain Python; shares no code with ``spark/``, only what the setting names.

Addresses are objects of Python's library; text is what is no address.
"""

from __future__ import annotations

import ipaddress
import re

from lake.contracts import ERASED
from lake.proxies import Proxies

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Hop = Address | str
UNREADABLE = "?"
PART = re.compile(r"\d{1,3}|[x*]{1,3}", re.ASCII)
GROUP = re.compile(r"[0-9a-f]{0,4}|[x*]{1,4}")
LABEL = re.compile(r"[a-z0-9_-]+")
SOCKET = "unix:"
UNIX_AND_OWN = (SOCKET, "localhost")


def client_of(text: str | None, forwarded_for: str | None, proxies: Proxies) -> str | None:
    """Return the client as bronze has it.

    Args:
        text: What the record has for the client: an address, a list of them, or one, a blank and a list.
        forwarded_for: A list that stands elsewhere in the record.
        proxies: Whom to believe.
    """
    text = (text or "").strip(" ").lower()
    first, blank, rest = text.partition(" ")
    listed = [] if forwarded_for is None else forwarded_for.lower().split(",")
    hops = [_hop(one) for one in listed]
    if blank and "," not in first:
        hops += [_hop(one) for one in rest.split(",")]
        connecting = _hop(first)
        hops += [] if connecting in (UNREADABLE, "") else [connecting]
    elif "," in text:
        hops += [_hop(one) for one in text.split(",")]
    else:
        hops.append(_name(text) or _hop(text))
    client: Hop = ""
    for hop in reversed([hop for hop in hops if hop is not None]):
        if hop == UNREADABLE:
            break
        client = hop
        if not _is_trusted(hop, proxies):
            break
    return None if client in ("", SOCKET) else str(client)


def _hop(text: str) -> Hop | None:
    """Return an address, an anonymised one, an empty text if it is secret, None if it says nothing, or UNREADABLE."""
    text = text.strip(" ")
    if text in ("", "-"):
        return None
    if text == "unknown" or text.startswith("_"):
        return ""
    if text.startswith(SOCKET):
        return SOCKET
    if re.fullmatch(rf"\[?{ERASED}\]?(:\d{{1,5}}|%\S+)?", text, re.ASCII):
        return ERASED
    address = _address(text)
    if address is None and _is_anonymised(text):
        return text
    return UNREADABLE if address is None else address


def _address(text: str) -> Address | None:
    if text.startswith("[") and "]" in text:
        inside, _, behind = text[1:].partition("]")
        if behind and not re.fullmatch(r":\d{1,5}", behind, re.ASCII):
            return None
        text = inside.partition("%")[0]
        if ":" not in text and not re.fullmatch(r"[0-9.]+", text):
            return None
    elif text.count(":") == 1 and re.fullmatch(r"[0-9.]+:\d{1,5}", text, re.ASCII):
        text = text.partition(":")[0]
    elif ":" in text.partition("%")[0] and re.fullmatch(r"[^%]*%\S+", text, re.ASCII):
        text = text.partition("%")[0]
    if "%" in text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _is_anonymised(text: str) -> bool:
    if "x" not in text and "*" not in text:
        return False
    if ":" not in text:
        parts = text.split(".")
        return len(parts) == 4 and all(PART.fullmatch(part) for part in parts)
    return len(text) <= 39 and 2 <= text.count(":") <= 7 and all(GROUP.fullmatch(part) for part in text.split(":"))


def _name(text: str) -> str | None:
    """Return the name of a host, where no list is."""
    if len(text) > 254 or text == "unknown" or _address(text) is not None:
        return None
    name = text.removesuffix(".")
    labels = name.split(".")
    is_name = all(LABEL.fullmatch(label) for label in labels) and name[0] not in "-_"
    is_number = labels[-1].isdigit() or (len(labels) > 1 and labels[-1][:1].isdigit())
    return name if is_name and not is_number else None


def _is_trusted(hop: Hop, proxies: Proxies) -> bool:
    if isinstance(hop, str):
        return hop == ERASED or (proxies.are_local and hop in UNIX_AND_OWN)
    return any(hop in network for network in proxies.networks)
