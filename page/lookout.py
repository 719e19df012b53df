"""Follows what the database shows, while somebody looks at the page: one look a second, however many look."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from anyio import to_thread

from lake.errors import WeblakeError
from page.marts import Marts
from page.stand import Stand, read_stand

LOOK_SECONDS = 1.0

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What is seen: the stand, or why there is none to be had, and since when (epoch seconds)."""

    stand: Stand
    trouble: str = ""
    since: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Return what the page has to know, and what time it is here."""
        return {**self.stand.as_json(), "trouble": self.trouble, "since": self.since, "now": time.time()}


class Lookout:
    """Looks at the database, and lets others wait for what is new."""

    def __init__(self, marts: Marts) -> None:
        """Look at nothing yet."""
        self.news = News(Stand())
        self._marts = marts
        self._watchers = 0
        self._task: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self._look_lock = asyncio.Lock()
        self._looked = float("-inf")

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Keep looking while the ``async with`` block lasts."""
        self._watchers += 1
        if self._task is None:
            self._task = asyncio.create_task(self._keep_looking())
        try:
            yield
        finally:
            self._watchers -= 1
            if self._watchers == 0 and self._task is not None:
                self._task.cancel()
                self._task = None

    async def newer_than(self, seen: News | None, seconds: float) -> News | None:
        """Return what is seen as soon as it is not ``seen``; None when nothing was new for so long."""
        deadline = time.monotonic() + seconds
        while self.news == seen:
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), deadline - time.monotonic())
                continue
            return None
        return self.news

    async def look(self) -> News:
        """Return what the database shows now, or showed less than ``LOOK_SECONDS`` ago."""
        async with self._look_lock:
            if time.monotonic() - self._looked >= LOOK_SECONDS:
                try:
                    self._turn_to(News(await to_thread.run_sync(self._marts.read, read_stand)))
                except WeblakeError as error:
                    self._tell_trouble(str(error))
                self._looked = time.monotonic()
        return self.news

    async def _keep_looking(self) -> None:
        while True:
            started = time.monotonic()
            await self.look()
            await asyncio.sleep(max(0.05, LOOK_SECONDS - (time.monotonic() - started)))

    def _tell_trouble(self, sentence: str) -> None:
        if not self.news.trouble:
            log.warning("%s", sentence)
        since = self.news.since if self.news.trouble else time.time()
        self._turn_to(News(self.news.stand, sentence, since))

    def _turn_to(self, news: News) -> None:
        if news != self.news:
            self.news = news
            self._changed.set()
            self._changed = asyncio.Event()
