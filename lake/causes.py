"""The cause of an error in one line of words: what lies under all that Spark, Java and Python have piled on it."""

from __future__ import annotations

import re

from lake.errors import WeblakeError, first_line

MOST_CHARACTERS = 300
QUERY = "=== Streaming Query ==="
"""What follows it is a page about the query and its plan."""
LAYERS = tuple(
    re.compile(pattern, re.MULTILINE)
    for pattern in (
        r"^lake\.errors\.\w+: (.+)$",  # an error of ours, in a traceback: written for people
        r"^\s*Caused by: (.+)$",
        r"^: (.+)$",  # Java's error, after py4j's line
        r"^(?!Traceback)([A-Za-z_][\w.]*(?:Error|Exception|Interrupt)(?:: .+)?)$",  # the end of a Python traceback
        r"^Reason: (.+)$",
        r"Lost task \S+ in stage \S+ \(TID \d+\) \([^()]*\): (.+)$",
        r"terminated with exception: (.+)$",
    )
)
"""What announces something that lies deeper; of several the last, and of what that says the same again."""
CLASS = re.compile(r"((?:[\w$]+\.)*[\w$]*(?:Error|Exception|Interrupt))(?:: (.*))?$")
SQL_STATE = re.compile(r"\s*SQLSTATE: \w{5}$")


def cause(error: BaseException) -> str:
    """Return why it came to an error, in one line: for people, who need to know what to do about it."""
    if isinstance(error, WeblakeError):
        return first_line(error)
    while inner := getattr(error, "_cause", None):  # PySpark's, for an exception of Java's
        error = inner
    text = str(error) or str(getattr(error, "_stackTrace", ""))
    return cause_in(f"{type(error).__name__}: {text}" if " " not in text.strip() else text)


def cause_in(text: str) -> str:
    """Return the cause that a text names, such as a traceback or what Spark says of a query that failed."""
    words = _bottom(text.partition(QUERY)[0])
    return words if len(words) <= MOST_CHARACTERS else f"{words[: MOST_CHARACTERS - 1]}…"


def _bottom(text: str) -> str:
    for layer in LAYERS:
        lower = layer.findall(text)
        if lower and lower[-1] != text:
            return _bottom(lower[-1])
    line = SQL_STATE.sub("", (text.strip().splitlines() or [""])[0]).strip().rstrip(";:")
    return _without_class(line)


def _without_class(line: str) -> str:
    """Take off the name of an error's class, unless the rest would be a mere path, name or number."""
    named = CLASS.match(line)
    if named is None:
        return line
    name, message = named[1], (named[2] or "").strip()
    name = re.split(r"[.$]", name)[-1]
    if CLASS.match(message):
        return _without_class(message)
    return message if " " in message else f"{name}: {message}".rstrip(": ")
