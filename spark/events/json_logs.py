"""Access logs of JSON objects, read by tables of names: :mod:`lake.formats.json_logs`. Pure columns over a text.

The tables are data to the expressions, so that a format more is no expression more.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.formats import JSON_EVENT
from lake.formats.json_logs import JSON_LOGS, JsonLog
from spark.events.lambdas import first_present, let

STRICT = {"allowSingleQuotes": "false", "allowNonNumericNumbers": "false"}  # Spark takes both unless told not to
EVENT = JsonLog(
    JSON_EVENT.name, JSON_EVENT.description, ("action",), {name: (key,) for name, key in JSON_EVENT.fields.items()}
)
OBJECTS = (
    "",
    *sorted({path.rpartition(".")[0] for log in JSON_LOGS for paths in log.fields.values() for path in paths} - {""}),
)
"""Paths of the objects that have something: the record itself, ``request``, and then ``request.headers``."""
PATHS = "array<struct<object:int, key:string>>"
ROW = "name:string, signs:array<string>, prefixes:map<string,string>, needs_answer:boolean"
TABLE = f"array<struct<{ROW}, fields:array<{PATHS}>>>"


def json_log(text: Column, parts: Sequence[str]) -> Column:
    """Return the parts of an object, an array of its format's name and of each part; null where no format fits."""
    table = F.from_json(F.lit(json.dumps([_row(log, parts) for log in (EVENT, *JSON_LOGS)])), TABLE)

    def read(objects: Column) -> Column:
        fitting = F.get(F.filter(table, lambda log: _fits(F.get(objects, F.lit(0)), log)), F.lit(0))
        return let(fitting, lambda log: F.when(log.isNotNull(), let(_parts(text, objects, log), _answered(log))))

    def _answered(log: Column) -> Callable[[Column], Column]:
        def answered(found: Column) -> Column:
            status, request = (F.get(found, F.lit(parts.index(name) + 1)) for name in ("status_code", "request"))
            has_answer = status.isNotNull() | F.coalesce(request.contains(" HTTP/"), F.lit(False))
            return F.when(~log["needs_answer"] | has_answer, found)

        return answered

    return let(_objects(text), lambda objects: F.when(F.get(objects, F.lit(0)).isNotNull(), read(objects)))


def _row(log: JsonLog, parts: Sequence[str]) -> Mapping[str, object]:
    fields = [[_place(path) for path in log.fields.get(part, ())] for part in parts]
    return {
        "name": log.name,
        "signs": log.signs,
        "prefixes": log.prefixes,
        "needs_answer": log.needs_answer,
        "fields": fields,
    }


def _place(path: str) -> Mapping[str, object]:
    outer, _, key = path.rpartition(".")
    return {"object": OBJECTS.index(outer), "key": key}


def _objects(text: Column) -> Column:
    """What is in each of :data:`OBJECTS`, maps of keys to texts; null where there is no such object, or several."""
    one = F.from_json(F.concat(F.lit("["), text, F.lit("]")), "array<map<string,string>>", STRICT)
    record = let(one, lambda objects: F.when(F.size(objects) == 1, F.get(objects, F.lit(0))))
    return reduce(lambda objects, path: let(objects, _with_inner(path)), OBJECTS[1:], F.array(record))


def _with_inner(path: str) -> Callable[[Column], Column]:
    """Return what adds the object at a path."""
    outer, _, key = path.rpartition(".")

    def added(objects: Column) -> Column:
        inner = F.from_json(F.get(objects, F.lit(OBJECTS.index(outer)))[key], "map<string,string>", STRICT)
        return F.concat(objects, F.array(inner))

    return added


def _fits(keys: Column, log: Column) -> Column:
    has_signs = F.forall(log["signs"], lambda sign: keys[sign].isNotNull())
    has_prefixes = F.forall(
        F.map_entries(log["prefixes"]), lambda one: F.coalesce(keys[one["key"]].startswith(one["value"]), F.lit(False))
    )
    return has_signs & has_prefixes


def _parts(text: Column, objects: Column, log: Column) -> Column:
    def first(places: Column) -> Column:
        return first_present(F.transform(places, lambda place: _value(text, objects, place)))

    return F.concat(F.array(log["name"]), F.transform(log["fields"], first))


def _value(text: Column, objects: Column, place: Column) -> Column:
    """The text or number at a place, or the first of a list there; null for an object."""
    value = F.get(objects, place["object"])[place["key"]]
    nested = F.concat(F.lit('"\\Q'), place["key"], F.lit('\\E"\\s*+:\\s*+[\\[{]'))
    is_nested = (value.startswith("{") | value.startswith("[")) & F.regexp_like(text, nested)
    inner = F.when(value.startswith("["), F.get_json_object(value, "$[0]"))
    return F.when(is_nested, inner).otherwise(value)
