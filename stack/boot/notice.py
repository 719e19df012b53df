"""``weblake notify``, which systemd runs for a unit that has failed: it posts to a webhook, or mails.

The message says which unit failed, what that means and where to look. What a check prints may hold clients' addresses,
so none of that is sent.
"""

from __future__ import annotations

import datetime as dt
import http.client
import json
import platform
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from tenacity import Retrying, stop_after_attempt, wait_fixed

from lake.errors import ServiceError, first_line
from lake.settings import Settings
from stack.boot.plan import JOBS, USUAL_PATH
from stack.boot.recipients import recipients

REPEAT_SECONDS = 3600
"""What fails every few minutes is told once in this time, to the webhook and by mail each."""
ATTEMPTS = 3
PAUSE_SECONDS = 10
TIMEOUT_SECONDS = 20


@dataclass(frozen=True)
class Failure:
    """A unit's failure; ``code`` is its exit code, None where it had none, and ``at`` in epoch seconds."""

    unit: str
    why: str
    code: int | None
    host: str
    folder: str
    at: float
    of_user: bool

    @property
    def title(self) -> str:
        """One line."""
        return f"Weblake on {self.host}: {self.why}"

    @property
    def text(self) -> str:
        """All that is told."""
        manager = "--user " if self.of_user else ""
        when = dt.datetime.fromtimestamp(self.at, dt.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"{self.title} ({self.unit}, {when}). The stack is in {self.folder}. `make status` says how it is, and "
            f"`journalctl {manager}-u {self.unit}` what happened."
        )


def notify(settings: Settings, unit: str, of_user: bool) -> bool:
    """Tell of a unit's failure; return False where that was done a while ago.

    Raises:
        ServiceError: nobody is to be told, or a message did not get through; the other one may have.
    """
    told = recipients(settings)
    if not str(told):
        raise ServiceError(f"nobody is to be told that {unit} failed; run `make service` with WEBHOOK= or MAIL=")
    now = time.time()
    memory = settings.data / "notified"
    due = [
        (memory / f"{unit}.{way}", way, partial(send, address))
        for way, address, send in (("webhook", told.webhook, _post), ("mail", told.mail, _mail))
        if address and not _is_young(memory / f"{unit}.{way}", now)
    ]
    if not due:
        return False
    failure = _failure(settings, unit, of_user, now)
    errors = []
    for file, way, send in due:
        error = _error(partial(send, failure))
        if error:
            errors.append(f"{way} ({error})")
            continue
        with suppress(OSError):  # a full disk: then it is told again in a few minutes
            memory.mkdir(exist_ok=True)
            file.touch()
    if errors:
        raise ServiceError(f"nobody was told by {' or by '.join(errors)} that {unit} failed")
    return True


def why(unit: str, code: int | None) -> str:
    """Return in words what an exit code of a unit means."""
    for job in JOBS:
        if unit.endswith(f"-{job.command}.service") and code is not None and code in job.failures:
            return job.failures[code]
    return f"{unit} failed" + ("" if code is None else f" with exit code {code}")


def _failure(settings: Settings, unit: str, of_user: bool, now: float) -> Failure:
    """Ask systemd how a unit ended."""
    command = ["systemctl", *(["--user"] if of_user else []), "show", "-p", "ExecMainCode,ExecMainStatus", unit]
    facts: dict[str, str] = {}
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        facts = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    code = int(facts["ExecMainStatus"]) if facts.get("ExecMainCode") == "1" else None  # 1: it ended by itself
    return Failure(unit, why(unit, code), code, platform.node(), str(settings.data), now, of_user)


def _is_young(file: Path, now: float) -> bool:
    """Say whether a file, whose time is that of the last message, is young; what a wrong clock dated ahead is not."""
    try:
        return 0 <= now - file.stat().st_mtime < REPEAT_SECONDS
    except OSError:
        return False


def _error(send: Callable[[], None]) -> str:
    """Send, again if it fails; return why it did not work, or nothing."""
    try:
        Retrying(stop=stop_after_attempt(ATTEMPTS), wait=wait_fixed(PAUSE_SECONDS), reraise=True)(send)
    except (OSError, http.client.HTTPException, subprocess.SubprocessError, ServiceError) as error:
        return first_line(error)
    return ""


def _post(webhook: str, failure: Failure) -> None:
    """Post JSON; ``text`` is what chats show."""
    facts = {"unit": failure.unit, "exit_code": failure.code, "host": failure.host, "at": failure.at}
    body = json.dumps({"text": failure.text, **facts}).encode()
    request = urllib.request.Request(webhook, body, {"Content-Type": "application/json"})  # noqa: S310 (http, see recipients)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
        if answer.url != request.full_url:  # urllib has asked there, without the message
            raise ServiceError(f"it answers with another address, at {urlsplit(answer.url).hostname}; give that one")


def _mail(address: str, failure: Failure) -> None:
    sendmail = shutil.which("sendmail", path=f"{USUAL_PATH}:/usr/lib")
    if sendmail is None:
        raise ServiceError("there is no sendmail; install a mail server, or use a webhook")
    message = EmailMessage()
    message["To"], message["Subject"] = address, failure.title
    message.set_content(failure.text)
    subprocess.run(
        [sendmail, "-t", "-oi"], input=bytes(message), timeout=TIMEOUT_SECONDS, capture_output=True, check=True
    )
