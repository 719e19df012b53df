"""A status that is well, for tests to change."""

from __future__ import annotations

from typing import Any

from stack.health.lags import Stage
from stack.health.processes import Process
from stack.status import Status


def a_status(**changes: Any) -> Status:
    facts: dict[str, Any] = {
        "data": "folder",
        "processes": [Process("kafka", "RUNNING", 1, 5.0)],
        "end_offsets": {0: 50, 1: 50},
        "stages": [Stage("bronze", 90, 0, 0.0)],
        "rejected": 2,
        "ledger_version": 2,
        "bookmark": 2,
        "marts_version": 2,
        "marts_age_seconds": 5.0,
        "stream_age_seconds": 1.0,
        "is_stream_there": True,
        "disk_bytes": {"lake": 2048},
    }
    return Status(**(facts | changes))
