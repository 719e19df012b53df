"""A webhook, which keeps what it gets."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

SECRET = "of-the-vault"
"""The part of its address that nobody may show."""


class Hook(HTTPServer):
    """A webhook that keeps what it gets, and answers with ``code``; 0 is no answer of HTTP."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.code = 200
        self.posts: list[tuple[str, Any]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/T0/{SECRET}"


class Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posts.append((self.path, json.loads(body)))
        if self.server.code == 0:
            self.wfile.write(b"SSH-2.0-OpenSSH\r\n")
            return
        self.send_response(self.server.code)
        if self.server.code == 301:
            self.send_header("Location", "/new")
        self.end_headers()

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def listening() -> Iterator[Hook]:
    """A webhook that answers."""
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
