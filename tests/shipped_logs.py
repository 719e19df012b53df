"""A log that a shipper reads while it is rotated, and what of it arrives in the topic."""

from __future__ import annotations

import io
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from kafka import KafkaConsumer, TopicPartition
from rotations import create

from lake.kafka_access import client_options
from lake.settings import Settings
from stack.servers import kafka
from stack.servers.waiting import TooLongError, wait_until

AT_START, AT_ROTATION, BEFORE_REOPENING, IN_ALL = 200, 750, 800, 1500
"""How many lines there are when the shipper starts, when the log is renamed, and when the server opens the new one."""
PATIENCE_SECONDS = 60
AGENTS = {
    5: "café".encode(),
    6: rb"\x22quotes\x22 and \x5c",
    7: b"a\ttab",
    8: b"long " * 2400,
    9: b"\xff\xfe no UTF-8",
    10: rb"an escaped \" quote",
}
"""User agents that a shipper might spoil, by the number of the line."""


def line(number: int) -> bytes:
    """A line of the combined format, each with a second of its own."""
    clock = f"{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}".encode()
    request = b'203.0.113.9 - - [15/Jan/2026:%s +0000] "GET /product/%d HTTP/1.1" 200 5' % (clock, number)
    return request + b' "-" "%s"' % AGENTS.get(number, b"Mozilla/5.0 (X11; Linux x86_64)")


LINES = [line(number) for number in range(1, IN_ALL + 1)]


class Arrivals:
    """The records that come to the topic from now on."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._begins = kafka.end_offsets(settings)

    def wait_for(self, number: int) -> None:
        """Wait until there are so many, but not for ever: a test that misses some says which."""
        with suppress(TooLongError):
            wait_until(lambda: self._number() >= number, PATIENCE_SECONDS, f"{number} records are in the topic")

    def values(self) -> list[bytes]:
        """Return them all."""
        ends = {TopicPartition(self._settings.kafka_topic, part): end for part, end in self._ends().items()}
        values: list[bytes] = []
        with closing(KafkaConsumer(**client_options(self._settings), group_id=None)) as consumer:
            consumer.assign(list(ends))
            for place in ends:
                consumer.seek(place, self._begins[place.partition])
            deadline = time.monotonic() + PATIENCE_SECONDS
            while any(consumer.position(place) < end for place, end in ends.items()):
                assert time.monotonic() < deadline, "the topic cannot be read"
                for records in consumer.poll(timeout_ms=500).values():
                    values += [record.value for record in records]
        return values

    def _ends(self) -> dict[int, int]:
        return kafka.end_offsets(self._settings)

    def _number(self) -> int:
        return sum(end - self._begins[part] for part, end in self._ends().items())


@contextmanager
def running(command: Sequence[str | Path], output: Path, library_path: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """Run a shipper in the foreground, and end it as a service is ended."""
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LD_LIBRARY_PATH": library_path}
    with output.open("ab") as file:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def write_through_a_rotation(
    log: Path, shipper: subprocess.Popen[bytes], arrivals: Arrivals, copies: int = 1, is_hasty: bool = True
) -> None:
    """Write the lines as a web server does while logrotate, with ``create``, takes its log away.

    The server has the renamed log open until it is told. The shipper gets the signal that its package sends: at once if
    that ``is_hasty``, or when it has read the renamed log.
    """
    with log.open("ab", buffering=0) as file:
        arrivals.wait_for(AT_START * copies)
        _write(file, AT_START, AT_ROTATION)
        create(log)
        _write(file, AT_ROTATION, BEFORE_REOPENING)
    if not is_hasty:
        arrivals.wait_for(BEFORE_REOPENING * copies)
    shipper.send_signal(signal.SIGHUP)
    with log.open("ab", buffering=0) as file:
        _write(file, BEFORE_REOPENING, IN_ALL)
    arrivals.wait_for(IN_ALL * copies)


def begin(log: Path) -> None:
    """Write the log as it is when the shipper starts."""
    log.write_bytes(b"".join(one + b"\n" for one in LINES[:AT_START]))


def _write(file: BinaryIO | io.RawIOBase, first: int, end: int) -> None:
    for one in LINES[first:end]:
        file.write(one + b"\n")
