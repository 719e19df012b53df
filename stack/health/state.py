"""The state of the stack, and what is wrong with it: one sentence each, which ends in the next command."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from lake.contracts.history import State
from lake.reject_advice import advice_for
from stack.health.lags import STALE_SECONDS, USUAL_SECONDS
from stack.health.look import with_command
from stack.health.processes import FROZEN, RUNNING, SILENT, STOPPED, UNKNOWN, UNSUPERVISED
from stack.leftovers import SUPERVISOR
from stack.status import Status

BATCH_SECONDS = 300
"""A batch that takes longer than this is held up, whatever holds it up."""
DRAW_SECONDS = 120
"""How long after their time the charts may be drawn."""
FIRST_SECONDS = 300
"""How long after its start a program may wait for what it needs."""
FEW_RECORDS, USUAL_SHARE = 1_000, 0.01
"""Of so many records within ten minutes, this share may be rejected."""
USUAL_UNLISTED = 0.01
"""The share of events that may name an action which nobody listed."""
DOWN = "nothing of the stack runs; run `make up`"


def state_of(status: Status) -> State:
    """Return the state of the stack."""
    if is_down(status):
        return State.DOWN
    if problems(status):
        return State.UNWELL
    if unknowns(status):
        return State.UNKNOWN
    return State.WAITING if is_late(status) else State.WELL


def is_down(status: Status) -> bool:
    """Say whether no program runs, as far as is known, and no stream that somebody has started by hand either."""
    return all(process.state == STOPPED for process in status.processes) and not status.is_stream_there


def problems(status: Status) -> list[str]:
    """Return what is wrong, one sentence each; empty when all is well."""
    disks = status.room.complaints if status.room else []
    if is_down(status):
        return [DOWN, *disks, *_ending_in_commands(status.complaints)]
    sentences = [
        *disks,  # first: a full disk explains most of the others
        *_of_processes(status),
        *_of_stages(status),
        *_of_marts(status),
        *(loop.complaint for loop in status.loops if loop.complaint),
        *_of_charts(status),
        *(follower.complaint for follower in status.followers if follower.complaint),
        *_of_source(status),
        *_of_rejected(status),
        *_of_clocks(status),
        *_of_actions(status),
        *_of_verify(status),
        *(with_command(error, "see `make logs NAME=stream`") for error in status.errors),
    ]
    return [*sentences, *_ending_in_commands(status.complaints)]


def unfinished(status: Status) -> str:
    """Return what the marts do not show yet although nothing is wrong; empty when they show everything."""
    rows = sum(stage.lag_rows for stage in status.stages)
    if rows:
        return f"{rows:,} rows are being counted, and the marts do not show them yet"
    if status.marts_version != status.bookmark:
        return "the marts are being built, and do not show the last counts yet"
    return ""


def unknowns(status: Status) -> list[str]:
    """Return what could not be looked up, one sentence each; what is down needs no look."""
    return [] if is_down(status) else _ending_in_commands(status.unknown)


def is_late(status: Status) -> bool:
    """Say whether rows have been on their way to the marts for longer than usual."""
    return any(stage.is_late for stage in status.stages) or _marts_silent_seconds(status) > USUAL_SECONDS


def as_dict(status: Status) -> dict[str, Any]:
    """Return the status, its state and its problems, for JSON."""
    state = state_of(status)
    judgement = {
        "state": state.value,
        "problems": problems(status),
        "unknown": unknowns(status),
        "unfinished": unfinished(status),
    }
    return {**asdict(status), **judgement, "is_well": state in (State.WELL, State.WAITING)}


def _of_processes(status: Status) -> list[str]:
    sentences = []
    frozen = [process for process in status.processes if process.state == FROZEN]
    if frozen:
        names = ", ".join(process.name for process in frozen)
        pids = " ".join(str(pid) for process in frozen for pid in process.frozen)
        sentences.append(f"{names}: stopped in the middle of work by a signal; to let go on, run `kill -CONT {pids}`")
    alone = [process.name for process in status.processes if process.state == UNSUPERVISED]
    told = (RUNNING, FROZEN, UNSUPERVISED, UNKNOWN)
    others = [process for process in status.processes if process.state not in told]
    supervisor = status.process(SUPERVISOR)
    if supervisor in others and supervisor is not None:
        others.remove(supervisor)
        if supervisor.state == SILENT:
            sentences.append("supervisor runs, but does not answer; run `make down`, then `make up`")
        elif alone:
            sentences.append(f"supervisor has ended, and {', '.join(alone)} go on without it; run `make up`")
        else:
            sentences.append("supervisor is stopped; run `make up`")
    for process in others:
        step = "run `make up`" if process.state == STOPPED else f"see `make logs NAME={process.name}`"
        sentences.append(f"{process.name} is {process.state.lower()}; {step}")
    return sentences


def _of_stages(status: Status) -> list[str]:
    log = "`make logs NAME=stream`"
    sentences = [
        f"{stage.name} is {stage.lag_rows:,} rows and {stage.lag_seconds:.0f} s behind; see {log}"
        for stage in status.stages
        if stage.is_stale
    ]
    sentences += [
        f"{stage.name} has been at one batch for {stage.batch_seconds:.0f} s; a rule that takes long for some lines "
        f"may hold it up, and what it did last is in {log}"
        for stage in status.stages
        if stage.batch_seconds > BATCH_SECONDS
    ]
    if status.stream_age_seconds is None:
        sentences.append(f"the stream has not reported yet; see {log}")
    elif status.stream_age_seconds > STALE_SECONDS:
        sentences.append(f"the stream has said nothing for {status.stream_age_seconds:.0f} s; see {log}")
    return sentences


def _of_marts(status: Status) -> list[str]:
    silent = _marts_silent_seconds(status)
    if silent <= STALE_SECONDS:
        return []
    versions = f"the marts are at version {status.marts_version}, the bookmark is at {status.bookmark}"
    return [f"{versions}, and nothing was built for {silent:.0f} s; see `make logs NAME=marts`"]


def _marts_silent_seconds(status: Status) -> float:
    """Return for how long nobody has looked whether the marts are behind, although they are; 0 where all is known."""
    loop = status.loop("marts")
    if status.bookmark in (None, -1, status.marts_version) or status.marts_version is None or loop is None:
        return 0.0
    return max(loop.silent_seconds - loop.pace_seconds, 0.0)


def _of_charts(status: Status) -> list[str]:
    process, loop = status.process("charts"), status.loop("charts")
    if process is None or loop is None or loop.complaint or process.uptime_seconds < FIRST_SECONDS + loop.pace_seconds:
        return []
    age, log = status.charts_age_seconds, "see `make logs NAME=charts`"
    if age is None:
        return [f"some charts are missing, although charts runs; {log}"]
    if age > loop.pace_seconds + DRAW_SECONDS:
        return [f"the charts were drawn {age:.0f} s ago, and should be every {loop.pace_seconds:.0f} s; {log}"]
    return []


def _of_source(status: Status) -> list[str]:
    """Return that records have ceased to come. None could come before Kafka and the generator were there."""
    senders = [one for one in (status.process("kafka"), status.process("generator")) if one is not None]
    record, most = status.record_age_seconds, status.most_silent_seconds
    if record is None or most is None:
        return []
    age = min(record, *(sender.uptime_seconds for sender in senders)) if senders else record
    if age <= most:
        return []
    name = "generator" if status.process("generator") else "kafka"
    return [f"no record has come for {record / 60:.0f} minutes, although some came before; see `make logs NAME={name}`"]


def _of_rejected(status: Status) -> list[str]:
    """Return that more records than usual are rejected. A few strange ones say nothing, nor do a few in all."""
    records, rejected = status.recent_records, status.recent_rejected
    if records < FEW_RECORDS or rejected <= records * USUAL_SHARE:
        return []
    share = f"{rejected:,} of the {records:,} records of the last ten minutes were rejected ({rejected / records:.1%})"
    most = f", most as {status.rejected_most}: {advice_for(status.rejected_most)}" if status.rejected_most else ""
    return [f"{share}{most}; to see them, run `make rejected`"]


def _of_clocks(status: Status) -> list[str]:
    """Return that the clock of a sender runs ahead; a minute more than it does now lets its records in."""
    ahead = status.clock_ahead_seconds
    if not ahead:
        return []
    limit = (int(ahead) // 60 + 2) * 60
    return [
        f"a sender's clock runs {ahead / 60:.0f} minutes ahead, and its records are rejected; set it right, and to "
        f"count them all the same, run `make up FUTURE_SECONDS={limit}`, then `make replay`"
    ]


def _of_actions(status: Status) -> list[str]:
    """Return that senders name actions that the rules file does not list; one of them among many may be a mistake."""
    if status.unlisted_share <= USUAL_UNLISTED:
        return []
    return [
        f"{status.unlisted_share:.1%} of the events in some batches name an action that nobody listed, and count as "
        "`other`; list it under `actions` in lake/rules/urls.yml, and run `make down`, `make up`, then `make replay`"
    ]


def _of_verify(status: Status) -> list[str]:
    verify = status.verify
    if verify is None or verify.verdict != "failed":
        return []
    hours = (status.looked_at - verify.at) / 3600
    return [f"verify failed {hours:.1f} h ago: {', '.join(verify.failed)}; for what differs, run `make verify`"]


def _ending_in_commands(sentences: list[str]) -> list[str]:
    return [with_command(sentence, "see `make logs`") for sentence in sentences]
