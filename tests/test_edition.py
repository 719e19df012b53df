"""The edition of the counts: what is said of a ledger that was counted by another one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from settings_in import settings_in

from lake.contracts import LEDGER_DIMENSIONS, MEASURES, names
from lake.contracts.edition import Edition, replay_advice
from lake.errors import RulesError
from lake.settings import load_settings


def test_an_edition_survives_being_written_down() -> None:
    edition = Edition.of_today(load_settings())
    assert Edition.parse(edition.as_text()) == edition
    assert edition.measures == tuple(names(MEASURES))
    assert edition.dimensions == tuple(LEDGER_DIMENSIONS)


def test_a_new_measure_a_new_dimension_and_other_rules_are_named() -> None:
    before = Edition(("events",), ("all",), {"urls.yml": "a", "crawler_ranges.csv": "b"})
    after = Edition(("events", "searches"), ("all", "status"), {"urls.yml": "c", "crawler_ranges.csv": "b"})
    assert before.changes_to(before) == []
    assert before.changes_to(after) == ["the measure searches", "the dimension status", "today's urls.yml"]


def test_another_way_to_read_records_is_named_also_where_nobody_wrote_it_down() -> None:
    today = Edition.of_today(load_settings())
    earlier = Edition.parse(today.as_text().replace(f', "reading": {today.reading}', ""))
    assert earlier.reading == 1
    assert earlier.changes_to(today) == ["today's reading of records"]
    assert Edition.of_columns(names(MEASURES)).reading == 1


def test_rules_that_nobody_wrote_down_are_not_compared() -> None:
    old = Edition.of_columns(["entry", "key", *names(MEASURES)])
    assert old.changes_to(Edition(old.measures, old.dimensions, {"urls.yml": "c"})) == []


def test_a_comment_in_the_rules_changes_nothing_and_a_rule_does(tmp_path: Path) -> None:
    def edition_with(text: str) -> Edition:
        rules = tmp_path / "urls.yml"
        rules.write_text(text)
        return Edition.of_today(settings_in(tmp_path, WEBLAKE_RULES=str(rules)))

    first = edition_with("actions: [a]\nrules: []\n")
    assert first.changes_to(edition_with("# a comment\nactions: [a]\nrules: []\n")) == []
    assert first.changes_to(edition_with("actions: [a, b]\nrules: []\n")) == ["today's urls.yml"]


def test_rules_in_a_file_of_another_name_are_the_same_rules(tmp_path: Path) -> None:
    shipped = load_settings().rules_file
    own = tmp_path / "agents.yml"  # a name that Weblake uses for other rules
    own.write_text(shipped.read_text())
    edition = Edition.of_today(load_settings())
    moved = Edition.of_today(settings_in(tmp_path, WEBLAKE_RULES=str(own)))
    assert list(moved.rules) == ["urls.yml", "formats.yml", "crawler_ranges.csv", "agents.yml"]
    assert edition.changes_to(moved) == []
    own.write_text("actions: [a]\nrules: []\n")
    edited = Edition.of_today(settings_in(tmp_path, WEBLAKE_RULES=str(own)))
    assert edition.changes_to(edited) == moved.changes_to(edited) == ["today's urls.yml"]


@pytest.mark.parametrize("content", [None, b"a: [", b"\xff", b"day: 2026-02-30", b"day: 2026-02-03", b"1: a\nb: c"])
def test_a_file_of_rules_that_cannot_be_read_is_named(content: bytes | None, tmp_path: Path) -> None:
    rules = tmp_path / "shop.yml"
    if content is not None:
        rules.write_bytes(content)
    with pytest.raises(RulesError, match=r"shop\.yml"):
        Edition.of_today(settings_in(tmp_path, WEBLAKE_RULES=str(rules)))


def test_the_advice_covers_all_days_where_rejected_records_may_count_now() -> None:
    before, today = Edition(("events",), ("all",), reading=1), Edition(("events",), ("all",), reading=2)
    advice = replay_advice(before, today, dt.date(2026, 3, 1), dt.date(9998, 3, 2))
    assert "make replay FROM=1990-01-01 TO=9998-03-03" in advice


def test_the_advice_names_the_days_and_the_command() -> None:
    before, today = Edition(("events",), ("all",)), Edition(("events", "searches"), ("all",))
    advice = replay_advice(before, today, dt.date(2026, 3, 1), dt.date(2026, 3, 2))
    assert "without the measure searches" in advice
    assert "make replay FROM=2026-03-01 TO=2026-03-03" in advice


@pytest.mark.parametrize(
    ("before", "today", "days"),
    [
        ({"LOG_TIMEZONE": "Asia/Tokyo"}, {"LOG_TIMEZONE": "UTC"}, "FROM=2026-03-08 TO=2026-03-13"),
        ({"FUTURE_SECONDS": "300"}, {"FUTURE_SECONDS": "432000"}, "FROM=2026-03-07 TO=2026-03-18"),
        ({"FUTURE_SECONDS": "432000"}, {"FUTURE_SECONDS": "300"}, "FROM=2026-03-03 TO=2026-03-14"),
        (
            {"FUTURE_SECONDS": "432000", "LOG_TIMEZONE": "Asia/Tokyo"},
            {"FUTURE_SECONDS": "432000", "LOG_TIMEZONE": "UTC"},
            "FROM=2026-03-03 TO=2026-03-18",
        ),
    ],
)
def test_the_advice_reaches_as_far_as_either_edition_lets_a_time_be_ahead(
    before: dict[str, str], today: dict[str, str], days: str
) -> None:
    """What counted ahead of its coming is rejected on the day on which it came; what was rejected counts ahead."""
    earlier, later = (Edition(("events",), ("all",), settings=settings) for settings in (before, today))
    assert days in replay_advice(earlier, later, dt.date(2026, 3, 10), dt.date(2026, 3, 10))


def test_a_record_that_could_not_be_read_may_be_ahead_of_its_coming() -> None:
    ahead = {"FUTURE_SECONDS": "300"}
    before, today = (Edition(("events",), ("all",), settings=ahead, reading=reading) for reading in (1, 2))
    assert "TO=9998-03-04" in replay_advice(before, today, dt.date(2026, 3, 1), dt.date(9998, 3, 2))
