"""An import without a broker: what it sends is kept."""

from __future__ import annotations

from pathlib import Path

from ingest.files.log_file import LogFile
from ingest.import_logs import Importing, Progress, Tally

Headers = dict[str, bytes]


class Collector:
    """Keeps what is sent."""

    def __init__(self) -> None:
        self.records: list[tuple[bytes, Headers]] = []

    def send(self, value: bytes, headers: list[tuple[str, bytes]] | None = None, label: str = "") -> None:
        self.records.append((value, dict(headers or [])))

    def settle(self) -> None:
        pass


def imported(
    path: Path | str, source: str = "", progress: Progress | None = None
) -> tuple[list[tuple[bytes, bytes]], Tally]:
    """Return the lines that a file sends, each with its id, and the tally."""
    collector = Collector()
    importing = Importing(collector, source, progress=progress)
    with LogFile(str(path)) as file:
        importing.send_file(file, file.logs())
    return [(value, headers["event_id"]) for value, headers in collector.records], importing.tally


def lines_in(path: Path) -> list[bytes]:
    """Return the lines that a file sends."""
    return [value for value, _ in imported(path)[0]]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
