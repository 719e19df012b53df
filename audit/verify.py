"""The audit, step by step, each stage against the one before it."""

from __future__ import annotations

import time
from collections.abc import Callable

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from audit.check import Check, failed, unchecked
from audit.edition import Gap, edition_gap
from audit.lake import PinnedLake, pin
from audit.ledger import check_counts, check_deeply
from audit.marts import check_marts
from audit.mirror import check_mirror
from audit.on_record import check_on_record
from audit.records import check_records
from audit.report import Report, Versions
from audit.scope import Scope
from lake.causes import cause
from lake.errors import LakeError, RulesError, ServiceError
from lake.settings import Settings
from lake.url_rules import UrlRules


def verify(
    session: SparkSession,
    settings: Settings,
    rules: UrlRules,
    scope: Scope,
    is_deep: bool,
    say: Callable[[str], object] = lambda _: None,
) -> Report:
    """Make all checks; report a check that cannot be made as one of them. ``say`` shows the current step.

    Raises:
        LakeError: there is no lake at all.
    """
    started = time.monotonic()
    say("Reading the tables' logs")
    try:
        lake, checks = pin(session, settings)
    except (PySparkException, Py4JError) as error:
        checks = [failed("lake", f"the log of {settings.lake_root} cannot be read: {cause(error)}")]
        return Report(settings.lake_root, str(scope), time.monotonic() - started, checks)
    gap, gap_checks = _edition(lake)
    checks += gap_checks
    steps: list[tuple[str, str, Callable[[], list[Check]]]] = [
        ("Kafka: offsets", "Comparing bronze with Kafka", lambda: check_records(lake)),
        ("ledger", "Counting bronze again", lambda: _counts(lake, scope, gap)),
        ("PostgreSQL: window_counts", "Comparing PostgreSQL with the ledger", lambda: check_mirror(lake, scope)),
        ("PostgreSQL: records", "Comparing PostgreSQL with what is on record", lambda: check_on_record(lake)),
        ("marts", "Comparing the marts with PostgreSQL", lambda: _marts(settings, scope, gap)),
    ]
    if is_deep and gap:
        checks += gap.instead_of("deep")
    elif is_deep:
        steps.append(("deep", "Reading every raw record again", lambda: check_deeply(lake, scope, rules)))
    for name, doing, check in steps:
        say(doing)
        checks += _guarded(name, check)
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


def _marts(settings: Settings, scope: Scope, gap: Gap | None) -> list[Check]:
    return check_marts(settings, scope, is_of_one_edition=not gap or gap.is_of_rules)


def _guarded(name: str, check: Callable[[], list[Check]]) -> list[Check]:
    """Make a check. Damage that stops it is a failure; a server that is down is not."""
    try:
        return check()
    except ServiceError as error:
        return [unchecked(name, str(error))]
    except RulesError as error:
        return [failed(name, str(error))]
    except (LakeError, PySparkException, Py4JError) as error:
        return [failed(name, f"the lake cannot be read: {cause(error)}")]
