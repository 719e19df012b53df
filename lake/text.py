"""Text from outside, fit to be shown: it moves no cursor, sets no colour, turns no letters round and begins no line."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return the text with every character that does not print, such as ESC, a line's end or U+202E, as ``\x1b``."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def printable_lines(text: str) -> str:
    """Return text of several lines, such as the end of a log, with each line :func:`printable`."""
    return "\n".join(printable(line) for line in text.split("\n"))
