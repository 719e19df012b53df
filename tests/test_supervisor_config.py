"""What stands in supervisor's configuration, and what supervisor reads in it."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from settings_in import settings_in
from supervisor.datatypes import dict_of_key_value_pairs
from supervisor.options import ServerOptions, UnhosedConfigParser

from lake.errors import SettingsError
from lake.settings import PROJECT, Settings
from stack import supervisor_config
from stack.programs import PROGRAMS
from stack.supervisor_config import CONCERNED, environment

ROOMS = {"spark": "stream", "marts": "marts", "viz": "charts", "page": "page", "ingest": "generator"}
"""The program whose settings a room's modules read."""
OF_A_COMMAND = PROJECT / "marts" / "blocklist.py"


def test_the_generator_is_supervised_only_when_it_is_on(tmp_path: Path) -> None:
    supervisor_config.write_config(settings_in(tmp_path, GENERATE="0"))
    text = supervisor_config.config_file(settings_in(tmp_path)).read_text()
    assert "[program:stream]" in text
    assert "[program:generator]" not in text
    supervisor_config.write_config(settings_in(tmp_path, GENERATE="1", RATE="77"))
    assert 'RATE="77"' in supervisor_config.config_file(settings_in(tmp_path)).read_text()


def test_the_page_is_supervised_unless_it_is_off(tmp_path: Path) -> None:
    for page in ("1", "0"):
        settings = settings_in(tmp_path, PAGE=page, PAGE_PORT="8099")
        supervisor_config.write_config(settings)
        text = supervisor_config.config_file(settings).read_text()
        assert ("[program:page]" in text, 'PAGE_PORT="8099"' in text) == (page == "1", page == "1")


def test_a_deep_data_folder_gets_a_short_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    monkeypatch.setattr(tempfile, "tempdir", str(deep))  # where our programs keep temporary files
    supervisor_config.write_config(settings_in(deep))
    (line,) = (
        line
        for line in supervisor_config.config_file(settings_in(deep)).read_text().splitlines()
        if "file=/" in line[:6]
    )
    assert len(line.removeprefix("file=")) < 100


def as_read(settings: Settings, program: str) -> dict[str, str]:
    """The environment of a program as supervisor reads it."""
    parser = UnhosedConfigParser()
    parser.read(str(supervisor_config.config_file(settings)))
    text = parser.get(f"program:{program}", "environment").replace("%%", "%")
    read: dict[str, str] = dict_of_key_value_pairs(text)
    return read


@pytest.mark.parametrize("rules", ["/a b/50%, of = it's/(x)#1;2.yml", '/a "b"/urls.yml', "/plain"])
def test_a_setting_reaches_the_program_whatever_its_value(rules: str, tmp_path: Path) -> None:
    settings = settings_in(tmp_path, WEBLAKE_RULES=rules)
    supervisor_config.write_config(settings)
    assert as_read(settings, "stream") == environment("stream", settings)
    assert as_read(settings, "stream")["WEBLAKE_RULES"] == rules


@pytest.mark.parametrize("rules", ["/a #b", "/a ;b", "/a\nb", "/both \" and '", "/a'"])
def test_a_value_that_supervisor_cannot_pass_on_is_refused_by_name(rules: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="WEBLAKE_RULES="):
        supervisor_config.write_config(settings_in(tmp_path, WEBLAKE_RULES=rules))


def test_a_setting_concerns_every_program_whose_room_reads_it() -> None:
    fields = {"WEBLAKE_JARS": "jars", "WEBLAKE_RULES": "rules_file", "WEBLAKE_RANGES": "ranges_file"}
    fields |= {"WEBLAKE_CHARTS": "charts", "WEBLAKE_FAIL_AT": "fail_at", "WEBLAKE_ALLOW": "allow_file"}
    fields |= {"GENERATE": "generate", "RATE": "generate_rate", "BOTS": "generate_bots"}
    for name, concerned in CONCERNED.items():
        reads = re.compile(rf"settings\.{fields.get(name, name.lower())}\b")
        readers = {
            program
            for room, program in ROOMS.items()
            if any(reads.search(path.read_text()) for path in (PROJECT / room).rglob("*.py") if path != OF_A_COMMAND)
        }
        assert readers <= set(concerned), name


def test_no_setting_but_the_jars_restarts_a_server(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    assert set(environment("kafka", settings)) == {"WEBLAKE_JARS"}
    assert environment("postgres", settings) == {}


def test_supervisor_finds_the_logs_whatever_is_in_the_folders_name(tmp_path: Path) -> None:
    settings = settings_in(tmp_path / "50% a b", GENERATE="1")
    supervisor_config.write_config(settings)
    options = ServerOptions()
    options.realize(["-c", str(supervisor_config.config_file(settings))])
    programs = [program for group in options.process_group_configs for program in group.process_configs]
    assert {program.stdout_logfile for program in programs} == {
        f"{settings.data}/logs/{program.name}.log" for program in PROGRAMS
    }
