"""The truth about every client of the generator: address and kind. For judging detectors, which must not read it."""

from __future__ import annotations

import csv
import io
from collections import OrderedDict
from pathlib import Path

from ingest.shop.event import Client
from lake.files import write_whole

COLUMNS = ("ip_address", "kind")
MOST_CLIENTS = 200_000
"""How many are kept: those of a day at 50 records a second, 4.5 MB. The file is written anew every ten seconds."""


class Truth:
    """The clients of the traffic that came last, in a CSV file, the newest at its end; also those of earlier runs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kinds = OrderedDict[str, str]()
        self._is_written = True
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                self._kinds.update((row["ip_address"], row["kind"]) for row in csv.DictReader(file))

    def add(self, client: Client) -> None:
        """Note a client in the last place. Beyond :data:`MOST_CLIENTS` those go that have not come for longest."""
        self._is_written &= client.ip_address in self._kinds
        self._kinds.setdefault(client.ip_address, client.kind)
        self._kinds.move_to_end(client.ip_address)
        while len(self._kinds) > MOST_CLIENTS:
            self._kinds.popitem(last=False)

    def write(self) -> None:
        """Replace the file, in one step, where a client is new since the last time."""
        if self._is_written:
            return
        text = io.StringIO(newline="")
        writer = csv.writer(text)
        writer.writerow(COLUMNS)
        writer.writerows(self._kinds.items())
        write_whole(self._path, text.getvalue())
        self._is_written = True
