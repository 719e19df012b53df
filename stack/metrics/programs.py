"""The programs as metrics: whether each runs, since when, and what it takes of the machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import psutil
from prometheus_client.core import Metric

from lake.settings import Settings
from stack.health.processes import RUNNING, UNSUPERVISED
from stack.metrics.families import counter, gauge
from stack.status import Status


def programs(_: Settings, seen: Status | None) -> Iterator[Metric]:
    """Yield the metrics of all programs and their children; none where nobody has looked."""
    if seen is None:
        return
    up, since, cpu, memory = {}, {}, {}, {}
    for process in seen.processes:
        is_up = process.state in (RUNNING, UNSUPERVISED)
        up[process.name] = float(is_up)
        with suppress(psutil.Error):
            if is_up and process.pid:
                since[process.name] = psutil.Process(process.pid).create_time()
                cpu[process.name], memory[process.name] = _takes(process.pids or (process.pid,))
    yield gauge("weblake_program_up", "1 where the program runs, as it was last seen", up, "program")
    yield gauge("weblake_program_start_timestamp_seconds", "When the program was started", since, "program")
    yield counter("weblake_program_cpu_seconds", "CPU time of the program and its children", cpu, "program")
    yield gauge("weblake_program_memory_bytes", "Memory of all these, what they share once", memory, "program")


def _takes(pids: tuple[int, ...]) -> tuple[float, float]:
    """Return the CPU seconds of processes and of their children that have ended, and their bytes of memory."""
    seconds, private, shared = 0.0, 0, 0
    for pid in pids:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            times, memory = process.cpu_times(), process.memory_info()
            seconds += times.user + times.system + times.children_user + times.children_system
            private += memory.rss - memory.shared
            shared = max(shared, memory.shared)
    return seconds, private + shared
