"""What the user has accepted of what happened to the topic: small files in the data folder, read by the stream."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lake.errors import LakeError
from lake.settings import Settings


@dataclass(frozen=True)
class Loss:
    """Records that Kafka removed before bronze had them: offsets ``first`` to ``last``, both included, of a partition.

    ``generation`` says of which topic: the how-maniest (from 0) that bronze was read from.
    """

    generation: int
    partition: int
    first: int
    last: int

    def __str__(self) -> str:
        return f"partition {self.partition}, offsets {self.first} to {self.last}"


@dataclass(frozen=True)
class NewTopic:
    """Another topic for bronze to go on with. ``generation`` topics were read before it."""

    topic_id: str
    generation: int


def accepted_losses(settings: Settings) -> list[Loss]:
    """Return the losses that somebody has accepted, in the order in which that was.

    Raises:
        LakeError: the file cannot be read.
    """
    return [_as(Loss, fields, settings.accepted_losses) for fields in _read(settings.accepted_losses) or []]


def accept_losses(settings: Settings, losses: list[Loss]) -> None:
    """Put losses on record, after those that are there."""
    _write(settings.accepted_losses, [asdict(loss) for loss in [*accepted_losses(settings), *losses]])


def accepted_topic(settings: Settings) -> NewTopic | None:
    """Return the topic that was accepted last.

    Raises:
        LakeError: the file cannot be read.
    """
    fields = _read(settings.accepted_topic)
    return _as(NewTopic, fields, settings.accepted_topic) if fields else None


def accept_topic(settings: Settings, topic: NewTopic) -> None:
    """Put another topic on record."""
    _write(settings.accepted_topic, asdict(topic))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text()) if path.exists() else None
    except (OSError, ValueError) as error:
        raise LakeError(f"{path} cannot be read ({error}); restore it, or move it away") from error


def _as(kind: Any, fields: Any, path: Path) -> Any:
    try:
        return kind(**{name: fields[name] for name in kind.__dataclass_fields__})
    except (KeyError, TypeError) as error:
        raise LakeError(f"{path} has an entry without {error}; restore it, or move it away") from error


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.tmp")
    draft.write_text(json.dumps(content, indent=1) + "\n")
    draft.replace(path)
