"""How far log files that are followed were sent: the record by which whoever follows them goes on, and status looks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from lake.contracts.fields import fields_of
from lake.files import write_whole
from lake.posts import Worker, worker

FOLDER = "following"
DIGEST_BYTES = 8


@dataclass(frozen=True)
class Position:
    """How far Kafka has the lines of one file.

    ``path`` is where the file was found, which may have been renamed since, ``first`` what the ids of its lines begin
    with (empty before its first line), ``offset`` how many bytes were sent, ``number`` how many lines those are, and
    ``fields`` those of a W3C log there.
    """

    path: str
    device: int = 0
    inode: int = 0
    first: str = ""
    offset: int = 0
    number: int = 0
    fields: str = ""


@dataclass(frozen=True)
class FollowReport:
    """What was last written of some words of a command line: the files they name, and how far those were sent.

    Times are epoch seconds, and 0 where there is none.
    """

    words: tuple[str, ...]
    source: str = ""
    updated_at: float = 0.0
    has_ended: bool = False
    """Whether whoever followed was stopped in order."""
    files: tuple[Position, ...] = ()
    sent: int = 0
    """Lines that were sent since it was started."""
    bytes_behind: int = 0
    newest_at: float = 0.0
    """When the newest line that was sent says that it happened."""
    waits: str = ""
    """What it waits for, if it cannot go on."""

    @classmethod
    def of(cls, content: dict[str, Any]) -> FollowReport:
        """Return it as it was written."""
        files = tuple(Position(**fields_of(Position, file)) for file in content.get("files", ()))
        return cls(**{**fields_of(cls, content), "words": tuple(content["words"]), "files": files})


def report_file(data: Path, words: Iterable[str], source: str) -> Path:
    """Return where the report of these words is, in a data folder; the order of the words does not matter."""
    name = blake2b("\0".join([source, *sorted(words)]).encode(errors="surrogateescape"), digest_size=DIGEST_BYTES)
    return data / FOLDER / f"{name.hexdigest()}.json"


def post_file(report: Path) -> Path:
    """Return the file that whoever writes the report holds."""
    return report.with_suffix(".lock")


def read_follow_report(path: Path) -> FollowReport | None:
    """Return a report; None where there is none, or none that can be read."""
    try:
        return FollowReport.of(json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_follow_report(path: Path, report: FollowReport) -> None:
    """Write a report, whole.

    Raises:
        OSError: the disk is full, or the folder is not ours.
    """
    write_whole(path, json.dumps(asdict(report)))


def follow_reports(data: Path) -> Iterator[tuple[Path, FollowReport]]:
    """Yield all reports of a data folder, each with its file."""
    for path in sorted((data / FOLDER).glob("[0-9a-f]*.json")):
        report = read_follow_report(path)
        if report:
            yield path, report


def followers(data: Path) -> list[Worker]:
    """Return who follows logs now."""
    posts = (worker(path) for path in sorted((data / FOLDER).glob("[0-9a-f]*.lock")))
    return [one for one in posts if one]
