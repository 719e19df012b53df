"""Texts that are not in UTF-8: a BOM taken off, UTF-16 and UTF-32 brought to UTF-8, which the rest of Weblake reads."""

from __future__ import annotations

import codecs
import io
import re
from typing import Any

from ingest.files.source import Readable, buffered, head

UTF8_BOM = codecs.BOM_UTF8
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""That of UTF-32 begins with that of UTF-16."""
_WITHOUT_BOM = ((re.compile(rb"(?:[\t -~]\x00){8}"), "utf-16-le"), (re.compile(rb"(?:\x00[\t -~]){8}"), "utf-16-be"))


class _Recoded:
    """A text brought to UTF-8; what is no text in its encoding becomes U+FFFD."""

    def __init__(self, source: Readable, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")

    def read1(self, size: int, /) -> bytes:
        while True:  # a piece may end before the first character does
            piece = self._source.read1(max(4, size // 4))  # no character grows to more
            text = self._decoder.decode(piece, final=not piece).encode()
            if text or not piece:
                return text


def in_utf8(stream: io.BufferedReader[Any]) -> io.BufferedReader[Any]:
    """Return the text in UTF-8, without a BOM; the stream itself where it is that already, or is not told to differ."""
    begin = head(stream)
    if begin.startswith(UTF8_BOM):
        stream.read(len(UTF8_BOM))
        return stream
    for bom, encoding in _BOMS:
        if begin.startswith(bom):
            return buffered(_Recoded(stream, encoding))
    for pattern, encoding in _WITHOUT_BOM:
        if pattern.match(begin):
            return buffered(_Recoded(stream, encoding))
    return stream
