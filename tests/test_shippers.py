"""Log shippers with the recipes of the documentation, on a real broker: each line of a log that is rotated arrives."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from debian_packages import library_path, unpacked
from envelopes import ENVELOPES
from recipes import PAGE, blocks, fitted
from rotations import create
from shipped_logs import BEFORE_REOPENING, LINES, Arrivals, begin, running, write_through_a_rotation

from lake.settings import Settings

NAMED_TEMPLATES = ("RSYSLOG_TraditionalFileFormat", "RSYSLOG_FileFormat", "RSYSLOG_SyslogProtocol23Format")
TEMPLATE = re.compile(r"^template\(name=\"weblake\".*?^}\n", re.MULTILINE | re.DOTALL)
ACTION = re.compile(r"^ +action\(.*?\"\)\n", re.MULTILINE | re.DOTALL)
HEADS = {
    "line": rb"",
    "RSYSLOG_TraditionalFileFormat": rb"\w{3} [ \d]\d \d\d:\d\d:\d\d \S+ nginx: ",
    "RSYSLOG_FileFormat": rb"\d{4}-\d\d-\d\dT\S+ \S+ nginx: ",
    "RSYSLOG_SyslogProtocol23Format": rb"<\d+>1 \d{4}-\d\d-\d\dT\S+ \S+ nginx - - - ",
}
"""What stands before the line in the records of a template."""


@dataclass(frozen=True)
class SyslogNg:
    """Where syslog-ng was unpacked, or where it is installed."""

    program: Path
    modules: Path
    libraries: str

    @property
    def version(self) -> str:
        """The version of its configuration: that of the folder of its modules."""
        return self.modules.name


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "access.log"


@pytest.fixture(scope="module")
def syslog_ng(tmp_path_factory: pytest.TempPathFactory) -> SyslogNg:
    """It and rsyslog exclude each other, so it is only unpacked."""
    root = Path("/")
    if shutil.which("syslog-ng") is None:
        root = unpacked(tmp_path_factory.mktemp("debs"), "syslog-ng-core", "syslog-ng-mod-rdkafka")
    modules = [path.parent for path in (root / "usr/lib/syslog-ng").glob("*/libkafka.so")]
    if not modules:
        pytest.skip("syslog-ng has no module for Kafka; on Debian: apt-get install syslog-ng-mod-rdkafka")
    return SyslogNg(root / "usr/sbin/syslog-ng", modules[0], "" if root == Path("/") else library_path(root))


def rsyslog_ships(recipe: str, log: Path, settings: Settings, copies: int = 1) -> list[bytes]:
    """Return what arrives when rsyslog includes a recipe, which sends each line so many times."""
    if not list(Path("/usr/lib").glob("*/rsyslog/omkafka.so")):
        pytest.skip("rsyslog has no module for Kafka; on Debian: apt-get install rsyslog-kafka")
    folder = log.parent
    (folder / "weblake.conf").write_text(recipe)
    main = f'global(workDirectory="{folder}")\ninclude(file="{folder}/weblake.conf")\n'
    (folder / "rsyslog.conf").write_text(main)
    arrivals = Arrivals(settings)
    begin(log)
    command: list[str | Path] = ["rsyslogd", "-n", "-f", folder / "rsyslog.conf", "-i", folder / "rsyslog.pid"]
    with running(command, folder / "rsyslog.out") as shipper:
        write_through_a_rotation(log, shipper, arrivals, copies)
    assert (folder / "rsyslog.out").read_text() == ""
    return arrivals.values()


def syslog_ng_ships(recipe: str, log: Path, settings: Settings, syslog_ng: SyslogNg) -> list[bytes]:
    """Return what arrives when syslog-ng reads a recipe. It is not reloaded at once, as the document asks for."""
    folder = log.parent
    (folder / "syslog-ng.conf").write_text(f"@version: {syslog_ng.version}\n{recipe}")
    arrivals = Arrivals(settings)
    begin(log)
    own = {"cfgfile": "syslog-ng.conf", "persist-file": "persist", "pidfile": "pid", "control": "ctl"}
    options = [f"--{name}={folder / file}" for name, file in own.items()]
    command: list[str | Path] = [
        syslog_ng.program,
        "--foreground",
        "--no-caps",
        f"--module-path={syslog_ng.modules}",
        *options,
    ]
    with running(command, folder / "syslog-ng.out", syslog_ng.libraries) as shipper:
        write_through_a_rotation(log, shipper, arrivals, is_hasty=False)
    return arrivals.values()


def assert_each_once(texts: list[bytes]) -> None:
    counted, expected = Counter(texts), Counter(LINES)
    assert sorted(expected - counted) == [], "lost"
    assert sorted(counted - expected) == [], "sent twice, or changed"


def positions(file: Path) -> dict[bytes, int]:
    """Return where each line of a file begins."""
    text = file.read_bytes()
    return {one: text.index(one) for one in text.splitlines()}


def without_heads(values: list[bytes], head: bytes) -> list[bytes]:
    """Return the lines of the records that have this head."""
    matches = (re.fullmatch(head + rb"(203\.0\.113\.9 .*?)\n?", value, re.DOTALL) for value in values)
    return [match[1] for match in matches if match]


@pytest.mark.stack
@pytest.mark.debian("rsyslogd", package="rsyslog")
def test_rsyslog_sends_each_line_with_its_position(log: Path, stack_settings: Settings) -> None:
    values = rsyslog_ships(fitted(blocks("rsyslog")[0], log, stack_settings), log, stack_settings)
    records = [json.loads(value.decode("utf-8", "surrogateescape")) for value in values]
    assert_each_once([record["message"].encode("utf-8", "surrogateescape") for record in records])
    assert {record["file"] for record in records} == {str(log)}
    assert all(record["host"] for record in records)
    places = {record["message"].encode("utf-8", "surrogateescape"): record["offset"] for record in records}
    assert places == {**positions(Path(f"{log}.1")), **positions(log)}


@pytest.mark.stack
@pytest.mark.debian("rsyslogd", package="rsyslog")
def test_rsyslog_sends_each_line_by_the_templates_that_are_read_too(log: Path, stack_settings: Settings) -> None:
    recipe, raw = blocks("rsyslog")
    assert all(f'"{name}"' in PAGE.read_text() for name in NAMED_TEMPLATES)
    recipe = TEMPLATE.sub(lambda _: raw, fitted(recipe, log, stack_settings))
    action = ACTION.search(recipe)
    assert action
    others = [action[0].replace('"weblake"', f'"{name}"').replace("weblake.failed", name) for name in NAMED_TEMPLATES]
    recipe = recipe.replace(action[0], "".join([action[0], *others]))
    values = rsyslog_ships(recipe, log, stack_settings, len(HEADS))
    for head in HEADS.values():
        assert_each_once(without_heads(values, head))
    assert len(values) == len(HEADS) * len(LINES)


@pytest.mark.stack
@pytest.mark.parametrize("template", ["raw", "default"])
def test_syslog_ng_sends_each_line(template: str, log: Path, stack_settings: Settings, syslog_ng: SyslogNg) -> None:
    recipe = fitted(blocks("syslog-ng")[0], log, stack_settings)
    if template == "default":
        recipe = re.sub(r"^ +message\(.*\)\n", "", recipe, flags=re.MULTILINE)
    values = syslog_ng_ships(recipe, log, stack_settings, syslog_ng)
    head = rb"" if template == "raw" else rb"\d{4}-\d\d-\d\dT\S+ \S+ "
    assert_each_once(without_heads(values, head))


@pytest.mark.stack
@pytest.mark.debian("kcat")
def test_kcat_sends_each_line_of_a_file_at_rest(log: Path, stack_settings: Settings) -> None:
    command = fitted(blocks("kcat")[0], log, stack_settings)
    log.write_bytes(b"".join(one + b"\n" for one in LINES[:BEFORE_REOPENING]))
    assert create(log) == Path(f"{log}.1")
    log.write_bytes(b"".join(one + b"\n" for one in LINES[BEFORE_REOPENING:]))
    arrivals = Arrivals(stack_settings)
    for file in (command, command.replace(".log.1", ".log")):
        subprocess.run(file.split(), check=True, timeout=60)
    assert_each_once(arrivals.values())


@pytest.mark.parametrize("heading", ["Fluent Bit", "Vector", "Filebeat"])
def test_a_recipe_in_yaml_can_be_read(heading: str) -> None:
    assert isinstance(yaml.safe_load(blocks(heading)[0]), dict)


def test_no_line_of_the_page_is_too_long() -> None:
    assert [one for one in PAGE.read_text().splitlines() if len(one) > 125] == []


def keys_of(what: str) -> list[str]:
    """Return the keys in the page's table for something."""
    (row,) = [one for one in PAGE.read_text().splitlines() if one.startswith(f"| {what}")]
    return re.findall(r"`(.+?)`", row)


def first(record: dict[str, Any], what: str) -> Any:
    """Return what is at the first of these keys that has a text or a number; a dot leads into an object."""
    for key in keys_of(what):
        value: Any = record
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if isinstance(value, (str, int)):
            return value
    return None


@pytest.mark.parametrize("name", ENVELOPES)
def test_an_envelope_has_its_line_and_its_position_where_the_page_says(name: str) -> None:
    for shipped in ENVELOPES[name]:
        record = json.loads(shipped.record)
        text = first(record, "the line")
        inner = json.loads(text)["log"].strip() if text.startswith("{") else text
        assert inner.endswith(shipped.line)
        file, offset = first(record, "the file"), first(record, "where the line begins")
        place = (
            first(record, "the entry of a journal") if file is None else f"{first(record, 'the host')}:{file}:{offset}"
        )
        assert place == shipped.position
