"""Files of ``NAME=value`` lines, in which settings are written down."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

KAFKA_SERVERS = "KAFKA_BOOTSTRAP_SERVERS"
PRIVATE_SERVERS = "KAFKA_PRIVATE_SERVERS"
KAFKA_ACCESS = (
    PRIVATE_SERVERS,
    "KAFKA_SECURITY_PROTOCOL",
    "KAFKA_SASL_MECHANISM",
    "KAFKA_USER",
    "KAFKA_PASSWORD",
    "KAFKA_CA_FILE",
)
"""How our own programs log in to the broker that ``KAFKA_BOOTSTRAP_SERVERS`` names."""


def read_env_file(path: Path) -> dict[str, str]:
    """Read ``NAME=value`` lines; comments and blank lines are skipped, a missing file is empty."""
    if not path.exists():
        return {}
    pairs = (line.split("=", 1) for line in path.read_text().splitlines() if "=" in line and not line.startswith("#"))
    return {name.strip(): value.strip() for name, value in pairs}


def for_broker(servers: str, written: Mapping[str, str]) -> Mapping[str, str]:
    """Return what is written down, without the login to Kafka if that is for another broker than ``servers``."""
    if servers in ("", written.get(KAFKA_SERVERS)):
        return written
    return {name: text for name, text in written.items() if name not in KAFKA_ACCESS}
