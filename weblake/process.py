"""What every command sets up, in one place: settings, the log, signals, exit codes."""

from __future__ import annotations

import copy
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TextIO

from lake.errors import SettingsError
from lake.scratch import keep_temporary_files
from lake.settings import Settings, load_settings
from lake.text import printable, printable_lines
from stack.private import is_ours

FAILED, WRONG_USAGE, UNCHECKED, DOWN, WAITING, INTERRUPTED = 1, 2, 3, 4, 5, 130
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LOG_FORMAT = "%(asctime)sZ %(levelname)s %(name)s: %(message)s"
PRIVATE = 0o077
"""The umask of what works with data: nobody else may read, write or enter what it makes."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to the current standard error, so that a progress bar can stay below the lines."""

    def __init__(self) -> None:
        """Take no stream."""
        logging.Handler.__init__(self)

    def format(self, record: logging.LogRecord) -> str:
        """Return the message in one line, and those of a traceback if there is one; none acts on a terminal.

        A second line of a message would look like one of another program.
        """
        one_line = copy.copy(record)
        one_line.msg, one_line.args = printable(record.getMessage()), ()
        return printable_lines(super().format(one_line))

    @property
    def stream(self) -> TextIO:
        """The standard error."""
        return sys.stderr

    @stream.setter
    def stream(self, _: TextIO) -> None:
        raise AttributeError("the log goes to the standard error")


def prepare(*, written: Mapping[str, str] | None = None, quiet: bool = False, makes_data: bool = True) -> Settings:
    """Load the settings, set up the log, and have all files private that this process and its children make.

    Temporary ones are in the data folder, if that is in use. ``quiet`` is for commands whose answer is all that
    matters. Without ``makes_data`` the files get the rights that the user's umask gives: for what belongs to the
    installation. ``written`` is what :func:`lake.settings.load_settings` takes in place of the embedded stack's own
    file.

    Raises:
        SettingsError: a setting has a value that cannot be used.
    """
    if makes_data:
        os.umask(PRIVATE)
    settings = load_settings(written=written)
    if makes_data and is_ours(settings):
        with suppress(OSError):  # a full disk; what cannot do without says so itself
            keep_temporary_files(settings)
    set_up_log(settings.log_level)
    if quiet and settings.log_level != "DEBUG":
        logging.getLogger().setLevel(logging.WARNING)
    return settings


def set_up_log(level: str) -> None:
    """Give the log its one format; it replaces what a library has set up before.

    Raises:
        SettingsError: there is no such level.
    """
    if level not in LEVELS:
        raise SettingsError(
            f"LOG_LEVEL={level!r} is not a log level; set it to {', '.join(LEVELS[:-1])} or {LEVELS[-1]}"
        )
    formatter = logging.Formatter(LOG_FORMAT, datefmt="%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler = StderrHandler()
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("py4j").setLevel(logging.WARNING)
    if level != "DEBUG":  # kafka-python reports every attempt to connect; our own lines say the same now and then
        logging.getLogger("kafka").setLevel(logging.CRITICAL)


def on_stop(end: Callable[[], object]) -> None:
    """Make SIGTERM and SIGINT call ``end``, which lets the current work finish; a second one interrupts it."""
    is_ending = threading.Event()

    def handle(*_: object) -> None:
        if is_ending.is_set():
            raise KeyboardInterrupt
        is_ending.set()
        end()

    for number in STOP_SIGNALS:
        signal.signal(number, handle)


def interrupt_on_stop() -> None:
    """Make SIGTERM, and SIGHUP, interrupt the work as ^C does; what is ignored, as under nohup, stays so."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


def stop_event() -> threading.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    on_stop(stop.set)
    return stop
