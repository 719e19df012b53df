"""What a request asks for: its method and its target, and the target in the one spelling that the URL rules see.

Pure: expressions over columns.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from pyspark.sql import Column
from pyspark.sql import functions as F

ORIGIN = r"(?i)^[a-z][a-z0-9+.-]*+://[^/?#]*+"
"""What an absolute target has before its path."""
ODD = ("%", "\\", ";", " ", "+", "//", "/./")
"""What a path may have in it that has another spelling; of each path it is asked, and a pattern would take longer."""
RESERVED = r"(?i)%(?!2[DE]|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E)"
"""A percent sign that encodes something else than a letter, a digit or one of ``-._~``."""
PARAMETER = r"(?i)(?:;[^/?#;=]*|%3bjsessionid)=[^/?#;]*"


def method(request: Column) -> Column:
    """Return the first word of a request, ``GET /cart HTTP/1.1``."""
    return F.substring_index(request, " ", 1)


def target(request: Column) -> Column:
    """Return what stands between a request's method and `` HTTP/``; null where no method and target stand there."""
    rest = F.substring(request, F.instr(request, " ") + 1, F.length(request))
    asked = F.trim(F.substring_index(rest, " HTTP/", 1))
    has_method = request.contains(" ") & (request >= "A") & (request < "[") & ~method(request).contains("\\")
    return F.when(has_method & (asked != "") & ~asked.startswith("HTTP/"), asked)


def path(request: Column, asked: Column) -> Column:
    """Return a target without scheme and host; an empty text where nothing was asked for, null for what is no request.

    A browser that opens a connection ahead and does not use it asks for nothing, of which servers write a dash. No
    request are the first bytes of TLS, for example.
    """
    way = F.when(asked.startswith("/"), asked).otherwise(F.regexp_replace(asked, ORIGIN, ""))
    nothing = F.when(F.trim(request).isin("", "-"), F.lit(""))
    return F.coalesce(F.when(way == "", F.lit("/")).otherwise(way), nothing)


def host(asked: Column) -> Column:
    """Return the host of an absolute target, in lower case and without its port; an empty text where it has none."""
    return F.lower(F.regexp_extract(asked, r"(?i)^[a-z][a-z0-9+.-]*+://(?:[^/?#@]*@)?(\[[^\]/?#]*\]|[^/?#:]*)", 1))


def query(spelled: Column) -> Column:
    """Return what stands after the first question mark of a target; an empty text where there is none."""
    mark = F.instr(spelled, "?")
    return F.when(mark > 0, F.substring(spelled, mark + 1, F.length(spelled))).otherwise(F.lit(""))


def spelled(path: Column) -> Column:
    """Return a path with its query in the one spelling of all that mean the same.

    A byte is percent-encoded where it is not a letter, a digit or one of ``-._~``, which stand for themselves; raw
    characters beyond ASCII stay. A blank is ``%20``, also where a query has ``+``. The path has no ``//``, no ``/./``
    and no parameters such as ``;jsessionid=1``.
    """
    escaped = F.regexp_replace(path, r"\\x([0-9A-Fa-f]{2})", "%$1")
    quoted = F.replace(F.replace(escaped, F.lit('\\"'), F.lit("%22")), F.lit(" "), F.lit("%20"))
    kept = F.regexp_replace(quoted, RESERVED, "%25")
    known = F.try_url_decode(F.replace(kept, F.lit("+"), F.lit("%2B")))  # which would make a blank of a plus
    return F.when(reduce(or_, map(path.contains, ODD)), _merged(known)).otherwise(path)


def _merged(known: Column) -> Column:
    way = F.regexp_replace(F.substring_index(known, "?", 1), PARAMETER, "")
    merged = F.regexp_replace(F.regexp_replace(way, r"/(?:\./)++", "/"), "//++", "/")
    rest = F.substring(known, F.length(F.substring_index(known, "?", 1)) + 1, F.length(known))
    return F.concat(merged, F.replace(rest, F.lit("+"), F.lit("%20")))
