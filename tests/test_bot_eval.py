"""The judge of the detector: what it counts as right, and that no label gets to the detector."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import fields, replace
from pathlib import Path

import matplotlib
import pytest
from pyspark.sql import SparkSession

from bench.bots.detector import Detector, Verdict
from bench.bots.findings import Findings, below_floor, draw_findings, table
from bench.bots.labelled import EPOCH, PEOPLE, Scenario, Sent, Truth, split, traffic
from bench.bots.proxied import through_proxy
from ingest.shop.event import Client
from lake.settings import Settings
from stack.servers.migrations import migrate

SCENARIO = Scenario(7, 20, "log", 600.0)
CONVICTED = Verdict("scraper", 145, ("catalogue_walk", "no_assets"), True)
SUSPECTED = Verdict("scraper", 75, ("catalogue_walk",), False)
UPTO = [60.0, 120.0]


def truth(**kinds: str) -> Truth:
    """Clients that ask once every two seconds for two minutes."""
    return Truth(dict(kinds), {address: [2.0 * number for number in range(60)] for address in kinds})


def findings(of: Truth, *verdicts: dict[str, Verdict]) -> Findings:
    result = Findings()
    result.add(of, UPTO, list(verdicts))
    return result


def test_a_bot_counts_from_its_conviction_on_and_a_suspect_does_not() -> None:
    result = findings(truth(a="scraper", b="scraper"), {"a": SUSPECTED}, {"a": CONVICTED, "b": SUSPECTED})
    assert result.recall == 0.5
    assert result.kinds["scraper"].requests_until == [60]


def test_a_bot_that_is_let_go_again_is_not_found() -> None:
    assert findings(truth(a="scraper"), {"a": CONVICTED}, {}).recall == 0.0


def test_people_are_wronged_by_a_conviction_that_was_taken_back_too() -> None:
    result = findings(truth(a="office", b="scraper"), {"a": CONVICTED}, {"b": CONVICTED})
    assert result.wronged == (1, 1)
    assert result.precision == 0.5
    assert below_floor(result) == ["precision 0.5000 is less than 0.99", "1 clients of the kind office were convicted"]


def test_few_requests_count_for_people_wronged_only() -> None:
    few = Truth({"a": "human", "b": "walker"}, {"a": [1.0], "b": [1.0]})
    result = findings(few, {}, {"a": CONVICTED})
    assert (result.precision, result.recall, result.wronged) == (1.0, 1.0, (1, 1))
    assert "| walker | 1 | 0 | 0 | 0 |  |  |" in table(result)


def test_findings_are_drawn(tmp_path: Path) -> None:
    matplotlib.use("Agg")
    draw_findings(findings(truth(a="office", b="scraper"), {}, {"b": CONVICTED}), tmp_path / "chart.png", "1")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("record_format", ["log", "json"])
def test_people_who_look_like_bots_are_in_the_traffic_of_each_format(record_format: str) -> None:
    sent, truth = split(traffic(Scenario(7, 2, record_format, 900.0)))
    busy = Counter(truth.kinds[address] for address in truth.kinds if truth.requests(address) >= 30)
    assert (busy["proxy"], busy["office_of_forty"]) == (1, 2)
    assert min(busy[kind] for kind in ("preconnector", "shop_admin", "app_user")) >= 5
    assert [record.due for record in sent] == sorted(record.due for record in sent)
    values = b"\n".join(record.value for record in sent)
    assert min(map(values.count, (b'"-" 408', b"/wp-admin/admin-ajax.php", b"okhttp", b"CFNetwork", b"Dalvik"))) >= 20
    (proxy,) = (address for address, kind in truth.kinds.items() if kind == "proxy")
    scans = [record.value for record in sent if b"/.git/" in record.value and proxy.encode() in record.value]
    assert len(scans) >= 3


def test_a_line_through_a_proxy_names_its_client_at_its_end() -> None:
    line = b'198.51.100.7 - - [01/Jan/2026:12:00:00 +0000] "GET / HTTP/1.1" 200 512 "-" "Firefox/131.0"'
    assert through_proxy(line, "10.0.0.4") == line.replace(b"198.51.100.7", b"10.0.0.4") + b' "198.51.100.7"'
    event = b'{"user_id":"u","ip_address":"198.51.100.7","action":"checkout"}'
    assert through_proxy(event, "10.0.0.4") == event.replace(b"198.51.100.7", b"10.0.0.4")
    assert through_proxy(b"no record", "10.0.0.4") == b"no record"


def test_lines_of_an_even_seed_come_through_a_proxy_and_those_of_others_do_not() -> None:
    proxied, bare = (split(traffic(Scenario(seed, 20, "log", 30.0)))[0] for seed in (8, 7))
    through = [record for record in proxied if record.value.startswith(b"10.20.0.4 ")]
    assert len(through) > 500
    assert all(record.value.endswith(b'"') for record in through)
    assert not [record for record in bare if record.value.startswith(b"10.20.0.4 ")]


def test_what_the_detector_gets_has_no_place_for_a_label() -> None:
    assert Sent._fields == ("due", "value", "header")
    assert [field.name for field in fields(Truth)] == ["kinds", "dues"]


@pytest.fixture
def detector(session: SparkSession, stack_settings: Settings, tmp_path: Path) -> Detector:
    own = replace(stack_settings, data=tmp_path, postgres_database="bot_eval")
    migrate(own)
    return Detector(session, own)


@pytest.mark.stack
def test_shuffled_labels_change_no_verdict(detector: Detector, monkeypatch: pytest.MonkeyPatch) -> None:
    sent, honest = split(traffic(SCENARIO))
    make, dice, kinds = Client.__init__, random.Random(1), sorted(set(honest.kinds.values()))

    def mislabel(self: Client, ip_address: str, user_id: str, user_agent: str | None, kind: str) -> None:
        make(self, ip_address, user_id, user_agent, dice.choice(kinds))

    with monkeypatch.context() as shuffled:
        shuffled.setattr(Client, "__init__", mislabel)
        same, wrong = split(traffic(SCENARIO))
    assert wrong.kinds != honest.kinds
    assert same == sent, "all that the detector gets"
    (verdicts,) = detector.judge(sent, EPOCH, [600.0])
    convicted = {address for address, verdict in verdicts.items() if verdict.is_convicted}
    assert {honest.kinds[address] for address in convicted} >= {"impostor", "crawler", "prober", "card_tester"}
    assert not any(honest.kinds[address] in PEOPLE for address in convicted)
