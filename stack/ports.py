"""TCP ports on 127.0.0.1: is one free, which one to take, has somebody opened it."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

from lake.errors import ServiceError

LOCALHOST = "127.0.0.1"
QUIET_PORTS = range(20_000, 30_000)
"""Below the range from which systems take the ports of outgoing connections."""


def is_free(port: int) -> bool:
    """Say whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCALHOST, port))
        except OSError:
            return False
    return True


def is_open(port: int, host: str = LOCALHOST) -> bool:
    """Say whether a server accepts connections on the port."""
    try:
        with socket.create_connection((host, port), timeout=2):
            return True
    except OSError:
        return False


def pick_port(preferred: int, taken: Collection[int] = ()) -> int:
    """Return ``preferred`` if it is free and not ``taken``, else the next port above that is."""
    for port in range(preferred, min(preferred + 500, 65_536)):
        if port not in taken and is_free(port):
            return port
    raise ServiceError(
        f"no port from {preferred} to {preferred + 499} is free; set KAFKA_BOOTSTRAP_SERVERS and POSTGRES_PORT"
    )


def pick_quiet_ports(count: int) -> list[int]:
    """Return free ports chosen at random, for short-lived services of tests and benchmarks."""
    found: list[int] = []
    for port in random.sample(QUIET_PORTS, len(QUIET_PORTS)):
        if is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise ServiceError(
        f"no {count} ports between {QUIET_PORTS.start} and {QUIET_PORTS.stop} are free; close some programs"
    )
