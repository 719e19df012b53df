"""The rig of a fault case: a topic, a lake and a database of its own, a stream to hurt, and what must come out.

A case sends traffic, injects faults, and ends with :meth:`Rig.prove`. Everything random comes from ``rig.dice``.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.producer import Producer, Sent
from faults.stream import Stream
from faults.traffic import Fact

from lake.command import weblake_command
from lake.contracts.mirror import CLIENT_DAY, SETTLED_SECONDS
from lake.env_file import read_env_file
from lake.settings import PROJECT, STACK_FILE, Settings, child_environment, load_settings
from stack.servers import kafka, postgres
from stack.servers.embedded import Embedded
from stack.servers.migrations import migrate
from stack.servers.stack_env import write
from stack.servers.waiting import wait_until

PATIENCE_SECONDS = 300.0
"""How long a case waits for anything that must come: long, for a machine that is busy with other work."""
DIMENSIONS = ("all", "action", "product", "client")
CELLS = (
    "select dimension, extract(epoch from window_start)::bigint, key, sum(events)::bigint from silver.window_counts "
    "group by 1, 2, 3 having sum(events) <> 0"
)

Cells = Counter[tuple[str, int, str]]


@dataclass
class Rig:
    """One case.

    ``environment`` is added to that of every process. ``faults`` counts what was done to the case, by name; ``lost``
    and ``doubled`` are events, -1 until known.
    """

    services: Embedded
    settings: Settings
    case: str
    seed: int
    dice: random.Random
    producer: Producer
    stream: Stream
    environment: dict[str, str] = field(default_factory=dict)
    faults: Counter[str] = field(default_factory=Counter)
    lost: int = -1
    doubled: int = -1

    def start(self, **environment: str) -> None:
        """Start the stream."""
        self.stream.start(**self.environment, **environment)

    def progress(self) -> dict[str, Any]:
        """Return what the stream that runs now says of its stages; empty while it has said nothing."""
        path = self.settings.data / "stream.json"
        told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
        return told if told.get("pid") == self.stream.pid else {}

    def wait_until_counted(self) -> None:
        """Wait until PostgreSQL has all that the topic holds now; fail when the stream ends, or is slower than that."""
        ends = {str(partition): end for partition, end in kafka.end_offsets(self.settings).items() if end}
        self._wait(lambda told: _covers(told["bronze"]["next_offsets"], ends))
        rows = self.progress()["bronze"]["rows"]
        self._wait(lambda told: bool(told["mirror"]["rows"] >= rows))

    def wait_until_mirrored(self) -> None:
        """Wait until PostgreSQL stands at the ledger's latest version."""
        log = Path(self.settings.ledger) / "_delta_log"
        latest = max(int(path.stem) for path in log.glob("*.json"))
        self._wait(lambda told: bool(told["mirror"]["bookmark"] >= latest))

    def wait_until_working(self) -> None:
        """Wait until the stream that runs now has got on, however far it is behind."""
        self._wait(lambda told: True)
        before = self.progress()["bronze"]["version"]
        self._wait(lambda told: bool(told["bronze"]["version"] > before))

    def _wait(self, condition: Callable[[dict[str, Any]], bool]) -> None:
        def holds() -> bool:
            assert self.stream.pid, f"the stream has ended; the end of its log:\n{self.stream.log_tail()}"
            told = self.progress()
            return bool(told) and condition(told)

        wait_until(holds, PATIENCE_SECONDS, f"PostgreSQL has all (log: {self.stream.log})")

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``weblake`` with the case's settings and return its output, whatever the exit code."""
        return subprocess.run(
            weblake_command(*arguments),
            cwd=PROJECT,
            env=child_environment(self.settings, **self.environment, **environment),
            capture_output=True,
            text=True,
            check=False,
        )

    def verify_deep(self) -> None:
        """Build the marts, and require that ``verify --deep`` finds nothing wrong and leaves nothing unchecked."""
        built = self.run("dbt")
        assert built.returncode == 0, built.stdout + built.stderr
        checked = self.run("verify", "--deep")
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def compare(self) -> None:
        """Require that PostgreSQL has every acknowledged event once, in each dimension that the messages tell of."""
        expected = as_settled(expected_cells(self.producer.sent), self.settled_until())
        dimensions = (*DIMENSIONS, CLIENT_DAY)
        actual = Counter({cell: events for cell, events in self.cells().items() if cell[0] in dimensions})
        self.lost, self.doubled = largest_sum(expected - actual), largest_sum(actual - expected)
        differing = sorted((expected - actual) | (actual - expected))[:5]
        assert expected == actual, f"{self.lost} lost, {self.doubled} doubled, first in {differing}"

    def prove(self) -> None:
        """End the case: all is counted, the stream ends when told to, every stage agrees, nothing lost or doubled."""
        self.wait_until_counted()
        self.stream.stop()
        self.compare()
        self.verify_deep()

    def cells(self) -> Cells:
        """Return the events per (dimension, window, key) in PostgreSQL."""
        with closing(postgres.connect(self.settings, "dbt")) as connection, connection.cursor() as cursor:
            cursor.execute(CELLS)
            return Counter({(name, window, key): events for name, window, key, events in cursor.fetchall()})

    def settled_until(self) -> float:
        """Return the time before which windows are settled in PostgreSQL, epoch seconds."""
        query = "select coalesce(extract(epoch from max(settled_until)), 0)::float8 from silver.bookmark"
        ((until,),) = postgres.query(self.settings, "dbt", query)
        return float(str(until))

    def close(self) -> None:
        """Leave no process behind."""
        self.stream.clear()
        self.producer.close()


def open_rig(services: Embedded, folder: Path, case: str, seed: int) -> Rig:
    """Return a rig in a folder of its own; services that an earlier case left dead are started again."""
    if services.kafka.pid is None:
        services.start_kafka()
    if services.postgres.pid is None:
        services.start_postgres()
    folder.mkdir(parents=True, exist_ok=True)
    name = folder.name.lower().replace("-", "_")
    values = {
        **read_env_file(services.settings.data / STACK_FILE),
        "KAFKA_TOPIC": name,
        "POSTGRES_DB": name,
        "SPARK_MASTER": "local[2]",
        "TRIGGER_SECONDS": "1",
    }
    settings = load_settings({"WEBLAKE_DATA": str(folder), **values})
    write(settings, values)
    migrate(settings)
    kafka.create_topic(settings)
    return Rig(services, settings, case, seed, random.Random(f"{seed} {case}"), Producer(settings), Stream(settings))


def _covers(reached: dict[str, int], ends: dict[str, int]) -> bool:
    return all(reached.get(partition, 0) >= end for partition, end in ends.items())


def as_settled(cells: Cells, until: float) -> Cells:
    """Return cells as PostgreSQL has them, where what lies before ``until`` is settled."""
    settled: Cells = Counter()
    for (dimension, window, key), events in cells.items():
        becomes = CLIENT_DAY if dimension == "client" else dimension
        cell = (becomes, window - window % SETTLED_SECONDS[becomes], key)
        settled[cell if window < until else (dimension, window, key)] += events
    return settled


def expected_cells(sent: list[Sent]) -> Cells:
    """Return the events per (dimension, window, key) that the messages must make: of equal ones in a window, one."""
    facts: dict[tuple[str, int], Fact] = {}
    for place, one in enumerate(sent):
        if one.message.fact:
            identity = one.message.fact.event_id or f"\0{place}"
            facts.setdefault((identity, one.message.fact.window), one.message.fact)
    cells: Cells = Counter()
    for fact in facts.values():
        keys = zip(DIMENSIONS, ("all", fact.action, fact.product, fact.client), strict=True)
        cells.update((dimension, fact.window, key) for dimension, key in keys if key is not None)
    return cells


def largest_sum(cells: Cells) -> int:
    """Return the events in the dimension that has most of them."""
    sums: Counter[str] = Counter()
    for (dimension, _, _), events in cells.items():
        sums[dimension] += events
    return max(sums.values(), default=0)
