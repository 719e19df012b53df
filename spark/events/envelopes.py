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

from spark.events.lambdas import let
from spark.events.texts import no_blank

LINES = ("message", "log", "msg")
"""Keys under which the line may be."""
JOURNAL, CURSOR = "MESSAGE", "__CURSOR"
"""The same of journald, and what tells its records apart. Spark would take the first for another of ``message``."""
FILES, OFFSETS, HOSTS = ("file", "path", "filename"), ("offset",), ("host", "hostname")
KEYS = (*LINES, *FILES, *OFFSETS, *HOSTS, "action")
SCHEMA = ", ".join(f"`{key}` string" for key in KEYS)
ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\S*+"
TAG = r"[^ :\[\]]++(?:\[[^ \]]*+\])?+:"
PREFIX = (
    rf"^(?:(?:<\d{{1,3}}>)?+[A-Z][a-z]{{2}} [ \d]\d \d\d:\d\d:\d\d (?:\S++ )?{TAG} "  # RFC 3164, with or without a host
    r"|<\d{1,3}>1 \S++ \S++ \S++ \S++ \S++ "  # RFC 5424
    r'(?:-|(?:\[[^\]"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^\]"]*+)*+\])++)(?: \ufeff?+|\z)'
    rf"|(?:<\d{{1,3}}>)?+{ISO} \S++ {TAG} "  # rsyslog's format of files
    rf"|{ISO} std(?:out|err) [FP] "  # CRI
    rf"|{ISO} \S++ "  # Logstash
    rf"|\S++ {TAG} )"  # a relay that writes no time
)
"""What stands before a line."""
CONSOLE = r"^(\d{4})/(\d\d)/(\d\d) (\S++)\t[^\t]*+\t(http\.log\.access[^\t\"\\]*+)\t[^\t]*+\t\{"
AS_OBJECT = r'{"ts":"$1-$2-$3T$4","logger":"$5",'
"""What Caddy writes to a console: it has the time and the logger before the object, not in it."""
DEPTH = 2


def inside(text: Column) -> Column:
    """Return a text and what is inside its envelopes: an array of structs of ``text`` and ``position``, the inmost first.

    The position is null where no envelope says one.
    """
    whole = F.struct(text.alias("text"), F.lit(None).cast("string").alias("position"))

    def opened(one: Column) -> Column:
        return let(_opened(one["text"]), lambda next_one: _with_position(next_one, one["position"]))

    def with_next(found: Column, _: Column) -> Column:
        return let(opened(found[0]), lambda one: F.when(one.isNull(), found).otherwise(F.concat(F.array(one), found)))

    return F.aggregate(F.array(*map(F.lit, range(DEPTH))), F.array(whole), with_next)


def _with_position(one: Column, outer: Column) -> Column:
    both = F.struct(one["text"].alias("text"), F.coalesce(outer, one["position"]).alias("position"))
    return F.when(one["text"].isNotNull(), both)


def _opened(text: Column) -> Column:
    """What is in a text's envelope; a struct with nothing in it where it has none."""
    is_object = text.startswith("{") & reduce(or_, (text.contains(f'"{key}"') for key in (*LINES, JOURNAL)))
    objects = let(F.from_json(text, SCHEMA), lambda keys: _in_object(text, keys))
    console = F.when(text.rlike(CONSOLE), F.regexp_replace(text, CONSOLE, AS_OBJECT))
    line = F.coalesce(console, F.when(text.rlike(PREFIX), F.btrim(F.regexp_replace(text, PREFIX, ""))))
    behind = F.struct(line.alias("text"), F.lit(None).cast("string").alias("position"))
    return F.when(is_object, objects).when(~text.startswith("{"), behind)


def _in_object(text: Column, keys: Column) -> Column:
    journal = F.when(text.contains(f'"{JOURNAL}"'), F.get_json_object(text, f"$.{JOURNAL}"))
    cursor = F.when(journal.isNotNull(), F.get_json_object(text, f"$.{CURSOR}"))
    lines = (F.when(~_is_nested(text, key), no_blank(F.btrim(keys[key]))) for key in LINES)
    line = F.coalesce(no_blank(F.btrim(journal)), *lines)
    file = F.coalesce(_text(text, keys, FILES), F.get_json_object(text, "$.log.file.path"))
    offset = F.coalesce(_text(text, keys, OFFSETS), F.get_json_object(text, "$.log.offset"))
    host = F.coalesce(F.get_json_object(text, "$.host.name"), _text(text, keys, HOSTS), F.lit(""))
    position = F.when(file.isNotNull() & offset.isNotNull(), F.concat_ws(":", host, file, offset))
    return F.struct(
        F.when(keys["action"].isNull(), line).alias("text"),
        F.coalesce(position, no_blank(cursor)).alias("position"),
    )


def _text(text: Column, keys: Column, names: Iterable[str]) -> Column:
    return F.coalesce(*(F.when(~_is_nested(text, name), no_blank(keys[name])) for name in names))


def _is_nested(text: Column, key: str) -> Column:
    return text.rlike(rf'"{key}"\s*+:\s*+[\[{{]')
