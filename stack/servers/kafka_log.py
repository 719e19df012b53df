"""The embedded broker's log files: batches of records that bronze holds, taken out of them while the broker is down.

``DeleteRecords`` would leave the newest file of each partition as it is for as long as nothing else is sent. The format
is that of Kafka 0.11 and later: a batch begins with its first offset and its length, and says which is its last.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

HEADER = struct.Struct(
    ">qiiBIhi"
)  # first offset, length, leader epoch, format, checksum, attributes, last offset - first
BEFORE_LENGTH = 12


class Batch(NamedTuple):
    """Where in a file a batch begins, and its first and last offset."""

    position: int
    first: int
    last: int


def drop_records(log: Path, topic: str, next_offsets: dict[int, int]) -> int:
    """Take the batches below each partition's next offset out of the files; return how many bytes that frees.

    The broker, which must be down, then begins each partition at the first record left, and makes its indexes again.
    """
    freed = 0
    for partition, offset in next_offsets.items():
        folder = log / f"{topic}-{partition}"
        for path in folder.glob("*.deleted"):
            path.unlink()
        segments = sorted(folder.glob("*.log"))
        for path in segments:
            freed += _shorten(path, offset, is_last=path == segments[-1])
    return freed


def batches(path: Path) -> Iterator[Batch]:
    """Yield the batches of a file, without one that a crash left half written at its end."""
    size = path.stat().st_size
    with path.open("rb") as file:
        position = 0
        while position + HEADER.size <= size:
            file.seek(position)
            first, length, _, _, _, _, delta = HEADER.unpack(file.read(HEADER.size))
            if length <= 0 or position + BEFORE_LENGTH + length > size:
                return
            yield Batch(position, first, first + delta)
            position += BEFORE_LENGTH + length


def _shorten(path: Path, offset: int, is_last: bool) -> int:
    """Drop the batches below ``offset`` from a file; return how many bytes that frees."""
    size, kept, end = path.stat().st_size, None, int(path.stem)
    for batch in batches(path):
        if batch.last >= offset:
            kept = batch
            break
        end = batch.last + 1
    if kept and kept.position == 0:
        return 0
    if kept or is_last:  # the newest file may be empty, but must be there, or the broker would count from 0 again
        new = path.with_name(f"{kept.first if kept else end:020d}.log")
        scratch = path.with_name("new")
        with path.open("rb") as source, scratch.open("wb") as target:
            source.seek(kept.position if kept else size)
            shutil.copyfileobj(source, target)
        _remove(path)
        scratch.rename(new)
        return size - new.stat().st_size
    _remove(path)
    return size


def _remove(path: Path) -> None:
    for suffix in (".index", ".timeindex", ".txnindex", ".log"):
        path.with_suffix(suffix).unlink(missing_ok=True)
