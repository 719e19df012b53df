"""Log strings of lines that no format fits, guessed from how their fields look.

A guess is for people to look at, who then declare it: it names only fields that it is sure of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lake.errors import FormatError
from lake.formats.json_logs import NGINX
from lake.formats.log_string import pattern_of, variables
from lake.formats.ltsv import LABELS
from lake.formats.strings.dialects import log_string
from lake.formats.strings.parts import PATH, Part, Variable, placed, text_of
from lake.formats.strings.time_patterns import EPOCH, WRITTEN, is_time

SEPARATORS = ("|", "\t", ";", "^", ",")
FEWEST_CELLS = 5
"""So many cells a separator must part lines into."""
MOST_LINES = 200
"""So many lines are looked at; all are fitted."""
LONGEST_GUESSED = 8_192
"""Characters of a line that is still looked at."""
METHOD = "(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH)"
REQUEST = rf"{METHOD} \S+ HTTP/\d(?:\.\d)?"
ADDRESS = r"(?:\d{1,3}(?:\.\d{1,3}){3}|(?=[^,\s]*::|(?:[^:,\s]*:){7})[0-9A-Fa-f:.]+)"
AGENT = r"Mozilla/\d.*|(?:curl|Wget|python-requests|Go-http-client|okhttp|Java|Googlebot|bingbot|[\w.-]*[Bb]ot)/\d.*"
ADDRESSES = rf"(?:{ADDRESS}|unknown)(?:, {ADDRESS})*"
WITH_PORT = r"\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}"
NUMBER = r"(?:-|\d+(?:\.\d+)?)"
STATUS = r"(?:10[0-3]|20[0-8]|226|30[0-8]|4(?:0\d|1[0-8]|2[1-9]|31|44|51|99)|5(?:0\d|1[01]|2[0-6]))"
ITEM = r"(?:-|[\d.:]+)"
CELL = re.compile(
    rf'(?:[A-Za-z_][\w.-]*[=:](?=["\[]))?(?:"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\((?:{WRITTEN})\))'
    rf'|[^\s"\[]*?{WRITTEN}[^\s\w"]*|{REQUEST}|{ITEM}(?:(?:, | : ){ITEM})+|[^\s"\[]+|[\["]',
    re.ASCII,
)
"""A cell of a line whose cells blanks part: quotes, brackets, a time, a request, a list of numbers, or a word."""
AROUND = (
    r"""(?s)(\s*(?:\[[A-Za-z_-]+\ |[A-Za-z_][\w.-]*(?:=|:\ |:(?=["'\[])))?["'\[(<{]?)"""
    r"""(.*?)(["'\])>}]?[,;:]?\s*)"""
)
"""What a cell has around its value: a key, quotes or brackets."""
KEYS = {
    **{key: field for field, keys in (*NGINX.fields.items(), *LABELS.items()) for key in keys},
    **{"site": "host", "ip": "ip_address", "client_ip": "ip_address", "rt": "response_time", "uri_path": "url"},
    **{
        "uri_query": "query",
        "length": "bytes",
        "bytes_out": "bytes",
        "http_method": "method",
        "time_taken": "response_time",
    },
}
"""A key before a value -> the field that it names."""


@dataclass(frozen=True)
class _Column:
    """The values of one cell of all lines, and what is the same around them."""

    before: str
    values: tuple[str, ...]
    after: str

    @property
    def key(self) -> str:
        match = re.search(r"([\w-]+)[=: ]+\W*$", self.before)
        return match[1].lower() if match else ""

    def all_are(self, pattern: str) -> bool:
        return all(re.fullmatch(pattern, value, re.ASCII) for value in self.values)

    def some_are(self, pattern: str) -> bool:
        """Return whether some values are so, and the others are nothing."""
        there = [value for value in self.values if value not in ("", "-")]
        return bool(there) and all(re.fullmatch(pattern, value, re.ASCII) for value in there)


def guess(lines: Sequence[str]) -> str | None:
    """Return a log string that fits all lines, or None if none can be guessed with confidence."""
    texts = [line.strip() for line in lines if line.strip()]
    if not texts or texts[0].startswith("{") or max(map(len, texts)) > LONGEST_GUESSED:
        return None
    sample = texts[:MOST_LINES]
    for columns in (*(_cells(sample, separator) for separator in SEPARATORS), _words(sample)):
        string = _string_of(columns) if columns else None
        if string and all(_fits(string, text) for text in texts):
            return string
    return None


def _cells(lines: Sequence[str], separator: str) -> list[_Column | str] | None:
    """Return the columns of lines whose cells a separator parts, with the separator between them."""
    is_apart = re.escape(separator) + r'(?=(?:[^"]*"[^"]*")*[^"]*\Z)'
    rows = [re.split(is_apart, line) for line in lines]
    if len(rows[0]) < FEWEST_CELLS or any(len(row) != len(rows[0]) for row in rows):
        return None
    columns: list[_Column | str] = []
    for values in zip(*rows, strict=True):
        columns += [_column(values), separator]
    return columns[:-1]


def _words(lines: Sequence[str]) -> list[_Column | str] | None:
    """Return the columns of lines whose cells blanks part, or quotes and brackets, with what is between them."""
    rows = [CELL.findall(line) for line in lines]
    gaps = [CELL.split(line) for line in lines]
    if any(gap != gaps[0] for gap in gaps) or any(len(row) != len(rows[0]) for row in rows):
        return None
    columns: list[_Column | str] = [gaps[0][0]]
    for values, gap in zip(zip(*rows, strict=True), gaps[0][1:], strict=True):
        columns += [_column(values), gap]
    return columns


def _column(cells: Sequence[str]) -> _Column:
    """Return the column of these cells; what is around values that are no more than this is a value itself."""
    around = [re.fullmatch(AROUND, cell) for cell in cells]
    sides = {(match[1], match[3]) for match in around if match}
    if len(sides) == 1 and all(around):
        (before, after) = sides.pop()
        return _Column(before, tuple(match[2] for match in around if match), after)
    return _Column("", tuple(cells), "")


def _string_of(columns: Sequence[_Column | str]) -> str | None:
    """Return the usable log string of these columns."""
    fields = _fields([column for column in columns if isinstance(column, _Column)])
    if fields is None:
        return None
    parts: list[Part] = []
    names = iter(fields)
    for column in columns:
        if isinstance(column, str):
            parts.append(column)
            continue
        name = next(names)
        parts += [column.before, *_inner(name, column), column.after]
    try:
        return log_string(text_of(placed(parts)))
    except FormatError:
        return None


def _inner(name: str, column: _Column) -> list[Part]:
    """Return what a column is between what is around its values."""
    if name == "ip_address" and column.all_are(WITH_PORT):
        return [Variable(name, {name: 0}), ":", Variable("port", otherwise="port")]
    if name != "_":
        return [Variable(name, {name: PATH})]  # beside which a query is needed
    if len({*column.values}) == 1 and column.all_are(r"[^\w\"]{2,}"):
        return [column.values[0]]
    is_list = any(" " in value for value in column.values)
    is_numbers = is_list and column.all_are(rf"{NUMBER}(?:(?:, | : ){NUMBER})*")
    return [Variable(name, otherwise="_numbers" if is_numbers else "_text" if is_list else "_")]


def _fields(columns: Sequence[_Column]) -> list[str] | None:
    """Return a field for each column, ``_`` where it is not known which; None without a time and a request."""
    fields = ["_"] * len(columns)
    for field, is_one in TESTS.items():
        if field in ("method", "url", "query") and "request" in fields:
            continue
        free = [index for index, name in enumerate(fields) if name == "_" and is_one(columns[index])]
        named = [index for index in free if KEYS.get(columns[index].key) == field]
        for index in sorted(named or free, key=lambda index: _rank(field, index, columns, fields))[:1]:
            if named or field not in NEED_KEY:
                fields[index] = field
    status = fields.index("status_code") if "status_code" in fields else len(fields)
    if (
        "bytes" not in fields
        and status + 1 < len(fields)
        and _is_size(columns[status + 1])
        and fields[status + 1] == "_"
    ):
        fields[status + 1] = "bytes"
    is_request = "request" in fields or ({"method", "url"} <= {*fields} and {"status_code", "ip_address"} & {*fields})
    return fields if "time" in fields and is_request else None


def _rank(field: str, index: int, columns: Sequence[_Column], fields: Sequence[str]) -> tuple[float, int]:
    """Return what is lower for a column that more probably is a field."""
    if field == "response_time":  # it is no shorter than the one of a server behind
        return -sum(map(_number, columns[index].values)), index
    if field == "status_code":
        asked = next((place for place, name in enumerate(fields) if name in ("request", "url")), 0)
        return float(index < asked), index
    if field == "time":
        return float(columns[index].all_are(EPOCH)), index
    return float(field == "ip_address" and any(value in ("", "-") for value in columns[index].values)), index


def _number(value: str) -> float:
    return float(value) if re.fullmatch(r"\d+\.\d+", value) else 0.0


def _is_size(column: _Column) -> bool:
    return column.some_are(r"\d+") and not column.all_are(r"[1-5]\d\d")


def _is_url(column: _Column) -> bool:
    return column.all_are(r"(?:/|https?://[^/]+/).*") and (KEYS.get(column.key) or "url") == "url"


TESTS: dict[str, Callable[[_Column], bool]] = {
    "time": lambda column: all(map(is_time, column.values)),
    "request": lambda column: column.some_are(REQUEST),
    "user_agent": lambda column: column.some_are(".+") and any(re.match(AGENT, value) for value in column.values),
    "method": lambda column: column.all_are(METHOD),
    "url": _is_url,
    "query": lambda column: not column.some_are(r"\?.*"),
    "status_code": lambda column: column.all_are(STATUS),
    "ip_address": lambda column: column.some_are(ADDRESSES) or column.all_are(WITH_PORT),
    "forwarded_for": lambda column: column.some_are(ADDRESSES),
    "referrer": lambda column: column.some_are(r"https?://.*") or KEYS.get(column.key) == "referrer",
    "response_time": lambda column: column.some_are(r"\d+\.\d{3}"),
    "host": lambda column: column.some_are(r"(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?"),
    "bytes": _is_size,
    "user_id": lambda column: True,
}
"""Field -> whether a column can be it, in the order in which they choose theirs."""
NEED_KEY = ("query", "forwarded_for", "bytes", "user_id")
"""Fields that do not show by themselves."""


def _fits(string: str, line: str) -> bool:
    """Return whether a line is read by a string, with values that a line of the web's has."""
    pattern = re.sub(r"(?<!\\)([*+?}])\+", r"\1", pattern_of(string)).replace(r"\z", r"\Z")
    match = re.search(pattern, line)
    fields = dict(zip(variables(string), match.groups(), strict=True)) if match else {}
    return is_time(fields.get("time", "")) and ("request" in fields or "url" in fields)
