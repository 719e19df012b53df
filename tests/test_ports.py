"""Which ports are taken, and which are left alone."""

from __future__ import annotations

import socket
import subprocess
import sys

from lake.settings import PROJECT
from stack.servers.ports import PortClaims, is_free, pick_quiet_ports


def test_a_busy_port_is_passed_over() -> None:
    with socket.socket() as taken, PortClaims() as claims:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert claims.pick(port) > port


def test_no_two_processes_claim_a_port_and_a_killed_one_gives_it_up() -> None:
    (port,) = pick_quiet_ports(1)
    code = (
        "from stack.servers.ports import PortClaims; claims = PortClaims(); "
        f"print(claims.pick({port}), flush=True); input()"
    )
    command = [sys.executable, "-c", code]
    others = [
        subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    try:
        with PortClaims() as claims:
            picked = [int(other.stdout.readline()) for other in others if other.stdout]
            mine = claims.pick(port)
            assert len({mine, *picked}) == 5
            assert port in picked
    finally:
        for other in others:
            other.kill()
            other.communicate()
    with PortClaims() as claims:
        assert claims.pick(port) == port


def test_a_server_can_open_a_claimed_port_and_then_needs_no_claim() -> None:
    (port,) = pick_quiet_ports(1)
    with socket.socket() as server, PortClaims() as others:
        with PortClaims() as claims:
            assert claims.pick(port) == port
            server.bind(("127.0.0.1", port))
            server.listen()
        assert others.pick(port) > port
