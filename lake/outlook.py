"""Settings of what people and monitors look at: the live page, the metrics and the alerts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

OPEN = "none"
"""In the place of a password: everybody is let in."""


@dataclass(frozen=True)
class Outlook:
    """What is served, to whom, and who is told."""

    page: bool
    page_host: str
    page_port: int
    page_allowed_hosts: str
    """Names by which browsers may ask for the page, beside those of this machine; separated by commas."""
    page_password: str = field(repr=False)
    site_timezone: str
    """The shop's time zone, in which the page shows times."""
    metrics_host: str
    metrics_port: int
    verify_hours: int
    """How often the stack verifies itself; 0: never."""
    alerts_file: Path
    alerts_to: str = field(repr=False)
    """Where alerts go beside the log: addresses and URLs, separated by blanks. They may hold secrets."""
    alerts_secret: str = field(repr=False)
    """Signs what webhooks get."""

    @property
    def page_asks_for(self) -> str:
        """The password that opens the page; empty where it is open."""
        return "" if self.page_password == OPEN else self.page_password

    @property
    def page_address(self) -> str:
        """Where a browser on this machine finds the page, with the password in the part that browsers keep."""
        host = "127.0.0.1" if self.page_host in ("0.0.0.0", "::", "") else self.page_host  # noqa: S104
        key = f"/login#{quote(self.page_asks_for, safe='')}" if self.page_asks_for else ""
        return f"http://{host}:{self.page_port}{key}"

    def secrets(self) -> dict[str, str]:
        """Return the settings that may hold secrets, as the environment names them; empty where there is none."""
        return {
            "PAGE_PASSWORD": self.page_password,
            "ALERTS_TO": self.alerts_to,
            "ALERTS_SECRET": self.alerts_secret,
        }

    def by_name(self) -> dict[str, str]:
        """Return the settings as the environment names them, without secrets."""
        return {
            "PAGE": str(int(self.page)),
            "PAGE_HOST": self.page_host,
            "PAGE_PORT": str(self.page_port),
            "PAGE_ALLOWED_HOSTS": self.page_allowed_hosts,
            "SITE_TIMEZONE": self.site_timezone,
            "METRICS_HOST": self.metrics_host,
            "METRICS_PORT": str(self.metrics_port),
            "VERIFY_HOURS": str(self.verify_hours),
            "WEBLAKE_ALERTS": str(self.alerts_file),
        }
