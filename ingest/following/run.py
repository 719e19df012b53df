"""``weblake import --follow``: follows the files that the words of the command line name until it is stopped."""

from __future__ import annotations

import logging
import resource
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from glob import has_magic
from pathlib import Path

from ingest.connection import connect
from ingest.files.kinds import MOST_BYTES
from ingest.files.names import files_of
from ingest.following.follower import Follower
from ingest.following.progress import Progress
from ingest.following.tail import unfit
from ingest.following.tails import Tails
from ingest.survey import survey
from lake.contracts.following import (
    FollowReport,
    Position,
    follow_reports,
    post_file,
    read_follow_report,
    report_file,
    write_follow_report,
)
from lake.errors import ServiceError, SettingsError
from lake.kafka_access import broker_log
from lake.posts import leave, take, worker
from lake.settings import Settings
from lake.space import SENDERS, glance

log = logging.getLogger(__name__)

WHO = "the import"
AGAIN_SECONDS = 5.0
"""Before Kafka is tried again that has refused something."""


@dataclass(frozen=True)
class FollowOptions:
    """How to follow.

    Attributes:
        source: The name of the server whose logs these are; may be empty.
        log_format: The log string by which their lines are written, in our own names; may be empty.
        again: Whether to send what seems to be in the lake already.
        looks_up: Whether the lake of the settings is the one that the records go to.
    """

    source: str = ""
    log_format: str = ""
    again: bool = False
    looks_up: bool = True


def follow_files(words: list[str], settings: Settings, options: FollowOptions, stop: threading.Event) -> int:
    """Send the lines of files as they are written, until ``stop`` is set; return how many were sent.

    Args:
        words: Paths and patterns.
        settings: Where Kafka is, and the data folder in which the positions are kept.
        options: How.
        stop: When set, what is at hand is sent, and its position kept.

    Raises:
        SettingsError: a file cannot be followed, or is followed already; nothing was sent.
        CopyError: lines of a file are in the lake already, under other ids; nothing was sent.
        ServiceError: Kafka has no such topic; nothing was sent.
    """
    words = [str(Path(word).expanduser().absolute()) for word in words]
    path = report_file(settings.data, words, options.source)
    with _post(path, words):
        _have_many_files()
        before = read_follow_report(path) or _adopted(words, settings, options.source)
        _require_fit(words)
        known = {position.path for position in before.files}
        new = [name for name in files_of(words) if name not in known and Path(name).is_file() and not _unfit(name)]
        with ExitStack() as opened:
            looks_up = options.looks_up and not options.again
            found = survey(
                new, settings, options.source, looks_up=looks_up, opened=opened, look=partial(log.debug, "%s")
            )
        for note in found.notes:
            log.warning("%s", note)
        tails = Tails(words, options.source, before.files, before.updated_at, options.log_format)
        progress = Progress(path, tuple(words), options.source)
        try:
            _follow(tails, progress, settings, stop)
        finally:
            progress.keep(tails, has_ended=stop.is_set())
            tails.close()
        return progress.sent


def _follow(tails: Tails, progress: Progress, settings: Settings, stop: threading.Event) -> None:
    """Follow with one producer after the other: one that Kafka has refused something is of no use any more."""
    look = partial(glance, settings, SENDERS, f"{WHO} waits") if broker_log(settings) else lambda: None
    is_first = True
    while not stop.is_set():
        progress.keep(tails)
        try:
            producer = connect(settings, None, stop, WHO)
            if producer is None:
                return
            is_first = False
            try:
                Follower(tails, producer, progress, look).run(stop)
            finally:
                producer.close()
        except ServiceError as error:
            if is_first:
                raise
            if stop.is_set():
                return
            log.error("%s; it is tried again from what Kafka has", error)
            for tail in tails:
                tail.pending, tail.is_done = 0, False
                tail.rewind()
            stop.wait(AGAIN_SECONDS)


@contextmanager
def _post(report: Path, words: list[str]) -> Iterator[None]:
    """Be the only one who follows these words."""
    post = post_file(report)
    post.parent.mkdir(parents=True, exist_ok=True)
    file = take(post, f"`make import FOLLOW=1` of {', '.join(words)}")
    if file is None:
        raise SettingsError(f"{worker(post) or 'another command'} is at work already; stop it first")
    try:
        yield
    finally:
        post.unlink(missing_ok=True)
        leave(file)


def _adopted(words: list[str], settings: Settings, source: str) -> FollowReport:
    """Return the positions that others have left of the files that the words name now, when the words were others.

    Raises:
        SettingsError: somebody follows one of the files now.
    """
    names = set(files_of(words))
    files: list[Position] = []
    left: dict[Path, FollowReport] = {}
    since = 0.0
    for path, report in follow_reports(settings.data):
        ours = [position for position in report.files if position.path in names]
        if report.source != source or not ours:
            continue
        if at_work := worker(post_file(path)):
            raise SettingsError(f"{ours[0].path} is followed already, by {at_work}; stop it first")
        files += ours
        since = max(since, report.updated_at)
        rest = tuple(position for position in report.files if position.path not in names)
        left[path] = FollowReport(**{**vars(report), "files": rest})
    ours_now = FollowReport(tuple(words), source, since, files=tuple(files))
    if left:
        write_follow_report(report_file(settings.data, words, source), ours_now)
    for path, report in left.items():
        if report.files:
            write_follow_report(path, report)
        else:
            path.unlink()
    return ours_now


def _require_fit(words: list[str]) -> None:
    """Raise SettingsError where a word names what cannot be followed; patterns may fit such files."""
    for word in words:
        path = Path(word)
        if path.is_dir():
            raise SettingsError(f"{word} is a directory; name the log files in it, such as {word}/*.log")
        if path.exists() and not path.is_file():
            raise SettingsError(f"{word} is no file, so it has no positions to keep; follow it as standard input, by -")
        if path.is_file() and (reason := _unfit(word)):
            raise SettingsError(f"{word} is {reason}; nothing was sent")
        if not has_magic(word) and not path.parent.is_dir():
            raise SettingsError(f"{path.parent} does not exist; give the path of a log file, which may be yet to come")


def _unfit(name: str) -> str | None:
    try:
        with Path(name).open("rb") as file:
            return unfit(file.read(MOST_BYTES))
    except OSError as error:
        raise SettingsError(f"{name} cannot be read: {error.strerror}; check its permissions") from error


def _have_many_files() -> None:
    """Allow as many open files as the system does: each that is followed is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
