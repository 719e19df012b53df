"""Who is told of failures, in a file that only its owner can read: a webhook's address is a secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lake.env_file import read_env_file
from lake.errors import SettingsError
from lake.files import write_whole
from lake.settings import Settings

FILE = "notify.env"
NOBODY = "none"
ADDRESS = re.compile(r"(?!-)[!-?A-~]+@[!-?A-~]+")
HEAD = "# Written by `weblake service`: who is told of failures. Keep it to yourself.\n"


@dataclass(frozen=True)
class Recipients:
    """Who is told; empty where nobody is."""

    webhook: str
    mail: str

    def __str__(self) -> str:
        """Return them as one may show them: the host of the webhook, not its address."""
        hook = f"the webhook at {urlsplit(self.webhook).hostname}" if self.webhook else ""
        return " and ".join(text for text in (hook, self.mail) if text)


def recipients(settings: Settings, webhook: str | None = None, mail: str | None = None) -> Recipients:
    """Return who is told of failures: None is as it was written down, ``none`` is nobody.

    Raises:
        SettingsError: an address cannot be used.
    """
    if webhook is not None and webhook != NOBODY and not _is_web_address(webhook):
        raise SettingsError(
            "--webhook is no web address that can be used; give the whole of it, beginning with https:// or http://, "
            "without a login, and with blanks and foreign letters as %20 and the like"
        )
    if mail is not None and mail != NOBODY and not all(ADDRESS.fullmatch(one) for one in mail.split(",")):
        raise SettingsError(f"--mail {mail!r} is no address; give one such as ops@example.org")
    told = read_env_file(_file(settings))
    chosen = {"WEBHOOK": webhook, "MAIL": mail}
    told |= {name: "" if value == NOBODY else value for name, value in chosen.items() if value is not None}
    return Recipients(told.get("WEBHOOK", ""), told.get("MAIL", ""))


def remember(settings: Settings, webhook: str | None, mail: str | None) -> None:
    """Write down who is told; None leaves it as it was, ``none`` takes it away.

    Raises:
        SettingsError: an address cannot be used.
    """
    told = recipients(settings, webhook, mail)
    if webhook is None and mail is None:
        return
    text = "".join(f"{name}={value}\n" for name, value in (("WEBHOOK", told.webhook), ("MAIL", told.mail)) if value)
    write_whole(_file(settings), HEAD + text, mode=0o600)
    if os.geteuid() == 0:  # the stack may be another user's
        owner = settings.data.stat()
        os.chown(_file(settings), owner.st_uid, owner.st_gid)


def _file(settings: Settings) -> Path:
    return settings.data / FILE


def _is_web_address(text: str) -> bool:
    if " " in text or not (text.isascii() and text.isprintable()):
        return False
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:  # of a port, or of the brackets of an IPv6 address
        return False
