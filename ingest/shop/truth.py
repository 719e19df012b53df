"""The truth about every client of the generator: address and kind. For judging detectors, which must not read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from ingest.shop.event import Client
from lake.files import write_whole

COLUMNS = ("ip_address", "kind")


class Truth:
    """The clients of the traffic, in a CSV file. Clients of earlier runs stay in it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kinds: dict[str, str] = {}
        self._is_written = True
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                self._kinds = {row["ip_address"]: row["kind"] for row in csv.DictReader(file)}

    def add(self, client: Client) -> None:
        """Note a client."""
        if client.ip_address not in self._kinds:
            self._kinds[client.ip_address] = client.kind
            self._is_written = False

    def write(self) -> None:
        """Replace the file, in one step, where a client is new since the last time."""
        if self._is_written:
            return
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(sorted(self._kinds.items()))
        write_whole(self._path, text.getvalue())
        self._is_written = True
