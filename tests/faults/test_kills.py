"""The stream, killed at any moment."""

from __future__ import annotations

import pytest
from faults.rig import Rig
from faults.traffic import Traffic

pytestmark = pytest.mark.faults


def test_a_quiet_run(rig: Rig) -> None:
    rig.stream.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        rig.wait_until_counted()
    rig.prove()
