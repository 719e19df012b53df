"""Compare lists of bots' user agents: ``python -m bench.bots.agents`` (``make bench-agents``).

Each detector is tried on agents of bots and of browsers that other packages ship, and timed. What a detector's own
package ships stands in brackets: it was made to match that. The packages are in the extra ``agents`` of pyproject.toml.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import importlib
import json
import multiprocessing
import random
import re
import shlex
import sys
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from lake.errors import WeblakeError
from lake.text import printable
from spark.events.agent_rules import agent_rules
from spark.events.agents import classify

SEED = 7
BROWSERS_OF_A_LIST = 10_000
"""A longer list of browsers is sampled: the slowest detector takes milliseconds for one agent."""

TIMED = 5_000
TIMED_BOTS = 1_000

NEEDS = {
    "ai_crawler_index": "ai-crawler-index",
    "crawlerdetect": "crawlerdetect",
    "crawleruseragents": "crawler-user-agents",
    "device_detector": "device_detector",
    "faker": "faker",
    "fake_useragent": "fake-useragent",
    "is_crawler": "is-crawler",
    "random_user_agent": "random-user-agent",
    "ua_parser": "ua-parser[regex]",
}
"""Module -> the package that has it."""

FIXTURES = {
    "computers": ["desktop*.yml"],
    "phones": ["smartphone*.yml", "phablet*.yml", "feature_phone.yml"],
    "tablets": ["tablet*.yml"],
    "televisions and others": ["tv*.yml", "console.yml", "car_browser.yml", "wearable.yml", "smart_display.yml"],
}
"""Kind of device -> device_detector's files of its agents."""

Detect = Callable[[str], bool]


@dataclass(frozen=True)
class Detector:
    """Something that says of an agent whether it is a bot; ``own`` names the lists that its own package ships."""

    name: str
    detect: Detect
    own: frozenset[str] = frozenset()


@dataclass(frozen=True)
class AgentList:
    """Distinct agents that are all of bots, or all of browsers."""

    name: str
    agents: list[str]


def main() -> int:
    """Parse the command line and print the tables; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.bots.agents", description=__doc__)
    parser.add_argument("--bots", type=Path, nargs="*", default=[], metavar="FILE", help="more agents of bots, by line")
    parser.add_argument("--browsers", type=Path, nargs="*", default=[], metavar="FILE", help="more agents of browsers")
    parser.add_argument("--log", type=Path, nargs="*", default=[], metavar="FILE", help="access logs: agents flagged")
    parser.add_argument("--wrong", metavar="DETECTOR", help="print its mistakes instead of the tables")
    arguments = parser.parse_args()
    try:
        modules = {name: _module(name) for name in NEEDS}
        bots = [*bot_lists(modules), *map(_file, arguments.bots)]
        browsers = [sample(browser_list) for browser_list in (*browser_lists(modules), *map(_file, arguments.browsers))]
        logs = [AgentList(path.name, sorted(set(agents_of_log(path)))) for path in arguments.log]
    except (WeblakeError, OSError) as e:
        sys.stderr.write(f"{e}\n")
        return 1
    timed, detectors = all_detectors(modules), all_detectors(modules, functools.cache)
    if arguments.wrong:
        print_wrong(detectors, arguments.wrong, bots, browsers)
        return 0
    # The time first: afterwards the packages' own caches know the agents.
    microseconds = {detector.name: time_of(detector.detect, bots, browsers) for detector in timed}
    print_table("Bots found, %", bots, detectors, microseconds)
    print_table("Browsers called bots, %", browsers, detectors, microseconds)
    if logs:
        print_table("Agents of logs called bots, %", logs, detectors, microseconds)
    return 0


def _module(name: str) -> Any:
    """Import a package that only the comparison needs.

    Raises:
        WeblakeError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as e:
        packages = " ".join(sorted(map(shlex.quote, NEEDS.values())))
        raise WeblakeError(
            f"the comparison needs {NEEDS[name]}, which is not installed; "
            f"run `.venv/bin/python -m pip install {packages}` (pyproject.toml lists them as the extra `agents`)"
        ) from e


def bot_lists(modules: dict[str, Any]) -> Iterator[AgentList]:
    """Agents of bots, by the package that ships them."""
    crawlers = modules["crawleruseragents"].CRAWLER_USER_AGENTS_DATA
    yield _distinct("crawler-user-agents", (text for row in crawlers for text in row["instances"]))
    yield _distinct("device_detector", _fixtures(modules["device_detector"], "bots.yml"))
    index = json.loads(_data(modules["ai_crawler_index"], "data.json").read_text())
    yield _distinct("ai-crawler-index", (row["ua"] for row in index["crawlers"] if row["ua"]))
    labelled = _labelled(modules["random_user_agent"], "bot -> ")
    yield _distinct("random-user-agent", labelled)


def browser_lists(modules: dict[str, Any]) -> Iterator[AgentList]:
    """Agents of browsers, in computers, phones, televisions and apps, by the package that makes or ships them."""
    for kind, files in FIXTURES.items():
        yield _distinct(f"device_detector {kind}", _browser_fixtures(modules["device_detector"], files))
    faker = modules["faker"].Faker()
    faker.seed_instance(SEED)
    yield _distinct("faker", (faker.user_agent() for _ in range(BROWSERS_OF_A_LIST)))
    lines = _data(modules["fake_useragent"], "data/browsers.jsonl").read_text().splitlines()
    yield _distinct("fake-useragent", (json.loads(line)["useragent"] for line in lines))
    yield _distinct("random-user-agent", _labelled(modules["random_user_agent"], "browser -> "))


def _data(module: Any, name: str) -> Path:
    """A file that a package ships."""
    return Path(module.__file__).parent / name


def _distinct(name: str, agents: Iterable[str]) -> AgentList:
    return AgentList(name, sorted({agent.strip() for agent in agents if agent.strip()}))


def _file(path: Path) -> AgentList:
    """A list of one agent a line."""
    return _distinct(path.name, path.read_text(errors="replace").splitlines())


def _read_fixtures(module: Any, patterns: Iterable[str]) -> Iterator[dict[str, Any]]:
    folder = _data(module, "tests/fixtures/upstream")
    for path in (path for pattern in patterns for path in sorted(folder.glob(pattern))):
        yield from yaml.load(path.read_text(), yaml.CSafeLoader)


def _fixtures(module: Any, pattern: str) -> Iterator[str]:
    return (str(row["user_agent"]) for row in _read_fixtures(module, [pattern]))


def _browser_fixtures(module: Any, patterns: Iterable[str]) -> Iterator[str]:
    """Only what the fixture says is a browser: the same files have libraries and download managers."""
    for row in _read_fixtures(module, patterns):
        if isinstance(row.get("client"), dict) and row["client"].get("type") == "browser":
            yield str(row["user_agent"])


def _labelled(module: Any, label: str) -> Iterator[str]:
    with zipfile.ZipFile(_data(module, "data/user_agents.zip")) as archive, archive.open("user_agents.jl") as lines:
        for line in lines:
            row = json.loads(line)
            if row["software_type"].startswith(label):
                yield row["user_agent"]


def agents_of_log(path: Path) -> Iterator[str]:
    """The user agents of an access log in the combined format, plain or gzipped, other than ``-``."""
    opener = gzip.open if path.suffix == ".gz" else open
    last_quoted = re.compile(r'" \d{3} \S+ "[^"]*" "([^"]+)"')
    with opener(path, "rt", errors="replace") as lines:
        for line in lines:
            match = last_quoted.search(line)
            if match and match[1] != "-":
                yield match[1]


def sample(agent_list: AgentList) -> AgentList:
    """At most 10,000 agents of a list, the same ones each time."""
    if len(agent_list.agents) <= BROWSERS_OF_A_LIST:
        return agent_list
    return AgentList(agent_list.name, random.Random(SEED).sample(agent_list.agents, BROWSERS_OF_A_LIST))


def all_detectors(modules: dict[str, Any], wrap: Callable[[Detect], Detect] = lambda detect: detect) -> list[Detector]:
    """Each package, Weblake's own word rule, any two of them, and what Weblake uses; ``wrap`` may remember answers."""
    crawlerdetect = modules["crawlerdetect"].CrawlerDetect()
    device = modules["device_detector"].DeviceDetector
    parse_device = modules["ua_parser"].parse_device

    def by_device_detector(agent: str) -> bool:
        detector = device(agent)
        detector.parse_bot()
        return bool(detector.is_bot())

    def by_ua_parser(agent: str) -> bool:
        device_family = parse_device(agent)
        return device_family is not None and device_family.family == "Spider"

    infos = modules["is_crawler"].crawler_info
    crawlers = modules["crawleruseragents"].is_crawler
    fixtures = frozenset({"crawlers.txt", "devices.txt"})
    single = [
        Detector("is-crawler", wrap(modules["is_crawler"].is_crawler)),
        Detector("is-crawler's names", wrap(lambda agent: infos(agent) is not None)),
        Detector("crawler-user-agents", wrap(crawlers), frozenset({"crawler-user-agents"})),
        Detector("crawlerdetect", wrap(crawlerdetect.is_crawler), fixtures),
        Detector("ua-parser", wrap(by_ua_parser)),
        Detector("device_detector", wrap(by_device_detector), frozenset({"device_detector"})),
        Detector("word rule", wrap(lambda agent: agent_rules().says_bot.search(agent) is not None)),
    ]
    pairs = [_union(*two) for two in combinations(single, 2)]
    own = frozenset({"crawler-user-agents"})
    weblake = Detector("weblake", lambda agent: classify(agent).kind in ("crawler", "tool"), own)
    return [*single, *pairs, weblake]


def _union(one: Detector, other: Detector) -> Detector:
    detect_one, detect_other = one.detect, other.detect
    return Detector(
        f"{one.name} + {other.name}", lambda agent: detect_one(agent) or detect_other(agent), one.own | other.own
    )


def time_of(detect: Detect, bots: list[AgentList], browsers: list[AgentList]) -> float:
    """CPU microseconds per distinct agent, of 5,000 of which a fifth are bots.

    Measured in a process of its own: the packages remember agents, some after taking out what tells two apart.
    """
    dice = random.Random(SEED)
    agents = dice.sample([agent for agent_list in bots for agent in agent_list.agents], TIMED_BOTS)
    agents += dice.sample([agent for agent_list in browsers for agent in agent_list.agents], TIMED - TIMED_BOTS)
    dice.shuffle(agents)
    fork = multiprocessing.get_context("fork")
    answer, question = fork.Pipe(duplex=False)

    def measure() -> None:
        detect("warm up")
        before = time.process_time()
        for agent in agents:
            detect(agent)
        question.send((time.process_time() - before) / len(agents) * 1e6)

    process = fork.Process(target=measure)
    process.start()
    microseconds: float = answer.recv()
    process.join()
    return microseconds


def print_table(title: str, lists: list[AgentList], detectors: list[Detector], microseconds: dict[str, float]) -> None:
    """Print a Markdown table: one row per detector, the share of each list that it calls bots, and its time."""
    names = [f"{agent_list.name} ({len(agent_list.agents):,})" for agent_list in lists]
    print(f"\n| {title} | {' | '.join(names)} | µs per agent |")  # noqa: T201
    print("|---" * (len(lists) + 2) + "|")  # noqa: T201
    for detector in detectors:
        cells = []
        for agent_list in lists:
            flagged = sum(map(detector.detect, agent_list.agents))
            share = f"{100 * flagged / len(agent_list.agents):.2f}"
            is_own = agent_list.name in detector.own or agent_list.name.split()[0] in detector.own
            cells.append(f"({share})" if is_own else share)
        print(f"| {detector.name} | {' | '.join(cells)} | {microseconds[detector.name]:,.1f} |", flush=True)  # noqa: T201


def print_wrong(detectors: list[Detector], name: str, bots: list[AgentList], browsers: list[AgentList]) -> None:
    """Print what one detector gets wrong: list, whether missed or false, agent; tab-separated."""
    (detect,) = (detector.detect for detector in detectors if detector.name == name)
    for mistake, expected, lists in (("missed", True, bots), ("false", False, browsers)):
        for agent_list in lists:
            for agent in agent_list.agents:
                if detect(agent) != expected:
                    print(agent_list.name, mistake, printable(agent), sep="\t")  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
