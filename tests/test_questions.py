"""The questions of docs/questions.md: asked as an analyst, each answers what plain Python works out from events."""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import subprocess
from contextlib import closing
from dataclasses import dataclass, replace

import answers
import pytest
from answers import Answer, Row
from made_up_shop import (
    EVIDENCE,
    GOOGLEBOT,
    POSER,
    REJECTED,
    RIVAL,
    SUSPECT,
    WALKER,
    Event,
    counted_until,
    fill,
    made_up_events,
)
from mirrors import execute

from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment
from marts.build import Marts, build
from stack.servers import postgres

PAGE = PROJECT / "docs" / "questions.md"
QUESTION = re.compile(r"^### (?P<number>\d+)\. (?P<title>.+\?)$", re.MULTILINE)
SQL = re.compile(r"^```sql\n(.+?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r'^make sql Q="(.+)" FORMAT=csv > [\w.]+$', re.MULTILINE)
FENCE = re.compile(r"^```(?:sql|console)\n.+?^```$", re.MULTILINE | re.DOTALL)
WHY, FRESH, SPREADSHEET, MODEL = 13, 15, 21, 22

ANSWERS: dict[int, Answer] = {
    1: answers.products_by_people,
    2: answers.never_carted,
    3: answers.people_by_hour,
    4: answers.funnel,
    5: answers.slow_and_failing,
    6: answers.payments,
    7: answers.searches,
    8: answers.now_and_before,
    9: answers.shares_of_bots,
    10: answers.classes_of_bots,
    11: answers.products_by_bots,
    12: answers.claims,
    14: answers.disagreements,
    16: answers.unfinished,
    17: answers.late_events,
    18: answers.statuses,
    19: answers.restatements,
    20: answers.decisions,
    MODEL: answers.kinds_of_products,
    23: answers.days_of_people,
}
"""Those whose rows follow from the events alone. The tests below compare the others: 13, 15 and 21."""


@dataclass(frozen=True)
class Question:
    """One question of the page: its title, its query, and what is written about the answer."""

    title: str
    query: str
    prose: str


def questions() -> dict[int, Question]:
    """Return the questions of the page by number."""
    page = PAGE.read_text()
    found = {}
    for heading in QUESTION.finditer(page):
        section = re.split(r"^##", page[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0]
        (query,) = SQL.findall(section) + COMMAND.findall(section)
        found[int(heading["number"])] = Question(heading["title"], query, FENCE.sub("", section).strip())
    return found


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return made_up_events()


@pytest.fixture(scope="module")
def filled(shop: Settings, marts: Marts, events: list[Event]) -> Settings:
    """The shop with all that happened in it, in the mirror and in the marts."""
    fill(shop, events)
    build(marts, shop)
    return shop


def ask(settings: Settings, query: str) -> tuple[list[str], list[Row]]:
    """Return the names of the answer's columns and its rows, as the analyst gets them."""
    with closing(postgres.connect(settings, "analyst")) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return [column.name for column in cursor.description or ()], list(cursor.fetchall())


def in_order(serial: int, rows: list[Row]) -> list[Row]:
    """Return rows in the order of the answer; a model has none, so its rows come by their key."""
    return sorted(rows, key=lambda row: str(row[0])) if serial == MODEL else rows


def about(address: str) -> str:
    """Return the query for the reasons, about this client."""
    return questions()[WHY].query.replace(WALKER, address)


def test_each_question_has_a_number_a_query_and_a_word_on_its_answer() -> None:
    page = PAGE.read_text()
    assert list(questions()) == list(range(1, 24))
    assert len(re.findall(r"^### ", page, re.MULTILINE)) == len(FENCE.findall(page)) == 23
    assert [question.title for question in questions().values() if not question.prose] == []


def test_the_readme_links_the_questions() -> None:
    assert "(docs/questions.md)" in (PROJECT / "README.md").read_text()


def test_every_question_is_compared() -> None:
    assert sorted([*ANSWERS, WHY, FRESH, SPREADSHEET]) == list(questions())


@pytest.mark.stack
@pytest.mark.parametrize("serial", ANSWERS)
def test_an_answer_is_what_plain_python_says(filled: Settings, events: list[Event], serial: int) -> None:
    _, rows = ask(filled, questions()[serial].query)
    assert rows
    assert in_order(serial, rows) == ANSWERS[serial](events)


@pytest.mark.stack
@pytest.mark.parametrize("address", EVIDENCE)
def test_the_reasons_are_what_a_client_was_made_up_to_do(filled: Settings, address: str) -> None:
    columns, rows = ask(filled, about(address))
    meaning = columns.index("meaning")
    assert [row[:meaning] + row[meaning + 1 :] for row in rows] == answers.reasons(address)
    assert [row[meaning] is None for row in rows] == [row[0] is None for row in rows]


@pytest.mark.stack
def test_the_suspects_are_those_that_were_made_up_and_nobody_else(filled: Settings) -> None:
    _, rows = ask(filled, "select ip_address from marts.bots")
    assert {address for (address,) in rows} == set(EVIDENCE)


@pytest.mark.stack
def test_what_names_no_product_stands_in_a_row_of_its_own(filled: Settings, events: list[Event]) -> None:
    query = "select events, views, checkouts, human_checkouts, bot_checkouts, last_seen_at from marts.products"
    nameless = [event for event in events if not event.product]
    of_people, of_bots = (answers.number(nameless, "checkout", is_bot) for is_bot in (False, True))
    assert of_people > 0 < of_bots
    _, rows = ask(filled, f"{query} where product_id = ''")
    assert rows == [(len(nameless), 0, of_people + of_bots, of_people, of_bots, None)]


@pytest.mark.stack
def test_the_figures_are_as_fresh_as_the_newest_event(filled: Settings, events: list[Event]) -> None:
    columns, ((*figures, mirrored_at, age),) = ask(filled, questions()[FRESH].query)
    assert columns[-2:] == ["mirrored_at", "age"]
    newest, records = max(map(answers.window_of, events)) + dt.timedelta(seconds=10), len(events) + REJECTED
    whole_until = min(newest, counted_until(events))
    last_whole = [answers.start_of(whole_until, width) - width for width in (answers.HOUR, answers.ONE_DAY)]
    shares = records, REJECTED, answers.ratio(REJECTED, records, 2, 100)
    assert figures == [newest, *last_whole, counted_until(events), *shares]
    ((moved_at,),) = execute(filled, "select moved_at from silver.bookmark")
    assert mirrored_at == moved_at
    assert isinstance(age, dt.timedelta)
    assert age > dt.timedelta()


@pytest.mark.stack
def test_a_spreadsheet_gets_the_names_of_the_columns_and_every_row(
    filled: Settings, stack_settings: Settings, events: list[Event]
) -> None:
    with_passwords = replace(filled, data=stack_settings.data)
    done = subprocess.run(
        weblake_command("sql", "--query", questions()[SPREADSHEET].query, "--format", "csv"),
        cwd=PROJECT,
        env=child_environment(with_passwords),
        capture_output=True,
        text=True,
        check=True,
    )
    names, *rows = csv.reader(io.StringIO(done.stdout))
    assert names == ["window_start", "product_id", "human_views"]
    expected = answers.views_in_five_minutes(events)
    assert rows == [[f"{start:%Y-%m-%d %H:%M:%S}+00", product, str(views)] for start, product, views in expected]


@pytest.mark.stack
def test_all_claims_are_shown_where_no_address_is_asked_for(filled: Settings) -> None:
    query, left_out = re.subn(r" and ip_address in \(.+?\)", "", questions()[12].query)
    assert left_out == 1
    _, rows = ask(filled, query)
    assert [row[0] for row in rows] == sorted([GOOGLEBOT, POSER])


@pytest.mark.stack
def test_a_client_with_no_reason_and_one_without_a_verdict_have_their_rows(filled: Settings) -> None:
    (_, (by_hand,)), (_, (suspect,)) = ask(filled, about(RIVAL)), ask(filled, about(SUSPECT))
    assert (by_hand[0], by_hand[-3:]) == (None, ("convicted", "hand", "a rival"))
    assert (suspect[0], suspect[-3:]) == ("catalogue_walk", (None, None, None))
