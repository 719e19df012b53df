"""Room on the disk is looked at before anything is written, and who comes first in the pipeline stops first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from disks import cannot_be_looked_at, has_free
from settings_in import settings_in

from lake.errors import SpaceError
from lake.settings import Settings
from lake.space import AT_WORK, SENDERS, WRITERS, Layer, folders, free_mb, glance, require_space, shortage

LAYERS = (SENDERS, WRITERS, AT_WORK)


def test_enough_room_is_no_news(tmp_path: Path) -> None:
    require_space(settings_in(tmp_path / "not" / "made" / "yet", WEBLAKE_MIN_FREE_MB="1"), "it waits")


def test_too_little_room_is_said_with_the_numbers_and_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_free(monkeypatch, 511)
    with pytest.raises(SpaceError) as refused:
        require_space(settings_in(tmp_path), "the stream waits")
    assert str(refused.value) == (
        f"the disk of {tmp_path} has 511 MB free, less than half of WEBLAKE_MIN_FREE_MB=1024: the stream waits until "
        "there is room; `make status` says what may be freed"
    )


@pytest.mark.parametrize(
    ("free", "stopped"),
    [
        (1024, ()),
        (1023, (SENDERS,)),
        (511, (SENDERS, WRITERS)),
        (255, LAYERS),
    ],
)
def test_senders_stop_first_and_what_is_at_work_last(
    free: int, stopped: tuple[Layer, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_free(monkeypatch, free)
    assert tuple(layer for layer in LAYERS if shortage(settings_in(tmp_path), layer, "it waits")) == stopped


def test_a_limit_of_0_lets_everything_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    has_free(monkeypatch, 0)
    assert not any(shortage(settings_in(tmp_path, WEBLAKE_MIN_FREE_MB="0"), layer, "it waits") for layer in LAYERS)


def test_a_watch_survives_a_look_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    has_free(monkeypatch, 0)
    assert "it waits" in (glance(settings_in(tmp_path), AT_WORK, "it waits") or "")
    cannot_be_looked_at(monkeypatch)
    assert glance(settings_in(tmp_path), AT_WORK, "it waits") is None
    assert "the disk cannot be looked at: [Errno 5] Input/output error" in caplog.text


def test_each_local_folder_of_the_pipeline_counts(tmp_path: Path) -> None:
    def places(settings: Settings) -> list[str]:
        return [str(path) for path in folders(settings)]

    assert places(settings_in(tmp_path, LAKE_ROOT="/elsewhere")) == [str(tmp_path), "/elsewhere"]
    assert places(settings_in(tmp_path, LAKE_ROOT="s3a://bucket/lake")) == [str(tmp_path)]
    assert free_mb(tmp_path / "not" / "there") == pytest.approx(shutil.disk_usage(tmp_path).free >> 20, abs=512)
