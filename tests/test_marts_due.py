"""When the marts are built: not before there is something to build, and one build at a time."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

import pytest
from settings_in import settings_in

from lake.errors import WeblakeError
from marts.build import building
from marts.stand import Stand, is_due


def test_marts_are_due_when_the_mirror_moved_or_was_filled_anew() -> None:
    shown = Stand("a", 3, 50.0)
    assert is_due(Stand("", -1, 0.0), None, has_built=False)
    assert is_due(Stand("a", 4, 50.0), shown, has_built=True)
    assert is_due(Stand("b", 1, 60.0), shown, has_built=True)
    assert not is_due(shown, shown, has_built=True)


def test_the_first_build_is_due_for_marts_that_older_models_may_have_built() -> None:
    assert is_due(Stand("a", 3, 50.0), Stand("a", 3, 50.0), has_built=False)


@pytest.mark.parametrize("mirror", [Stand("", -1, 0.0), Stand("a", 2, 50.0), Stand("b", 2, 40.0)])
def test_marts_wait_for_a_mirror_that_was_emptied_or_set_back(mirror: Stand) -> None:
    assert not is_due(mirror, Stand("a", 3, 50.0), has_built=False)


def test_a_build_waits_for_the_one_before_it_and_can_be_stopped_meanwhile(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    stop = threading.Event()
    with (settings.data / "marts.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(WeblakeError, match="stopped"), building(settings, stop):
            pass
    with building(settings):
        pass
