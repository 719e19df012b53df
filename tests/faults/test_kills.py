"""The stream and the broker, killed at any moment and at the worst ones."""

from __future__ import annotations

import signal
import time

import pytest
from faults.rig import PATIENCE_SECONDS, Rig
from faults.traffic import Traffic

from spark.failpoints import POINTS

pytestmark = pytest.mark.faults

STREAM_KILLS = 20
BROKER_KILLS = 5


def test_the_stream_is_killed_at_random(rig: Rig) -> None:
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        for _ in range(STREAM_KILLS):
            rig.start()
            if rig.dice.random() < 0.8:
                rig.wait_until_working()
            time.sleep(rig.dice.uniform(0, 4))
            with_java = rig.dice.random() < 0.5
            rig.stream.kill(with_java)
            rig.faults["stream killed" if with_java else "stream killed without its Java"] += 1
    rig.start()
    rig.prove()


def test_the_stream_dies_between_any_two_writes(rig: Rig) -> None:
    points = [point for point in POINTS if point.startswith(("bronze-", "silver-", "mirror-"))]
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        for point in points:
            rig.start(WEBLAKE_FAIL_AT=f"{point}:{rig.dice.randint(1, 3)}")
            assert rig.stream.wait_for_end(PATIENCE_SECONDS) == -signal.SIGKILL, f"{point} was not reached"
            rig.faults[point] += 1
    rig.start()
    rig.prove()


def test_the_streams_java_is_killed_alone(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        rig.wait_until_working()
        rig.stream.kill_java()
        rig.faults["Java killed alone"] += 1
        assert rig.stream.wait_for_end(PATIENCE_SECONDS) == 1
        assert "Java process has ended with code -9" in rig.stream.log_tail()
    rig.start()
    rig.prove()


def test_the_broker_is_killed(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=200):
        for _ in range(BROKER_KILLS):
            rig.wait_until_working()
            time.sleep(rig.dice.uniform(0, 2))
            rig.services.kafka.kill()
            time.sleep(rig.dice.uniform(0, 5))
            rig.services.start_kafka()
            rig.faults["broker killed"] += 1
    rig.prove()
