"""Mail, by an SMTP server or by the machine's own ``sendmail``."""

from __future__ import annotations

import ipaddress
import platform
import re
import shutil
import smtplib
import ssl
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import localtime
from urllib.parse import parse_qs, unquote, urlsplit

from lake.errors import ServiceError, SettingsError
from watch.alerts import Message

MAIL_SCHEMES = ("smtp", "smtps")
PORTS = {"smtp": 587, "smtps": 465}
TIMEOUT_SECONDS = 20
SENDMAIL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/lib"
ADDRESS = re.compile(r"(?!-)[!-?A-~]+@[!-?A-~]+")


@dataclass(frozen=True)
class Mail:
    """Who gets mail, from whom, and by which server; no host is the machine's own ``sendmail``."""

    to: tuple[str, ...]
    sender: str
    host: str = ""
    port: int = 0
    is_tls: bool = False
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, address: str) -> Mail:
        """Read ``mailto:ops@example.org``, or ``smtp://user:password@host:587/ops@example.org?from=shop@example.org``.

        Raises:
            SettingsError: it is neither; the message shows no part of it.
        """
        parts = urlsplit(address)
        to = tuple(unquote(parts.path).lstrip("/").split(","))
        sender = parse_qs(parts.query).get("from", [f"weblake@{platform.node() or 'localhost'}"])[0]
        if not all(ADDRESS.fullmatch(one) for one in (*to, sender)):
            raise SettingsError("it names no mail address such as ops@example.org")
        if parts.scheme == "mailto":
            return cls(to, sender)
        if not parts.hostname:
            raise SettingsError("it names no server, such as smtp://mail.example.org/ops@example.org")
        port = parts.port or PORTS[parts.scheme]
        login = unquote(parts.username or ""), unquote(parts.password or "")
        return cls(to, sender, parts.hostname, port, parts.scheme == "smtps", *login)

    def send(self, message: Message) -> None:
        """Hand a message over; the same one has the same Message-ID, however often it is sent.

        Raises:
            OSError: nobody answers, or the server refuses it.
            ServiceError: it could not be sent safely, or there is no ``sendmail``.
        """
        mail = self.mail(message)
        if not self.host:
            self._by_sendmail(mail)
            return
        context = ssl.create_default_context()
        with (
            smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=context)
            if self.is_tls
            else smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        ) as server:
            server.ehlo()
            if not self.is_tls and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            elif not self.is_tls and self.user and not _is_here(self.host):
                raise ServiceError("the server has no STARTTLS, and a password is not sent in the clear; use smtps://")
            if self.user:
                server.login(self.user, self.password)
            server.send_message(mail, self.sender, self.to)

    def mail(self, message: Message) -> EmailMessage:
        """Return the mail."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, ", ".join(self.to), message.title
        mail["Date"] = localtime()
        mail["Message-ID"] = f"<{message.message_id}@weblake>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        return mail

    def _by_sendmail(self, mail: EmailMessage) -> None:
        program = shutil.which("sendmail", path=SENDMAIL_PATH)
        if program is None:
            raise ServiceError("there is no sendmail; name a server, as in smtp://mail.example.org/ops@example.org")
        try:
            subprocess.run(
                [program, "-t", "-oi"], input=bytes(mail), timeout=TIMEOUT_SECONDS, capture_output=True, check=True
            )
        except subprocess.SubprocessError as error:
            raise ServiceError(f"sendmail failed ({type(error).__name__})") from error


def _is_here(host: str) -> bool:
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"
