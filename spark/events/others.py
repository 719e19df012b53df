"""Records of other formats than our own JSON events and plain access-log lines, and records in a shipper's envelope.

Pure: columns over a record's text. A record of our own formats is never looked at here. How a line is read is said in
:mod:`lake.formats.log_string`; the formats themselves are in ``lake/rules/formats.yml`` and in ``lake/formats``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce
from operator import and_, or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.contracts import ERASED
from lake.formats import ACCESS_LOG, JSON_EVENT, ltsv
from lake.formats import log_string as strings
from lake.formats.json_logs import NGINX
from lake.formats.known import LogFormat
from spark.events import declared
from spark.events.envelopes import inside
from spark.events.json_logs import json_log
from spark.events.lambdas import first_present, let, present
from spark.events.texts import NUL, no_blank, percent_decoded

PARTS = (*strings.FIELDS, "action", "product_id")
READING = (
    *("format", "event_id", "time", "ip_address", "forwarded_for", "user_id", "action", "product_id"),
    *("request", "referrer", "user_agent", "status_code", "response_time", "bytes", "host"),
)
"""What is read of a record."""
KEPT = ("time", "action", "product_id", "request", "status_code", "response_time", "bytes", "host")
"""What erasure keeps."""
DECLARED = "declared"
"""The format of a line that was read by the log string that came with it."""
UNITS = {"response_ms": 1e3, "response_us": 1e6, "response_ns": 1e9}
UNREAD = r"^(?!\x00)"
HOST = r"^(\[[^\]]*+\]|[^:]*+)(?::\d*+)?+\z"
STATUS = r"^[1-5]\d\d\z"
DECIMAL = r"^\d{1,18}([.]\d*)?([eE][+-]?\d{1,2})?\z"
ZONE = r"(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)\z"
IN_BRACKETS = r"^\[([^\[\]]*+)\]\z"
NO_URL = r"^[a-z]++://-?+\z"
"""What a server makes of scheme, host and path where it could read no request."""
ENCODED = "%[0-9A-Fa-f]{2}"
TYPE = f"struct<{', '.join(f'{name}:string' for name in READING)}>"


def other(text: Column, log_string: Column, source: Column, formats: Sequence[LogFormat]) -> Column:
    """Return what a record says that is none of ours: a struct of :data:`READING`, all text.

    Null where no format fits. What is inside an envelope is tried before what is around it.

    Args:
        text: The record.
        log_string: The one that came with it, or null.
        source: The name of the server that wrote it, or null.
        formats: Those of ``formats.yml``.
    """

    def tried(found: Column, one: Column) -> Column:
        parts = _parts(one["text"], log_string, source, formats)
        return F.coalesce(found, let(parts, lambda read: _reading(read, one["position"])))

    return let(F.btrim(text), lambda whole: F.aggregate(inside(whole, source), F.lit(None).cast(TYPE), tried))


def erased_other(read: Column, agent: Column) -> Column:
    """Return a record, as JSON, that counts as one that was read so, and does not say who it was.

    Args:
        read: What :func:`other` returned.
        agent: What is to stand for its user agent.
    """
    return F.when(read["action"].isNotNull(), _as_json(JSON_EVENT.fields, KEPT, read, agent)).otherwise(
        _as_json({part: paths[0] for part, paths in NGINX.fields.items()}, KEPT, read, agent)
    )


def _as_json(keys: Mapping[str, str], kept: Iterable[str], read: Column, agent: Column) -> Column:
    own = {"ip_address": F.lit(ERASED), "user_agent": agent, **{part: read[part] for part in kept}}
    own["status_code"] = F.coalesce(read["status_code"], F.lit("-"))  # what has none is no access log
    return F.to_json(F.struct(*(value.alias(keys[part]) for part, value in own.items() if part in keys)))


def fits_first(text: Column, source: Column, formats: Iterable[LogFormat]) -> Column | None:
    """Return whether a line is of a format that is tried before all others; None where there is none such."""
    kinds = _by_strings(source, (one for one in formats if one.first))
    fits = (
        text.rlike(pattern) if is_from is None else is_from & text.rlike(pattern) for is_from, _, pattern, _, _ in kinds
    )
    return F.coalesce(reduce(or_, fits), F.lit(False)) if kinds else None


def _parts(text: Column, log_string: Column, source: Column, formats: Sequence[LogFormat]) -> Column:
    """The format of a text, and what it has for each of :data:`PARTS`, an array; null where none fits."""
    is_short = F.length(text) <= strings.LONGEST_LINE
    firsts = [one for one in formats if one.first]
    others = [one for one in formats if not one.first]
    ours: list[Kind] = [(None, ACCESS_LOG.name, ACCESS_LOG.pattern, ACCESS_LOG.fields, strings.LONGEST_LINE)]
    line = F.coalesce(
        F.when(is_short, _of_first([*ours, *_by_strings(source, others)], text)).otherwise(_of_first(ours, text)),
        F.when(is_short, _ltsv(text)),
    )
    return F.coalesce(
        F.when(declared.is_short(log_string, text), _by_declared(text, log_string)),
        *([F.when(is_short, _of_first(_by_strings(source, firsts), text))] if firsts else []),
        F.when(text.startswith("{"), json_log(text, PARTS)).otherwise(line),
    )


def _by_declared(text: Column, log_string: Column) -> Column:
    def read(names: Column) -> Column:
        numbers = F.transform(F.array(*map(F.lit, PARTS)), lambda part: F.array_position(names, part))
        groups = F.transform(numbers, lambda number: F.concat(F.lit("$"), F.nullif(number, F.lit(0)).cast("string")))
        places = F.concat(F.lit(f"{DECLARED}{NUL}"), F.array_join(groups, NUL, ""))
        return _split(F.regexp_replace(text, declared.pattern(log_string), places))

    return let(declared.variables(log_string), read)


Kind = tuple[Column | None, str, str, Sequence[str], int]
"""A kind of lines: of which records if not of all, the format's name, a regular expression, the fields in it, and how
long such a line may be.
"""


def _by_strings(source: Column, formats: Iterable[LogFormat]) -> list[Kind]:
    return [
        (
            _is_from(source, one),
            one.name,
            strings.pattern_of(string),
            strings.variables(string),
            strings.longest_line(string),
        )
        for one in formats
        for string in one.strings
    ]


def _of_first(kinds: Iterable[Kind], text: Column) -> Column:
    """The parts of a line by the first kind that it is of; null where there is none.

    A line that was read begins with a NUL, which no line does: so no other pattern fits it.
    """

    def read(so_far: Column, kind: Kind) -> Column:
        is_from, name, pattern, groups, longest = kind
        places = (f"${groups.index(part) + 1}" if part in groups else "" for part in PARTS)
        replaced = F.regexp_replace(so_far, pattern.replace("^", UNREAD, 1), NUL.join(("", name, *places)))
        conditions = [] if is_from is None else [is_from]
        conditions += [F.length(so_far) <= longest] if longest < strings.LONGEST_LINE else []
        return F.when(reduce(and_, conditions), replaced).otherwise(so_far) if conditions else replaced

    return let(reduce(read, kinds, text), lambda joined: _split(joined, 1))


def _is_from(source: Column, one: LogFormat) -> Column | None:
    return None if one.source is None else F.coalesce(source == one.source, F.lit(False))


def _split(joined: Column, before: int = 0) -> Column:
    parts = F.split(joined, NUL)
    return F.when(joined.contains(NUL), F.slice(parts, 1 + before, len(PARTS) + 1) if before else parts)


def _ltsv(text: Column) -> Column:
    table = F.from_json(F.lit(json.dumps([ltsv.LABELS.get(part, ()) for part in PARTS])), "array<array<string>>")
    is_labelled = text.contains("\t") & ~text.rlike("[\r\n]")

    def value(pairs: Column, label: Column) -> Column:
        prefix = F.concat(label, F.lit(":"))
        pair = F.get(F.filter(pairs, lambda one: F.startswith(one, prefix)), F.lit(0))
        return F.substr(pair, F.length(prefix) + 1)

    def first(pairs: Column, labels: Column) -> Column:
        return first_present(F.transform(labels, lambda label: value(pairs, label)))

    def read(pairs: Column) -> Column:
        return F.concat(F.array(F.lit(ltsv.NAME)), F.transform(table, lambda labels: first(pairs, labels)))

    return F.when(is_labelled, let(F.split(text, "\t"), read))


def _reading(parts: Column, position: Column) -> Column:
    """What the parts of a record mean; null where they have no time, or nothing that was asked for."""
    present_ones = F.transform(parts, lambda part: F.when(present(part), part))
    has_request = F.coalesce(_part(parts, "request"), _part(parts, "url")).isNotNull()
    return let(present_ones, lambda some: _meaning(some, has_request, position))


def _part(parts: Column, name: str) -> Column:
    return F.get(parts, F.lit(PARTS.index(name) + 1))


def _meaning(parts: Column, has_request: Column, position: Column) -> Column:
    def part(name: str) -> Column:
        return _part(parts, name)

    zone = F.when(part("clock").rlike(ZONE), F.lit("")).otherwise(F.lit("Z"))
    stamp = F.regexp_replace(part("time"), IN_BRACKETS, "$1")
    time = F.coalesce(stamp, F.concat(part("date"), F.lit(" "), part("clock"), zone))
    url = F.when(~part("url").rlike(NO_URL), part("url"))
    asked = F.concat(url, F.coalesce(F.concat(F.lit("?"), part("query")), F.lit("")))
    built = F.concat(F.coalesce(part("method"), F.lit("GET")), F.lit(" "), asked, F.lit(" HTTP/1.1"))
    action, status = part("action"), part("status_code")
    seconds = (
        F.when(part(name).rlike(DECIMAL), part(name).try_cast("double") / unit).try_cast("string")
        for name, unit in UNITS.items()
    )
    values = {
        "format": F.get(parts, F.lit(0)),
        "event_id": F.coalesce(part("event_id"), position),
        "ip_address": F.coalesce(part("ip_address"), part("client")),
        "time": time,
        "request": F.coalesce(part("request"), built, F.when(has_request, F.lit("-"))),
        "user_agent": F.coalesce(part("user_agent"), _decoded(part("encoded_agent"))),
        "forwarded_for": F.replace(part("forwarded_for"), F.lit("+"), F.lit(" ")),
        "status_code": F.when(action.isNotNull() | status.rlike(STATUS), status),
        "response_time": F.coalesce(part("response_time"), part("response_decimal"), *seconds),
        "host": no_blank(F.lower(F.regexp_replace(part("host"), HOST, "$1"))),
    }
    every = {**{name: part(name) for name in READING if name not in values}, **values}
    has_deed = F.coalesce(action, every["request"]).isNotNull()
    return F.when(time.isNotNull() & has_deed, F.struct(*(every[name].alias(name) for name in READING)))


def _decoded(agent: Column) -> Column:
    encoded = let(let(agent, percent_decoded), percent_decoded)
    return F.when(agent.rlike(ENCODED), encoded).otherwise(F.replace(agent, F.lit("+"), F.lit(" ")))
