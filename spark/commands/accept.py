"""Accept a loss or a new topic that bronze waits for: ``weblake accept-loss``, ``weblake accept-topic``.

Only what the stream itself has named is accepted. It looks again within half a minute, or at its next start.
"""

from __future__ import annotations

from contextlib import closing

from lake.contracts.refusals import Loss, Refusal
from lake.contracts.reports import read_stream_report
from lake.errors import LakeError
from lake.settings import Settings
from spark.source.acceptance import accept_losses, accept_topic
from spark.source.topic import Topic


def accept(settings: Settings, what: str) -> str:
    """Accept the ``loss`` or the ``topic`` that the stream has named, and say in a sentence what that means.

    Raises:
        LakeError: the stream has named none.
        ServiceError: Kafka does not answer.
    """
    refusal = read_refusal(settings)
    if what == "topic" and refusal.topic:
        accept_topic(settings, refusal.topic)
        topic_id = refusal.topic.topic_id
        return f"accepted: what bronze has stays, and the records of the topic with id {topic_id} are appended"
    if what == "loss" and refusal.losses:
        losses = _extend(settings, refusal.losses)
        accept_losses(settings, losses)
        return f"accepted as lost: {'; '.join(map(str, losses))}"
    raise LakeError(f"bronze is not waiting for a {what} to be accepted; see `make status`")


def read_refusal(settings: Settings) -> Refusal:
    """Return what the stream refuses to go on over, by its last report; empty where there is nothing."""
    report = read_stream_report(settings.stream_file)
    return (report.bronze.refusal if report else None) or Refusal()


def _extend(settings: Settings, losses: tuple[Loss, ...]) -> list[Loss]:
    """Let the losses end where Kafka begins now: it may have removed more since."""
    with closing(Topic(settings)) as topic:
        now = topic.look()
    return [
        Loss(loss.generation, loss.partition, loss.first, max(loss.last, now.begins.get(loss.partition, 0) - 1))
        for loss in losses
    ]
