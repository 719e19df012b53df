"""The part of ``make setup`` that needs the libraries: jars, and the archive of Spark's classes."""

from __future__ import annotations

import psycopg2

from lake.errors import WeblakeError
from lake.settings import Settings
from stack.console import complain, step
from stack.setup.class_archive import has_archive, make_archive
from stack.setup.jar_lock import faults, write_lock
from stack.setup.jars import JAR_SETS, fetch_jars, has_jars


def prepare_jars(settings: Settings) -> None:
    """Fetch the pinned jars and make the archive of Spark's classes, unless they are there.

    Raises:
        WeblakeError: jars cannot be fetched, or are not those of the lock. (Without an archive, Spark starts slowly.)
    """
    for jar_set in JAR_SETS:
        is_there = has_jars(settings.jars, jar_set)
        changed = faults(settings.jars / jar_set.name, jar_set.name) if is_there else []
        for fault in changed:
            complain(f"in {settings.jars / jar_set.name}, {fault}; the jars are fetched again")
        if changed or not is_there:
            with step(f"Fetching the jars of {jar_set.name} (once, up to a minute or two)"):
                fetch_jars(settings.jars, jar_set)
    if has_archive(settings):
        return
    try:
        with step("Preparing Spark's classes so that it starts in half the time (once, about a minute)"):
            make_archive(settings)
    except (WeblakeError, psycopg2.Error, OSError) as error:
        complain(f"{error}\nWeblake works without the archive; `make setup` tries again.")


def lock_jars(settings: Settings) -> None:
    """Fetch the pinned jars as they are today, and write the lock from them.

    Raises:
        WeblakeError: jars cannot be fetched.
    """
    for jar_set in JAR_SETS:
        with step(f"Fetching the jars of {jar_set.name}"):
            fetch_jars(settings.jars, jar_set, is_locked=False)
    write_lock(settings.jars, (jar_set.name for jar_set in JAR_SETS))
