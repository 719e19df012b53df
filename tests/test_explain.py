"""Why a client is taken for a bot: what is said of it to people and to programs."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from frames import at

from audit.explain import AgentSeen, Explanation, RawRecords, Reason, Ruling, Suspicion, claims_of
from audit.oracle import clients
from lake.settings import load_settings

SUSPICION = Suspicion(
    score=155,
    class_name="scraper",
    is_convicted=True,
    would_convict=True,
    reasons=(Reason("request_rate", 80, 61, 1200, "page requests in its busiest minute"),),
    events=3000,
    bot_events=3000,
    share=0.25,
    errors=2,
    first_seen_at=at(0),
    last_seen_at=at(60),
)
RULING = Ruling("convicted", "hand", at(30), "seen it")


def test_each_reason_shows_its_arithmetic() -> None:
    lines = Explanation("203.0.113.7", RULING, SUSPICION).as_lines()
    assert lines[0] == "203.0.113.7"
    assert lines[1].startswith("  convicted by hand on ")
    assert lines[2] == "  score 155, over the threshold; class scraper"
    assert lines[3] == "  3,000 of 3,000 events are counted as a bot's"
    assert lines[4] == "   +80  request_rate       1,200 >= 61  page requests in its busiest minute"
    assert lines[5].startswith("  3,000 events (25.00 % of all), 2 errors, seen ")


def test_who_is_not_suspected_is_said_to_be_so() -> None:
    assert "not suspected" in Explanation("203.0.113.7", None, None).as_lines()[1]


def test_a_program_reads_the_same() -> None:
    parsed = json.loads(json.dumps(Explanation("203.0.113.7", RULING, SUSPICION).as_json()))
    assert parsed["ruling"]["decided_at"] == at(30).isoformat()
    assert parsed["suspicion"]["reasons"][0]["figure"] == 1200
    assert json.loads(json.dumps(Explanation("::1", None, None).as_json()))["suspicion"] is None


def test_raw_records_are_counted_and_shown() -> None:
    assert RawRecords(2, 1, ("a", "b")).as_lines() == ["2 records in bronze on 1 products; the newest 2:", "  a", "  b"]


@pytest.mark.parametrize(
    ("address", "years", "says"),
    [
        ("66.249.66.1", (2026, 2026), "its address is among that operator's (list of 2026-09-02)"),
        ("66.249.66.1", (2019, 2019), "its address is among that operator's (list of 2026-09-02)"),
        ("203.0.113.7", (2026, 2026), "its address is none of that operator's (list of 2026-09-02)"),
        ("203.0.113.7", (2019, 2026), "its address is none of that operator's (list of 2026-09-02)"),
        ("203.0.113.7", (2019, 2019), "unverified, no evidence: its address is none of the list of 2026-09-02, but"),
        ("10.0.0.7", (2026, 2026), "that cannot be checked: its address is no public one"),
        ("::ffff:10.0.0.7", (2026, 2026), "that cannot be checked: its address is no public one"),
        ("crawl-66-249-66-1.googlebot.com", (2026, 2026), "that cannot be checked: its address is no public one"),
        ("66.249.66.xxx", (2026, 2026), "that cannot be checked: its address is no public one"),
        ("::ffff:66.249.66.1", (2026, 2026), "its address is among that operator's (list of 2026-09-02)"),
    ],
)
def test_a_claim_is_held_against_the_list_of_its_time(address: str, years: tuple[int, int], says: str) -> None:
    first, last = (dt.datetime(year, 9, 1, tzinfo=dt.timezone.utc) for year in years)
    agents = ["Googlebot/2.1", "Mozilla/5.0 (X11; Linux x86_64; rv:131.0) Gecko/20100101 Firefox/131.0", "curl/8.5.0"]
    known = clients(load_settings().ranges_file)
    (line,) = claims_of(address, [AgentSeen(agent, first, last) for agent in agents], known)
    assert line.startswith("it says that it is a crawler of google")
    assert says in line
    assert RawRecords(0, 0, (), (line,)).as_lines()[0] == line
