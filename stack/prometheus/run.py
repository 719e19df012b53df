"""`make prometheus`: Prometheus as it is installed, with our rules, on this machine's own address."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NoReturn

import yaml

from lake.errors import ServiceError
from lake.files import write_whole
from lake.settings import Settings, child_environment
from stack.servers.ports import LOCALHOST
from stack.servers.processes import become

HERE = Path(__file__).parent
KEPT_DAYS, KEPT_MB = 15, 512


def become_prometheus(settings: Settings, port: int) -> NoReturn:
    """Become Prometheus, which scrapes ``watch`` and answers at a port of this machine: does not return.

    Raises:
        ServiceError: it is not installed.
    """
    program = shutil.which("prometheus")
    if program is None:
        raise ServiceError("there is no `prometheus` on the PATH; on Debian, run `sudo apt install prometheus`")
    folder = render(settings)
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--storage.tsdb.retention.time={KEPT_DAYS}d",
        f"--storage.tsdb.retention.size={KEPT_MB}MB",
        f"--web.listen-address={LOCALHOST}:{port}",
    ]
    become(command, child_environment(settings))


def render(settings: Settings) -> Path:
    """Write the configuration and the rules to the data folder, and return the folder that holds them."""
    folder = settings.data / "prometheus"
    folder.mkdir(parents=True, exist_ok=True)
    configuration = yaml.safe_load((HERE / "prometheus.yml").read_text())
    (job,) = configuration["scrape_configs"]
    job["static_configs"] = [{"targets": [f"{_reached_at(settings)}:{settings.outlook.metrics_port}"]}]
    write_whole(folder / "prometheus.yml", yaml.safe_dump(configuration))
    write_whole(folder / "rules.yml", (HERE / "rules.yml").read_text())
    return folder


def _reached_at(settings: Settings) -> str:
    """Return where this machine reaches the metrics: where they listen on all its addresses, on its own, too."""
    host = settings.outlook.metrics_host
    return LOCALHOST if host in ("0.0.0.0", "::", "") else f"[{host}]" if ":" in host else host  # noqa: S104
