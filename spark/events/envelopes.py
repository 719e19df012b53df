"""Envelopes in which shippers and relays send a line: JSON objects, and words before it. Pure columns over a text.

Filebeat, Fluent Bit, Vector, Fluentd, Docker and journald send objects; syslog, Kubernetes and Logstash write before a
line when and where it was. Some say which place of which file the line stood in, which tells it from all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

from spark.events.json_logs import STRICT
from spark.events.lambdas import let
from spark.events.texts import header, no_blank, without_odd_escapes

LINES = ("message", "log", "msg")
"""Keys under which the line may be."""
JOURNAL, CURSOR = "MESSAGE", "__CURSOR"
"""The same of journald, and what tells its records apart. Spark would take the first for another of ``message``."""
FILES, OFFSETS, HOSTS = ("file", "path", "filename"), ("offset",), ("host", "hostname")
WHITE = " \t\r\n"
KEYS = (*LINES, *FILES, *OFFSETS, *HOSTS, "action")
SCHEMA = f"array<struct<{', '.join(f'`{key}`:string' for key in KEYS)}>>"
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
TAG = r"[^\s:\[\]]++(?:\[[^\s\]]*+\])?: ++"
DATA = r'(?:-|(?:\[(?:[^"\]\\]|"(?:[^"\\]|\\.)*+")*+\])++)'
PREFIX = (
    rf"^(?:<\d{{1,3}}>1 (?:{ISO}|-) \S++ \S++ \S++ \S++ {DATA} \ufeff?+"  # syslog, RFC 5424
    rf"|(?:<\d{{1,3}}>)?[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d (?:\S++ )?{TAG}"  # syslog, RFC 3164
    rf"|{ISO} std(?:out|err) [FP] "  # Kubernetes
    rf"|(?:<\d{{1,3}}>)?{ISO} \S++ {TAG}"  # rsyslog's format of files
    rf"|{ISO} (?=[\[{{\"]|\S++ - )"  # container logs with times
    rf"|{ISO} \S++ "  # Logstash's plain codec
    rf"|(?:<\d{{1,3}}>)?\S++ {TAG})"  # a relay that keeps no time
)
"""What stands before a line."""
CONSOLE = r'^(\d[^\t"\\]{7,39})\t[^\t]*+\t([^\t"\\]*+)\t[^\t]*+\t\{'
"""Caddy's log for people: time, level, logger and message, and then the object, which lacks them."""
DEPTH = 2


def inside(text: Column, source: Column) -> Column:
    """Return a text and what is inside its envelopes, the inmost first: structs of ``text`` and ``position``.

    It is an array. The position is null where no envelope says one; ``source``, the name of the server as a header, is
    part of it where the envelope names no host.
    """
    whole = F.struct(text.alias("text"), F.lit(None).cast("string").alias("position"))

    def opened(one: Column) -> Column:
        return let(_opened(one["text"], source), lambda next_one: _with_position(next_one, one["position"]))

    def with_next(found: Column, _: Column) -> Column:
        return let(opened(found[0]), lambda one: F.when(one.isNull(), found).otherwise(F.concat(F.array(one), found)))

    return F.aggregate(F.array(*map(F.lit, range(DEPTH))), F.array(whole), with_next)


def _with_position(one: Column, outer: Column) -> Column:
    text = let(F.btrim(one["text"], F.lit(WHITE)), _mended)
    both = F.struct(text.alias("text"), F.coalesce(outer, one["position"]).alias("position"))
    return F.when(one["text"].isNotNull(), both)


def _opened(text: Column, source: Column) -> Column:
    """What is in a text's envelope; a struct with nothing in it where it has none."""
    is_object = text.startswith("{") & reduce(or_, (text.contains(f'"{key}"') for key in (*LINES, JOURNAL)))
    one = F.from_json(F.concat(F.lit("["), text, F.lit("]")), SCHEMA, STRICT)
    objects = let(one, lambda keys: F.when(F.size(keys) == 1, _in_object(text, F.get(keys, F.lit(0)), source)))
    time, logger = (F.regexp_extract(text, CONSOLE, group) for group in (1, 2))
    start = F.concat(
        F.lit('{"ts":"'), F.replace(time, F.lit("/"), F.lit("-")), F.lit('","logger":"'), logger, F.lit('",')
    )
    console = F.when(text.rlike(CONSOLE), F.concat(start, F.regexp_replace(text, CONSOLE, "")))
    line = F.coalesce(console, F.when(text.rlike(PREFIX), F.regexp_replace(text, PREFIX, "")))
    behind = F.struct(line.alias("text"), F.lit(None).cast("string").alias("position"))
    return F.when(is_object, objects).when(~text.startswith("{"), behind)


def _in_object(text: Column, keys: Column, source: Column) -> Column:
    journal = F.when(text.contains(f'"{JOURNAL}"'), F.get_json_object(text, f"$.{JOURNAL}"))
    message, log, msg = (F.when(~_is_nested(text, key), _stripped(keys[key])) for key in LINES)
    offsets = (_text(text, keys, OFFSETS), F.get_json_object(text, "$.log.offset"))
    facts = {
        "line": F.coalesce(message, log, _stripped(journal), msg),
        "file": F.coalesce(_text(text, keys, FILES), F.get_json_object(text, "$.log.file.path")),
        "offset": F.coalesce(*(F.when(one.rlike(r"^\d{1,19}\z"), one) for one in offsets)),
        "host": F.coalesce(F.get_json_object(text, "$.host.name"), _text(text, keys, HOSTS), header(source)),
        "cursor": F.when(text.contains(f'"{JOURNAL}"'), F.get_json_object(text, f"$.{CURSOR}")),
    }
    found = F.struct(*(value.alias(name) for name, value in facts.items()))
    return let(found, lambda one: _placed(keys["action"].isNull(), one))


def _placed(is_envelope: Column, found: Column) -> Column:
    place = F.concat_ws(":", F.coalesce(found["host"], F.lit("")), found["file"], found["offset"])
    # Files of two servers may have the same name: without a host, their equal lines alone are one.
    of_nobody = F.concat_ws(":", place, F.crc32(found["line"].cast("binary")).cast("string"))
    is_place = found["file"].isNotNull() & found["offset"].isNotNull()
    position = F.when(is_place, F.when(found["host"].isNull(), of_nobody).otherwise(place))
    return F.struct(
        F.when(is_envelope, found["line"]).alias("text"),
        F.coalesce(position, no_blank(found["cursor"])).alias("position"),
    )


def _stripped(text: Column) -> Column:
    return no_blank(F.btrim(text, F.lit(WHITE)))


def _mended(line: Column) -> Column:
    """What is in an envelope: an object in it may have escapes that JSON has not, as a record may."""
    return F.when(line.startswith("{"), without_odd_escapes(line)).otherwise(line)


def _text(text: Column, keys: Column, names: Iterable[str]) -> Column:
    return F.coalesce(*(F.when(~_is_nested(text, name), no_blank(keys[name])) for name in names))


def _is_nested(text: Column, key: str) -> Column:
    return text.rlike(rf'"{key}"\s*+:\s*+[\[{{]')
