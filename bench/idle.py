"""The idle stack: what everything that ``make up`` starts takes from a laptop."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.usage import Meter, percent_of_a_core
from lake.command import weblake_command
from lake.errors import ServiceError
from lake.settings import PROJECT, Settings, child_environment, load_settings
from stack import supervision
from stack.servers.ports import LOCALHOST, pick_quiet_ports

SAMPLE_SECONDS = 2.0
DOWN_SECONDS = 300
ALL = "all"


@dataclass(frozen=True)
class Idle:
    """The stack's cost, by program; ``all`` is the whole, ``by_minute`` the whole in each minute."""

    rate: int
    seconds: float
    up_seconds: float
    cpu_percent_of_a_core: dict[str, float]
    cpu_percent_by_minute: list[float]
    peak_memory_bytes: dict[str, int]
    restarted: list[str]


def measure_idle(folder: Path, rate: int, seconds: int, say: Callable[[str], None]) -> Idle:
    """Start a stack of its own with ``rate`` events per second, measure it for ``seconds``, stop it.

    Raises:
        ServiceError: the stack did not come up or did not go down.
    """
    broker, _, database = pick_quiet_ports(3)
    settings = load_settings(
        {
            "WEBLAKE_DATA": str(folder),
            "LAKE_ROOT": str(folder / "lake"),
            "WEBLAKE_CHARTS": str(folder / "charts"),
            "KAFKA_BOOTSTRAP_SERVERS": f"{LOCALHOST}:{broker}",
            "POSTGRES_HOST": LOCALHOST,
            "POSTGRES_PORT": str(database),
        }
    )
    environment = child_environment(settings, RATE=str(rate), GENERATE="1")
    started = time.monotonic()
    try:
        up = subprocess.run(weblake_command("up"), cwd=PROJECT, env=environment, check=False)
        if up.returncode != 0:
            raise ServiceError(f"`weblake up` ended with code {up.returncode}; its output is above")
        return _measure(settings, rate, seconds, time.monotonic() - started, say)
    finally:
        _down(environment)


def _measure(settings: Settings, rate: int, seconds: int, up_seconds: float, say: Callable[[str], None]) -> Idle:
    programs = {name: state.pid for name, state in supervision.states(settings).items()}
    minutes = []
    with Meter(SAMPLE_SECONDS) as meter:
        meter.follow(ALL, supervision.pid(settings))
        for name, pid in programs.items():
            meter.follow(name, pid)
        began, before = time.monotonic(), meter.cpu()
        last, last_at = before, began
        while last_at - began < seconds:
            time.sleep(min(60.0, seconds - (last_at - began)))
            now, now_at = meter.cpu(), time.monotonic()
            minutes.append(percent_of_a_core(last, now, now_at - last_at)[ALL])
            last, last_at = now, now_at
            say(f"  {last_at - began:.0f} of {seconds} s: {minutes[-1]:.0f} % of a core")
        duration = last_at - began
        percent = percent_of_a_core(before, last, duration)
        peaks = meter.peaks()
    after = {name: state.pid for name, state in supervision.states(settings).items()}
    own = {"supervisor": percent[ALL] - sum(percent[name] for name in programs)}
    return Idle(
        rate=rate,
        seconds=duration,
        up_seconds=up_seconds,
        cpu_percent_of_a_core={**percent, **own},
        cpu_percent_by_minute=minutes,
        peak_memory_bytes=peaks,
        restarted=sorted(name for name in programs if after.get(name) != programs[name]),
    )


def _down(environment: dict[str, str]) -> None:
    """Stop the stack; a session of its own, so that Ctrl-C does not stop the stopping."""
    down = subprocess.run(
        weblake_command("down"),
        cwd=PROJECT,
        env=environment,
        check=False,
        start_new_session=True,
        timeout=DOWN_SECONDS,
    )
    if down.returncode != 0:
        raise ServiceError(f"`weblake down` ended with code {down.returncode}; its output is above")
