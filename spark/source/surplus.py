"""What the embedded broker may do without: the oldest records of its log, of those that bronze holds.

Kafka's own retention knows nothing of bronze: it would remove what bronze has not read. So the stream has records
removed itself, up to the start of a file of the log, because the broker deletes files and no parts of them.
"""

from __future__ import annotations

import logging
from pathlib import Path

from lake.kafka_access import broker_log
from lake.settings import Settings
from lake.space import MEGABYTE
from spark.source.topic import Offsets, Topic, TopicState

log = logging.getLogger(__name__)


def remove_surplus(settings: Settings, topic: Topic, now: TopicState, held: Offsets, keep_mb: int) -> None:
    """Have the embedded broker remove what it keeps of the topic beyond ``keep_mb``; another broker is left alone.

    Args:
        settings: Where the broker's log is.
        topic: The topic.
        now: The topic as it is.
        held: The next offset of each partition after what bronze holds of this very topic.
        keep_mb: What may stay of that.

    Raises:
        ServiceError: the broker does not answer, or did not do it.
    """
    folder = broker_log(settings)
    if folder is None:
        return
    ends = surplus(folder, settings.kafka_topic, held, keep_mb * MEGABYTE)
    new = {partition: end for partition, end in ends.items() if end > now.begins[partition]}
    if new:
        topic.remove(new)
        log.info("Kafka removes records that bronze holds: up to %s", new)


def surplus(folder: Path, topic: str, held: Offsets, keep_bytes: int) -> Offsets:
    """Return up to which offset, exclusive, each partition may be emptied; without those that have nothing to give.

    Args:
        folder: The broker's, with a folder for each partition.
        topic: Its name.
        held: The next offset of each partition after what bronze holds. Nothing from there on is ever in the answer.
        keep_bytes: What the newest files of the topic may take, however little of it bronze needs.
    """
    ends = {
        partition: min(offset, _first_kept(folder / f"{topic}-{partition}", keep_bytes // max(len(held), 1), offset))
        for partition, offset in held.items()
    }
    return {partition: end for partition, end in ends.items() if end > 0}


def _first_kept(partition: Path, keep_bytes: int, offset: int) -> int:
    """Return the first offset of the newest files that take no more than so many bytes; ``offset`` if none may stay."""
    first = offset
    for path in sorted(partition.glob("*.log"), reverse=True):
        keep_bytes -= _size(path)
        if keep_bytes < 0:
            break
        first = int(path.stem)
    return first


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the broker has just deleted it
        return 0
