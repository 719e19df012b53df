"""A record's bytes as text, and texts made fit to be read, kept and counted. Pure: expressions over columns.

What cannot be text is mended rather than refused: a byte that is no UTF-8 becomes U+FFFD, so does a NUL in a line, and
what stands around a record, blanks, a byte order mark, the NULs of a truncated file, is no part of it.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

NUL = "\u0000"
INSTEAD = "\ufffd"
AROUND = " \t\r\n\u0000\ufeff"
"""Characters that may stand before and after a record."""
HASH_CHARACTERS = 16
WHOLE_ESCAPES = r"(?<!\\)((?:\\\\)*+)"
"""Before a backslash: that backslash begins an escape, for it is not itself escaped."""


def mended(value: Column) -> Column:
    """Return bytes as the text that they are read as; null where that is the bytes as they are, which is the rule.

    Asked of each record, so it looks at no more than it must: in a JSON object a NUL is an error anyhow.
    """
    raw = F.coalesce(value.cast("string"), F.lit(""))
    is_object = raw.startswith("{")
    is_odd_object = raw.contains("\\") & (raw.contains("\\u0000") | raw.contains("\\x"))
    is_odd = F.when(is_object, is_odd_object).otherwise(raw.contains(NUL))
    ends_as_most = raw.endswith('"') | raw.endswith("}")
    is_followed = ~ends_as_most & reduce(or_, (raw.endswith(character) for character in AROUND))
    is_framed = (raw < "!") | (raw >= "\x7f") | is_followed
    is_clean = F.is_valid_utf8(raw) & ~is_framed & ~is_odd
    trimmed = F.btrim(F.make_valid_utf8(raw), F.lit(AROUND))
    line = F.replace(trimmed, F.lit(NUL), F.lit(INSTEAD))
    return F.when(~is_clean, F.when(trimmed.startswith("{"), without_odd_escapes(trimmed)).otherwise(line))


def without_odd_escapes(json: Column) -> Column:
    r"""Return a JSON text without the escapes that JSON has not, or that no text may have.

    nginx writes a byte as ``\xE7`` unless it is told to escape for JSON. ``\u0000`` is a character that PostgreSQL
    refuses.
    """
    ascii_bytes = F.regexp_replace(json, WHOLE_ESCAPES + r"\\x([0-7][0-9A-Fa-f])", r"$1\\u00$2")
    whole = F.replace(F.replace(ascii_bytes, F.lit("%"), F.lit("%25")), F.lit("+"), F.lit("%2B"))
    encoded = F.regexp_replace(whole, WHOLE_ESCAPES + r"\\x([89A-Fa-f][0-9A-Fa-f])", "$1%$2")
    decoded = F.when(ascii_bytes.contains("\\x"), F.try_url_decode(encoded)).otherwise(ascii_bytes)
    return F.regexp_replace(decoded, WHOLE_ESCAPES + r"\\u0000", r"$1\\ufffd")


def percent_decoded(text: Column) -> Column:
    """Return a text with its percent-encoded bytes as characters; U+FFFD for bytes that are none, and for NUL."""
    malformed = F.regexp_replace(text, "%(?![0-9A-Fa-f]{2})", "%25")
    decoded = F.try_url_decode(F.replace(malformed, F.lit("+"), F.lit("%2B")))
    return F.when(text.contains("%"), F.replace(decoded, F.lit(NUL), F.lit(INSTEAD))).otherwise(text)


def short(value: Column, characters: int) -> Column:
    """Return the beginning of a text that is longer than so many characters."""
    may_be_long = F.octet_length(value) > characters  # which costs nothing
    return F.when(may_be_long, F.left(value, F.lit(characters))).otherwise(value)


def short_key(value: Column, characters: int) -> Column:
    """Return a text of so many characters at most, of which a longer one's last are a hash of all of it."""
    digest = F.left(F.sha2(value.cast("binary"), 256), F.lit(HASH_CHARACTERS))
    cut = F.concat(F.left(value, F.lit(characters - HASH_CHARACTERS - 1)), F.lit("~"), digest)
    is_long = (F.octet_length(value) > characters) & (F.length(value) > characters)
    return F.when(is_long, cut).otherwise(value)


def header(value: Column) -> Column:
    """Return the text of a header, made fit to be kept; null where it is empty."""
    return no_blank(F.replace(F.make_valid_utf8(value), F.lit(NUL), F.lit(INSTEAD)))


def no_blank(value: Column) -> Column:
    """Return a text, or null where it is empty."""
    return F.when(value != "", value)
