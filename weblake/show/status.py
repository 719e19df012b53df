"""The page of ``weblake status``."""

from __future__ import annotations

from lake.space import MEGABYTE
from stack.disk import Room
from stack.status import Process, Stage, Status, problems, unfinished
from weblake.console import BAD, DIM, GOOD, STRONG, Cell, write, write_table
from weblake.show.units import bytes_text, duration_text

RUNNING = "RUNNING"


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
    if status.advice:
        write(f"To do: {status.advice}.", STRONG)
    complaints = problems(status)
    for complaint in complaints:
        write(f"NOT WELL: {complaint}", BAD)
    if not complaints:
        rest = unfinished(status)
        write(f"All is well so far: {rest}." if rest else "All is well.", f"bold {GOOD}")


def _facts(status: Status) -> tuple[tuple[str, str], ...]:
    marts = "unknown" if status.marts_version is None else "none yet"
    if status.marts_age_seconds is not None:
        current = ", which is current" if status.marts_version == status.bookmark else ""
        marts = f"version {status.marts_version}{current}; built {duration_text(status.marts_age_seconds)} ago"
    disk = ", ".join(f"{name} {bytes_text(size)}" for name, size in status.disk_bytes.items())
    return (
        ("rejected rows", f"{status.rejected:,}"),
        ("ledger version", str(status.ledger_version)),
        ("bookmark", "unknown" if status.bookmark is None else str(status.bookmark)),
        ("marts", marts),
        ("disk", f"{disk}; {bytes_text(sum(status.disk_bytes.values()))} in all"),
        *_free(status.room),
        ("data", status.data),
    )


def _free(room: Room | None) -> list[tuple[str, str]]:
    if room is None:
        return []
    free = ", ".join(f"{bytes_text(size * MEGABYTE)} on the disk of {path}" for path, size in room.free_mb.items())
    return [
        ("free", f"{free}; senders wait below {bytes_text(room.limit_mb * MEGABYTE)}"),
        ("may be freed", "; ".join(map(str, room.freeable))),
    ]


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
