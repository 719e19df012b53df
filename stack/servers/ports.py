"""TCP ports on 127.0.0.1: whether one is free, claimed or open, and which one to take."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection
from types import TracebackType

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


class PortClaims:
    """Ports that no other process of Weblake picks while the ``with`` block lasts, although nothing listens there yet.

    Hold them until the servers listen, so that two stacks started at once get ports of their own. The sign is the UDP
    port of the same number: it goes with the process, however that ends, and reaches as far as the TCP port does.
    """

    def __init__(self) -> None:
        """Claim nothing yet."""
        self._held: dict[int, socket.socket] = {}

    def __enter__(self) -> PortClaims:
        """Do nothing: ports are claimed as they are picked."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give all up."""
        self.release()

    def release(self) -> None:
        """Give all up; the servers that listen hold their ports themselves."""
        while self._held:
            self._held.popitem()[1].close()

    def pick(self, preferred: int, taken: Collection[int] = ()) -> int:
        """Claim and return ``preferred`` if it is free and not ``taken``, else the next port above that is.

        Raises:
            ServiceError: there is none.
        """
        for port in range(preferred, min(preferred + 500, 65_536)):
            if port not in taken and self._claim(port):
                return port
        raise ServiceError(
            f"no port from {preferred} to {preferred + 499} is free; set KAFKA_BOOTSTRAP_SERVERS and POSTGRES_PORT"
        )

    def _claim(self, port: int) -> bool:
        """Claim the port if it is free. First the claim, then the look: a claim ends when its server listens."""
        if port in self._held:
            return is_free(port)
        sign = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sign.bind((LOCALHOST, port))
        except OSError:
            sign.close()
            return False
        if not is_free(port):
            sign.close()
            return False
        self._held[port] = sign
        return True


def pick_quiet_ports(count: int) -> list[int]:
    """Return free ports chosen at random, for short-lived services of tests and benchmarks."""
    ports: list[int] = []
    for port in random.sample(QUIET_PORTS, len(QUIET_PORTS)):
        if is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise ServiceError(
        f"no {count} ports between {QUIET_PORTS.start} and {QUIET_PORTS.stop} are free; close some programs"
    )
