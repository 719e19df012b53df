"""The log string that came with a record, as a header: pure columns, see :mod:`lake.formats.log_string`."""

from __future__ import annotations

import json
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.formats import log_string as strings
from lake.formats import w3c
from spark.events.lambdas import let
from spark.events.texts import header

TAB = "\t"


def declared(log_string: Column, fields: Column, text: Column) -> Column:
    """Return the log string of a record, in our own names; null where none came that can be used.

    Args:
        log_string: The header with the string.
        fields: The header with the fields of a W3C log.
        text: The record.
    """
    of_fields = F.when(F.length(fields) <= strings.LONGEST_STRING, _of_fields(fields, text))
    given = F.coalesce(let(header(log_string), _usable), let(of_fields, _usable))
    return F.when(log_string.isNotNull() | fields.isNotNull(), given)


def _usable(string: Column) -> Column:
    return F.when(string.rlike(strings.USABLE), string)


def is_short(log_string: Column, text: Column) -> Column:
    """Return whether a text is no longer than :func:`lake.formats.log_string.longest_line` says."""
    longest = F.when(log_string.rlike(strings.IS_OPEN), strings.LONGEST_OPEN_LINE).otherwise(strings.LONGEST_LINE)
    return F.length(text) <= longest


def pattern(log_string: Column) -> Column:
    """Return the regular expression that :func:`lake.formats.log_string.pattern_of` returns."""
    rewritten = reduce(lambda string, one: F.regexp_replace(string, *one), strings.REWRITINGS, log_string)
    return F.concat(F.lit(strings.BEGIN), rewritten, F.lit(strings.END))


def variables(log_string: Column) -> Column:
    """Return the names of the variables of a log string, an array in their order."""
    return F.regexp_extract_all(log_string, F.lit(strings.VARIABLE), 1)


def _of_fields(fields: Column, text: Column) -> Column:
    """What :func:`lake.formats.w3c.string_of` returns, for lines with tabs and for others."""
    names = F.split(F.trim(F.regexp_replace(fields, f"^{w3c.DIRECTIVE}", "")), r"\s+")
    return let(names, lambda listed: _joined(listed, text.contains(TAB)))


def _joined(names: Column, has_tabs: Column) -> Column:
    called = F.transform(names, lambda name: _variable(name, names, has_tabs))
    braced = let(called, _once)
    return F.when(has_tabs, F.array_join(braced, TAB)).otherwise(F.array_join(braced, " "))


def _once(called: Column) -> Column:
    """The variables in braces; of those with one name, the first has it."""

    def first(name: Column, number: Column) -> Column:
        return F.when(F.array_position(called, name) == number + 1, name).otherwise(F.lit("_"))

    return F.transform(F.transform(called, first), lambda name: F.concat(F.lit("{"), name, F.lit("}")))


def _variable(name: Column, names: Column, has_tabs: Column) -> Column:
    variables = F.from_json(F.lit(json.dumps({**w3c.FIELDS, w3c.ASKED_HOST: "host"})), "map<string,string>")
    seconds = F.when(has_tabs, F.lit("response_time")).otherwise(F.lit("response_ms"))
    is_other_host = (name == w3c.OWN_HOST) & F.array_contains(names, w3c.ASKED_HOST)
    known = F.when(name == w3c.TIME_TAKEN, seconds).when(~is_other_host, variables[name])
    return F.coalesce(known, F.lit("_"))
