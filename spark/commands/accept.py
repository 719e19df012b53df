"""Accept what bronze refuses to go on over: ``weblake accept-loss``, ``weblake accept-topic``.

Only what the stream itself has named is accepted. It looks again within half a minute, or at its next start.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import Any

from lake.errors import LakeError
from lake.settings import Settings
from spark.source.acceptance import Loss, NewTopic, accept_losses, accept_topic
from spark.source.topic import Topic


def accept(settings: Settings, what: str) -> str:
    """Accept the ``loss`` or the ``topic`` that the stream has named, and say in a sentence what that means.

    Raises:
        LakeError: the stream has named none.
        ServiceError: Kafka does not answer.
    """
    named = refusal(settings).get(what)
    if not named:
        raise LakeError(f"the stream refuses no {what}, so there is nothing to accept; see `make status`")
    if what == "topic":
        accept_topic(settings, NewTopic(**named))
        return f"accepted: what bronze has stays, and the records of the topic with id {named['topic_id']} are appended"
    losses = _grown(settings, [Loss(**loss) for loss in named])
    accept_losses(settings, losses)
    return f"accepted as lost: {'; '.join(map(str, losses))}"


def refusal(settings: Settings) -> dict[str, Any]:
    """Return what the stream refuses to go on over, by its last word; empty where there is nothing."""
    try:
        told: dict[str, Any] = json.loads(settings.stream_file.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return told["bronze"].get("refusal") or {}


def _grown(settings: Settings, losses: list[Loss]) -> list[Loss]:
    """Let the losses end where Kafka begins now: it may have removed more since."""
    with closing(Topic(settings)) as topic:
        now = topic.look()
    return [
        Loss(loss.generation, loss.partition, loss.first, max(loss.last, now.begins.get(loss.partition, 0) - 1))
        for loss in losses
    ]
