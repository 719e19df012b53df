"""A web server and a mail server on 127.0.0.1 that get alerts: they keep what they got, and may kill its sender."""

from __future__ import annotations

import base64
import hashlib
import hmac
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = "a secret"


def nothing() -> None:
    """Before a message is taken, do nothing."""


@dataclass
class Receiver:
    """What a server got; ``before_answer`` is called once it has all of a message, and has not said so yet."""

    port: int = 0
    answer: int = 200
    before_answer: Callable[[], None] = nothing
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)


@contextmanager
def web_server() -> Iterator[Receiver]:
    """A server that takes posts, and answers each as its receiver says."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
            receiver.before_answer()
            self.send_response(receiver.answer)
            if receiver.answer == 302:
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        yield from _serve(server, receiver)


@contextmanager
def mail_server() -> Iterator[Receiver]:
    """A server that takes mail, as RFC 5321 has the least of it."""
    receiver = Receiver()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.say("220 here")
            while line := self.rfile.readline():
                word = line.split()[0].upper() if line.split() else b""
                if word == b"DATA":
                    self.say("354 go on")
                    lines = list(iter(self.rfile.readline, b".\r\n"))
                    receiver.mails.append(message_from_bytes(b"".join(lines)))
                    receiver.before_answer()
                self.say("221 bye" if word == b"QUIT" else "250 well")
                if word == b"QUIT":
                    return

        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        yield from _serve(server, receiver)


def _serve(server: socketserver.TCPServer, receiver: Receiver) -> Iterator[Receiver]:
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()


def signature(headers: dict[str, str], body: bytes) -> str:
    """By the specification of Standard Webhooks."""
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
