"""The identity of a line: which line of which file it is. Every copy of the file gives it again, also a grown one."""

from __future__ import annotations

from hashlib import blake2b

DIGEST_BYTES = 8


class LineIds:
    """The ids of a file's lines: ``<hash of its first line>-<number of the line>-<hash of the line>``.

    A file is known by its first line that is neither blank nor a comment: a rotation begins with a new one, and
    renaming, packing or growing changes nothing of it. Equal lines of two files stay two, but for files whose first
    lines are equal too; a ``source``, the name of the server, keeps those apart.
    """

    def __init__(self, source: str = "") -> None:
        """Begin a file; with ``source``, one of that server."""
        self._source = source
        self.file = ""
        """What the ids begin with; empty before the first."""

    def take(self, line: bytes, number: int) -> bytes:
        """Return the id of a line of the file; the first that is asked for names the file."""
        if not self.file:
            self.file = _digest(f"{self._source}\n".encode() + line if self._source else line)
        return f"{self.file}-{number}-{_digest(line)}".encode()


def place_of(event_id: str) -> tuple[str, int]:
    """Return what the ids of the file begin with, and the number of the line; 0 where it is no id of a line."""
    file, _, rest = event_id.partition("-")
    number = rest.partition("-")[0]
    return file, int(number) if number.isdigit() else 0


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=DIGEST_BYTES).hexdigest()
