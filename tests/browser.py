"""Debian's chromium, driven over a pipe by its DevTools protocol: opens pages and evaluates expressions in them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from stack.servers.waiting import wait_until

OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
"""Quiet: it asks nobody but the page for anything."""


class Page:
    """One tab."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        """Open an empty tab."""
        self._commands = commands
        self._answers = answers
        self._number = 0
        self._session = ""
        self.events: list[dict[str, Any]] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self._call(f"{domain}.enable")

    def open(self, address: str) -> None:
        self._call("Page.navigate", url=address)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, which must not throw."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression is true; what it names may not be there yet."""
        wait_until(
            lambda: bool(self.evaluate(f"(() => {{ try {{ return Boolean({expression}) }} catch {{}} }})()")),
            60,
            expression,
        )

    def texts(self, selector: str) -> list[str]:
        """Return the text of each element."""
        found = self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map((one) => one.textContent)")
        return list(found)

    def happened(self, method: str) -> list[dict[str, Any]]:
        """Return what the browser told of this kind."""
        return [event["params"] for event in self.events if event.get("method") == method]

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._commands.write(json.dumps(message).encode() + b"\0")
        while True:
            answer = json.loads(self._next())
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> bytes:
        text = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser has ended"
            text += byte
        return bytes(text)


@contextmanager
def browsing(folder: Path) -> Iterator[Page]:
    """Start a browser whose profile is in a folder, and give a tab of it."""
    (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
    command = f'exec chromium "$@" 3<&{theirs_in} 4>&{theirs_out}'
    options = (*OPTIONS, "--remote-debugging-pipe", f"--user-data-dir={folder}")
    process = subprocess.Popen(
        ["bash", "-c", command, "chromium", *options],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    with os.fdopen(ours_out, "wb", buffering=0) as commands, os.fdopen(ours_in, "rb") as answers:
        try:
            yield Page(commands, answers)
        finally:
            process.kill()
            process.wait()
