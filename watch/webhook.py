"""Webhooks: a message as JSON, with an id and a signature as https://www.standardwebhooks.com has them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from lake.errors import ServiceError
from watch.alerts import Message

TIMEOUT_SECONDS = 15


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nobody: elsewhere the message would go to somebody else, or get lost as a GET."""

    def redirect_request(self, *_: Any) -> None:
        """Refuse, so that urllib raises the answer as an error."""


@dataclass(frozen=True)
class Webhook:
    """One address that takes JSON by POST, and the secret by which it knows that we sent it; empty for none."""

    address: str
    secret: str

    def send(self, message: Message) -> None:
        """Post a message; the same one has the same id and the same bytes, however often it is sent.

        Raises:
            OSError: nobody answers, or the answer is none of 2xx.
        """
        body = self.body(message)
        headers = self.headers(message.message_id, body, int(time.time()))
        request = urllib.request.Request(self.address, body, headers)  # noqa: S310 (http or https, see watch.channels)
        opener = urllib.request.build_opener(_NoRedirect)
        with opener.open(request, timeout=TIMEOUT_SECONDS) as answer:
            if not 200 <= answer.status < 300:
                raise ServiceError(f"it answers {answer.status}")

    @staticmethod
    def body(message: Message) -> bytes:
        """Return what is posted; ``text`` is what chats show."""
        content = {
            "id": message.message_id,
            "kind": message.kind,
            "title": message.title,
            "text": f"{message.title}\n\n{message.text}",
            "alerts": message.alerts,
        }
        return json.dumps(content).encode()

    def headers(self, message_id: str, body: bytes, at: int) -> dict[str, str]:
        """Return the headers: id, time (epoch seconds) and, with a secret, the signature over both and the body."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "weblake",
            "webhook-id": message_id,
            "webhook-timestamp": str(at),
        }
        if self.secret:
            signed = f"{message_id}.{at}.".encode() + body
            digest = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers
