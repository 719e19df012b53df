"""What many cases do: start, send, wait for the stream to say something, accept what it refuses."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import islice

from faults.rig import PATIENCE_SECONDS, Rig
from faults.traffic import Message, Traffic
from kafka.admin import KafkaAdminClient

from lake.kafka_access import client_options
from lake.requests import ReplayAnswer, ReplayRequest, VerdictAnswer, VerdictRequest, ask, read_answer
from stack.servers.waiting import wait_until


def some(traffic: Traffic, number: int) -> list[Message]:
    return list(islice(traffic, number))


def started(rig: Rig, **environment: str) -> Traffic:
    """Start the stream and have it count its first traffic."""
    traffic = Traffic(rig.dice)
    rig.start(**environment)
    rig.producer.send(some(traffic, 500))
    rig.wait_until_counted()
    return traffic


def wait_for(rig: Rig, stage: str, fact: str, is_right: Callable[[object], bool] = bool) -> object:
    """Wait until the running stream says something of a stage, and return that."""

    def say() -> object:
        return rig.progress().get(stage, {}).get(fact)

    wait_until(
        lambda: is_right(say()), PATIENCE_SECONDS, f"{stage} says {fact} (log: {rig.stream.log})", pause_seconds=0.5
    )
    return say()


def is_told(fact: object) -> bool:
    return fact is not None


def accept(rig: Rig, what: str) -> None:
    """Accept what the stream refuses, and wait until it goes on."""
    done = rig.run(f"accept-{what}")
    assert done.returncode == 0, done.stderr

    def has_gone_on() -> bool:
        told = rig.progress()["bronze"]
        return told["refusal"] is None and told["error"] is None

    wait_until(has_gone_on, PATIENCE_SECONDS, f"bronze goes on (log: {rig.stream.log})")


def admin(rig: Rig) -> closing[KafkaAdminClient]:
    return closing(KafkaAdminClient(**client_options(rig.settings)))


def die_in(rig: Rig, request: ReplayRequest | VerdictRequest, points: Sequence[str]) -> None:
    """Have one request done by a stream that dies at the first failpoint, one that dies at the next, and so on."""
    rig.stream.stop()
    ask(rig.settings.requests, request)
    for point in points:
        rig.start(WEBLAKE_FAIL_AT=point)
        assert rig.stream.wait_for_end(PATIENCE_SECONDS) == -signal.SIGKILL, f"{point} was not reached"
        rig.faults[point] += 1
    rig.start()
    have_done(rig, request)


def have_done(rig: Rig, request: ReplayRequest | VerdictRequest) -> None:
    """Have a request done, unless it is being done, and wait until PostgreSQL has it."""
    ask(rig.settings.requests, request)

    folder = rig.settings.requests

    def answer() -> ReplayAnswer | VerdictAnswer:
        if isinstance(request, ReplayRequest):
            return read_answer(folder, request.id, ReplayAnswer) or ReplayAnswer(done=False)
        return read_answer(folder, request.id, VerdictAnswer) or VerdictAnswer(done=False)

    wait_until(lambda: answer().done, PATIENCE_SECONDS, f"{request.id} is answered (log: {rig.stream.log})")
    assert answer().error is None, answer()
    rig.wait_until_mirrored()
