"""From the look at the files to the tally: what is read only once, what goes wrong on the way, and what is refused."""

from __future__ import annotations

import gzip
import io
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from bronze_tables import EPOCH, Row, append, table
from collected import Collector, write
from settings_in import settings_in

from ingest.copies import CopyError
from ingest.files import ending
from ingest.import_logs import ImportOptions, Outcome, Progress, import_files
from lake.errors import SettingsError

LINES = [
    b'203.0.113.9 - - [%s:%02d +0000] "GET /product/%d HTTP/1.1" 200 5 "-" "x"'
    % (f"{EPOCH:%d/%b/%Y:%H:%M}".encode(), number % 60, number)
    for number in range(20_000)
]
LOG = b"\n".join(LINES) + b"\n"
Import = Callable[..., Outcome]


class Broker(Collector):
    """A producer whose Kafka has everything at once."""

    refused: tuple[str, ...] = ()

    @property
    def acknowledged(self) -> int:
        return len(self.records)

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr("ingest.import_logs.connect", lambda *_: broker)
    return broker


@pytest.fixture
def importer(tmp_path: Path) -> Import:
    settings = settings_in(tmp_path, LAKE_ROOT=str(tmp_path))
    return lambda *names: import_files([str(name) for name in names], settings, ImportOptions(), Progress())


def pipe_with(data: bytes) -> str:
    """Return the name of a pipe, as a shell has for ``<(zcat …)``; it stays open to be read."""
    reads, writes = os.pipe()

    def fill() -> None:
        with open(writes, "wb") as end:  # noqa: PTH123 (a descriptor)
            end.write(data)

    threading.Thread(target=fill, daemon=True).start()
    return f"/dev/fd/{reads}"


def test_a_pipe_is_read_once_and_to_its_end(broker: Broker, importer: Import, tmp_path: Path) -> None:
    last = write(tmp_path / "a.log", LINES[0] + b"\n")
    outcome = importer(pipe_with(LOG), pipe_with(gzip.compress(LOG)), pipe_with(LOG[:-1]), last)
    assert (outcome.problems, outcome.notes) == ([], [])
    assert [value for value, _ in broker.records] == [*LINES * 3, LINES[0]]


def test_a_damaged_beginning_of_the_standard_input_is_not_said_to_be_sent(
    broker: Broker, importer: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = gzip.compress(LOG)[:10] + bytes(range(256))
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(damaged))))
    with pytest.raises(SettingsError, match=r"^standard input is broken \(.*\); nothing was sent$"):
        importer("-")
    assert broker.records == []


def test_a_file_that_is_renamed_while_it_is_waited_for_is_read_to_its_end(
    broker: Broker, importer: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.log", LOG[:-1])
    monkeypatch.setattr(ending, "REST_SECONDS", 0.1)
    monkeypatch.setattr("ingest.files.ending.time.sleep", lambda _: path.exists() and path.rename(tmp_path / "a.log.1"))
    outcome = importer(path)
    assert (outcome.problems, len(broker.records)) == ([], len(LINES))


def test_no_fault_of_a_disk_loses_the_tally_or_the_other_files(
    broker: Broker, importer: Import, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(116, "Stale file handle")

    one, other = write(tmp_path / "a.log", LOG[:-1]), write(tmp_path / "b.log", LOG)
    monkeypatch.setattr("ingest.files.log_file.is_at_rest", fail)
    outcome = importer(one, other)
    assert outcome.problems == [f"{one}: [Errno 116] Stale file handle; import it again; no line counts twice"]
    assert outcome.summary.startswith(f"{2 * len(LINES):,} lines read, {2 * len(LINES) - 1:,} sent")
    assert len(broker.records) == 2 * len(LINES) - 1


def test_a_lake_that_cannot_be_looked_into_hinders_no_import(broker: Broker, importer: Import, tmp_path: Path) -> None:
    append(table(tmp_path), 1, Row(LINES[1], 0, 0))
    paths = [write(tmp_path / name, LOG) for name in ("a.log", "b.log")]
    (file,) = table(tmp_path).rglob("*.parquet")
    file.write_bytes(b"PAR1 and no more")
    outcome = importer(*paths)
    assert (outcome.problems, len(broker.records)) == ([], 2 * len(LINES))
    (note,) = outcome.notes
    assert note.startswith("whether these lines came before was not looked up: bronze cannot be read: ")


def test_copies_are_refused_before_anything_is_sent(broker: Broker, importer: Import, tmp_path: Path) -> None:
    append(table(tmp_path), 1, *(Row(line, 0, number) for number, line in enumerate(LINES[:60])))
    with pytest.raises(CopyError, match="are in the lake already under other ids"):
        importer(write(tmp_path / "a.log", b"\n".join(LINES[:60]) + b"\n"))
    assert broker.records == []
