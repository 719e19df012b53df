"""Who gets into the real database."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from settings_in import settings_in

from lake.settings import Settings
from stack.servers import postgres


@pytest.mark.stack
def test_a_wrong_password_is_refused(stack_settings: Settings) -> None:
    assert not postgres.accepts(replace(stack_settings, analyst_password="wrong"), "analyst")


def test_the_configuration_is_never_written_through_a_link(tmp_path: Path) -> None:
    """The server's user owns the folder, and root may be who writes there."""
    settings = settings_in(tmp_path)
    postgres.cluster(settings).mkdir(parents=True)
    (tmp_path / "roots").write_text("precious")
    (postgres.cluster(settings) / "weblake.conf").symlink_to(tmp_path / "roots")
    postgres.configure(settings)
    assert (tmp_path / "roots").read_text() == "precious"
    assert "listen_addresses" in (postgres.cluster(settings) / "weblake.conf").read_text()


def test_the_configuration_closes_the_server_s_folder_which_would_not_start_open(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    postgres.cluster(settings).mkdir(parents=True)
    postgres.cluster(settings).chmod(0o755)
    postgres.configure(settings)
    assert postgres.cluster(settings).stat().st_mode & 0o777 == 0o700
    (tmp_path / "roots").mkdir(mode=0o755)
    postgres.cluster(settings).rename(tmp_path / "old")
    postgres.cluster(settings).symlink_to(tmp_path / "roots")
    with pytest.raises(OSError, match="Not a directory"):
        postgres.configure(settings)
    assert (tmp_path / "roots").stat().st_mode & 0o777 == 0o755, "a link is not followed"
