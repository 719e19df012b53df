"""What the user has accepted of what happened to the topic: small files in the data folder, read by the stream."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from lake.contracts.fields import fields_of
from lake.contracts.refusals import Loss, NewTopic
from lake.errors import LakeError
from lake.files import write_whole
from lake.settings import Settings

T = TypeVar("T", Loss, NewTopic)


def accepted_losses(settings: Settings) -> list[Loss]:
    """Return the losses that somebody has accepted, oldest first.

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


def _as(kind: type[T], fields: Any, path: Path) -> T:
    try:
        return kind(**fields_of(kind, fields))
    except (AttributeError, TypeError) as error:
        raise LakeError(f"{path} has an entry that cannot be read ({error}); restore it, or move it away") from error


def _write(path: Path, content: Any) -> None:
    write_whole(path, json.dumps(content, indent=1) + "\n")
