"""The live page's server: whom it answers, with which headers, what it keeps, and the password."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from mirrors import execute
from pages import DEEDS, Reader, count_deeds, served
from psycopg2.extensions import cursor as Cursor
from settings_in import settings_in

from lake.settings import Settings
from marts.build import Marts as Build
from marts.build import build
from page.answers import Answer, Answers, Question
from page.lookout import Lookout
from page.marts import Marts
from page.panel import Panel, Table
from page.panels import PANELS
from page.server import STATIC
from page.span import Span
from page.view import View
from stack.servers.migrations import migrate
from stack.servers.waiting import wait_until

SCRIPTS = [path for path in sorted(STATIC.rglob("*.js")) if "vendor" not in path.parts]
NO_TEXT = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|DOMParser")
FOREIGN = re.compile(r"https?://(?!www\.w3\.org/2000/svg)")


@pytest.fixture(scope="module")
def reader(shop: Settings, marts: Build) -> Iterator[Reader]:
    count_deeds(shop, 1, *DEEDS)
    build(marts, shop)
    with served(shop, page_allowed_hosts="shop.example, stats.shop.example") as reader:
        yield reader


@pytest.fixture(scope="module")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """The page, with a database that is away."""
    with served(settings_in(tmp_path_factory.mktemp("nowhere"), POSTGRES_PORT="1")) as reader:
        yield reader


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_script_makes_anything_of_a_text_but_text(script: Path) -> None:
    assert NO_TEXT.findall(script.read_text()) == []


@pytest.mark.parametrize("file", sorted(STATIC.glob("*.*")), ids=lambda path: path.name)
def test_nothing_is_loaded_from_elsewhere(file: Path) -> None:
    assert FOREIGN.findall(file.read_text()) == []


def test_the_library_of_charts_comes_with_its_licence() -> None:
    assert "MIT License" in (STATIC / "vendor" / "uplot" / "LICENSE").read_text()


def test_every_file_that_the_page_names_is_there(nowhere: Reader) -> None:
    page = nowhere.ask("/").body.decode()
    named = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    modules = {name for path in SCRIPTS for name in re.findall(r'from "\./([^"]+)"', path.read_text())}
    assert {*named, "/static/app.js"} == named
    assert modules <= {path.relative_to(STATIC).as_posix() for path in SCRIPTS} | {p.name for p in SCRIPTS}
    assert {nowhere.ask(name).status for name in named} == {200}


@pytest.mark.parametrize("path", ["/", "/static/app.js", "/api/about", "/api/nothing", "/events2"])
def test_every_answer_tells_browsers_to_load_nothing_from_elsewhere(nowhere: Reader, path: str) -> None:
    headers = nowhere.ask(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("127.0.0.1:1", 200), ("localhost", 200), ("[::1]:80", 200), ("SHOP.example:443", 200)),
        *(("evil.example", 421), ("127.0.0.1.evil.example", 421), ("", 421), ("shop.example.evil.example", 421)),
    ],
)
def test_only_browsers_that_ask_by_its_own_name_are_answered(reader: Reader, host: str, status: int) -> None:
    assert reader.ask("/api/about", Host=host).status == status


def test_the_page_may_stand_in_frames_of_the_hosts_that_are_allowed(reader: Reader) -> None:
    policy = reader.ask("/").headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' shop.example stats.shop.example")


def test_who_has_the_answer_is_told_so_until_the_marts_change(reader: Reader, shop: Settings, marts: Build) -> None:
    first = reader.ask("/api/traffic?period=all")
    tag = first.headers["etag"]
    assert first.headers["cache-control"] == "no-cache"
    again = reader.ask("/api/traffic?period=all", If_None_Match=tag)
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    assert reader.ask("/api/traffic?period=all&who=bots", If_None_Match=tag).status == 200
    count_deeds(shop, 2, DEEDS[0])
    build(marts, shop)
    wait_until(
        lambda: reader.ask("/api/traffic?period=all", If_None_Match=tag).status == 200, 30, "the page has seen it"
    )


def test_however_many_ask_at_once_the_database_is_asked_once(
    reader: Reader, shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    read = Panel.read

    def counted(panel: Panel, cursor: Cursor, view: View, span: Span) -> dict[str, Table]:
        asked.append(panel.name)
        return read(panel, cursor, view, span)

    async def ask_often() -> list[Answer]:
        marts = Marts(shop)
        answers = Answers(marts, Lookout(marts), "UTC")
        question = Question(PANELS["slow"], View("all", "people"))
        found = await asyncio.gather(*(answers.answer(question) for _ in range(100)))
        marts.close_idle(0.0)
        return found

    monkeypatch.setattr(Panel, "read", counted)
    found = asyncio.run(ask_often())
    assert (len(found), len(set(found)), asked) == (100, 1, ["slow"])


@pytest.mark.stack
def test_before_there_are_marts_panels_are_empty_and_the_state_is_shown(stack_settings: Settings) -> None:
    settings = replace(stack_settings, postgres_database="page_before_marts")
    migrate(settings)
    execute(
        settings,
        "insert into ops.state values (now(), 'waiting', '{}', '{}', 'on their way', '{}'); "
        "drop table if exists ops.alerts; create table ops.alerts (alert_id text, rule text, level text, "
        "sentence text, opened_at timestamptz, closed_at timestamptz); grant select on ops.alerts to charts; "
        "insert into ops.alerts values ('1', 'silence', 'severe', 'No records since 12:00', now(), null), "
        "('2', 'errors', 'severe', 'Payments fail', now(), now())",
    )
    with served(settings) as reader:
        for panel in sorted({*PANELS} - {"state"}):
            answer = reader.ask(f"/api/{panel}")
            assert (answer.status, answer.json["extent"]) == (200, {"first": None, "newest": None})
            assert all(table["rows"] == [] for table in answer.json["tables"].values())
        answer = reader.ask("/api/state")
    assert [row["state"] for row in answer.table("state")] == ["waiting"]
    assert [row["sentence"] for row in answer.table("alerts")] == ["No records since 12:00"]
    assert answer.json["stand"]["alerts"] == 1


@pytest.mark.parametrize("path", ["/api/traffic", "/api/state", "/api/suspect?client=192.0.2.1", "/api/traffic.csv"])
def test_a_database_that_is_away_is_said_in_a_sentence_that_ends_in_a_command(nowhere: Reader, path: str) -> None:
    answer = nowhere.ask(path)
    assert answer.status == 503
    assert re.fullmatch(r"the database does not answer \(.+\); run `make status`", answer.json["error"])


def test_a_query_that_takes_too_long_is_ended_and_says_what_to_do(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("page.answers.read_extent", lambda cursor: cursor.execute("select pg_sleep(60)"))
    answer = reader.ask("/api/funnel?period=7d")
    assert (answer.status, answer.json["error"][:34]) == (503, "the database took longer than 2 s ")


def test_without_a_password_everybody_is_let_in(nowhere: Reader) -> None:
    assert nowhere.ask("/api/about").json["is_guarded"] is False


def test_a_password_opens_the_page_also_after_a_restart(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, POSTGRES_PORT="1")
    with served(settings, page_password="open sesame") as reader:
        assert reader.ask("/", Accept="text/html").headers["location"] == "/login"
        assert {reader.ask(path).status for path in ("/api/about", "/events", "/static/app.js")} == {401}
        assert reader.ask("/login").status == 200
        assert reader.ask("/login", "password=open+barley").headers["location"] == "/login?wrong=1"
        entered = reader.ask("/login", "password=open+sesame")
        cookie = entered.headers["set-cookie"]
        assert (entered.status, entered.headers["location"]) == (303, "/")
        assert {"HttpOnly", "SameSite=strict"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
        assert "Secure" in reader.ask("/login", "password=open+sesame", X_Forwarded_Proto="https").headers["set-cookie"]
        session = cookie.partition(";")[0]
        assert reader.ask("/api/about", Cookie=session).json["is_guarded"] is True
        assert reader.ask("/api/about", Cookie=session[:-1] + "x").status == 401
        until, _, seal = session.partition("=")[2].partition(".")
        assert reader.ask("/api/about", Cookie=f"weblake_page={int(until) + 1}.{seal}").status == 401
    with served(settings, page_password="open sesame") as reader:
        assert reader.ask("/api/about", Cookie=session).status == 200
    with served(settings, page_password="another") as reader:
        assert reader.ask("/api/about", Cookie=session).status == 401


@pytest.mark.parametrize("path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/..%2fserver.py"])
def test_no_file_but_the_pages_own_is_shown(nowhere: Reader, path: str) -> None:
    assert nowhere.ask(path).status in (404, 405)


def test_the_server_takes_no_orders(nowhere: Reader) -> None:
    assert {nowhere.ask(path, "x=1").status for path in ("/", "/api/about", "/api/traffic", "/api/suspect")} == {405}
