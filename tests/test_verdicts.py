"""Verdicts: a client's past and future go to the other side, and come back exactly."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from frames import at, event, iso, line
from lakes import append_batch, copy_of, sums
from pyspark.sql import Row, SparkSession
from settings_in import settings_in

from audit.check import Verdict as Outcome
from audit.lake import pin
from audit.ledger import check_counts
from audit.scope import Scope
from lake.contracts import BY_VERDICT, RELEASED
from lake.contracts.records import BY_HAND, Change
from lake.requests import ReplayAnswer, ReplayRequest, VerdictAnswer, VerdictRequest, ask, read_answer, withdraw
from lake.settings import Settings
from spark import failpoints
from spark.errands import pieces
from spark.pipeline import Pipeline
from spark.tables.verdicts import read_verdicts

BOT, OTHER_CLIENT = "198.51.100.1", "198.51.100.2"
"""A client that behaves like a bot and says it is a browser, and somebody else."""


@pytest.fixture(scope="module")
def counted(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake in which both clients are counted, under Weblake's rules."""
    lake = settings_in(tmp_path_factory.mktemp("counted"))
    append_batch(session, lake, sent())
    Pipeline(session, lake).count()
    return lake


@pytest.fixture
def settings(counted: Settings, tmp_path: Path) -> Settings:
    """A copy of that lake, for one test."""
    return copy_of(counted, tmp_path)


@pytest.fixture(scope="module")
def counted_under_wrong_rules(session: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A lake with another page of the bot's, counted as none, and rules of today by which it is a view of a product."""
    page = line("/item/7").replace(b"203.0.113.7", BOT.encode())
    folder = tmp_path_factory.mktemp("wrong")
    lake = settings_in(folder, WEBLAKE_RULES=str(folder / "rules.yml"))
    lake.rules_file.write_text("rules: []\nactions: [view_product, add_to_cart, checkout]\n")
    append_batch(session, lake, [*sent(), page])
    Pipeline(session, lake).count()
    lake.rules_file.write_text(
        "rules: [{action: view_product, pattern: '^/item/'}]\nactions: [view_product, checkout]\n"
    )
    return lake


def under_rules_of_its_own(settings: Settings, folder: Path) -> Settings:
    """Copy a lake that has its rules file in its folder."""
    return replace(copy_of(settings, folder), rules_file=folder / settings.rules_file.name)


@pytest.fixture
def restated(counted_under_wrong_rules: Settings, tmp_path: Path) -> Settings:
    """A copy of that lake, for one test."""
    return under_rules_of_its_own(counted_under_wrong_rules, tmp_path)


def sent() -> list[bytes]:
    """Both clients' events; the bot's first is sent twice, and another's copy of its second comes first."""
    views = [event(event_id=f"e{n}", timestamp=iso(n), ip_address=BOT, product_id=f"p{n % 3}") for n in range(20)]
    others = [event(event_id=f"o{n}", timestamp=iso(n), ip_address=OTHER_CLIENT, action="checkout") for n in range(5)]
    stolen = event(event_id="e1", timestamp=iso(1), ip_address=OTHER_CLIENT)
    return [stolen, *views, views[0], *others, line("/robots.txt").replace(b"203.0.113.7", BOT.encode())]


def decide(
    session: SparkSession, settings: Settings, verdict: str, by: str = BY_HAND, dry_run: bool = False
) -> VerdictAnswer:
    request = VerdictRequest(f"{verdict}-{by}-{dry_run}", by, (Change(BOT, verdict, "a test"),), dry_run)
    ask(settings.requests, request)
    Pipeline(session, settings).count()
    answer = read_answer(settings.requests, request.id, VerdictAnswer)
    assert answer
    assert answer.done
    return answer


def of_client(counted: Counter[Row], is_bot: bool) -> int:
    return sum(row.events for row in counted if (row.key, row.is_bot) == (BOT, is_bot))


def totals(counted: Counter[Row]) -> Counter[tuple[str, bool]]:
    found: Counter[tuple[str, bool]] = Counter()
    for row in counted:
        found[row.dimension, row.is_bot] += row.events
    return found


def shown(counted: Counter[Row]) -> Counter[Row]:
    return Counter({row: number for row, number in counted.items() if row.events})


def test_a_conviction_moves_past_and_future_and_a_release_gives_them_back(
    session: SparkSession, settings: Settings
) -> None:
    before = sums(session, settings)
    assert of_client(before, is_bot=False) == 20
    moved = decide(session, settings, "convicted").moved
    assert moved == {"events": 20, "views": 19, "add_to_carts": 0, "checkouts": 0, "payment_errors": 0}
    convicted = sums(session, settings)
    assert (of_client(convicted, is_bot=True), of_client(convicted, is_bot=False)) == (20, 0)
    assert totals(convicted) == {("all", True): 20, ("all", False): 6, **_by_dimension(convicted)}
    append_batch(session, settings, [event(event_id="new", timestamp=iso(40), ip_address=BOT)])
    Pipeline(session, settings).count()
    assert of_client(sums(session, settings), is_bot=True) == 21
    decide(session, settings, RELEASED)
    released = sums(session, settings)
    assert of_client(released, is_bot=True) == 0
    later = Counter({row: n for row, n in shown(released).items() if row.window_start.second != 40})
    assert later == shown(before)


def _by_dimension(counted: Counter[Row]) -> dict[tuple[str, bool], int]:
    """Every dimension but products has all events."""
    return {key: number for key, number in totals(counted).items() if key[0] != "all"}


def interrupt(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch, request: VerdictRequest, point: str
) -> None:
    """Ask for verdicts, and have the stream die over them."""

    class Died(Exception):  # noqa: N818
        pass

    def die() -> None:
        raise Died

    ask(settings.requests, request)
    monkeypatch.setattr(failpoints, "die", die)
    failpoints.arm(point)
    with pytest.raises(Died):
        Pipeline(session, settings).count()
    failpoints.arm("off")


@pytest.mark.parametrize("point", ["verdict-before-commit", "verdict-after-commit"])
def test_a_verdict_that_was_interrupted_is_carried_out_once(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    request = VerdictRequest("interrupted", BY_HAND, (Change(BOT, "convicted", "a test"),))
    interrupt(session, settings, monkeypatch, request, point)
    append_batch(session, settings, [event(event_id="new", timestamp=iso(40), ip_address=BOT)])
    Pipeline(session, settings).count()
    found = sums(session, settings)
    assert (of_client(found, is_bot=True), of_client(found, is_bot=False)) == (21, 0)


def test_a_verdict_that_died_on_record_alone_gives_way_to_the_next(
    session: SparkSession, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = VerdictRequest("withdrawn", BY_HAND, (Change(OTHER_CLIENT, "convicted", "a test"),))
    interrupt(session, settings, monkeypatch, request, "verdict-before-commit")
    withdraw(settings.requests, request.id)
    decide(session, settings, "convicted")
    assert read_verdicts(session, settings).addresses("convicted") == (BOT,)
    assert _is_sound(session, settings)


def test_a_dry_run_tells_and_moves_nothing(session: SparkSession, settings: Settings) -> None:
    before = sums(session, settings)
    assert decide(session, settings, "convicted", dry_run=True).moved["views"] == 19
    assert sums(session, settings) == before


def test_a_verdict_moves_what_was_counted_whatever_the_rules_say_since(
    session: SparkSession, restated: Settings
) -> None:
    """Replayed or not: a window's events leave the people as what they are counted as there."""
    decide(session, restated, "convicted")
    assert _is_sound(session, restated)
    do_replay(session, restated, "replay")
    decide(session, restated, RELEASED)
    assert _is_sound(session, restated)


def test_a_verdict_moves_what_a_replay_counted_on_a_later_day_than_it_came(
    session: SparkSession, tmp_path: Path
) -> None:
    lake = settings_in(tmp_path)
    append_batch(session, lake, [event(timestamp=iso(86_400), ip_address=BOT)])
    patient = replace(lake, future_seconds=90_000)
    tomorrow = int(at(86_400).timestamp())
    ask(lake.requests, ReplayRequest("patient", tomorrow - 60, tomorrow + 60))
    Pipeline(session, patient).count()
    decide(session, patient, "convicted")
    counted = shown(sums(session, patient))
    assert (of_client(counted, is_bot=False), of_client(counted, is_bot=True)) == (0, 1)


def do_replay(session: SparkSession, settings: Settings, name: str, undo: str | None = None) -> ReplayAnswer:
    ask(settings.requests, ReplayRequest(name, int(at(-60).timestamp()), int(at(60).timestamp()), undo=undo))
    Pipeline(session, settings).count()
    return read_answer(settings.requests, name, ReplayAnswer) or ReplayAnswer(done=False)


@pytest.fixture(scope="module")
def counted_and_replayed(
    session: SparkSession, counted_under_wrong_rules: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """That lake after replay ``a``, in three pieces, by the rules of today."""
    folder = tmp_path_factory.mktemp("replayed")
    lake = under_rules_of_its_own(counted_under_wrong_rules, folder)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(pieces, "ROWS_PER_PIECE", 10)
        assert do_replay(session, lake, "a").outcome().moved["views"] == 1
    return lake


@pytest.fixture
def replayed(counted_and_replayed: Settings, tmp_path: Path) -> Settings:
    """A copy of that lake, for one test."""
    return under_rules_of_its_own(counted_and_replayed, tmp_path)


def test_an_undone_replay_leaves_verdicts_to_what_was_counted_on_arrival(
    session: SparkSession, counted_under_wrong_rules: Settings, replayed: Settings
) -> None:
    do_replay(session, replayed, "b", undo="a")
    decide(session, replayed, "convicted")
    assert _is_sound(session, replayed)
    decide(session, replayed, RELEASED)
    assert shown(sums(session, replayed)) == shown(sums(session, counted_under_wrong_rules))


def test_a_replay_is_undone_on_the_side_to_which_a_verdict_has_moved_its_clients(
    session: SparkSession, counted_under_wrong_rules: Settings, replayed: Settings
) -> None:
    decide(session, replayed, "convicted")
    assert do_replay(session, replayed, "b", undo="a").outcome().moved["views"] == -1
    assert _is_sound(session, replayed)
    decide(session, replayed, RELEASED)
    assert shown(sums(session, replayed)) == shown(sums(session, counted_under_wrong_rules))


def test_a_replay_that_can_no_longer_be_undone_exactly_is_not_undone(session: SparkSession, replayed: Settings) -> None:
    replayed.rules_file.write_text("rules: []\nactions: [view_product, add_to_cart]\n")
    do_replay(session, replayed, "b")
    decide(session, replayed, "convicted")
    assert "replay the range" in str(do_replay(session, replayed, "c", undo="b").error)


def test_a_verdict_waits_for_a_replay_that_is_under_way(
    session: SparkSession, restated: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = VerdictRequest("v", BY_HAND, (Change(BOT, "convicted", "a test"),))

    def reach(point: str) -> None:
        if point == "replay-after-piece":
            ask(restated.requests, request)

    monkeypatch.setattr(failpoints, "reach", reach)
    do_replay(session, restated, "a")
    assert read_answer(restated.requests, "v", VerdictAnswer)
    assert _is_sound(session, restated)
    moved = [row for row in sums(session, restated) if row.dimension == "all" and row.is_bot]
    assert sum(row.views for row in moved) == 20


def _is_sound(session: SparkSession, settings: Settings) -> bool:
    """Whether the audit finds nothing wrong, and no cell is below zero."""
    checks = check_counts(pin(session, settings)[0], Scope())
    lowest = min(min(row.views, row.events) for row in sums(session, settings))
    return lowest == 0 and all(check.verdict is Outcome.OK for check in checks)


def test_the_audit_knows_the_verdicts_and_a_deleted_ledger_comes_back_with_them(
    session: SparkSession, settings: Settings
) -> None:
    append_batch(session, settings, sent())
    decide(session, settings, "convicted")
    convicted = sums(session, settings)
    lake, _ = pin(session, settings)
    known = lake.clients()
    assert [known.of(address, "Firefox/131.0 Mozilla/5.0").is_bot for address in (BOT, OTHER_CLIENT)] == [True, False]
    entries = lake.ledger().filter(f"cause = '{BY_VERDICT}'")
    assert entries.count() > 0
    Path(settings.ledger).rename(Path(settings.ledger).with_name("aside"))
    Pipeline(session, settings).count()
    assert shown(sums(session, settings)) == shown(convicted)
    decide(session, settings, RELEASED)  # its record stands beside the first, which the new ledger obeys
    assert [path.name for path in sorted(Path(settings.verdicts).glob("*.json"))] == ["00000001.json", "00000002.json"]
    assert of_client(sums(session, settings), is_bot=True) == 0
