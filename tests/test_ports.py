"""Which ports are taken, and which are left alone."""

from __future__ import annotations

import socket

from stack.ports import is_free, pick_port


def test_a_busy_port_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert pick_port(port) > port
