"""The status as a page of text."""

from __future__ import annotations

from stack.status import Process, Stage, Status, problems

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


def as_text(status: Status) -> str:
    """Return the page that ``make status`` prints."""
    parts = [
        _table(("process", "state", "pid", "up"), [_process_row(process) for process in status.processes]),
        _table(
            ("Kafka partition", *(str(number) for number in status.end_offsets), "all"),
            [("end offset", *(f"{n:,}" for n in status.end_offsets.values()), f"{sum(status.end_offsets.values()):,}")],
        ),
        _table(("stage", "rows", "lag, rows", "lag, s"), [_stage_row(stage) for stage in status.stages]),
        _facts(status),
    ]
    found = problems(status)
    verdict = "All is well." if not found else "\n".join(f"NOT WELL: {problem}" for problem in found)
    return "\n\n".join([*parts, verdict])


def bytes_text(size: float) -> str:
    """Return a size with its unit: ``1536`` is ``1.5 KiB``."""
    for unit in UNITS[:-1]:
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} {UNITS[-1]}"


def duration_text(seconds: float) -> str:
    """Return a duration in its two largest units: ``3700`` is ``1 h 1 min``."""
    whole = int(seconds)
    days, hours, minutes = whole // 86_400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {whole % 60} s" if minutes else f"{whole} s"


def _facts(status: Status) -> str:
    age = "none yet" if status.marts_age_seconds is None else f"{duration_text(status.marts_age_seconds)} ago"
    current = ", which is current" if status.marts_version == status.bookmark else ""
    disk = ", ".join(f"{name} {bytes_text(size)}" for name, size in status.disk_bytes.items())
    facts = (
        ("rejected rows", f"{status.rejected:,}"),
        ("ledger version", str(status.ledger_version)),
        ("bookmark", str(status.bookmark)),
        ("marts", f"version {status.marts_version}{current}; built {age}"),
        ("disk", f"{disk}; {bytes_text(sum(status.disk_bytes.values()))} in all"),
        ("data", status.data),
    )
    return "\n".join(f"{name:<16}{text}" for name, text in facts)


def _process_row(process: Process) -> tuple[str, ...]:
    if not process.pid:
        return (process.name, process.state, "-", "-")
    uptime = duration_text(process.uptime_seconds) if process.uptime_seconds else "-"
    return (process.name, process.state, str(process.pid), uptime)


def _stage_row(stage: Stage) -> tuple[str, ...]:
    return (stage.name, f"{stage.rows:,}", f"{stage.lag_rows:,}", f"{stage.lag_seconds:.0f}")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Lay out columns; all but the first two right-aligned, and the second too where it holds numbers."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    numeric = [all(row[column][:1].isdigit() or row[column] == "-" for row in rows) for column in range(len(head))]

    def line(row: tuple[str, ...]) -> str:
        cells = zip(row, widths, numeric, strict=True)
        return "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in cells).rstrip()

    return "\n".join(line(row) for row in (head, *rows))
