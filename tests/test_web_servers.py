"""Lines that real servers write of odd requests, and what is read of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest
from debian_servers import apache, haproxy
from pyspark.sql import SparkSession
from raw_requests import REQUESTS, Answer, send_all
from readings import read
from web_servers import caddy, nginx, require_servers, shop, traefik
from written_logs import DECLARED_LOGS, LOGS, STRINGS, Log, expected

from lake.url_rules import UrlRules

PROGRAMS = {"apache": "apache2", "haproxy": "haproxy"}
Rows = list[dict[str, object]]


@dataclass(frozen=True)
class Written:
    """The lines of a log, and the answers to the requests that they are about."""

    lines: list[bytes]
    answers: list[Answer]


def of_server(names: Iterable[str]) -> list[object]:
    """Names of logs as parameters, marked with the program that writes them if Debian has it."""
    programs = {name: PROGRAMS.get(name.split("_")[0]) for name in names}
    return [
        pytest.param(name, marks=[pytest.mark.debian(program)] if program else []) for name, program in programs.items()
    ]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Written]:
    """The logs of all servers that are installed."""
    require_servers()
    folder = tmp_path_factory.mktemp("servers")
    answers: dict[str, list[Answer]] = {}
    with nginx(folder / "nginx") as port:
        answers |= dict.fromkeys(logs_of("nginx"), send_all(port))
    with caddy(folder / "caddy") as ports:
        answers |= {name: send_all(port) for name, port in ports.items()}
    with shop(folder / "shop") as pages:
        for name in ("traefik", "traefik_json"):
            with traefik(folder / name, pages, name) as port:
                answers[name] = send_all(port)
        if which(PROGRAMS["apache"]):
            with apache(folder / "apache", pages) as port:
                answers |= dict.fromkeys(logs_of("apache"), send_all(port))
        if which(PROGRAMS["haproxy"]):
            with haproxy(folder / "haproxy", pages) as ports:
                answers |= {name: send_all(port) for name, port in ports.items()}
    return {path.stem: Written(lines(path), answers[path.stem]) for path in folder.glob("*/*.log")}


def logs_of(server: str) -> list[str]:
    return [name for name in {**LOGS, **DECLARED_LOGS} if name.split("_")[0] == server]


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().removesuffix(b"\n").split(b"\n")


def told(log: Log, written: Written) -> list[Answer]:
    """The requests that a log has a line about."""
    return [answer for answer in written.answers if answer.request.name not in log.server.silent]


@pytest.fixture(scope="module")
def as_such(session: SparkSession, rules: UrlRules, written: dict[str, Written]) -> dict[str, Rows]:
    """What is read of each log if nobody says how it is written."""
    return read_all(session, rules, {name: log for name, log in written.items() if name in LOGS}, {})


@pytest.fixture(scope="module")
def as_declared(session: SparkSession, rules: UrlRules, written: dict[str, Written]) -> dict[str, Rows]:
    """What is read of each log if the server's string for it came with the lines."""
    return read_all(session, rules, {name: log for name, log in written.items() if name in STRINGS}, STRINGS)


def read_all(
    session: SparkSession, rules: UrlRules, logs: Mapping[str, Written], strings: Mapping[str, str]
) -> dict[str, Rows]:
    named = [(name, line) for name, log in logs.items() for line in log.lines]
    rows = read(session, rules, [line for _, line in named], [strings.get(name) for name, _ in named])
    found: dict[str, Rows] = {name: [] for name in logs}
    for (name, _), row in zip(named, rows, strict=True):
        found[name].append(row)
    return found


def differences(log: Log, written: Written, rows: Rows) -> list[str]:
    """What is read otherwise than it was sent, with the line."""
    found = []
    for answer, line, row in zip(told(log, written), written.lines, rows, strict=True):
        name, right = answer.request.name, expected(log, answer)
        wrong = {column: (row[column], value) for column, value in right.items() if row[column] != value}
        if not is_duration(log, answer, row["response_ms"]):
            wrong["response_ms"] = (row["response_ms"], answer.milliseconds)
        if row["reject_reason"]:
            wrong = {} if name in log.doubtful else {"reject_reason": (row["reject_reason"], None)}
        if wrong:
            found.append(f"{name}: {wrong} in {line!r}")
    return found


def is_duration(log: Log, answer: Answer, milliseconds: object) -> bool:
    """Whether it is one that a log may have, which is no longer than the client waited."""
    if "response_ms" not in log.fields:
        return milliseconds is None
    return isinstance(milliseconds, int) and 0 <= milliseconds <= answer.milliseconds + 2


def test_every_log_is_tried() -> None:
    assert set(DECLARED_LOGS) == set(STRINGS)
    assert len({request.name for request in REQUESTS}) == len(REQUESTS)


@pytest.mark.parametrize("name", of_server({**LOGS, **DECLARED_LOGS}))
def test_a_server_writes_a_line_about_each_request_that_it_understands(written: dict[str, Written], name: str) -> None:
    lines, answers = written[name].lines, told({**DECLARED_LOGS, **LOGS}[name], written[name])
    assert len(lines) == len(answers)


@pytest.mark.parametrize("name", of_server(LOGS))
def test_what_was_sent_is_read_of_a_servers_own_line(
    written: dict[str, Written], as_such: dict[str, Rows], name: str
) -> None:
    assert "\n".join(differences(LOGS[name], written[name], as_such[name])) == ""


@pytest.mark.parametrize("name", of_server(DECLARED_LOGS))
def test_what_was_sent_is_read_by_the_string_that_the_server_wrote_by(
    written: dict[str, Written], as_declared: dict[str, Rows], name: str
) -> None:
    assert "\n".join(differences(DECLARED_LOGS[name], written[name], as_declared[name])) == ""
