"""The alerts on real PostgreSQL: what opens, closes, is restated, silenced and told of, also after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from alert_marts import NOW, alerts, marts_of, messages, run, show, stack_is
from alert_rules import a_rule
from alert_shop import BAD, GOOD, MINUTE, Shop
from psycopg2.extensions import connection as Connection

from lake.errors import RulesError
from lake.settings import Settings
from watch import journal
from watch.readings import earlier, looking, read, span_of
from watch.trial import try_rule
from watch.watcher import Watcher, read_stand

WEEK = 7 * 86_400.0
pytestmark = pytest.mark.stack


@pytest.fixture
def settings(stack_settings: Settings) -> Settings:
    return marts_of(stack_settings, "alerts")


@pytest.fixture
def connection(settings: Settings) -> Iterator[Connection]:
    with closing(journal.connect(settings)) as connection:
        yield connection


def test_an_alert_opens_is_told_of_once_and_closes(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection)
    shop.look(2, BAD, BAD)
    shop.look(3, BAD)
    assert messages(settings) == [("opened", '["failures"]')]
    assert alerts(settings, "level, sentence, closed_at, told_at is not null") == [
        ("severe", "180 of 200 failed (90%)", None, True)
    ]
    for minute in range(4, 12):
        shop.look(minute, GOOD)
    assert messages(settings) == [("opened", '["failures"]'), ("closed", '["failures"]')]
    assert alerts(settings, "extract(epoch from closed_at - opened_at)::int") == [(8 * 60,)]


def test_nothing_that_is_on_record_is_told_of_again_after_a_restart(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection)
    shop.look(2, BAD, BAD)
    shop.restart()
    shop.look(3, BAD)
    shop.restart()
    shop.look(4, BAD)
    assert messages(settings) == [("opened", '["failures"]')]
    assert len(alerts(settings, "alert_id")) == 1


def test_what_opens_together_is_one_message_with_a_delivery_for_each_channel(
    settings: Settings, connection: Connection
) -> None:
    shop = Shop(settings, connection, a_rule(), a_rule(name="more", level="warning"))
    shop.watcher = Watcher(shop.rules, ("log", "webhook at example.org (12345678)"))
    shop.look(2, BAD, BAD)
    assert messages(settings) == [("opened", '["failures", "more"]')]
    with connection.cursor() as cursor:
        due = journal.due_deliveries(cursor, NOW + 3 * MINUTE)
    assert [channel for _, channel, _, _ in due] == ["log", "webhook at example.org (12345678)"]
    assert due[0][0].title == "Weblake: failures (and 1 more)"
    assert "[warning] more: 180 of 200 failed (90%)\nTo do: look" in due[0][0].text


def test_reminders_come_after_an_hour_four_and_a_day_and_no_more(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection)
    for hour in (0.0, 0.5, 1.0, 1.5, 4.5, 23.0, 25.0, 60.0):
        shop.look(2 + hour * 60, BAD, BAD)
        shop.restart()
    assert [kind for kind, _ in messages(settings)] == ["opened", "reminder", "reminder", "reminder"]


def test_a_restart_after_a_day_reminds_once(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection)
    shop.look(2, BAD, BAD)
    shop.look(30 * 60, BAD, BAD)
    assert [kind for kind, _ in messages(settings)] == ["opened", "reminder"]


@pytest.mark.parametrize("name", ["failures", "all"])
def test_nobody_is_told_of_what_is_silenced_until_that_ends(
    settings: Settings, connection: Connection, name: str
) -> None:
    shop = Shop(settings, connection)
    with connection.cursor() as cursor:
        journal.silence(cursor, name, NOW + 4 * MINUTE, NOW)
    shop.look(2, BAD, BAD)
    shop.look(3, BAD)
    assert (messages(settings), alerts(settings, "told_at")) == ([], [(None,)])
    shop.look(5, BAD, BAD)
    assert messages(settings) == [("opened", '["failures"]')]


def test_nobody_hears_the_end_of_what_nobody_was_told_of(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection, a_rule(calm_minutes=0.0))
    with connection.cursor() as cursor:
        journal.silence(cursor, "failures", NOW + 4 * MINUTE, NOW)
    shop.look(2, BAD, BAD)
    shop.look(5, GOOD, GOOD, GOOD)
    assert messages(settings) == []
    assert alerts(settings, "closed_at is not null") == [(True,)]


def test_late_lines_that_take_the_ground_away_restate_an_alert_and_say_so_once(
    settings: Settings, connection: Connection
) -> None:
    shop = Shop(settings, connection)
    shop.look(2, BAD, BAD)
    shop.look(3, (90, 1000), (90, 1000), GOOD, first=0)
    shop.look(4, GOOD)
    shop.restart()
    shop.look(5, GOOD)
    assert [kind for kind, _ in messages(settings)] == ["opened", "restated"]
    assert alerts(settings, "restated_at is not null, closed_at = restated_at") == [(True, True)]


def test_an_alert_that_is_over_is_restated_too(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection, a_rule(calm_minutes=0.0))
    shop.look(2, BAD, BAD)
    shop.look(5, GOOD, GOOD, GOOD)
    shop.look(500, (90, 1000), (90, 1000), first=0)
    assert [kind for kind, _ in messages(settings)] == ["opened", "closed", "restated"]


def test_a_figure_that_only_went_between_the_limits_restates_nothing(
    settings: Settings, connection: Connection
) -> None:
    shop = Shop(settings, connection)
    shop.look(2, BAD, BAD)
    shop.look(3, (40, 100), (40, 100), (40, 100), first=0)
    assert [kind for kind, _ in messages(settings)] == ["opened"]


def test_a_silence_is_not_restated_by_what_comes_in_its_last_minute(settings: Settings, connection: Connection) -> None:
    nobody = a_rule(is_above=False, opens=0.1, closes=0.3, minutes=1)
    shop = Shop(settings, connection, nobody)
    shop.look(2, (100, 100), (100, 100))
    show(settings, 3, NOW + 2 * MINUTE, {NOW + 2 * MINUTE: (0, 100), NOW + 3 * MINUTE: (0, 50)})
    stack_is(settings, NOW + 3.5 * MINUTE, "")
    shop.watcher.look(connection, NOW + 3.5 * MINUTE)
    assert [kind for kind, _ in messages(settings)] == ["opened"]
    shop.version = 3
    shop.look(5, (50, 100), (100, 100))
    assert [kind for kind, _ in messages(settings)] == ["opened"], "its whole minute is as empty as it was"


def test_nothing_that_waits_to_be_counted_is_taken_for_silence(settings: Settings, connection: Connection) -> None:
    show(settings, 1, NOW, {NOW: GOOD})
    for unfinished, told_until in (("3 rows are being counted", NOW), ("", NOW + 90)):
        stack_is(settings, NOW + 90, unfinished)
        with looking(connection) as cursor:
            assert read_stand(cursor, NOW + 100).told_until == told_until
            assert read_stand(cursor, NOW + 999).told_until == NOW + 999, "nobody has looked for long"


def test_earlier_weeks_say_what_is_usual_and_the_message_says_which(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection, a_rule(times_usual=2.0))
    weeks = {NOW - week * WEEK: (share, 1000) for week, share in ((1, 400), (2, 600), (3, 300))}
    show(settings, 1, NOW, weeks)
    shop.version = 1
    shop.look(2, (70, 100), (70, 100))
    assert alerts(settings, "rule") == [], "the usual is 40 %"
    shop.look(3, BAD, BAD, BAD)
    assert alerts(settings, "sentence") == [("180 of 200 failed (90%) (usual at this time: 40.0%, by 3 weeks)",)]


def test_with_less_history_the_limits_decide_and_the_message_says_so(
    settings: Settings, connection: Connection
) -> None:
    shop = Shop(settings, connection, a_rule(times_usual=2.0))
    show(settings, 1, NOW, {NOW - WEEK: (400, 1000)})
    shop.version = 1
    shop.look(2, (70, 100), (70, 100))
    assert alerts(settings, "sentence") == [
        ("140 of 200 failed (70%) (by fixed limits alone: 1 of at least 2 earlier weeks tell what is usual)",)
    ]


def test_the_state_of_the_stack_is_a_rule_like_any_other(settings: Settings, connection: Connection) -> None:
    unwell = a_rule(
        name="unwell",
        says="not well: {problems}",
        sql="select (state = 'unwell')::int as value, array_to_string(problems, '; ') as problems from ops.state",
        calm_minutes=0.0,
        least=0.0,
    )
    watcher = Watcher((unwell,), ("log",))
    run(settings, "dbt", "drop table marts.build_info")  # before the first build
    for minute, state in enumerate(("well", "unwell", "well")):
        stack_is(settings, NOW + minute * MINUTE, "", state)
        assert watcher.look(connection, NOW + minute * MINUTE) == []
    assert [kind for kind, _ in messages(settings)] == ["opened", "closed"]
    assert alerts(settings, "sentence") == [("not well: a disk is full",)]


def test_a_broken_rule_is_told_of_and_stops_no_other(settings: Settings, connection: Connection) -> None:
    broken = (
        a_rule(name="typo", sql="select nothing from marts.shares where window_start = span.ends_at"),
        a_rule(name="text", says="much", sql="select 'a lot' as value, span.ends_at"),
        a_rule(name="words", says="{figure}"),
        a_rule(name="writes", sql="delete from ops.alerts where opened_at < span.ends_at"),
        a_rule(name="slow", says="much", sql="select 1 as value from (select span.ends_at) as one, pg_sleep(99)"),
        a_rule(name="none", sql="select span.ends_at"),
    )
    shop = Shop(settings, connection, *broken, a_rule())
    failures = shop.look(2, BAD, BAD)
    wanted = (
        *('column "nothing" does not exist', "text where a number should be", "its sentence shows {figure}"),
        *("its SQL", "takes too long", "neither part and whole, nor value"),
    )
    assert len(failures) == len(broken)
    for failure, rule, words in zip(failures, broken, wanted, strict=True):
        assert words in failure
        assert failure.startswith(f"rule '{rule.name}' cannot be used: ")
        assert failure.endswith(f"mend it, and run `make alert-test RULE={rule.name}`")
    assert alerts(settings, "rule") == [("failures",)]


def test_the_alerts_of_a_rule_that_is_gone_close(settings: Settings, connection: Connection) -> None:
    shop = Shop(settings, connection)
    shop.look(2, BAD, BAD)
    shop.watcher = Watcher((a_rule(name="other"),), ("log",))
    shop.look(3, GOOD, GOOD)
    assert alerts(settings, "rule, closed_at is not null") == [("failures", True)]


def test_what_a_log_brings_in_is_bounded_and_moves_no_cursor(settings: Settings, connection: Connection) -> None:
    evil = "chr(27) || '[2J' || chr(10) || repeat('x', 5000)"
    rule = a_rule(
        says="{subject} {note}",
        sql=f"select {evil} as subject, {evil} as note, sum(part) as part, sum(whole) as whole from marts.shares "
        "where window_start < span.ends_at",
    )
    Shop(settings, connection, rule).look(2, BAD, BAD)
    ((subject, sentence),) = alerts(settings, "subject, sentence")
    assert str(subject).startswith("\\x1b[2J\\nx")
    assert len(str(subject)) <= 80 and len(str(sentence)) <= 700
    assert str(sentence).isprintable()


def test_a_trial_finds_what_the_watcher_found_and_tells_nobody(settings: Settings, connection: Connection) -> None:
    shares = [GOOD] * 60 + [BAD] * 30 + [GOOD] * 60
    show(settings, 1, NOW, {NOW + minute * MINUTE: share for minute, share in enumerate(shares)})
    (trial,) = try_rule(connection, a_rule(), NOW + 10 * MINUTE, NOW + 150 * MINUTE)
    assert (trial.opened_at, trial.closed_at) == (NOW + 62 * MINUTE, NOW + 97 * MINUTE)
    assert trial.sentence == "180 of 200 failed (90%)"
    assert (messages(settings), alerts(settings, "rule")) == ([], [])


def test_a_trial_compares_each_time_with_its_own_weeks(settings: Settings, connection: Connection) -> None:
    show(settings, 1, NOW, {NOW - week * WEEK + minute * MINUTE: BAD for week in (0, 1, 2) for minute in range(10)})
    show(settings, 1, NOW, {NOW + minute * MINUTE: BAD for minute in range(10, 20)})
    (trial,) = try_rule(connection, a_rule(times_usual=2.0), NOW, NOW + 20 * MINUTE)
    assert trial.opened_at > NOW + 10 * MINUTE


def test_a_rule_of_the_present_alone_cannot_be_tried(connection: Connection) -> None:
    with pytest.raises(RulesError, match="knows only the present"):
        try_rule(connection, a_rule(sql="select 1 as value"), NOW, NOW)


def test_a_time_is_whole_windows_and_what_there_is_of_the_next(settings: Settings, connection: Connection) -> None:
    rule = a_rule(minutes=10, resolution=5)
    span = span_of(rule, NOW + 7 * MINUTE)
    assert span == (NOW - 5 * MINUTE, NOW + 7 * MINUTE)
    assert [week.ends_at for week in earlier(span)] == [NOW + 7 * MINUTE - week * WEEK for week in (1, 2, 3, 4)]
    assert earlier(span_of(a_rule(minutes=1), NOW))[0] == (NOW - WEEK - 5 * MINUTE, NOW - WEEK)
    show(settings, 1, NOW, {NOW: BAD})
    with looking(connection) as cursor:
        readings = read(cursor, a_rule(), [span, *earlier(span)])
    assert [[reading.value for reading in found] for found in readings] == [[0.9], *[[None]] * 4]
