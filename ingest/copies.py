"""Whether lines of a log are in the lake already under other ids, as those of a cut, joined or filtered copy are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ingest.sample import Sampled
from ingest.times import span_of
from lake.bronze_rows import BronzeRows, Occurrence
from lake.errors import LakeError

TWINS = 0.1
"""Of two servers' logs, or of two logs on both sides of a rotation, hardly more lines are equal by chance."""


class CopyError(LakeError):
    """Lines of a log are in the lake already, under other ids."""


def require_new(name: str, sample: Sequence[Sampled], source: str, rows: BronzeRows) -> None:
    """Return where the lines of a sample are not in bronze, or under the ids with which they would be sent now.

    One line may be there by chance, unless it is all that is new; and a line of another server is another line.

    Args:
        name: The log, for the message.
        sample: Some of its lines.
        source: The name of its server; may be empty.
        rows: Bronze.

    Raises:
        CopyError: lines are there under other ids; the message says how many, and when they came.
        LakeError: bronze cannot be read.
    """
    spans = {line: span for line in sample if (span := span_of(line.value))}
    found: dict[bytes, list[Occurrence]] = defaultdict(list)
    for row in rows.occurrences((line.value for line in spans), spans.values()):
        found[row.value].append(row)
    new = [line for line in spans if line.event_id not in {row.event_id.encode() for row in found[line.value]}]
    others = ([row for row in found[line.value] if not _is_of_another(row, source)] for line in new)
    copies = [rows for rows in others if rows]
    if len(copies) > max(1, TWINS * len(spans)) or len(copies) == len(new) > 0:
        raise CopyError(_message(name, len(spans), copies, source))


def _is_of_another(row: Occurrence, source: str) -> bool:
    """Say whether a row is known to be of another server."""
    return bool(source and row.source and row.source != source)


def _message(name: str, looked_up: int, copies: list[list[Occurrence]], source: str) -> str:
    came = sorted(row.at for of_line in copies for row in of_line)
    first, last = (f"{at:%Y-%m-%d %H:%M}" for at in (came[0], came[-1]))
    when = f"at {first}" if first == last else f"between {first} and {last}"
    sources = {row.source for of_line in copies for row in of_line}
    servers = sorted(name for name in sources if name)
    by = f", as of {', '.join(servers)}" if servers else ""
    would_a_name_help = not source and all(sources)
    advice = "If it is another server's log, say so with SOURCE=; " if would_a_name_help else ""
    return (
        f"{name}: {len(copies)} of {looked_up} lines that were looked up are in the lake already under other ids; they "
        f"came {when} UTC{by}. So the log is a copy that was cut, joined or filtered, a shipper sent it, or an earlier "
        f"version imported it, and its lines would count twice. Nothing was sent. {advice}AGAIN=1 sends it in any case"
    )
