"""What a program that we start is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from settings_in import settings_in

from lake.settings import child_environment


def test_a_child_learns_where_the_services_are_but_no_password(tmp_path: Path) -> None:
    settings = replace(settings_in(tmp_path), owner_password="secret-of-the-owner", postgres_port=1234)
    environment = child_environment(settings, RATE="9")
    assert (environment["TZ"], environment["POSTGRES_PORT"], environment["RATE"]) == ("UTC", "1234", "9")
    assert environment["WEBLAKE_DATA"] == str(tmp_path)
    assert "secret-of-the-owner" not in environment.values()
