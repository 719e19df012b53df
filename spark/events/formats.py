"""Record formats as Spark has them: a record's bytes taken apart, its fields, and what erasure makes of it.

Pure: columns over ``value``. The formats are folded: a field is taken from the one format that a record is of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

from pyspark import SparkContext
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lake.contracts import ERASED
from lake.formats import FORMATS, LineFormat, ObjectFormat, RecordFormat
from lake.formats.known import LogFormat
from spark.events.declared import declared
from spark.events.json_logs import STRICT
from spark.events.others import fits_first, other
from spark.events.texts import NUL, mended

SEPARATOR = NUL  # in no line that gets so far: a NUL in a line is mended first
HEADERS = ("header_source", "header_log_format", "header_fields")
"""Columns with Kafka headers, which a record may have: the server's name, and how its line is written."""
OBJECTS = tuple(record_format for record_format in FORMATS if isinstance(record_format, ObjectFormat))
LINES = tuple(record_format for record_format in FORMATS if isinstance(record_format, LineFormat))
EVENTS = tuple(record_format for record_format in FORMATS if "action" in record_format.fields)
"""The formats whose records say themselves what was done."""


def text() -> Column:
    """The bytes as text. Repeat it wherever it is needed: this costs nothing, but a column would be copied."""
    return F.coalesce(F.col("mended"), F.col("value").cast("string"), F.lit(""))


def with_text(rows: DataFrame) -> DataFrame:
    """Add ``mended``: what the bytes in ``value`` are read as; null where that is the bytes as they are."""
    return rows.withColumn("mended", mended(F.col("value")))


def take_apart(records: DataFrame, formats: Sequence[LogFormat]) -> DataFrame:
    """Add the text, of each of our own formats its parts and whether it is the one, and what others say.

    The columns are ``mended``, ``is_object`` (it begins like one), ``declared`` (the log string that came with it),
    and ``other``, see :func:`spark.events.others.other`; null for a record that is of a format of our own.
    """
    missing = {name: F.lit(None).cast("string") for name in HEADERS if name not in records.columns}
    looks = _Looks.of(records.sparkSession.sparkContext, tuple(formats))
    rows = with_text(records.withColumns(missing))
    rows = rows.withColumns({"is_object": text().startswith("{"), "declared": looks.declared})
    rows = rows.withColumns({_parts(one): _taken_apart(one) for one in FORMATS})
    is_ours = F.col("declared").isNull() & reduce(or_, map(_is_whole, FORMATS))
    is_ours = is_ours if looks.fits_first is None else is_ours & ~looks.fits_first
    rows = rows.withColumn("other", F.when(~is_ours, looks.other))
    kinds: tuple[tuple[RecordFormat, ...], ...] = (OBJECTS, LINES)
    for kind in kinds:
        for number, one in enumerate(kind):
            fits = F.coalesce(_fits(one), F.lit(False)) & ~is_other()
            rows = rows.withColumn(_flag(one), fits & ~is_any(kind[:number]) if number else fits)
    return rows


class _Looks(NamedTuple):
    """Columns that look at a record's text; to make them takes longer than all others together."""

    declared: Column
    fits_first: Column | None
    other: Column

    @staticmethod
    @lru_cache(maxsize=8)
    def of(_context: SparkContext, formats: tuple[LogFormat, ...]) -> _Looks:
        """Return them for the formats of one context: columns are nothing to another one."""
        source, log_string, fields = map(F.col, HEADERS)
        return _Looks(
            declared(log_string, fields, text()),
            fits_first(text(), source, formats),
            other(text(), F.col("declared"), source, formats),
        )


def is_other() -> Column:
    """Whether the record is of a format that is none of our own."""
    return F.col("other").isNotNull()


def is_any(formats: Iterable[RecordFormat]) -> Column:
    """Whether the record is of one of the formats."""
    flags = [F.col(_flag(record_format)) for record_format in formats]
    return reduce(or_, flags) if flags else F.lit(False)


def flags() -> list[str]:
    """Return the names of the columns that say which format a record is of."""
    return [_flag(record_format) for record_format in FORMATS]


def by_format(column: Callable[[RecordFormat], Column | None], others: Column | None = None) -> Column:
    """Return the column that a record's format gives; null where it gives none, and where the record is of none.

    ``others`` is that of all formats but our own.
    """
    columns = [(record_format, column(record_format)) for record_format in FORMATS]
    cases = [(F.col(_flag(record_format)), value) for record_format, value in columns if value is not None]
    if others is not None:
        cases.append((is_other(), others))
    if not cases:
        return F.lit(None).cast("string")
    first, *more = cases
    return reduce(lambda chain, case: chain.when(*case), more, F.when(*first))


def field(name: str) -> Column:
    """Return a field of the record, as text; null where its format has none."""
    return by_format(lambda record_format: _field(record_format, name), F.col("other").getField(name))


def is_nested(record_format: RecordFormat, name: str, value: Column) -> Column:
    """Say whether an object or a list stands where a field's text should; never for a format that has no objects."""
    if not isinstance(record_format, ObjectFormat) or name not in record_format.fields:
        return F.lit(False)
    looks_nested = value.startswith("{") | value.startswith("[")
    return looks_nested & text().rlike(rf'"{record_format.fields[name]}"\s*+:\s*+[\[{{]')


def erased(record_format: RecordFormat, agent: Column) -> Column:
    """Return a record of the format that counts as the one in ``value``, and does not say who it was.

    It is a column over what :func:`with_text` returns.

    Args:
        record_format: What the record is.
        agent: What is to stand for its user agent.
    """
    if isinstance(record_format, LineFormat):
        return _erased_line(record_format, agent)
    keys = record_format.kept
    values = F.from_json(text(), ", ".join(f"{key} string" for key in keys))
    own = {"ip_address": F.lit(ERASED), "user_agent": agent}
    replaced = (column.alias(record_format.fields[name]) for name, column in own.items())
    names = {key: name for name, key in record_format.fields.items()}
    kept = {key: F.when(~is_nested(record_format, names[key], values[key]), values[key]) for key in keys}
    return F.to_json(F.struct(*replaced, *(value.alias(key) for key, value in kept.items())))


def _erased_line(line: LineFormat, agent: Column) -> Column:
    before, after = line.erased.split("{user_agent}")
    groups = {name: f"${number}" for number, name in enumerate(line.fields, start=1)}
    kept = F.regexp_replace(text(), line.pattern, before.format(**groups))
    return F.concat(kept, F.coalesce(agent, F.lit("-")), F.lit(after))


def _taken_apart(record_format: RecordFormat) -> Column:
    return _object(record_format) if isinstance(record_format, ObjectFormat) else _line(record_format)


def _object(record_format: ObjectFormat) -> Column:
    """The objects of a text that begins like one, an array; null where it cannot be read. One is a record."""
    keys = ", ".join(f"{key}:string" for key in record_format.fields.values())
    objects = F.from_json(F.concat(F.lit("["), text(), F.lit("]")), f"array<struct<{keys}>>", STRICT)
    return F.when(F.col("is_object"), objects)


def _line(record_format: LineFormat) -> Column:
    """The fields of a line, an array; the line as a whole where it does not match."""
    groups = SEPARATOR.join(f"${number}" for number in range(1, len(record_format.fields) + 1))
    return F.when(~F.col("is_object"), F.split(F.regexp_replace(text(), record_format.pattern, groups), SEPARATOR))


def _is_whole(record_format: RecordFormat) -> Column:
    """Whether the parts are those of one record that needs no other format: an object that says what was done."""
    fits = F.coalesce(_fits(record_format), F.lit(False))
    if not isinstance(record_format, ObjectFormat):
        return fits
    action = F.get(F.col(_parts(record_format)), F.lit(0)).getField(record_format.fields["action"])
    return fits & action.isNotNull()


def _fits(record_format: RecordFormat) -> Column:
    """Whether the parts are those of one record."""
    parts = F.col(_parts(record_format))
    if isinstance(record_format, LineFormat):
        return F.size(parts) == len(record_format.fields)
    is_one = F.size(parts) == 1
    for name in record_format.signs:
        is_one = is_one & F.get(parts, F.lit(0)).getField(record_format.fields[name]).isNotNull()
    return is_one


def _field(record_format: RecordFormat, name: str) -> Column | None:
    if name not in record_format.fields:
        return None
    parts = F.col(_parts(record_format))
    if isinstance(record_format, ObjectFormat):
        return F.get(parts, F.lit(0)).getField(record_format.fields[name])
    value = F.get(parts, F.lit(record_format.fields.index(name)))
    return F.when(~value.isin("-", ""), value) if name in record_format.dashed else value


def _parts(record_format: RecordFormat) -> str:
    return f"{record_format.name}_parts"


def _flag(record_format: RecordFormat) -> str:
    return f"is_{record_format.name}"
