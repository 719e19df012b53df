"""Traffic of more agents, and under more verdicts, than a plan may list: it is counted to the letter all the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from frames import LINE
from lakes import append_batch, sums
from pyspark.sql import SparkSession
from settings_in import settings_in

from audit.check import Verdict
from audit.lake import pin
from audit.ledger import check_counts, check_deeply
from audit.scope import Scope
from lake.contracts.records import BY_HAND, Change
from lake.requests import VerdictAnswer, VerdictRequest, ask, read_answer
from lake.url_rules import UrlRules
from spark.events.agent_columns import MOST_LISTED
from spark.pipeline import Pipeline

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.{}"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1.{}; +http://www.google.com/bot.html)"
TOOL = "Agent-{}/1.0"


def visit(number: int, agent: str) -> bytes:
    """A visit from an address of its own, with an agent of its own, to a product of its own."""
    text = LINE.format(target=f"/product/{number}").replace("203.0.113.7", f"93.184.{number >> 8}.{number & 255}")
    return text.replace("Mozilla/5.0 Firefox/131.0", agent.format(number)).encode()


@pytest.fixture
def compiled(session: SparkSession) -> Iterator[None]:
    """Spark fails where it cannot compile a plan, in place of taking more time over it."""
    session.conf.set("spark.sql.codegen.fallback", "false")
    yield
    session.conf.unset("spark.sql.codegen.fallback")


@pytest.mark.usefixtures("compiled")
def test_many_agents_and_many_verdicts_are_counted_as_a_few_are(
    session: SparkSession, rules: UrlRules, tmp_path: Path
) -> None:
    lake = settings_in(tmp_path)
    agents = [*[TOOL] * MOST_LISTED, GOOGLE, BROWSER, BROWSER]
    append_batch(session, lake, [visit(number, agent) for number, agent in enumerate(agents)])
    convicted = tuple(Change(f"93.184.{number >> 8}.{number & 255}", "convicted", "a test") for number in range(1_002))
    ask(lake.requests, VerdictRequest("many", BY_HAND, convicted))
    Pipeline(session, lake).count()
    answer = read_answer(lake.requests, "many", VerdictAnswer)
    assert answer is not None
    assert (answer.error, answer.changes, answer.moved["events"]) == (None, len(convicted), 1)
    append_batch(session, lake, [visit(number, BROWSER) for number in (1_000, 1_001, 1_002)])
    Pipeline(session, lake).count()
    totals = {row.is_bot: row for row, _ in sums(session, lake).items() if row.dimension == "all"}
    assert {is_bot: row.events for is_bot, row in totals.items()} == {True: 1_004, False: 2}
    assert (totals[True].tool_events, totals[True].crawler_events, totals[True].impostor_events) == (1_000, 1, 1)
    pinned, _ = pin(session, lake)
    checks = [*check_counts(pinned, Scope()), *check_deeply(pinned, Scope(), rules)]
    assert [check for check in checks if check.verdict is not Verdict.OK] == []
