"""The page of ``weblake status``, and the list of states."""

from __future__ import annotations

from lake.contracts.history import State, StateChange
from lake.space import MEGABYTE
from stack.disk import Room
from stack.health.followers import Follower
from stack.health.lags import Stage
from stack.health.processes import RUNNING, Process
from stack.health.state import problems, state_of, unfinished, unknowns
from stack.status import Status
from weblake.console import BAD, DIM, GOOD, STRONG, Cell, write, write_table
from weblake.show.units import bytes_text, duration_text, instant_text

STYLES = {State.WELL: GOOD, State.WAITING: GOOD, State.UNKNOWN: "yellow"}


def show_status(status: Status) -> None:
    """Write the page."""
    write_table(
        ("process", "state", "pid", "up"), [_process_row(one) for one in status.processes], "Processes", right="  rr"
    )
    write_table(
        ("stage", "rows", "rows behind", "seconds behind"),
        [_stage_row(stage) for stage in status.stages],
        "Stages",
        right=" rrr",
    )
    if status.followers:
        head = ("followed logs", "pid", "files", "lines sent", "bytes behind", "newest line")
        write_table(head, [_follower_row(one) for one in status.followers], "Imports that follow", right=" rrrrr")
    ends = status.end_offsets
    if ends:
        write_table(
            ("partition", *(str(number) for number in ends), "all"),
            [("end offset", *(f"{end:,}" for end in ends.values()), f"{sum(ends.values()):,}")],
            "Kafka",
            right=" " + "r" * (len(ends) + 1),
        )
    for name, text in _facts(status):
        write(f"{name:<16}{text}")
    write()
    for advice in filter(None, (status.advice, status.proxy)):
        write(f"To do: {advice}.", STRONG)
    _show_verdict(status)


def show_states(states: list[StateChange], since: float, now: float) -> None:
    """Write the states since a time (epoch seconds), each with how long it lasted."""
    if not states:
        write(f"no states on record since {instant_text(since)}")
        return
    ends = [*(state.at for state in states[1:]), now]
    rows = [
        (instant_text(state.at), duration_text(end - state.at), _state_cell(state.state), state.problem or "-")
        for state, end in zip(states, ends, strict=True)
    ]
    write_table(("from", "for", "state", "first problem"), rows, "States", right=" r")


def _show_verdict(status: Status) -> None:
    state, rest = state_of(status), unfinished(status)
    for number, complaint in enumerate(problems(status)):
        is_of_state = state is State.DOWN and number == 0
        write(f"{'DOWN' if is_of_state else 'NOT WELL'}: {complaint}", BAD)
    for reason in unknowns(status):
        write(f"NOT KNOWN: {reason}", STYLES[State.UNKNOWN])
    if state is State.WAITING:
        write(f"All is well so far, but not done: {rest}.", f"bold {GOOD}")
    if state is State.WELL:
        write(f"All is well; {rest}." if rest else "All is well.", f"bold {GOOD}")


def _facts(status: Status) -> tuple[tuple[str, str], ...]:
    marts = "unknown" if status.marts_version is None else "none yet"
    if status.marts_age_seconds is not None:
        current = ", which is current" if status.marts_version == status.bookmark else ""
        marts = f"version {status.marts_version}{current}; built {_ago(status.marts_age_seconds)}"
    disk = ", ".join(f"{name} {bytes_text(size)}" for name, size in status.disk_bytes.items())
    record, charts = status.record_age_seconds, status.charts_age_seconds
    return (
        ("newest record", "not read yet, or none" if record is None else f"came {_ago(record)}"),
        ("stream", "no report" if status.stream_age_seconds is None else f"reported {_ago(status.stream_age_seconds)}"),
        ("rejected rows", _rejected_text(status)),
        ("ledger version", str(status.ledger_version)),
        ("bookmark", "unknown" if status.bookmark is None else str(status.bookmark)),
        ("marts", marts),
        ("charts", "not all drawn yet" if charts is None else f"drawn {_ago(charts)}"),
        ("verify", _verify_text(status)),
        ("disk", f"{disk}; {bytes_text(sum(status.disk_bytes.values()))} in all" if disk else "unknown"),
        *_free(status.room),
        ("data", status.data),
        ("looked", f"{instant_text(status.looked_at)}, in {status.seconds:.1f} s"),
    )


def _rejected_text(status: Status) -> str:
    if not status.recent_records:
        return f"{status.rejected:,}"
    share = status.recent_rejected / status.recent_records
    recent = f"{status.recent_rejected:,} of {status.recent_records:,} in the last ten minutes ({share:.1%})"
    return f"{status.rejected:,}; {recent}" + ("; `make rejected` shows them" if status.recent_rejected else "")


def _verify_text(status: Status) -> str:
    verify = status.verify
    if verify is None:
        return "never run"
    results = [f"{verify.ok} ok", f"{len(verify.failed)} failed", f"{len(verify.unchecked)} not checked"]
    return f"{_ago(status.looked_at - verify.at)}, {verify.scope}: {', '.join(results)}"


def _ago(seconds: float) -> str:
    return f"{duration_text(seconds)} ago"


def _free(room: Room | None) -> list[tuple[str, str]]:
    if room is None:
        return []
    free = ", ".join(f"{bytes_text(size * MEGABYTE)} on the disk of {path}" for path, size in room.free_mb.items())
    return [
        ("free", f"{free}; senders wait below {bytes_text(room.limit_mb * MEGABYTE)}"),
        ("may be freed", "; ".join(map(str, room.freeable))),
    ]


def _follower_row(one: Follower) -> tuple[Cell | str, ...]:
    newest = "-" if one.newest_age_seconds is None else _ago(one.newest_age_seconds)
    pid = Cell("ended", BAD) if one.pid is None else str(one.pid)
    return (Cell(one.words, STRONG), pid, f"{one.files:,}", f"{one.sent:,}", f"{one.bytes_behind:,}", newest)


def _process_row(process: Process) -> tuple[Cell | str, ...]:
    state = Cell(process.state, GOOD if process.state == RUNNING else BAD)
    if not process.pid:
        return (Cell(process.name, STRONG), state, Cell("-", DIM), Cell("-", DIM))
    uptime = duration_text(process.uptime_seconds) if process.uptime_seconds else "-"
    return (Cell(process.name, STRONG), state, str(process.pid), uptime)


def _stage_row(stage: Stage) -> tuple[Cell | str, ...]:
    style = BAD if stage.is_stale else ""
    return (
        Cell(stage.name, STRONG),
        f"{stage.rows:,}",
        Cell(f"{stage.lag_rows:,}", style),
        Cell(f"{stage.lag_seconds:.0f}", style),
    )


def _state_cell(state: State) -> Cell:
    return Cell(state.value, GOOD if state in (State.WELL, State.WAITING) else BAD)
