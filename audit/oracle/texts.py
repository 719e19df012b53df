"""A record's bytes as text, in plain Python; shares no code with ``spark/``."""

from __future__ import annotations

import re

AROUND = " \t\r\n\0\ufeff"
BACKSLASHES = re.compile(r"\\+(?:x([0-9A-Fa-f]{2})|u0000)?")
HIGH_BYTES = re.compile(r"(?:%[89A-Fa-f][0-9A-Fa-f])+")


def read_text(value: bytes | None) -> str:
    """Return the text of a record: U+FFFD for what is no UTF-8, without what stands around the record.

    A NUL in a line is U+FFFD. In an object it stays, for there it is an error. Escapes that JSON has not, ``\\xE7``,
    are the byte that they name, and an escaped NUL is U+FFFD.
    """
    text = (value or b"").decode(errors="replace").strip(AROUND)
    if not text.startswith("{"):
        return text.replace("\0", "\ufffd")
    return with_escapes_of_json(text)


def with_escapes_of_json(text: str) -> str:
    """Return an object's text with escapes that JSON has, in the places of those that servers write beside them."""
    if "\\x" not in text and "\\u0000" not in text:
        return text
    marked = text.replace("%", "%25")

    def escape(match: re.Match[str]) -> str:
        backslashes = match[0].count("\\")
        if backslashes % 2 == 0:  # each second one is escaped, and so is the last
            return match[0]
        before, kind = "\\" * (backslashes - 1), match[0][backslashes:]
        if kind == "u0000":
            return before + "\\ufffd"
        if match[1] is None:
            return match[0]
        code = int(match[1], 16)
        if code >= 0x80:
            return f"{before}%{match[1]}"
        return before + ("\\ufffd" if code == 0 else f"\\u{code:04x}")

    escaped = BACKSLASHES.sub(escape, marked)
    decoded = HIGH_BYTES.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode(errors="replace"), escaped)
    return decoded.replace("%25", "%")
