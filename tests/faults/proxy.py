"""A loopback proxy to PostgreSQL that forwards COMMIT, late or at once, and never lets the answer through."""

from __future__ import annotations

import random
import socket
import threading
import time
from contextlib import closing, suppress

LOCALHOST = "127.0.0.1"
COMMIT = b"COMMIT\0"
LATEST_SECONDS = 3.0


class CommitProxy:
    """Listens on ``port``. ``lost_answers`` counts the commits whose answer it has dropped."""

    def __init__(self, server_port: int, dice: random.Random, share: float = 0.3) -> None:
        """Drop the answers to a ``share`` of the commits."""
        self.lost_answers = 0
        self._server_port = server_port
        self._dice = dice
        self._share = share
        self._listener = socket.create_server((LOCALHOST, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection((LOCALHOST, self._server_port))
                threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
                threading.Thread(target=self._ask, args=(client, server), daemon=True).start()

    @staticmethod
    def _answer(server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError), closing(client):
            while data := server.recv(1 << 16):
                client.sendall(data)

    def _ask(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError), closing(server):
            while data := client.recv(1 << 16):
                if data.endswith(COMMIT) and self._dice.random() < self._share:
                    client.shutdown(socket.SHUT_RDWR)
                    # Late: the client has come back by then, and has read the bookmark as it was before.
                    time.sleep(self._dice.choice((0.0, self._dice.uniform(0.5, LATEST_SECONDS))))
                    server.sendall(data)
                    self.lost_answers += 1
                    return
                server.sendall(data)
