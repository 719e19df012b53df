"""What travels with the lines of a log, as headers of Kafka: which line it is, whose, and how it is written."""

from __future__ import annotations

from dataclasses import dataclass

from lake.formats.w3c import DIRECTIVE

ID, SOURCE, LOG_FORMAT, FIELDS = "event_id", "source", "log_format", "fields"


@dataclass
class LineHeaders:
    """The headers of the lines of one log.

    ``source`` is the name of the server, ``log_format`` a log string in our own names, and ``fields`` what the last
    ``#Fields`` of a W3C log says, which may change on the way; each may be empty.
    """

    source: str = ""
    log_format: str = ""
    fields: str = ""

    def take_comment(self, line: bytes) -> None:
        """Take note of a line that says something of those that follow."""
        text = line.decode(errors="replace")
        if text.startswith(DIRECTIVE):
            self.fields = text.removeprefix(DIRECTIVE).strip()

    def of(self, event_id: bytes) -> list[tuple[str, bytes]]:
        """Return the headers of a line with this id."""
        others = ((SOURCE, self.source), (LOG_FORMAT, self.log_format), (FIELDS, self.fields))
        return [(ID, event_id), *((name, text.encode()) for name, text in others if text)]
