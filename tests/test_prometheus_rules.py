"""Prometheus beside the stack: what it is started with, and the rules by which it says that something is wrong."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil
import pytest
import yaml
from scrapes import a_free_port, at_port
from settings_in import settings_in

from lake.errors import ServiceError
from lake.settings import PROJECT
from stack.prometheus.run import become_prometheus, render
from stack.servers.waiting import wait_until

RULES = PROJECT / "stack" / "prometheus" / "rules.yml"
CASES = PROJECT / "tests" / "prometheus_rules.yml"


def alerts() -> list[dict[str, dict[str, str]]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def test_every_alert_names_a_command_and_is_seen_to_fire() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE))
    fired = set(re.findall(r'alertname="(\w+)",?[^}]*}\', value', CASES.read_text()))
    assert fired == {str(rule["alert"]) for rule in alerts()}
    for rule in alerts():
        make, target, *_ = rule["annotations"]["command"].split()
        assert (make, target in targets) == ("make", True), rule["alert"]


def test_the_rules_ask_only_for_metrics_that_there_are() -> None:
    listed = set(re.findall(r"^\| `(weblake_\w+)`", (PROJECT / "docs" / "metrics.md").read_text(), flags=re.MULTILINE))
    asked = {
        name.removesuffix("_bucket") for rule in alerts() for name in re.findall(r"\bweblake_\w+", str(rule["expr"]))
    }
    assert asked and asked <= listed


@pytest.mark.debian("promtool", package="prometheus")
def test_promtool_finds_the_rules_well_formed_and_right() -> None:
    for words in (["check", "rules", str(RULES)], ["test", "rules", str(CASES)]):
        done = subprocess.run(["promtool", *words], capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_configuration_asks_our_own_watch(tmp_path: Path) -> None:
    settings = at_port(settings_in(tmp_path, METRICS_HOST="0.0.0.0"), 9999)
    folder = render(settings)
    (job,) = yaml.safe_load((folder / "prometheus.yml").read_text())["scrape_configs"]
    assert job["static_configs"] == [{"targets": ["127.0.0.1:9999"]}]
    assert (folder / "rules.yml").read_text() == RULES.read_text()


def test_without_prometheus_the_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceError, match="apt install prometheus"):
        become_prometheus(settings_in(tmp_path), 9090)


@pytest.mark.debian("prometheus")
def test_prometheus_runs_with_our_rules_and_listens_on_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path))
    port, weblake = a_free_port(), Path(sys.executable).with_name("weblake")
    command = [str(weblake), "prometheus", "--port", str(port)]
    with subprocess.Popen(command) as process:
        try:
            wait_until(lambda: _has_rules(port), 120, "Prometheus has read the rules")
            listening = {
                one.laddr.ip for one in psutil.Process(process.pid).net_connections() if one.status == "LISTEN"
            }
            assert listening == {"127.0.0.1"}
        finally:
            process.terminate()


def _has_rules(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/api/v1/rules", timeout=10) as answer:
            return "KafkaAboutToDropUnreadRecords" in answer.read().decode()
    except URLError:
        return False
