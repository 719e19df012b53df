"""Maintenance by hand: ``weblake maintain``.

The running stream is asked to do it between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lake.requests import MaintenanceRequest, new_id
from lake.settings import Settings
from spark.commands.ask import carry_out


def maintain(settings: Settings, show: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Have all tables maintained, and return their sizes before and after; ``show`` is given how far it is.

    Raises:
        LakeError: it was refused.
    """
    return carry_out(settings, MaintenanceRequest(new_id()), show)
