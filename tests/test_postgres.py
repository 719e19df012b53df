"""Who gets into the real database."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lake.settings import Settings
from stack.servers import postgres


@pytest.mark.stack
def test_a_wrong_password_is_refused(stack_settings: Settings) -> None:
    assert not postgres.accepts(replace(stack_settings, analyst_password="wrong"), "analyst")
