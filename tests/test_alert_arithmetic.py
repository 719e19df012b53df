"""The arithmetic of the alerts: bounds of shares, the usual, limits with hysteresis, reminders."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from alert_rules import a_rule

from watch.arithmetic import BETWEEN, CALM, OVER, Reading, Usual, is_unusual, reminders_due, side, usual, wilson
from watch.course import Change, Course
from watch.post import pause_seconds

NOBODY: frozenset[str] = frozenset()


def share(part: float, whole: float, subject: str = "") -> Reading:
    return Reading(subject, part / whole if whole else None, part, whole, whole)


def value(figure: float | None, volume: float = 100.0, subject: str = "") -> Reading:
    return Reading(subject, figure, volume=volume)


def no_usual() -> Mapping[str, Usual]:
    return {}


def opens(changes: list[Change]) -> list[tuple[str, bool]]:
    return [(change.subject, change.reading is not None) for change in changes]


@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    # By R's binom::binom.wilson(), to four digits.
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (1, 100, 0.0018, 0.0545), (0, 0, 0.0, 1.0)],
)
def test_the_bounds_of_a_share_are_wilson_s(part: float, whole: float, low: float, high: float) -> None:
    assert wilson(part, whole) == pytest.approx((low, high), abs=0.00005)


def test_a_few_cases_prove_nothing_and_many_do() -> None:
    rule = a_rule(least=0.0)
    assert side(rule, share(3, 4)) == BETWEEN
    assert side(rule, share(75, 100)) == OVER


def test_a_small_volume_never_opens_however_bad_it_is() -> None:
    assert side(a_rule(least=10.0), share(9, 9)) == BETWEEN
    assert side(a_rule(least=10.0), share(10, 10)) == OVER
    assert side(a_rule(least=10.0), value(9.0, volume=9.0)) == BETWEEN


def test_between_the_limits_nothing_changes_and_on_the_calm_side_a_point_is_enough() -> None:
    rule = a_rule(opens=0.5, closes=0.25)
    assert [side(rule, share(part, 100)) for part in (90, 40, 25)] == [OVER, BETWEEN, CALM]
    below = a_rule(is_above=False, opens=0.1, closes=0.3)
    assert [side(below, share(part, 100)) for part in (0, 20, 30)] == [OVER, BETWEEN, CALM]


def test_what_says_nothing_neither_opens_nor_closes() -> None:
    assert side(a_rule(), value(None)) == BETWEEN


def test_the_usual_is_the_median_of_the_weeks_that_say_something() -> None:
    assert usual([0.1, None, 0.9, 0.2]) == Usual(0.2, 3)
    assert usual([0.1, None]) == Usual(None, 1)
    assert usual([]) == Usual(None, 0)


def test_it_has_to_be_far_from_the_usual_unless_nobody_knows_that() -> None:
    rule = a_rule(times_usual=2.0)
    assert not is_unusual(rule, share(60, 100), Usual(0.3, 4))
    assert is_unusual(rule, share(61, 100), Usual(0.3, 4))
    assert is_unusual(rule, share(60, 100), Usual(None, 1))
    below = a_rule(is_above=False, opens=0.1, closes=0.3, times_usual=0.3)
    assert is_unusual(below, share(0, 100), Usual(1.0, 4))
    assert not is_unusual(below, share(0, 100), Usual(0.0, 4)), "every week it is closed at this time"


def test_an_alert_opens_once_it_has_lasted_and_closes_once_it_has_been_calm_for_long() -> None:
    course = Course(a_rule(holds_minutes=2.0, calm_minutes=5.0))
    opened: set[str] = set()
    times = {}
    for minute, part in enumerate((90, 10, 90, 90, 90, 90, 10, 10, 40, 10, 10, 10, 10, 10, 10)):
        for change in course.step([share(part, 100)], no_usual, opened, minute * 60.0):
            times[minute] = change.reading is not None
            opened ^= {""}
    assert times == {4: True, 14: False}, "what is between the limits begins the calm anew"


def test_subjects_open_and_close_by_themselves_and_one_that_is_gone_is_calm() -> None:
    course = Course(a_rule(calm_minutes=0.0))
    first = course.step([share(90, 100, "p1"), share(1, 100, "p2")], no_usual, NOBODY, 0.0)
    assert opens(first) == [("p1", True)]
    second = course.step([share(90, 100, "p2")], no_usual, {"p1"}, 60.0)
    assert sorted(opens(second)) == [("p1", False), ("p2", True)]


def test_the_usual_is_asked_for_only_where_it_matters() -> None:
    asked = []

    def usuals() -> Mapping[str, Usual]:
        asked.append(True)
        return {"": Usual(0.9, 4)}

    course = Course(a_rule(times_usual=2.0))
    assert course.step([share(1, 100)], usuals, NOBODY, 0.0) == []
    assert asked == []
    assert course.step([share(90, 100)], usuals, NOBODY, 60.0) == [], "as usual"
    assert asked == [True]
    course.step([share(90, 100)], usuals, {""}, 120.0)
    assert asked == [True], "open already"


def test_reminders_are_due_after_one_four_and_twenty_four_hours() -> None:
    hours = (0.0, 0.99, 1.0, 3.99, 4.0, 23.0, 24.0, 99.0)
    assert [reminders_due(0.0, hour * 3600) for hour in hours] == [0, 0, 1, 1, 2, 2, 3, 3]


def test_a_channel_that_fails_is_tried_ever_more_rarely_but_at_least_every_ten_minutes() -> None:
    assert [pause_seconds(attempts) for attempts in (1, 2, 3, 9, 2000)] == [5.0, 10.0, 20.0, 600.0, 600.0]
