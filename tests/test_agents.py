from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import crawleruseragents
import pytest
import yaml

from audit.oracle.agents import agent_kind, claimed_operator
from bench.bots.agents import NEEDS
from lake.contracts import MAX_AGENT_CHARACTERS
from lake.errors import RulesError, WeblakeError
from lake.rules_file import AGENTS_FILE
from lake.settings import PROJECT
from spark.commands.classify import agents_of, row_of
from spark.events.agent_rules import agent_rules
from spark.events.agents import Agent, Agents, classify, sort_agents
from weblake.main import run

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GPT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)"


@pytest.mark.parametrize(
    ("agent", "name", "operator"),
    [
        ("Bot-Agent/1.0", "Bot-Agent", None),
        (GOOGLE, "Googlebot", "google"),
        (GPT, "GPTBot", "openai"),
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot", "bing"),
        ("Mozilla/5.0 (compatible; AhrefsBot/6.1; +http://ahrefs.com/robot/)", "AhrefsBot", "ahrefs"),
        ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "YandexBot", "yandex.ru"),
        ("facebookexternalhit/1.1", "facebookexternalhit", "developers.facebook.com"),
        ("WhatsApp/2.19.81 A", "WhatsApp", "whatsapp.com"),
    ],
)
def test_a_crawler_has_its_name_and_operator(agent: str, name: str, operator: str | None) -> None:
    assert classify(agent) == Agent("crawler", name, operator)


@pytest.mark.parametrize(
    "agent",
    [
        "my own spider",
        "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
        "Mozilla/5.0 (compatible; NobodyKnowsIt/0.1)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/131.0 Safari/537.36 (somebody@example.com)",
    ],
)
def test_a_crawler_that_no_list_knows_gives_itself_away(agent: str) -> None:
    assert classify(agent).kind == "crawler"


@pytest.mark.parametrize(
    "agent",
    [
        "python-requests/2.31",
        "curl/8",
        "Wget/1.21.3",
        "Go-http-client",
        "Go-http-client/1.1",
        "Java/17.0.1",
        "HeadlessChrome",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.0.0 Safari/537.36",
        "UptimeRobot",
        "Mozilla/5.0 (compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)",
        "NobodyKnowsIt/0.1",
        "Elastic-Heartbeat/8.13.0 (linux; amd64; abc; 2024-01-01 00:00:00 +0000 UTC)",
        "Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/98 Safari/537.36 StatusCake",
        "Zabbix 6.4",
        "Nagios",
        "Mozilla/5.0 (compatible; Nagios XI)",
        "check_http/v2.4.2 (monitoring-plugins 2.4.2)",
    ],
)
def test_libraries_headless_browsers_and_monitors_are_tools(agent: str) -> None:
    assert classify(agent).kind == "tool"


@pytest.mark.parametrize(
    "agent",
    [
        CHROME,
        "Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; U; Android 4.2.2; it-it; S308 Build/CUBOT) AppleWebKit/534.30 Version/4.0 Safari/534.30",
        "Mozilla/5.0 (Linux; Android 7.0; M bot 60 Build/NRD90M) AppleWebKit/537.36 Chrome/67.0 Mobile Safari/537.36",
        "Mozilla/5.0 (Linux; Android 7.1.2; M_bot_tab_71) AppleWebKit/537.36 Chrome/58.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 15; RMX3944 Build/AP3A.240617.008; wv) AppleWebKit/537.36 Chrome/141.0 Safari/53",
        "Mozilla/5.0 (Linux; Android 6.0.1; HTC Butterfly 2 Build/MMB29M) AppleWebKit/537.36 Chrome/54.0 Safari/537.36",
        "Opera/9.80 (MAUI Runtime; Opera Mini/4.4.39008/69.190; U; fr) Presto/2.12.423 Version/12.16",
        "MobileSafari/604.1 CFNetwork/976 Darwin/18.2.0",
        "Nokia200/2.0 (12.04) Profile/MIDP-2.1 Configuration/CLDC-1.1",
        "Dalvik/2.1.0 (Linux; U; Android 9; SM-G960F)",
        "ELinks/0.12pre6 (textmode; Linux 4.15.0-23-generic x86_64; 240x67-3)",
        "okhttp/4.12.0",
        "com.example.shop/3.1 okhttp/4.9.3",
        "Dart/3.1 (dart:io)",
        "Alamofire/5.6.4",
    ],
)
def test_browsers_phones_and_apps_are_of_people(agent: str) -> None:
    assert classify(agent) == Agent("human")


@pytest.mark.parametrize("agent", [None, "", "  ", "-"])
def test_no_agent_is_none(agent: str | None) -> None:
    assert classify(agent) == Agent("none")


def test_the_agent_of_a_delivery_network_stands_for_whoever_came_through_it() -> None:
    assert classify("Amazon CloudFront") == Agent("none", "Amazon CloudFront")
    assert classify("Amazon CloudFront test by curl/8").kind == "tool"
    assert sort_agents(["Amazon CloudFront"]) == Agents()
    assert agent_kind("Amazon CloudFront") == "human"


def test_what_stands_behind_the_longest_agent_does_not_count() -> None:
    assert classify(CHROME + "x" * MAX_AGENT_CHARACTERS + " bot").kind == "human"


def test_agents_are_sorted_in_the_order_given() -> None:
    agents = [GOOGLE, CHROME, "curl/8", "Bot-Agent/1.0", ""]
    assert sort_agents(agents) == Agents([GOOGLE, "Bot-Agent/1.0"], ["curl/8"], {"google": [GOOGLE]})


def test_the_audit_sorts_by_the_same_rules_with_code_of_its_own() -> None:
    listed = [agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry.get("instances", ())]
    agents = [CHROME, GOOGLE, GPT, "my-bot", "curl/8", "SonyEricssonK800i", "x; m_bot 5", *listed[::4]]
    agents += ["okhttp/4.12.0", "Feedly/1.0 okhttp/4.9", "Elastic-Heartbeat/8.13.0 (linux; amd64)", "Nagios"]
    answers = {agent: classify(agent) for agent in agents}
    assert {agent: agent_kind(agent) for agent in agents} == {agent: answer.kind for agent, answer in answers.items()}
    claims = {agent: answer.operator for agent, answer in answers.items() if answer.operator in agent_rules().claims}
    assert {agent: operator for agent in agents if (operator := claimed_operator(agent))} == claims


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"says_bot": ["("]}, "`says_bot` in .* not a regular expression"),
        ({"people_too": "Sonic"}, "`people_too` in .* needs a list of texts"),
        ({"tool_tags": []}, "`tool_tags` in "),
        ({"unsigned": ["Android", "(?:x+)+y"]}, r"`unsigned` in .*'\(\?:x\+\)\+y' can take longer than 1 s"),
        ({"crawlers": {"google": ["googlebot", "(?:x+)+y"]}}, r"`google` in .* can take longer than 1 s"),
        ({"crawlers": {"google": None}}, "`google` in "),
        ({"crawlers": ["google"]}, "`crawlers` in "),
    ],
)
def test_a_rule_that_cannot_be_used_is_named(change: dict[str, object], message: str, tmp_path: Path) -> None:
    path = tmp_path / "agents.yml"
    path.write_text(yaml.safe_dump(yaml.safe_load(AGENTS_FILE.read_text()) | change))
    with pytest.raises(RulesError, match=message):
        agent_rules(path)


@pytest.mark.parametrize("text", [None, "a: [", "- a"])
def test_a_file_of_rules_that_cannot_be_read_is_named(text: str | None, tmp_path: Path) -> None:
    path = tmp_path / "agents.yml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RulesError, match=str(path)):
        agent_rules(path)


def test_a_line_has_kind_name_operator_and_agent() -> None:
    assert row_of(GOOGLE) == ("crawler", "Googlebot", "google", GOOGLE)
    assert row_of(CHROME) == ("human", "-", "-", CHROME)
    assert row_of("") == ("none", "-", "-", "")


def test_agents_are_read_from_a_file_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "agents.txt"
    path.write_bytes(b"curl/8\r\n\ncaf\xe9 bot\n")
    assert list(agents_of(str(path))) == ["curl/8", "", "caf\N{REPLACEMENT CHARACTER} bot"]


@pytest.mark.parametrize(
    ("name", "message"), [("none.txt", "No such file"), ("", "no file given"), (".", "Is a directory")]
)
def test_a_file_that_cannot_be_read_is_named(name: str, message: str) -> None:
    with pytest.raises(WeblakeError, match=message):
        list(agents_of(name))


def test_the_command_reads_the_standard_input_and_starts_no_spark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"curl/8\n")))
    assert run(["classify", "-"]) == 0
    assert capsys.readouterr().out == "tool\tcurl\tcurl.haxx.se\tcurl/8\n"
    loads = "import sys, spark.commands.classify; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loads], cwd=PROJECT, check=False).returncode == 0


def test_the_packages_of_the_comparison_are_declared() -> None:
    declared = (PROJECT / "pyproject.toml").read_text()
    assert [package for package in NEEDS.values() if f'"{package}' not in declared] == []
