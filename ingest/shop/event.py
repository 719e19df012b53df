"""The JSON event of the shop, rendered as bytes. Pure: no clock, no I/O."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from functools import lru_cache
from random import Random
from typing import NamedTuple


class Client:
    """One browser, app or bot: its address, user, agent (None where it sends none) and what it truly is.

    ``kind`` is the truth (``human``, ``scraper``, ...). It never enters a record.
    """

    __slots__ = ("agent_json", "ip_address", "kind", "user_agent", "who_json")

    def __init__(self, ip_address: str, user_id: str, user_agent: str | None, kind: str) -> None:
        self.ip_address = ip_address
        self.user_agent = user_agent
        self.kind = kind
        self.who_json = f'"user_id":{json.dumps(user_id)},"ip_address":{json.dumps(ip_address)}'
        self.agent_json = json.dumps(user_agent)


class Deed(NamedTuple):
    """What a client did and how the shop answered.

    Attributes:
        client: who did it.
        action: what it was, as a JSON event says it; empty where no event can.
        product_id: the product, where there is one.
        status_code: HTTP status of the answer.
        response_ms: how long the shop took, milliseconds.
        request: the request line, where the action does not give it; such a deed is always a log line.
        referrer: the page that led here.
        assets: images, styles and scripts that the browser fetches with the page.
    """

    client: Client
    action: str
    product_id: str
    status_code: int
    response_ms: int
    request: str = ""
    referrer: str = "-"
    assets: int = 0


def render(deed: Deed, event_id: str, epoch_ms: int) -> bytes:
    """Return the event as one JSON object in UTF-8; ``epoch_ms`` is when it happened, in milliseconds since 1970.

    Written with an f-string because ``json.dumps`` of the whole event costs three times as much. What needs
    escaping was escaped once, when the client was made; actions and product ids are the shop's own, plain ASCII.
    """
    client, action, product_id, status_code, response_ms, _, _, _ = deed
    return (
        f'{{"event_id":"{event_id}","timestamp":"{iso(epoch_ms)}",{client.who_json},"action":"{action}",'
        f'"product_id":"{product_id}","user_agent":{client.agent_json},'
        f'"response_time":{response_ms / 1000},"status_code":{status_code}}}'
    ).encode()


def iso(epoch_ms: int) -> str:
    """Return milliseconds since 1970 as ISO 8601 in UTC, with milliseconds: ``2026-01-01T12:00:00.000Z``."""
    seconds, milliseconds = divmod(epoch_ms, 1000)
    return f"{_iso_second(seconds)}.{milliseconds:03d}Z"


def new_id(rng: Random) -> str:
    """Return an id of the form of a UUID 4, drawn from ``rng``."""
    digits = f"{rng.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


@lru_cache(maxsize=1024)
def _iso_second(epoch_seconds: int) -> str:
    return datetime.fromtimestamp(epoch_seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
