"""All files that are followed: which ones the words name now, which were rotated away, and where those are."""

from __future__ import annotations

import io
import logging
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.files.names import files_of
from ingest.following.rotated import find, missed, packed_lines
from ingest.following.tail import Tail
from lake.contracts.following import Position

log = logging.getLogger(__name__)

REST_SECONDS = 10.0
"""A file that was rotated away is left when it was at rest for so long, and the new one in its place has lines."""
LONG_REST_SECONDS = 600.0
"""The same while the new one is empty, so its server may not have noticed, or where there is none any more."""
FIND_SECONDS = 60.0
"""How long a text that was rotated away is looked for: it may just be packed."""
TRY_SECONDS = 5.0
CLOCK_SECONDS = 2.0
"""Times of files are as exact as that."""


class Tails:
    """The files, each once, under whatever names it stands."""

    def __init__(
        self, words: Iterable[str], source: str, positions: Iterable[Position], looked_at: float, log_format: str = ""
    ) -> None:
        """Go on from positions, which somebody kept until ``looked_at`` (epoch seconds)."""
        self._words = list(words)
        self._source, self._log_format = source, log_format
        self._tails = [Tail(position, source, log_format) for position in positions]
        self._paths = {tail.path for tail in self._tails}
        self._looked_at = looked_at
        self._is_new = True
        self._tried_at = -TRY_SECONDS
        self._said: set[str] = set()

    def __iter__(self) -> Iterator[Tail]:
        return iter(list(self._tails))

    def look(self) -> None:
        """See what has become of all files."""
        now = time.time()
        for tail in self:
            try:
                tail.look()
                if tail.was_truncated():
                    self._part(tail)
            except OSError as error:  # its disk is on another machine, say
                self._say(f"{tail.path} cannot be read: {error.strerror}; it is looked for again")
                tail.close()
        self._find_lost()
        names = self._names()
        for identity, name in names.items():
            self._see(name, identity)
        for name in self._paths if self._is_new and self._looked_at else ():
            self._add_missed(name)
        self._is_new = False
        for tail in self:
            if tail.is_open and (tail.device, tail.inode) not in names:
                self._see_off(tail)
        self._looked_at = now

    def drop(self, tail: Tail) -> None:
        """Follow a file no longer."""
        tail.close()
        self._tails.remove(tail)

    def close(self) -> None:
        """Close all files."""
        for tail in self:
            tail.close()

    def _names(self) -> dict[tuple[int, int], str]:
        """Return the files that the words name: what the system knows each by, and its name."""
        names: dict[tuple[int, int], str] = {}
        for name in files_of(self._words):
            try:
                status = Path(name).stat()
            except FileNotFoundError:
                self._say(f"{name} is not there yet; waiting for it")
                continue
            except OSError as error:
                self._say(f"{name} cannot be read: {error.strerror}; check its permissions")
                continue
            self._said.discard(f"{name} is not there yet; waiting for it")
            if stat.S_ISREG(status.st_mode):
                names.setdefault((status.st_dev, status.st_ino), name)
            else:
                self._say(f"{name} is left out: it is no file; a pipe can be followed as standard input, by -")
        return names

    def _see(self, name: str, identity: tuple[int, int]) -> None:
        """Take note of a file that has a name now."""
        tail = next((one for one in self._tails if one.is_open and (one.device, one.inode) == identity), None)
        if tail:
            tail.path = name
            tail.is_leaving = False
            self._tell_unfit(tail)
            return
        try:
            file = io.FileIO(name)
        except OSError as error:
            self._say(f"{name} cannot be read: {error.strerror}; check its permissions")
            return
        self._add(name, file)
        if name in self._paths:
            log.info("%s: a new file stands in its place", name)
            self._add_missed(name)
        else:
            log.info("following %s", name)
        self._paths.add(name)

    def _add(self, name: str, file: io.FileIO) -> None:
        tail = Tail(Position(name), self._source, self._log_format)
        tail.attach(file)
        self._tails.append(tail)
        self._tell_unfit(tail)

    def _add_missed(self, name: str) -> None:
        """Add what was begun and rotated away since the last look."""
        known = [(tail.device, tail.inode) for tail in self._tails]
        firsts = [tail.place.first for tail in self._tails]
        places = missed(name, self._looked_at - CLOCK_SECONDS, known, firsts, self._source)
        for first, (path, file) in places.items():
            log.info("%s was written and rotated away meanwhile, as %s", name, path)
            tail = Tail(Position(name, first=first), self._source, self._log_format)
            self._tails.append(tail)
            if file:
                tail.attach(file)
            else:
                tail.attach_packed(packed_lines(path, 0))

    def _part(self, tail: Tail) -> None:
        """Follow the new text of a file that was truncated, and look for where the old one was copied to."""
        log.info("%s was truncated after line %s", tail.path, f"{tail.place.number:,}")
        self._add(tail.path, tail.release())
        if not tail.place.first:
            self._tails.remove(tail)  # there were comments only
        self._tried_at = -TRY_SECONDS

    def _find_lost(self) -> None:
        now = time.monotonic()
        if now - self._tried_at < TRY_SECONDS:
            return
        self._tried_at = now
        for tail in self:
            if tail.is_lost and not tail.is_done:
                self._find(tail, now)

    def _find(self, tail: Tail, now: float) -> None:
        place = find(tail.read_position, self._source)
        if place is None:
            if now - tail.lost_at > FIND_SECONDS:
                self._give_up(tail)
            return
        if place.file is None:
            log.info("%s: what was not sent of it before it was packed is read from %s", tail.path, place.path)
            tail.attach_packed(packed_lines(place.path, tail.place.number))
        elif any(one.is_open and (one.device, one.inode) == place.identity for one in self._tails):
            place.file.close()
            tail.is_done = True  # it is read from its beginning as a file of its own
        else:
            tail.attach(place.file)

    def _give_up(self, tail: Tail) -> None:
        log.warning(
            "%s was rotated away after line %s, and is not found beside it: lines that it got after that were not "
            "sent; if there is a copy, import it; no line counts twice",
            tail.path,
            f"{tail.place.number:,}",
        )
        tail.is_done = True

    def _see_off(self, tail: Tail) -> None:
        """Say whether a file that has lost its name may be left: its server has the new one, and leaves it at rest."""
        if tail.unfit:
            tail.is_done = True
            return
        try:
            status = Path(tail.path).stat()
        except OSError:
            has_heir, is_begun = False, False
        else:
            has_heir, is_begun = (status.st_dev, status.st_ino) != (tail.device, tail.inode), status.st_size > 0
        rest = tail.rest_seconds()
        is_old = rest >= LONG_REST_SECONDS and (has_heir or tail.is_gone)
        tail.is_leaving = is_old or (has_heir and is_begun and rest >= REST_SECONDS)

    def _tell_unfit(self, tail: Tail) -> None:
        if tail.unfit:
            self._say(f"{tail.path} is left out: it is {tail.unfit}")

    def _say(self, sentence: str) -> None:
        """Log a sentence, unless that was done already."""
        if sentence not in self._said:
            self._said.add(sentence)
            log.warning("%s", sentence)
