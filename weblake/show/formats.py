"""What ``weblake formats`` prints, and what an import says of a file that it cannot read."""

from __future__ import annotations

import datetime as dt
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lake.formats import FORMATS, ltsv
from lake.formats.json_logs import JSON_LOGS
from lake.formats.known import DECLARED
from lake.reject_advice import advice_for
from lake.text import printable
from weblake.console import BAD, DIM, GOOD, STRONG, Cell, note, write, write_table

if TYPE_CHECKING:
    from audit.format_trial import FormatTrial
    from audit.oracle import Event

NO_FORMAT = "no format fits; docs/formats.md says how to declare one"
LINE, VALUE = 140, 100
"""So many characters of each are shown."""


def show_trial(trial: FormatTrial, pasted: str, files: list[str]) -> None:
    """Write which formats the lines have, some of them field by field, what rules catch, and what is rejected."""
    share = f"{trial.read / trial.lines:.1%}" if trial.lines else "none"
    write(f"{trial.lines:,} lines, of which {trial.read:,} ({share}) can be read", GOOD if trial.read else BAD)
    if pasted:
        _show_string(trial, pasted)
    about = descriptions(trial)
    by_number = sorted(trial.by_format.items(), key=lambda item: -item[1].lines)
    rows = [(Cell(name, STRONG), *_share(one.lines, trial), about.get(name, "")) for name, one in by_number]
    if rows:
        write_table(("format", "lines", "share", "what it is"), rows, "Formats", " rr")
    for line, event in trial.examples():
        write(cut(line.decode(errors="replace"), LINE), DIM)
        for name, value in fields_of(trial, event).items():
            write(f"  {name:<10} {cut(value, VALUE)}")
        write()
    _show_deeds(trial)
    _show_rejected(trial)
    if not trial.read:
        for text in how_to_declare(trial, files):
            note(f"weblake: {text}")


def _show_string(trial: FormatTrial, pasted: str) -> None:
    from lake.formats.strings.dialects import notes

    write(f"read by {trial.log_format}")
    for text in notes(pasted):
        write(f"  {text}")


def _show_deeds(trial: FormatTrial) -> None:
    hits = trial.hits
    rows = [
        (Cell(rule.action, STRONG), f"rule {rule.number}", f"{caught.lines:,}", cut(caught.example, VALUE))
        for number, caught in sorted(hits.by_rule.items(), key=lambda item: -item[1].lines)
        for rule in [hits.rules[number]]
    ]
    if hits.other:
        shapes = sorted(hits.by_shape.values(), key=lambda caught: -caught.lines)
        rows.append((Cell("other", STRONG), "none", f"{hits.other:,}", cut(shapes[0].example if shapes else "", VALUE)))
    if hits.unreadable:
        rows.append((Cell("other", STRONG), "no request", f"{hits.unreadable:,}", ""))
    if hits.events:
        rows.append((Cell("(own)", STRONG), "an event", f"{hits.events:,}", "a JSON event says itself what was done"))
    if rows:
        write_table(("action", "caught by", "lines", "the first"), rows, "What was done, by the URL rules", "  r")


def _show_rejected(trial: FormatTrial) -> None:
    for reason, one in sorted(trial.by_reason.items(), key=lambda item: -item[1].lines):
        number, share = _share(one.lines, trial)
        advice = NO_FORMAT if reason == "not_a_log_line" else advice_for(reason)
        write(f"would be rejected: {number} ({share}) {reason}: {advice}", BAD)
        write(f"    {cut(one.examples[0][0].decode(errors='replace'), LINE)}", DIM)


def how_to_declare(trial: FormatTrial, files: list[str]) -> list[str]:
    """Return sentences about how to say how lines are written that nobody can read."""
    name = shlex.quote(" ".join(files))
    texts = [
        "paste what your server's configuration has for this log (log_format of nginx, LogFormat of Apache, pattern of "
        f"Tomcat): make formats FILE={name} LOG_FORMAT='…' shows how it reads them; docs/formats.md says more"
    ]
    guessed = trial.guessed()
    if guessed:
        texts.append(f"it may be this, which is a guess: LOG_FORMAT={shlex.quote(guessed)}")
    return texts


def trial_as_json(trial: FormatTrial) -> dict[str, Any]:
    """Return the same for programs."""
    return {
        "lines": trial.lines,
        "read": trial.read,
        "log_format": trial.log_format or None,
        "formats": {name: one.lines for name, one in trial.by_format.items()},
        "examples": [
            {"line": line.decode(errors="replace"), "fields": dict(fields_of(trial, event))}
            for line, event in trial.examples()
        ],
        "actions": dict(trial.hits.actions.most_common()),
        "rejected": {
            reason: {"lines": one.lines, "first": one.examples[0][0].decode(errors="replace")}
            for reason, one in trial.by_reason.items()
        },
        "guess": trial.guessed() if not trial.read else None,
    }


def fields_of(trial: FormatTrial, event: Event) -> Mapping[str, str]:
    """Return what a line says, in words; what it does not say is left out."""
    rule = "" if event.rule is None else f" (rule {trial.hits.rules[event.rule].number})"
    by_none = " (no rule)" if event.is_line and event.rule is None else ""
    moment = dt.datetime(1970, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=event.time or 0)
    every = {
        "time": f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "client": event.ip_address or "unknown",
        "path": event.path,
        "action": f"{event.action}{rule}{by_none}",
        "product": event.product_id,
        "status": event.status_code,
        "bytes": event.bytes,
        "response": None if event.response_ms is None else f"{event.response_ms:,} ms",
        "host": event.host,
        "agent": event.user_agent,
        "id": event.given_id,
        "format": event.format,
    }
    return {name: str(value) for name, value in every.items() if value not in (None, "")}


def descriptions(trial: FormatTrial) -> dict[str, str]:
    """Return what each format is, in words."""
    every = {one.name: one.description for one in (*FORMATS, *trial.rules.formats, *JSON_LOGS)}
    return {**every, ltsv.NAME: ltsv.DESCRIPTION, DECLARED: "by the string that was given, or by the log's own #Fields"}


def cut(text: str, most: int) -> str:
    """Return a text that can be shown, and is not too long."""
    text = printable(text)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _share(lines: int, trial: FormatTrial) -> tuple[str, str]:
    return f"{lines:,}", f"{lines / trial.lines:.1%}"
