"""What is no access log, by its first bytes: files that hold no text, and logs of errors."""

from __future__ import annotations

import re

MOST_BYTES = 64 * 1024
"""So much of a text is looked at."""
MOST_CONTROL = 0.03
"""No log has so large a share of control characters; random bytes have a tenth, and numbers in binary more."""
_FOREIGN = (
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive; unpack it first"),
    (b"Rar!\x1a\x07", "a RAR archive; unpack it first"),
    (b"\x1f\x9d", "packed by compress; unpack it first, with gzip -dc"),
    (b"\x89LZO\x00", "packed by lzop; unpack it first"),
    (b"LZIP", "packed by lzip; unpack it first"),
    (b"\xff\x06\x00\x00sNaPpY", "packed by snappy; unpack it first"),
    (b"%PDF-", "a PDF document"),
    (b"\xd0\xcf\x11\xe0", "an office document; save the log as text"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"SQLite format 3\x00", "a database of SQLite; export the log as text"),
    (b"PAR1", "a Parquet file; export the log as text"),
    (b"Obj\x01", "an Avro file; export the log as text"),
    (b"LPKSHHRH", "a journal of systemd; export it with journalctl -o cat"),
    (b"ElfFile\x00", "an event log of Windows; export the log as text"),
    (b"\xd4\xc3\xb2\xa1", "a capture of network packets"),
    (b"\xa1\xb2\xc3\xd4", "a capture of network packets"),
    (b"\x0a\x0d\x0d\x0a", "a capture of network packets"),
    (b"#Software: Microsoft HTTP API", "the error log of Windows' HTTP server; import the logs of IIS itself"),
)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x1b")) + b"\x7f"
_NULS = re.compile(rb"(?:^|(?<=\n))\x00+")
_REQUEST = re.compile(rb"\{\s*\"|\S+ \S+ [^\[\n]*\[[^\]\n]+\] \"")
_LEVEL = rb"(?:debug|info|notice|warn|error|crit|alert|emerg)"
_ERROR_LOGS = (
    (re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[" + _LEVEL + rb"\] \d+#\d+:"), "nginx's error log"),
    (
        re.compile(rb"\[\w{3} \w{3} [ \d]\d [\d:.]+ \d{4}\] \[(?:[\w-]*:)?(?:trace\d|" + _LEVEL + rb")\]"),
        "Apache's error log",
    ),
    (
        re.compile(rb"\[\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d[^\]\n]*\] (?:PHP|NOTICE:|WARNING:|ERROR:)"),
        "an error log of PHP",
    ),
    (re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d: \([\w.-]+\.c[.:]\d+\)"), "lighttpd's error log"),
    (re.compile(rb"\d\d-\w{3}-\d{4} \d\d:\d\d:\d\d[.\d]* (?:INFO|WARNING|SEVERE|FINE) \["), "Tomcat's log of itself"),
    (re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]* \[(?:NOTICE|INFO|WARN|ERROR)\] \["), "LiteSpeed's error log"),
)


def foreign_kind(begin: bytes, text: bytes) -> str | None:
    """Return what a file is that is no access log, and what to do; None where it may be one.

    Args:
        begin: The first bytes of the file.
        text: The same, where it is text, in UTF-8.
    """
    for magic, kind in _FOREIGN:
        if begin.startswith(magic):
            return kind
    text = text[:MOST_BYTES]
    if _is_binary(text):
        return "a file that holds no text"
    return _error_log(text)


def _is_binary(text: bytes) -> bool:
    text = _NULS.sub(b"", text)  # what a truncated log that a server still writes begins with
    return len(text) - len(text.translate(None, _CONTROL)) > MOST_CONTROL * len(text)


def _error_log(text: bytes) -> str | None:
    """Return whose error log it is: no line at hand is a request, and most look like its lines, or the first does.

    An error may go on over many lines, and a container may write requests and errors into one log.
    """
    lines = [line for line in _NULS.sub(b"", text).split(b"\n") if line.strip()]
    if any(_REQUEST.match(line) for line in lines):
        return None
    for pattern, kind in _ERROR_LOGS:
        are_errors = [pattern.match(line) is not None for line in lines]
        if 2 * sum(are_errors) > len(lines) or are_errors[:1] == [True]:
            return f"{kind}, and no access log; import the access log beside it"
    return None
