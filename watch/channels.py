"""Where messages go: the log always, and what ``ALERTS_TO`` names: webhooks, mail, and all that Apprise knows."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from lake.errors import ServiceError, SettingsError, WeblakeError
from lake.settings import Settings
from watch.alerts import Message
from watch.mail import MAIL_SCHEMES, Mail
from watch.webhook import Webhook

LOG = "log"

log = logging.getLogger(__name__)


class Channel(Protocol):
    """One place where messages go."""

    def send(self, message: Message) -> None:
        """Send a message, and return when it has been taken; raises where it has not."""


class LogChannel:
    """The log of the program."""

    def send(self, message: Message) -> None:
        """Write one line for each line of the message."""
        level = logging.ERROR if message.is_severe else logging.WARNING
        for line in (f"{message.title} ({message.message_id})", *message.text.split("\n")):
            if line:
                log.log(level, "%s", line)


@dataclass(frozen=True)
class AppriseChannel:
    """A service that Apprise knows, by its URL, which is a secret."""

    url: str

    def send(self, message: Message) -> None:
        """Send a message. Apprise says only whether that worked; why it did not stands in its own log."""
        from apprise import Apprise, NotifyType

        service = Apprise()
        if not service.add(self.url):
            raise ServiceError("Apprise does not know such an address")
        severity = NotifyType.FAILURE if message.is_severe else NotifyType.WARNING
        if not service.notify(body=message.text, title=message.title, notify_type=severity):
            raise ServiceError("Apprise could not send it")


def channels(settings: Settings) -> tuple[dict[str, Channel], list[str]]:
    """Return the channels by name, and what is wrong with addresses that cannot be used, a sentence each.

    A channel's name tells kind and host, and a digest of the address: the address itself is a secret.
    """
    found: dict[str, Channel] = {LOG: LogChannel()}
    complaints = []
    for number, address in enumerate(settings.outlook.alerts_to.split(), start=1):
        try:
            kind, channel = _channel(address, settings.outlook.alerts_secret)
        except (WeblakeError, ValueError) as error:
            complaints.append(f"address {number} of ALERTS_TO cannot be used ({error}); correct it, and run `make up`")
            continue
        digest = hashlib.sha256(address.encode()).hexdigest()[:8]
        found[f"{kind} ({digest})"] = channel
    return found, complaints


def _channel(address: str, secret: str) -> tuple[str, Channel]:
    parts = urlsplit(address)
    if parts.scheme in ("http", "https"):
        if not parts.hostname or parts.username is not None:
            raise SettingsError("a webhook's address has a host, and no login")
        return f"webhook at {parts.hostname}", Webhook(address, secret)
    if parts.scheme in MAIL_SCHEMES or (parts.scheme == "mailto" and not parts.netloc):
        mail = Mail.of(address)
        return f"mail by {mail.host or 'sendmail'}", mail
    from apprise import Apprise

    if not Apprise().add(address):
        raise SettingsError("it is no web address, no mail address, and none that Apprise knows")
    return parts.scheme, AppriseChannel(address)
