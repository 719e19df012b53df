"""Who is told of failures, in a file that only its owner can read: a webhook's address is a secret."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lake.env_file import read_env_file
from lake.errors import SettingsError
from lake.files import write_whole
from lake.settings import Settings

FILE = "notify.env"
NOBODY = "none"
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


def recipients(settings: Settings) -> Recipients:
    """Return who is told of failures of this stack."""
    told = read_env_file(_file(settings))
    return Recipients(told.get("WEBHOOK", ""), told.get("MAIL", ""))


def remember(settings: Settings, webhook: str | None, mail: str | None) -> None:
    """Write down who is told; None leaves it as it was, ``none`` takes it away.

    Raises:
        SettingsError: an address cannot be used.
    """
    if (
        webhook is not None
        and webhook != NOBODY
        and not (webhook.isprintable() and urlsplit(webhook).scheme in ("http", "https"))
    ):
        raise SettingsError("--webhook is no web address; give the whole of it, beginning with https:// or http://")
    if (
        mail is not None
        and mail != NOBODY
        and (mail.startswith("-") or "@" not in mail or " " in mail or not mail.isprintable())
    ):
        raise SettingsError(f"--mail {mail!r} is no address; give one such as ops@example.org")
    if webhook is None and mail is None:
        return
    before = recipients(settings)
    values = {
        "WEBHOOK": before.webhook if webhook is None else webhook,
        "MAIL": before.mail if mail is None else mail,
    }
    text = "".join(f"{name}={value}\n" for name, value in values.items() if value not in ("", NOBODY))
    write_whole(_file(settings), HEAD + text, mode=0o600)
    if os.geteuid() == 0:  # the stack may be another user's
        owner = settings.data.stat()
        os.chown(_file(settings), owner.st_uid, owner.st_gid)


def _file(settings: Settings) -> Path:
    return settings.data / FILE
