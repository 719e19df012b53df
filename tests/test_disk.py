"""Room on the disks for people: how much is free, who waits, what may be freed; and the start that needs some."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import pytest
from disks import has_free
from settings_in import settings_in
from statuses import a_status

import weblake.commands.stack
from lake.errors import SpaceError
from lake.settings import Settings
from stack.disk import require_room, room
from stack.health.state import as_dict, problems
from weblake.main import run
from weblake.show.status import show_status


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(settings_in(tmp_path, WEBLAKE_JARS=str(tmp_path / "jars")), charts=tmp_path / "charts")


def test_room_enough_is_shown_and_no_problem(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    has_free(monkeypatch, 2048)
    found = room(settings)
    assert (found.free_mb, found.waits) == ({str(settings.data): 2048}, [])
    show_status(a_status(room=found))
    shown = capsys.readouterr().out
    assert "All is well." in shown
    line = f"2.0 GiB on the disk of {settings.data}; senders wait below 1.0 GiB"
    assert f"{line} may be freed old files of the lake (`make maintain`)" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("free", "limit", "who"),
    [
        (
            1023,
            "less than WEBLAKE_MIN_FREE_MB=1024",
            "the generator and imports wait, and other senders are slowed down,",
        ),
        (511, "less than half of WEBLAKE_MIN_FREE_MB=1024", "the stream, the marts, the charts and all senders wait"),
    ],
)
def test_a_short_disk_is_a_problem_that_says_who_waits_and_what_may_be_freed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, limit: str, who: str
) -> None:
    has_free(monkeypatch, free)
    old = settings.data / "logs" / "stream.log.1"
    old.parent.mkdir()
    old.write_bytes(bytes(3 << 20))
    settings.class_archive.parent.mkdir(parents=True)
    settings.class_archive.write_bytes(bytes(2 << 20))
    status = a_status(room=room(settings), errors=["PostgreSQL: Connection refused"])
    first, second = problems(status)
    assert f"the disk of {settings.data} has {free:,} MB free, {limit}: {who} until there is room" in first
    assert "May be freed: other files on that disk; " in first
    assert "old logs, 3 MB (delete " in first
    assert first.endswith("; old files of the lake (`make maintain`)")
    assert "Java's archive of Spark's classes, 2 MB (delete " in first
    assert second.startswith("PostgreSQL: Connection refused; see ")
    assert as_dict(status)["room"]["free_mb"] == {str(settings.data): free}


def test_a_disk_of_the_charts_alone_keeps_only_the_charts_waiting(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = replace(settings, charts=Path("/dev/charts"))  # /dev is a disk of its own everywhere, and is only looked at
    has_free(monkeypatch, 600)
    assert len(room(apart).waits) == 1
    has_free(monkeypatch, 511)
    _, charts = room(apart).complaints
    assert "/dev/charts has 511 MB free" in charts
    assert "1024: the charts wait until there is room. May be freed: " in charts


def test_a_start_below_the_guard_says_so_before_it_makes_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    monkeypatch.setattr(weblake.commands.stack, "prepare", lambda: settings_in(folder))
    has_free(monkeypatch, 511)
    assert run(["up"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"weblake: nothing was started, because the disk of {folder} has 511 MB free")
    assert "`make maintain`" in said
    assert not folder.exists()


def test_a_start_between_the_two_limits_goes_on(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    has_free(monkeypatch, 512)
    require_room(settings)
    has_free(monkeypatch, 511)
    with pytest.raises(SpaceError, match="nothing was started"):
        require_room(settings)


def test_a_start_names_the_disk_that_it_lacks_as_it_was_when_it_looked(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = replace(settings, lake_root="/dev/lake")  # /dev is a disk of its own everywhere, and is only looked at
    looks: dict[Path, Iterator[int]] = {settings.data: repeat(1023), Path("/dev"): chain([511], repeat(2048))}
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=next(looks[path]) << 20))
    with pytest.raises(
        SpaceError, match=r"^nothing was started, because the disk of /dev/lake has 511 MB free, .*half"
    ):
        require_room(apart)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize(("name", "shown"), [("/data/x", "/data/x"), (None, "a file")])
def test_a_disk_that_fills_up_is_one_sentence(
    number: int, name: str | None, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(**_: object) -> None:
        raise OSError(number, "No space left on device", name)

    monkeypatch.setattr(weblake.commands.stack, "prepare", fail)
    assert run(["down"]) == 1
    expected = f"weblake: {shown}: the disk is full; `make status` says what may be freed\n"
    assert capsys.readouterr().err == expected
