"""Free disk is looked at before each batch."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_in import settings_in

from lake.errors import LakeError
from spark.tables.space import require_space


def test_enough_space_is_no_news(tmp_path: Path) -> None:
    require_space(settings_in(tmp_path / "not" / "made" / "yet", WEBLAKE_MIN_FREE_MB="1"))


def test_too_little_space_is_said_with_the_numbers(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, WEBLAKE_MIN_FREE_MB="1000000000")
    with pytest.raises(LakeError, match=r"has \d+ MB free, less than WEBLAKE_MIN_FREE_MB=1000000000: the stream waits"):
        require_space(settings)
