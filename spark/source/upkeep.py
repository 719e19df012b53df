"""The embedded broker's share of the disk: it removes what bronze holds, and slows senders down when there is no room.

Kafka's own retention knows nothing of bronze: it would remove what bronze has not read. So the stream has records
removed itself, up to the start of a file of the log, because the broker deletes files and no parts of them. The newest
file of a partition, to which it appends, it never deletes. Nor does Kafka know of a full disk before it is one, and not
all senders look at it as ours do.
"""

from __future__ import annotations

import logging
from itertools import accumulate
from pathlib import Path

from lake.kafka_access import broker_log
from lake.settings import Settings
from lake.space import MEGABYTE, SENDERS, shortage
from spark.source.topic import Offsets, Topic, TopicState

SLOW_BYTES, SLOWEST_BYTES = 256 << 10, 16 << 10
"""What all senders without a login may append in a second while the disk is short for them, and for bronze, too. They
are not turned away, which some take for the end of a record. From the one to the other in steps: Kafka has a sender
wait for as long as what it sent in the last two seconds would have taken."""

log = logging.getLogger(__name__)


class Upkeep:
    """Keeps the embedded broker from filling the disk; another broker is left alone."""

    def __init__(self, settings: Settings, topic: Topic) -> None:
        """Take nothing for granted that an earlier process has set."""
        self._settings = settings
        self._topic = topic
        self._limit: int | None = -1

    def trim(self, now: TopicState, held: Offsets, is_short: bool) -> None:
        """Have the broker remove what it need not keep.

        Args:
            now: The topic as it is.
            held: The next offset of each partition after what bronze holds of this very topic.
            is_short: Whether the disk has no room even for bronze: then only the newest files need be kept.

        Raises:
            ServiceError: the broker does not answer, or did not do it.
        """
        folder = broker_log(self._settings)
        if folder is None:
            return
        keep_mb = 0 if is_short else self._settings.kafka_keep_mb
        ends = surplus(folder, self._settings.kafka_topic, held, keep_mb * MEGABYTE)
        new = {partition: end for partition, end in ends.items() if end > now.begins[partition]}
        if new:
            self._topic.remove(new)
            log.info("Kafka removes records that bronze holds: up to %s", new)

    def limit_senders(self, is_short: bool) -> None:
        """Slow senders down while the disk is short for them, and more where it is short for bronze, too.

        Raises:
            ServiceError: the broker does not answer, or did not do it.
        """
        if broker_log(self._settings) is None:
            return
        limit = SLOWEST_BYTES if is_short else SLOW_BYTES
        short = shortage(self._settings, SENDERS, f"all senders together may append {limit:,} bytes a second")
        new = limit if short else None
        if new != self._limit:
            self._topic.limit_senders(new)
            self._limit = new
            if short:
                log.warning("%s", short)


def surplus(folder: Path, topic: str, held: Offsets, keep_bytes: int) -> Offsets:
    """Return up to which offset, exclusive, each partition may be emptied; without those that have nothing to give.

    Args:
        folder: The broker's, with a folder for each partition.
        topic: Its name.
        held: The next offset of each partition after what bronze holds. Nothing from there on is ever in the answer.
        keep_bytes: What the newest files of the topic may take, however little of it bronze needs. The newest of each
            partition stays, whatever it takes.
    """
    ends = {
        partition: min(offset, _first_kept(folder / f"{topic}-{partition}", keep_bytes // max(len(held), 1)))
        for partition, offset in held.items()
    }
    return {partition: end for partition, end in ends.items() if end > 0}


def _first_kept(partition: Path, keep_bytes: int) -> int:
    """Return the first offset of the newest files that take no more than so many bytes.

    At least the newest file stays; the answer is 0 where there is none.
    """
    files = sorted(partition.glob("*.log"), reverse=True)
    sizes = accumulate(map(_size, files))
    kept = [path for path, size in zip(files, sizes, strict=True) if size <= keep_bytes] or files[:1]
    return int(kept[-1].stem) if kept else 0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # the broker has just deleted it
        return 0
