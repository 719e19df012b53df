"""What process trees cost: CPU seconds with those of their ended children, and memory."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from bench.background import Background


def trees(roots: Iterable[int]) -> dict[int, list[psutil.Process]]:
    """Return each root process with all below it, by its pid; the list is empty when it has ended."""
    processes: dict[int, psutil.Process] = {}
    children: dict[int, list[int]] = {}
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            children.setdefault(process.ppid(), []).append(process.pid)
            processes[process.pid] = process
    members_of = {}
    for root in roots:
        members = [root] if root in processes else []
        for pid in members:
            members += children.get(pid, [])
        members_of[root] = [processes[pid] for pid in members]
    return members_of


def cpu_seconds(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds of the processes, and of their children that have ended and were waited for."""
    total = 0.0
    for process in processes:
        with suppress(psutil.Error):
            times = process.cpu_times()
            total += times.user + times.system
            total += getattr(times, "children_user", 0.0) + getattr(times, "children_system", 0.0)
    return total


def memory_bytes(processes: list[psutil.Process]) -> int:
    """Return the resident memory of the processes; pages that several share count once (proportional set size).

    What Java has just forked, and is about to become another program, still has its parent's memory: left out.
    """
    total = 0
    programs = {process.pid: _program(process) for process in processes}
    for process in processes:
        with suppress(psutil.Error, OSError):
            program = programs[process.pid]
            if program and Path(program[0]).name == "java" and program == programs.get(process.ppid()):
                continue
            total += _shared_out(process)
    return total


def per_million(before: dict[str, float], after: dict[str, float], events: int) -> dict[str, float]:
    """Return the CPU seconds that a million events cost each tree between two looks, during which ``events`` came."""
    return {name: (after[name] - before[name]) / events * 1e6 for name in after}


def percent_of_a_core(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, float]:
    """Return how much of one core each tree took between two looks, ``seconds`` apart."""
    return {name: (after[name] - before[name]) / seconds * 100 for name in after}


class Meter(Background):
    """Watches named process trees: ``with Meter() as meter: meter.follow("stream", pid)``."""

    def __init__(self, sample_seconds: float = 0.5) -> None:
        """Watch nothing yet; memory is looked at every ``sample_seconds``."""
        super().__init__("meter")
        self._sample_seconds = sample_seconds
        self._roots: dict[str, int] = {}
        self._cpu: dict[str, float] = {}
        self._peaks: dict[str, int] = {}
        self._lock = threading.Lock()

    def follow(self, name: str, pid: int) -> None:
        """Watch the tree of ``pid`` under ``name``."""
        with self._lock:
            self._roots[name] = pid
            self._cpu[name] = 0.0
            self._peaks[name] = 0

    def cpu(self) -> dict[str, float]:
        """Return the CPU seconds of each tree up to now. They never fall, even when processes end."""
        with self._lock:
            self._sample()
            return dict(self._cpu)

    def peaks(self) -> dict[str, int]:
        """Return the highest memory of each tree, in bytes, as sampled."""
        with self._lock:
            self._sample()
            return dict(self._peaks)

    def _watch(self) -> None:
        while not self._stop.wait(self._sample_seconds):
            with self._lock:
                self._sample()

    def _sample(self) -> None:
        processes_of = trees(self._roots.values())
        for name, pid in self._roots.items():
            processes = processes_of[pid]
            self._cpu[name] = max(self._cpu[name], cpu_seconds(processes))
            self._peaks[name] = max(self._peaks[name], memory_bytes(processes))


def _program(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def _shared_out(process: psutil.Process) -> int:
    """Return the proportional set size, in which shared pages are split among their users; else the resident size."""
    try:
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return int(process.memory_info().rss)
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
