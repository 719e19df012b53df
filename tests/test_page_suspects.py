"""One client on the page: how its score adds up, and its last raw lines as text."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bronze_tables
import pyarrow as pa
import pytest
from bronze_tables import SCHEMA
from deltalake import write_deltalake
from frames import at
from mirrors import count
from pages import Reader, served
from settings_in import settings_in

from lake.pseudonyms import pseudonym
from lake.settings import Settings
from marts.build import Marts, build
from page import raw_lines
from page.raw_lines import LONGEST_LINE, MOST_LINES, last_lines

NOW = bronze_tables.EPOCH + dt.timedelta(days=1)
ROBOT = "203.0.113.66"
ODD_LINE = b"""{"user_agent":"'; drop table marts.traffic; --","product_id":"<script>\x1b[2J\xff"}"""


def append(settings: Settings, *lines: tuple[int, str | None, bytes]) -> None:
    """Append records to bronze, as one file: minutes before now, the client, and the bytes."""
    rows = [
        {
            "value": value,
            "kafka_partition": 0,
            "kafka_offset": number,
            "ingested_at": NOW - dt.timedelta(minutes=minutes),
            "event_date": NOW.date(),
            "ip_address": client,
        }
        for number, (minutes, client, value) in enumerate(lines)
    ]
    schema = SCHEMA.append(pa.field("ip_address", pa.string()))
    write_deltalake(settings.bronze, pa.Table.from_pylist(rows, schema), partition_by="event_date", mode="append")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


def test_the_newest_lines_of_a_client_come_first_and_are_text(settings: Settings) -> None:
    append(settings, (20, ROBOT, b"older"), (20, "192.0.2.1", b"another's"), (20, None, b"nobody's"))
    append(settings, (1, ROBOT, ODD_LINE), (2, ROBOT, b"middle"))
    found = last_lines(settings, ROBOT, NOW)
    texts = [line["text"] for line in found["lines"]]
    assert texts[1:] == ["middle", "older"]
    assert "'; drop table marts.traffic; --" in texts[0]
    assert "<script>\\x1b[2J\\xff" in texts[0]
    assert sum(number for _, number in found["counts"]) == 3
    assert not found["is_cut"]


def test_masked_clients_are_found_by_their_pseudonyms_and_no_line_shows_an_address(tmp_path: Path) -> None:
    masked = settings_in(tmp_path, MASK_IP="1", MASK_SECRET="key")
    line = b'203.0.113.66 - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a" "2001:db8::7, 192.0.2.1"'
    append(masked, (1, ROBOT, line), (1, "192.0.2.1", b"another's"))
    assert last_lines(masked, ROBOT, NOW)["lines"] == []
    name = pseudonym(ROBOT, "key")
    (found,) = last_lines(masked, name, NOW)["lines"]
    others = f"{pseudonym('2001:db8::7', 'key')}, {pseudonym('192.0.2.1', 'key')}"
    assert found["text"] == f'{name} - - [01/Mar/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a" "{others}"'


def test_what_is_older_than_some_days_is_not_looked_into(settings: Settings) -> None:
    append(settings, (raw_lines.DAYS * 24 * 60 + 1, ROBOT, b"long ago"))
    assert last_lines(settings, ROBOT, NOW)["lines"] == []


def test_a_long_line_is_cut_and_many_are_left_out(settings: Settings) -> None:
    append(settings, *((minute, ROBOT, b"x" * (LONGEST_LINE + 1)) for minute in range(MOST_LINES + 5)))
    found = last_lines(settings, ROBOT, NOW)
    assert [line["text"] for line in found["lines"]] == [f"{'x' * LONGEST_LINE} …"] * MOST_LINES
    assert sum(number for _, number in found["counts"]) == MOST_LINES + 5


def test_no_more_files_are_read_than_there_is_patience_for(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    append(settings, (20, ROBOT, b"older"))
    append(settings, (1, ROBOT, b"newer"))
    largest = max(path.stat().st_size for path in Path(settings.bronze).rglob("*.parquet"))
    monkeypatch.setattr(raw_lines, "MOST_BYTES", largest + 1)
    found = last_lines(settings, ROBOT, NOW)
    assert [line["text"] for line in found["lines"]] == ["newer"]
    assert found["is_cut"]


def test_where_there_is_no_bronze_there_are_no_lines(settings: Settings) -> None:
    assert last_lines(settings, ROBOT, NOW)["lines"] == []


@pytest.fixture(scope="module")
def reader(shop: Settings, marts: Marts, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    counts = {"events": 9, "crawler_events": 9, "views": 9}
    keys = {"all": "all", "action": "view_product", "client": ROBOT, "product": "p-1"}
    count(shop, 1, {(dimension, at(0), key, True): counts for dimension, key in keys.items()})
    build(marts, shop)
    lake = tmp_path_factory.mktemp("lake")
    settings = replace(shop, lake_root=str(lake))
    now = dt.datetime.now(dt.timezone.utc)
    append(settings, (int((NOW - now).total_seconds() // 60) + 1, ROBOT, ODD_LINE))
    with served(settings) as reader:
        yield reader


@pytest.mark.stack
def test_the_points_of_the_reasons_add_up_to_the_score(reader: Reader) -> None:
    found = reader.ask(f"/api/suspect?client={ROBOT}").json
    assert found["client"]["score"] == sum(reason["points"] for reason in found["reasons"]) == 100
    (reason,) = found["reasons"]
    assert (reason["reason"], reason["figure"], reason["threshold"]) == ("declared_crawler", 9, 1)
    assert found["verdicts"] == []


@pytest.mark.stack
def test_the_lines_come_from_a_process_of_their_own(reader: Reader) -> None:
    found = reader.ask(f"/api/lines?client={ROBOT}").json
    assert ["'; drop" in line["text"] for line in found["lines"]] == [True]


@pytest.mark.stack
@pytest.mark.parametrize("client", ["", "192.0.2.99", "x" * 300, "%00", "'; drop table marts.traffic; --"])
def test_who_is_no_suspect_is_said_to_be_none(reader: Reader, client: str) -> None:
    answer = reader.ask(f"/api/suspect?client={client.replace(' ', '+')}")
    assert answer.status == 400
    assert "client" in answer.json["error"]
