"""The truth about every client of the generator: address and kind. For judging detectors; none may read it."""

from __future__ import annotations

import csv
from pathlib import Path

from ingest.shop.event import Client

COLUMNS = ("ip_address", "kind")


class Truth:
    """The clients that were seen, kept in a CSV file. What an earlier run wrote stays in it."""

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
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_name(self._path.name + ".new")
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(sorted(self._kinds.items()))
        draft.replace(self._path)
        self._is_written = True
