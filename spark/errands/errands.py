"""Errands: work besides counting that is requested or due. It is done in pieces between two batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Errand(Protocol):
    """One kind of errand."""

    def step(self, counted_up_to: int, /) -> bool:
        """Do one piece of what is requested or due; return whether there was one, because there may be another.

        Args:
            counted_up_to: the bronze batch that the ledger stands at.
        """


class Errands:
    """All errands, in the order of their priority.

    1. Replays, for a replay once begun is finished before anything else: the pieces that it has kept aside were counted
       under the verdicts that held, so a verdict has to wait for its end.
    2. Verdicts, which take a moment, and for which the marts wait.
    3. Maintenance, which can wait: it changes nothing that a table says.

    On a disk that is nearly full only maintenance goes on: then it deletes, and writes nothing.
    """

    def __init__(self, replays: Errand, verdicts: Errand, maintenance: Errand, has_room: Callable[[], bool]) -> None:
        """Prepare; ``has_room`` says whether the disk has room for what errands write."""
        self._by_priority = (replays, verdicts, maintenance)
        self._maintenance = maintenance
        self._has_room = has_room

    def step(self, counted_up_to: int) -> bool:
        """Do one piece of the first errand that has one; return whether any had.

        Args:
            counted_up_to: the bronze batch that the ledger stands at.
        """
        errands = self._by_priority if self._has_room() else (self._maintenance,)
        return any(errand.step(counted_up_to) for errand in errands)
