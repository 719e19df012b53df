"""Errands: work besides counting that is requested or due. It is done in pieces between two batches."""

from __future__ import annotations

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
    """

    def __init__(self, replays: Errand, verdicts: Errand, maintenance: Errand) -> None:
        """Prepare."""
        self._by_priority = (replays, verdicts, maintenance)

    def step(self, counted_up_to: int) -> bool:
        """Do one piece of the first errand that has one; return whether any had.

        Args:
            counted_up_to: the bronze batch that the ledger stands at.
        """
        return any(errand.step(counted_up_to) for errand in self._by_priority)
