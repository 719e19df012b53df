"""A log that is followed, and what servers and logrotate do with it."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from collected import write
from following import Following

from ingest.following import tails


def line(number: int) -> bytes:
    second = f"{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}"
    return b'203.0.113.9 - - [15/Jan/2026:%s +0000] "GET /product/%d HTTP/1.1" 200 5' % (second.encode(), number)


def text(*numbers: int) -> bytes:
    return b"".join(line(number) + b"\n" for number in numbers)


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


@pytest.fixture(autouse=True)
def closed_files() -> Iterator[None]:
    yield
    while Following.all:
        Following.all.pop().tails.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return write(tmp_path / "logs" / "app.log", text(1, 2))


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return tmp_path / "following" / "a.json"


@pytest.fixture
def following(log: Path, record: Path) -> Following:
    return Following(record, log)


def shift(log: Path) -> None:
    for number in range(60, 0, -1):
        for end in ("", ".gz"):
            if (old := Path(f"{log}.{number}{end}")).exists():
                old.rename(f"{log}.{number + 1}{end}")


def create(log: Path) -> Path:
    """Rotate as logrotate does with ``create``."""
    shift(log)
    rotated = log.rename(f"{log}.1")
    log.touch()
    return rotated


def copytruncate(log: Path) -> Path:
    shift(log)
    copy = Path(shutil.copy(log, f"{log}.1"))
    os.truncate(log, 0)
    return copy


def pack(path: Path, compress: Callable[[bytes], bytes] = gzip.compress, suffix: str = ".gz") -> Path:
    """Pack a file as gzip does: with the old file's time."""
    packed = path.with_name(path.name + suffix)
    packed.write_bytes(compress(path.read_bytes()))
    os.utime(packed, (path.stat().st_mtime, path.stat().st_mtime))
    path.unlink()
    return packed


def rest(monkeypatch: pytest.MonkeyPatch, seconds: float = 0.0) -> None:
    monkeypatch.setattr(tails, "REST_SECONDS", seconds)


def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tails, "TRY_SECONDS", 0.0)
    monkeypatch.setattr(tails, "FIND_SECONDS", 0.0)
