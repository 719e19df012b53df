"""What `make clean` deletes."""

from __future__ import annotations

from pathlib import Path

import pytest
from settings_in import settings_in

from lake.errors import ServiceError
from lake.settings import STACK_FILE
from stack.down import clean


def test_clean_deletes_only_what_is_a_data_folder(tmp_path: Path) -> None:
    data, charts = tmp_path / "data", tmp_path / "charts"
    data.mkdir()
    settings = settings_in(data, WEBLAKE_CHARTS=str(charts))
    with pytest.raises(ServiceError, match="not a data folder of Weblake"):
        clean(settings, force=True)
    (data / STACK_FILE).write_text("")
    clean(settings, force=True)
    assert not data.exists()
