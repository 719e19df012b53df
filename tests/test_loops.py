"""The loops of the marts and the charts: each round that fails is on record, whatever went wrong, and ends nothing."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from background import in_background
from built_marts import count_views
from mirrors import execute

from lake.contracts.mirror import BOOKMARK_MOVED
from lake.contracts.reports import read_loop_report
from lake.errors import ServiceError
from lake.settings import Settings
from marts.build import Marts, build
from marts.loop import run_loop
from marts.stand import stands
from stack.servers import postgres
from stack.servers.waiting import wait_until
from viz.draw import draw_every
from viz.marts import connect

pytestmark = pytest.mark.stack


def wait_for(settings: Settings, name: str, error: str | None) -> None:
    """Wait until the last round of a loop was good (None), or failed with a text."""

    def is_there() -> bool:
        report = read_loop_report(settings.loop_file(name))
        return report is not None and (error in (report.error or "") if error else report.error is None)

    wait_until(is_there, 60, f"{name} reports {error or 'a good round'}")


def test_the_marts_say_when_rounds_fail_and_when_one_is_good_again(shop: Settings, marts: Marts, shown: int) -> None:
    with in_background(lambda stop: run_loop(marts, replace(shop, dbt_password="wrong"), stop), "marts"):
        wait_for(shop, "marts", "password authentication failed")
    with in_background(lambda stop: run_loop(marts, shop, stop), "marts"):
        wait_for(shop, "marts", None)


def test_the_marts_are_built_when_the_mirror_says_that_it_has_moved_and_without_a_word_a_little_later(
    shop: Settings, marts: Marts, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_shown(version: int) -> bool:
        _, published = stands(shop)
        return published is not None and published.version == version

    quick = replace(shop, marts_seconds=0)
    monkeypatch.setattr("marts.loop.LOOK_SECONDS", 3600.0)
    with in_background(lambda stop: run_loop(marts, quick, stop), "marts"):
        for version in (shown + 1, shown + 2):
            count_views(shop, version, "p-1")
            execute(shop, f"notify {BOOKMARK_MOVED}")
            wait_until(lambda version=version: is_shown(version), 60, "a build that was asked for")  # type: ignore[misc]
    monkeypatch.setattr("marts.loop.LOOK_SECONDS", 0.1)
    with in_background(lambda stop: run_loop(marts, quick, stop), "marts"):
        count_views(shop, shown + 3, "p-1")
        wait_until(lambda: is_shown(shown + 3), 60, "a build that nobody asked for")


def test_marts_that_wait_for_a_lock_in_vain_name_who_holds_it(shop: Settings, marts: Marts, shown: int) -> None:
    with closing(postgres.connect(shop, "owner")) as other, other.cursor() as cursor:
        cursor.execute("begin; lock table marts.products in share mode")
        count_views(shop, shown + 1, "p-1")
        with pytest.raises(
            ServiceError, match=rf"marts: pid {other.get_backend_pid()} \(role owner, application weblake"
        ):
            build(marts, shop)
    build(marts, shop)


def test_the_charts_say_when_rounds_fail_and_outlive_a_folder_that_is_none(
    shop: Settings, shown: int, tmp_path: Path
) -> None:
    refused = connect(replace(shop, charts_password="wrong"))
    with in_background(lambda stop: draw_every(1, refused, shop, stop), "charts"):
        wait_for(shop, "charts", "the marts cannot be read: ")
    (tmp_path / "charts").write_text("no folder")
    elsewhere = replace(shop, charts=tmp_path / "charts")
    with in_background(lambda stop: draw_every(1, connect(shop), elsewhere, stop), "charts"):
        wait_for(shop, "charts", "the charts cannot be drawn: ")
