"""The audit, step by step, each stage against the one before it."""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Callable

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from audit.check import Check, crashed, failed, unchecked
from audit.edition import Gap, edition_gap
from audit.lake import PinnedLake, pin
from audit.ledger import check_counts, check_deeply
from audit.marts import check_marts
from audit.mirror import check_mirror
from audit.on_record import check_on_record
from audit.past import check_past
from audit.records import check_records
from audit.report import Report, Versions
from audit.scope import Scope
from lake.causes import cause
from lake.errors import LakeError, RulesError, ServiceError, first_line
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.session import JAVA_END_SECONDS, how_java_ended

SIGNS_OF_A_CRASH = (
    "java.lang.OutOfMemoryError",
    "No space left on device",
    "Python worker exited unexpectedly",
    "SparkContext was shut down",
)
"""What Java says when it cannot go on for want of memory or of disk, which is no damage of what it reads."""

log = logging.getLogger(__name__)


def verify(
    session: SparkSession,
    settings: Settings,
    rules: UrlRules,
    scope: Scope,
    is_deep: bool,
    say: Callable[[str], object] = lambda _: None,
) -> Report:
    """Make all checks; report a check that cannot be made, or crashes, as one of them. ``say`` shows the current step.

    Raises:
        LakeError: there is no lake at all.
    """
    started = time.monotonic()
    say("Reading the tables' logs")
    try:
        lake, checks = pin(session, settings)
        gap, gap_checks = _edition(lake)
    except Exception as error:
        if isinstance(error, LakeError) and not _end_of_java(session, error):
            raise
        log.debug("the lake could not be opened", exc_info=error)
        broken = _check_of(session, "lake", f"the log of {settings.lake_root}", error)
        return Report(settings.lake_root, str(scope), time.monotonic() - started, [broken])
    checks += gap_checks
    steps: list[tuple[str, str, Callable[[], list[Check]]]] = [
        ("Kafka: offsets", "Comparing bronze with Kafka", lambda: check_records(lake)),
        ("ledger", "Counting bronze again", lambda: _counts(lake, scope.since(_first_day(lake)), gap)),
        ("ledger", "Adding up what lies before the horizon", lambda: check_past(lake)),
        ("PostgreSQL: window_counts", "Comparing PostgreSQL with the ledger", lambda: check_mirror(lake, scope)),
        ("PostgreSQL: records", "Comparing PostgreSQL with what is on record", lambda: check_on_record(lake)),
        ("marts", "Comparing the marts with PostgreSQL", lambda: _marts(lake, scope, gap)),
    ]
    if is_deep and gap:
        checks += gap.instead_of("deep")
    elif is_deep:
        steps.append(("deep", "Reading every raw record again", lambda: check_deeply(lake, scope, rules)))
    for name, doing, check in steps:
        say(doing)
        checks += guarded(session, name, check)
    versions = Versions(lake.bronze_version, lake.ledger_version, lake.batch)
    return Report(settings.lake_root, str(scope), time.monotonic() - started, checks, versions)


def _edition(lake: PinnedLake) -> tuple[Gap | None, list[Check]]:
    """Return how the ledger's edition differs from today's, and the line of the report on it."""
    try:
        gap = edition_gap(lake)
    except RulesError as error:
        return None, [failed("edition", str(error))]
    return gap, [gap.check()] if gap else []


def _counts(lake: PinnedLake, scope: Scope, gap: Gap | None) -> list[Check]:
    """Compare the ledger with bronze, unless its past was counted without a measure or dimension of today."""
    return gap.instead_of("ledger") if gap and not gap.is_of_rules else check_counts(lake, scope)


def _marts(lake: PinnedLake, scope: Scope, gap: Gap | None) -> list[Check]:
    return check_marts(lake.settings, scope, is_of_one_edition=not gap or gap.is_of_rules, horizon=_first_day(lake))


def _first_day(lake: PinnedLake) -> dt.date | None:
    return lake.horizon.day if lake.horizon else None


def guarded(session: SparkSession, name: str, check: Callable[[], list[Check]]) -> list[Check]:
    """Make a check. Damage that stops it is a failure; a server that is down is not, and no crash is."""
    try:
        return check()
    except ServiceError as error:
        return [unchecked(name, str(error))]
    except RulesError as error:
        return [failed(name, str(error))]
    except Exception as error:  # also what nobody thought of: a mistake of ours is no lost data
        log.debug("%s broke off", name, exc_info=error)
        return [_check_of(session, name, "the lake", error)]


def _check_of(session: SparkSession, name: str, what: str, error: Exception) -> Check:
    """Return the check that an error ended: as a failure where ``what`` cannot be read, or else as a crash."""
    end = _end_of_java(session, error)
    if end:
        return crashed(name, end)
    is_of_lake = isinstance(error, (LakeError, PySparkException, Py4JJavaError)) and not _is_of_connection(error)
    if is_of_lake and not any(sign in str(error) for sign in SIGNS_OF_A_CRASH):
        return failed(name, f"{what} cannot be read: {cause(error)}")
    return crashed(name, cause(error) if is_of_lake else f"{type(error).__name__}: {first_line(error)}")


def _end_of_java(session: SparkSession, error: Exception) -> str:
    """Return how Java has ended, if it has; where the connection to it broke, that may take a moment to show."""
    is_broken = _is_of_connection(error) or isinstance(error, OSError)
    return how_java_ended(session, patience_seconds=JAVA_END_SECONDS if is_broken else 0)


def _is_of_connection(error: BaseException | None) -> bool:
    """Say whether an error, or what led to it, is one of py4j's own, which Java has not sent."""
    while error is not None:
        if isinstance(error, Py4JError) and not isinstance(error, Py4JJavaError):
            return True
        error = error.__cause__
    return False
