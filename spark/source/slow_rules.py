"""Which URL rule keeps a batch busy: looked for when bronze takes unusually long for one, and reported.

A rule that is known to be slow is refused at the start (:mod:`lake.patterns`). This is for one that gets past that.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lake.contracts import MAX_TARGET_CHARACTERS
from lake.errors import RulesError, first_line, shown
from lake.patterns import MOST_SECONDS, slow_search
from lake.url_rules import PYTHON_FLAGS, UrlRules, as_python
from spark.events.parse import parse_records
from spark.events.targets import query, spelled

log = logging.getLogger(__name__)

MOST_RECORDS = 100
"""A search is the slower the longer a target is, so the longest records are looked at."""


@contextmanager
def watch(seconds: float, look: Callable[[], str | None], report: Callable[[str | None], None]) -> Iterator[None]:
    """Look once for what keeps the work in this context busy, if it takes longer; report it, and None when it ends."""
    is_done, is_reported, turn = threading.Event(), threading.Event(), threading.Lock()

    def wait_and_look() -> None:
        if is_done.wait(seconds):
            return
        try:
            found = look()
        except (PySparkException, Py4JError, RulesError) as error:  # the work itself goes on
            log.warning("it is not known what keeps bronze busy: %s", first_line(error))
            return
        if found is None:
            return
        log.error("%s", found)
        with turn:
            if not is_done.is_set():
                is_reported.set()
                report(found)

    thread = threading.Thread(target=wait_and_look, name="slow rules", daemon=True)
    thread.start()
    try:
        yield
    finally:
        with turn:
            is_done.set()
            if is_reported.is_set():
                report(None)


def slow_rule(records: DataFrame, rules: UrlRules) -> str | None:
    """Return in a sentence which rule is slow on which record, and what to do; None if none is on the longest records.

    Args:
        records: A batch of Kafka's.
        rules: The URL rules that it is read by.
    """
    longest = records.orderBy(F.octet_length("value").desc()).limit(MOST_RECORDS)
    target = spelled(F.left("path", F.lit(MAX_TARGET_CHARACTERS))).alias("target")
    parsed = parse_records(longest, UrlRules(rules.actions, ())).filter(F.col("path").isNotNull())
    targets = parsed.select("kafka_partition", "kafka_offset", target)
    rows = targets.withColumn("query", query(F.col("target"))).collect()
    patterns = [as_python(pattern) for _, pattern in rules.patterns]
    slow = slow_search(patterns, PYTHON_FLAGS, [text for row in rows for text in (row["target"], row["query"])])
    if slow is None:
        return None
    (number, pattern), row = rules.patterns[slow[0]], rows[slow[1] // 2]
    number = rules.rules[number - 1].number or number  # in its own file, where that extends another
    record = f"{row['kafka_partition']}-{row['kafka_offset']}"
    return (
        f"rule {number}, {shown(pattern)}, takes longer than {MOST_SECONDS:.0f} s for the "
        f"longest records, such as {record}; correct the rule, and run `make down` and `make up`: no record is lost"
    )
