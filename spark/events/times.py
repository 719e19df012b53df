"""Times as records write them. Pure: expressions over columns.

A format says how most of its times are written, and Spark reads those quickly. Here is the rest: ISO 8601 with a comma,
without seconds, or with a zone's name, an access log's time with a fraction, RFC 1123, and seconds, milli-, micro- or
nanoseconds since 1970.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

NAME = "[A-Z][a-z]{2}"
FRACTION = r"(?:[.,]\d{1,9})?"
ZONE = r" ?(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)"
SHAPES = {
    rf"^\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d{FRACTION})?(?:{ZONE})?\z": None,
    rf"^\d\d/{NAME}/\d{{4}}:\d\d:\d\d:\d\d{FRACTION}(?:{ZONE})?\z": "dd/MMM/yyyy:HH:mm:ss",
    rf"^(?:{NAME}, )?\d\d? {NAME} \d{{4}} \d\d:\d\d:\d\d{FRACTION}(?:{ZONE})?\z": "d MMM yyyy HH:mm:ss",
}
"""Shape of a time -> Java's pattern for it without fraction, zone and day of the week; None for ISO 8601."""
EPOCH = r"^(?:\d{9,19}(?:[.]\d{1,9})?|\d[.]\d{1,17}E\d{1,2})\z"  # Spark reads the fraction 1.5e9 as 1.5E9
UNITS = ((10**11, 10**6), (10**14, 10**3), (10**17, 1))
"""A number below the first is one of units that have so many microseconds: each then means a year from 1973 on."""
MICROS = 1_000_000
MOST_OFFSET_MINUTES = 18 * 60


def other_time(time: Column, zone: str) -> Column:
    """Return the timestamp that a text means; null for one that means none.

    Args:
        time: The text.
        zone: The time zone of a time that names none.
    """
    return F.when(time.rlike(EPOCH), _since_1970(time)).when(time.rlike("|".join(SHAPES)), _written_out(time, zone))


def _since_1970(time: Column) -> Column:
    number = time.try_cast("decimal(38, 9)")
    nanoseconds = F.try_divide(number, F.lit(1000)).try_cast("bigint")
    micros = nanoseconds
    for limit, factor in reversed(UNITS):
        larger = F.try_multiply(number, F.lit(factor)).try_cast("bigint")
        micros = F.when(number < limit, larger).otherwise(micros)
    return F.timestamp_micros(micros)


def _written_out(time: Column, zone: str) -> Column:
    own_zone = F.regexp_extract(time, rf"\d({ZONE})\z", 1)
    local = F.regexp_replace(time, rf"(?<=\d){ZONE}\z", "")
    fraction = F.regexp_extract(local, r"[.,](\d{1,9})\z", 1)
    whole = F.regexp_replace(local, r"^[A-Z][a-z]{2}, |[.,]\d{1,9}\z", "")
    plain = F.coalesce(
        *(
            F.try_to_timestamp(whole, F.lit(pattern)) if pattern else whole.try_cast("timestamp")
            for pattern in SHAPES.values()
        )
    )
    micros = F.rpad(F.left(fraction, F.lit(6)), 6, "0").try_cast("bigint")
    digits = F.regexp_replace(own_zone, "[^0-9]", "")
    hours, minutes = (F.coalesce(F.substring(digits, at, 2).try_cast("int"), F.lit(0)) for at in (1, 3))
    offset = F.when((minutes < 60) & (hours * 60 + minutes <= MOST_OFFSET_MINUTES), hours * 60 + minutes)
    signed = F.when(own_zone.contains("-"), -offset).otherwise(offset).cast("bigint")
    there = F.unix_micros(plain) - signed * (60 * MICROS)
    here = F.unix_micros(F.to_utc_timestamp(plain, zone))
    return F.timestamp_micros(F.when(own_zone != "", there).otherwise(here) + micros)
