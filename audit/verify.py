"""The audit, step by step, each stage against the one before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TextIO

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from audit.check import Check, failed, unchecked
from audit.edition import Gap, edition_gap
from audit.lake import PinnedLake, pin
from audit.ledger import check_counts, check_deeply
from audit.marts import check_marts
from audit.mirror import check_mirror
from audit.records import check_records
from audit.report import Report, Versions
from audit.scope import Scope
from lake.errors import LakeError, ServiceError, first_line
from lake.settings import Settings
from lake.url_rules import UrlRules


class Progress:
    """Shows the current step on one line of a terminal; writes nothing if there is none."""

    def __init__(self, stream: TextIO) -> None:
        """Write to ``stream`` if it is a terminal."""
        self._stream = stream
        self._is_shown = stream.isatty()

    def say(self, text: str) -> None:
        """Show the text in place of the last one."""
        if self._is_shown:
            self._stream.write(f"\r\x1b[K{text} ...")
            self._stream.flush()

    def clear(self) -> None:
        """Wipe the line."""
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def verify(
    session: SparkSession, settings: Settings, rules: UrlRules, scope: Scope, is_deep: bool, progress: Progress
) -> Report:
    """Make all checks; report a check that cannot be made as one of them.

    Raises:
        LakeError: there is no lake at all.
    """
    started = time.monotonic()
    progress.say("reading the tables' logs")
    try:
        lake, checks = pin(session, settings)
    except (PySparkException, Py4JError) as error:
        checks = [failed("lake", f"the log of {settings.lake_root} cannot be read: {_reason(error)}")]
        return Report(settings.lake_root, str(scope), time.monotonic() - started, checks)
    gap = edition_gap(lake)
    checks += [gap.check()] if gap else []
    steps: list[tuple[str, str, Callable[[], list[Check]]]] = [
        ("Kafka: offsets", "comparing bronze with Kafka", lambda: check_records(lake)),
        ("ledger", "counting bronze again", lambda: _counts(lake, scope, gap)),
        ("PostgreSQL: window_counts", "comparing PostgreSQL with the ledger", lambda: check_mirror(lake, scope)),
        ("marts", "comparing the marts with PostgreSQL", lambda: check_marts(settings, scope)),
    ]
    if is_deep and gap:
        checks += gap.instead_of("deep")
    elif is_deep:
        steps.append(("deep", "reading every raw record again", lambda: check_deeply(lake, scope, rules)))
    for name, doing, check in steps:
        progress.say(doing)
        checks += _guarded(name, check)
    versions = Versions(lake.bronze_version, lake.ledger_version, lake.batch)
    return Report(settings.lake_root, str(scope), time.monotonic() - started, checks, versions)


def _counts(lake: PinnedLake, scope: Scope, gap: Gap | None) -> list[Check]:
    """Compare the ledger with bronze, unless its past was counted without a measure or dimension of today."""
    return gap.instead_of("ledger") if gap and not gap.is_of_rules else check_counts(lake, scope)


def _guarded(name: str, check: Callable[[], list[Check]]) -> list[Check]:
    """Make a check. Damage that stops it is a failure; a server that is down is not."""
    try:
        return check()
    except ServiceError as error:
        return [unchecked(name, str(error))]
    except (LakeError, PySparkException, Py4JError) as error:
        return [failed(name, f"the lake cannot be read: {_reason(error)}")]


def _reason(error: BaseException) -> str:
    """Return the innermost reason that Spark or Delta gives, on one line."""
    causes = [line.split("Caused by: ", 1)[1] for line in str(error).splitlines() if "Caused by: " in line]
    return causes[-1] if causes else first_line(error)
