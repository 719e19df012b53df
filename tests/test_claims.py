from __future__ import annotations

import csv
import datetime as dt
import ipaddress
import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from frames import START
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lake.errors import RulesError
from lake.settings import PROJECT
from spark.events.agent_columns import claims as claims_of
from spark.events.agent_rules import agent_rules
from spark.events.agents import Agents, sort_agents
from spark.events.claims import Ranges, is_impostor, load_ranges

DAYS = 366
SHIPPED = PROJECT / "lake" / "rules" / "crawler_ranges.csv"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
BING = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
ODD = "Googlebot's \\x22 ${env:PATH} 'quote\\"
CLAIMED = {"google": [GOOGLE, ODD], "bing": [BING]}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64) Firefox/131.0"
RANGES = Ranges(
    {
        "google": tuple(
            map(
                ipaddress.ip_network,
                ("66.249.64.0/19", "34.22.85.0/27", "17.0.0.0/8", "2001:4860:4801:10::/64", "2a00:1450::/29"),
            )
        ),
        "bing": tuple(map(ipaddress.ip_network, ("157.55.39.0/24", "40.77.1.5/32", "2620:1ec::/36", "2a01:111::/32"))),
    }
)


def rows(session: SparkSession, *pairs: tuple[str | None, str | None]) -> DataFrame:
    frame = session.createDataFrame(list(pairs), "user_agent string, ip_address string")
    return frame.withColumn("window_start", F.lit(START))


def claimed(claims: dict[str, list[str]]) -> Mapping[str, Column]:
    return claims_of(Agents(claims=claims))


def impostors(session: SparkSession, *pairs: tuple[str | None, str | None]) -> list[bool]:
    verdicts = rows(session, *pairs).select(is_impostor(claimed(CLAIMED), RANGES, DAYS).alias("is_impostor")).collect()
    return [row["is_impostor"] for row in verdicts]


def written(folder: Path, *lines: str) -> Path:
    path = folder / "ranges.csv"
    path.write_text("\n".join(("operator,cidr,as_of,source", *lines)) + "\n")
    return path


def test_a_claim_is_held_against_the_ranges_of_its_own_operator(session: SparkSession) -> None:
    assert impostors(
        session,
        (GOOGLE, "66.249.66.1"),
        (GOOGLE, "66.249.96.1"),  # the first address after the range
        (GOOGLE, "34.22.85.31"),
        (GOOGLE, "34.22.85.32"),  # again
        (GOOGLE, "17.200.1.1"),
        (GOOGLE, "157.55.39.1"),  # Bing's
        (BING, "157.55.39.1"),
        (BING, "40.77.1.5"),
        (BING, "40.77.1.6"),
    ) == [False, True, False, True, False, True, False, False, True]


def test_an_ipv6_address_is_read_however_it_is_written(session: SparkSession) -> None:
    assert impostors(
        session,
        (GOOGLE, "2001:4860:4801:10::1"),
        (GOOGLE, "2001:4860:4801:0010:0:0:0:1"),
        (GOOGLE, "2001:4860:4801:10:AbCd::"),
        (GOOGLE, "2001:4860:4801:11::1"),
        (GOOGLE, "2a00:1457::"),
        (GOOGLE, "2a00:1458::"),
        (GOOGLE, "::2"),
        (GOOGLE, "::"),
        (BING, "2620:1ec:fff::7"),
        (BING, "2620:1ec:1000::7"),
        (BING, "2a01:111::2:3:4:5:6"),
        (GOOGLE, "::ffff:66.249.66.1"),
        (GOOGLE, "::FFFF:66.250.66.1"),
    ) == [False, False, False, True, False, True, True, True, False, True, False, False, True]


def test_what_is_no_address_proves_nothing(session: SparkSession) -> None:
    bad = (
        None,
        "",
        "-",
        "66.249.66",
        "66.249.66.1.1",
        "66.249.66.256",
        "2001:4860:4801:10",
        "2001:4860:48010:10::1",
        "66.249.66.1\u2028",
        "crawl-66-250-66-1.search.example",
        "203.0.113.x",
    )
    assert impostors(session, *((GOOGLE, address) for address in bad)) == [False] * len(bad)


def test_an_internal_address_is_a_proxy_s_and_proves_nothing_of_who_came_through_it(session: SparkSession) -> None:
    internal = ("10.0.0.5", "172.31.255.1", "192.168.1.1", "127.0.0.1", "169.254.1.1", "::1", "fd00::1", "fe80::1")
    public = ("11.0.0.5", "172.32.0.1", "192.169.1.1", "169.255.1.1", "::2", "fe00::1", "2001:db8::1")
    seen = impostors(session, *((GOOGLE, address) for address in (*internal, *public)))
    assert seen == [False] * len(internal) + [True] * len(public)


def test_who_claims_nothing_is_no_impostor(session: SparkSession) -> None:
    assert impostors(session, (FIREFOX, "203.0.113.7"), (None, "203.0.113.7"), (None, None)) == [False] * 3


def test_an_agent_may_hold_quotes_and_backslashes(session: SparkSession) -> None:
    assert impostors(session, (ODD, "203.0.113.7"), (ODD, "66.249.66.1")) == [True, False]


def test_ranges_are_evidence_around_their_date_only(session: SparkSession) -> None:
    noted = dt.date(2026, 9, 2)
    ranges = Ranges({"google": RANGES.networks["google"]}, {"google": noted})
    times = ["2019-01-22 03:00:00", "2026-08-30 23:59:50", "2026-08-31 00:00:00", "2026-09-04 23:59:50", "2026-09-05"]
    outside, inside = "203.0.113.7", "66.249.66.1"
    seen = [*((GOOGLE, outside, time) for time in times), (GOOGLE, outside, None), (GOOGLE, inside, times[2])]
    frame = session.createDataFrame(seen, "user_agent string, ip_address string, at string")
    judged = frame.withColumn("window_start", F.col("at").cast("timestamp")).select(
        is_impostor(claimed({"google": [GOOGLE]}), ranges, 2)
    )
    assert [row[0] for row in judged.collect()] == [False, False, True, True, False, False, False]


@pytest.mark.parametrize("date", ["", "soon", "2026-13-01"])
def test_ranges_without_a_date_are_refused(tmp_path: Path, date: str) -> None:
    with pytest.raises(RulesError, match=r"line 2.*is not a date"):
        load_ranges(written(tmp_path, f"google,66.249.64.0/19,{date},somewhere"))


def test_nobody_is_an_impostor_where_nothing_is_claimed(session: SparkSession) -> None:
    frame = rows(session, (GOOGLE, "203.0.113.7"))
    nothing: list[dict[str, list[str]]] = [{}, {"google": []}]
    for claims in nothing:
        assert frame.select(is_impostor(claimed(claims), RANGES, DAYS)).first() == (False,)


def test_a_claim_without_ranges_is_refused() -> None:
    with pytest.raises(RulesError, match="no address ranges for nobody"):
        is_impostor(claimed({"nobody": ["NobodyBot/1.0"]}), RANGES, DAYS)


def test_random_addresses_are_judged_as_by_the_standard_library(session: SparkSession) -> None:
    ranges = load_ranges(SHIPPED)
    agents = {operator: f"agent of {operator}" for operator in ranges.networks}
    claims = {operator: [agent] for operator, agent in agents.items()}
    dice = random.Random(7)
    pairs: list[tuple[str | None, str | None]] = []
    expected = []
    for _ in range(2_000):
        operator, other = dice.choice(list(agents)), dice.choice(list(agents))
        network = dice.choice(ranges.networks[other])
        near = int(network.network_address) + dice.randrange(-8, network.num_addresses + 8)
        address = type(network.network_address)(near)
        text = dice.choice([address.compressed, address.exploded]) if address.version == 6 else str(address)
        pairs.append((agents[operator], text))
        inside = any(address in one for one in ranges.networks[operator] if one.version == address.version)
        expected.append(not inside)
    verdicts = rows(session, *pairs).select(is_impostor(claimed(claims), ranges, DAYS).alias("is_impostor")).collect()
    assert [row["is_impostor"] for row in verdicts] == expected
    assert 200 < sum(expected) < 1_900


def test_the_whole_expression_is_compiled(session: SparkSession) -> None:
    ranges = load_ranges(SHIPPED)
    claims = {operator: [f"agent of {operator}"] for operator in ranges.networks}
    columns = ("cast(id as string) AS user_agent", "cast(id as string) AS ip_address", "now() AS window_start")
    frame = session.range(10).selectExpr(*columns)
    plan = frame.select(is_impostor(claimed(claims), ranges, DAYS).alias("is_impostor"))._jdf.queryExecution()
    text = plan.executedPlan().toString()
    assert text.startswith("*(1) Project"), text[:200]


def test_the_shipped_ranges_have_a_date_and_a_source_each() -> None:
    with SHIPPED.open(newline="") as lines:
        shipped = list(csv.DictReader(lines))
    assert all(dt.date.fromisoformat(row["as_of"]) for row in shipped)
    assert all(row["source"].startswith("https://") for row in shipped)
    assert len({(row["operator"], row["cidr"]) for row in shipped}) == len(shipped)


def test_each_operator_that_can_be_claimed_has_ranges() -> None:
    assert load_ranges(SHIPPED).networks.keys() == agent_rules().claims.keys()


def test_claims_come_from_the_agents_themselves() -> None:
    assert sort_agents([GOOGLE, FIREFOX, BING]).claims == {"google": [GOOGLE], "bing": [BING]}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("google,66.249.64.0/33,2026-09-02,https://x", "line 2: '66.249.64.0/33' is not a usable address range"),
        ("google,66.249.64.1/19,2026-09-02,https://x", "has host bits set"),
        ("google,0.0.0.0/0,2026-09-02,https://x", "too wide: wider than /8"),
        ("google,2000::/3,2026-09-02,https://x", "too wide"),
        ("google,2001:db8::/65,2026-09-02,https://x", "longer than /64"),
        ("google", "is not a usable address range"),
        (",66.249.64.0/19,2026-09-02,https://x", "no operator"),
    ],
)
def test_a_range_that_cannot_be_used_is_named_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(RulesError, match=message):
        load_ranges(written(tmp_path, line))


def test_a_missing_or_foreign_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="cannot read the crawlers' address ranges"):
        load_ranges(tmp_path / "none.csv")
    with pytest.raises(RulesError, match="has no address ranges"):
        load_ranges(written(tmp_path))
    foreign = tmp_path / "foreign.csv"
    foreign.write_text("a,b\n1,2\n")
    with pytest.raises(RulesError, match="the first line must be operator,cidr,as_of,source"):
        load_ranges(foreign)
