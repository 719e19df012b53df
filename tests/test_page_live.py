"""The stream of the page: it tells where the marts stand, that it lives, and when the database is away and back."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from mirrors import execute
from pages import DEEDS, Reader, count_deeds, served

from lake.contracts.ops import OPS_SCHEMA
from lake.settings import Settings
from marts.build import Marts, build
from page.lookout import Lookout
from page.marts import AwayError
from stack.servers import postgres

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def reader(shop: Settings, marts: Marts) -> Iterator[Reader]:
    count_deeds(shop, 1, *DEEDS)
    build(marts, shop)
    with pytest.MonkeyPatch.context() as environment:
        environment.setattr("page.lookout.LOOK_SECONDS", 0.05)
        environment.setattr("page.server.BEAT_SECONDS", 0.3)
        with served(shop) as reader:
            yield reader


def stands(connection: http.client.HTTPConnection) -> Iterator[dict[str, Any]]:
    """Open the stream, and yield what it tells as it comes; of a beat an empty dictionary."""
    connection.request("GET", "/events", headers={"Accept": "text/event-stream"})
    answer = connection.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    with closing(answer):
        for line in answer:
            if line.startswith(b"data: "):
                yield json.loads(line.removeprefix(b"data: "))


def first_of(news: Iterator[dict[str, Any]], **facts: Any) -> dict[str, Any]:
    """Wait for news that say this."""
    return next(one for one in news if one and facts.items() <= one.items())


def test_the_stream_tells_the_version_and_then_each_that_follows(reader: Reader, shop: Settings, marts: Marts) -> None:
    with reader.connected() as connection:
        news = stands(connection)
        assert first_of(news)["version"] == 1
        count_deeds(shop, 2, DEEDS[0])
        build(marts, shop)
        assert first_of(news, version=2)["trouble"] == ""


def test_a_new_look_at_the_stack_is_told_too(reader: Reader, shop: Settings) -> None:
    with reader.connected() as connection:
        news = stands(connection)
        before = first_of(news)
        execute(
            shop,
            f"insert into {OPS_SCHEMA}.state values (now(), 'well', '{{}}', '{{}}', '', '{{}}') "
            "on conflict (is_only) do update set looked_at = now()",
        )
        after = next(one for one in news if one and one["looked_at"] != before["looked_at"])
        assert after["version"] == before["version"]
    (state,) = reader.ask("/api/state").table("state")
    assert state["looked_at"] == after["looked_at"]


def test_a_stream_that_has_nothing_to_tell_beats(reader: Reader) -> None:
    with reader.connected() as connection:
        news = stands(connection)
        first_of(news)
        assert next(news) == {}


def test_a_database_that_goes_away_and_comes_back_is_told(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AwayError("the database is out for lunch")

    with reader.connected() as connection:
        news = stands(connection)
        version = first_of(news)["version"]
        with monkeypatch.context() as patch:
            patch.setattr("page.marts.Marts.read", refuse)
            away = first_of(news, trouble="the database is out for lunch")
            assert (away["version"], away["since"] > 0) == (version, True)
        assert first_of(news, trouble="")["version"] == version


def test_sessions_that_the_server_ended_are_opened_again(reader: Reader, shop: Settings) -> None:
    assert reader.ask("/api/now").status == 200
    ended = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'charts'"
    assert execute(shop, ended)
    assert reader.ask("/api/now?who=people").status == 200


def test_nobody_asks_the_database_while_nobody_looks(
    reader: Reader, shop: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with reader.connected() as connection:
        first_of(stands(connection))
    looks: list[object] = []
    look = Lookout.look

    async def counted(lookout: Lookout) -> object:
        looks.append(lookout)
        return await look(lookout)

    monkeypatch.setattr(Lookout, "look", counted)
    with reader.connected() as connection:
        first_of(stands(connection))
        beats = len(looks)
        assert beats
    reader.ask("/static/app.js")  # the server has seen by then that the reader is gone
    quiet = len(looks)
    for _ in range(20):
        reader.ask("/static/app.js")
    assert len(looks) - quiet <= 1
    assert postgres.query(shop, "charts", "select 1") == [(1,)]
