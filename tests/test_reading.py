"""What changes how lines are read belongs to the stream: it is recorded, remembered, and held against others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from settings_in import settings_in

from lake.contracts import edition
from lake.contracts.edition import Edition, reading_settings
from lake.contracts.reports import StreamReport, read_stream_report, write_stream_report
from lake.env_file import read_env_file
from lake.errors import SettingsError
from lake.proxies import load_proxies
from lake.reading import require_the_streams_reading
from lake.settings import STACK_FILE, Settings, load_settings
from spark.progress import Progress
from stack.servers.stack_env import remember_reading


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of which one, any one, changes how lines are read, and rules that the test may change."""
    monkeypatch.setattr(edition, "READING_SETTINGS", ("CHARTS_SECONDS", "NO_SUCH_SETTING"))
    rules = tmp_path / "urls.yml"
    rules.write_text(load_settings().rules_file.read_text())
    return settings_in(tmp_path, WEBLAKE_RULES=str(rules), CHARTS_SECONDS="30")


def running(settings: Settings) -> StreamReport:
    """Have this process be the stream."""
    Progress(settings.stream_file, Edition.of_today(settings).reads_by).touch()
    report = read_stream_report(settings.stream_file)
    assert report is not None
    return report


def test_an_edition_has_the_settings_and_says_which_has_changed(settings: Settings) -> None:
    today = Edition.of_today(settings)
    assert today.settings == {"CHARTS_SECONDS": "30"}
    assert Edition.parse(today.as_text()) == today
    assert set(today.reads_by) == {"urls.yml", "formats.yml", "CHARTS_SECONDS"}
    later = replace(today, settings={"CHARTS_SECONDS": "60"})
    assert today.changes_to(later) == ["today's setting CHARTS_SECONDS=60"]
    assert replace(today, settings={}).changes_to(later) == [], "what was not written down is not compared"


def test_a_list_of_proxies_that_has_changed_is_another_reading(tmp_path: Path) -> None:
    listed = tmp_path / "ours.txt"
    listed.write_text("198.51.100.0/24  # the load balancers\n")
    settings = settings_in(tmp_path, TRUSTED_PROXIES=f"192.0.2.1 {listed}")
    before = Edition.of_today(settings).settings["TRUSTED_PROXIES"]
    assert before.startswith(f"192.0.2.1 {listed} (")
    assert reading_settings(settings)["TRUSTED_PROXIES"] == f"192.0.2.1 {listed}"
    load_proxies.cache_clear()
    listed.write_text("198.51.100.0/25\n")
    assert Edition.of_today(settings).settings["TRUSTED_PROXIES"] != before
    assert Edition.of_today(load_settings()).settings["TRUSTED_PROXIES"] == "private"


def test_others_are_refused_while_the_stream_runs(settings: Settings) -> None:
    require_the_streams_reading(settings)  # it has never run
    report = running(settings)
    require_the_streams_reading(settings)
    other = replace(settings, charts_seconds=7)
    with pytest.raises(SettingsError, match=r"reads lines by other settings: CHARTS_SECONDS=30, and not 7\. Leave"):
        require_the_streams_reading(other)
    settings.rules_file.write_text("rules: []\nactions: [view_product]\n")
    words = f"other URL rules than {settings.rules_file} has now"
    with pytest.raises(SettingsError, match=re.escape(words)):
        require_the_streams_reading(settings)
    before_this_process = psutil.Process().create_time() - 1
    not_running: list[dict[str, Any]] = [{"updated_at": before_this_process}, {"pid": 2**22 + 1}, {"reads_by": {}}]
    for changes in not_running:  # or of an older version
        write_stream_report(settings.stream_file, replace(report, **changes))
        require_the_streams_reading(other)


def test_a_start_remembers_them_for_all_commands(settings: Settings) -> None:
    remember_reading(settings)
    assert read_env_file(settings.data / STACK_FILE) == {"CHARTS_SECONDS": "30"}
    again = load_settings({"WEBLAKE_DATA": str(settings.data), "CHARTS_SECONDS": ""})
    assert reading_settings(again) == {"CHARTS_SECONDS": "30"}
