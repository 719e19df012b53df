"""A thread that looks at something for as long as a ``with`` block lasts."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import TypeVar

Self = TypeVar("Self", bound="Background")


class Background(ABC):
    """In a ``with`` block, :meth:`_watch` runs in a thread of its own; it has to return once ``_stop`` is set."""

    def __init__(self, name: str) -> None:
        """Make the thread, and do not start it; ``name`` is for debuggers."""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)

    def __enter__(self: Self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching, and wait until the thread has ended."""
        self._stop.set()
        self._thread.join()

    @abstractmethod
    def _watch(self) -> None:
        """Look again and again, until ``_stop`` is set."""
