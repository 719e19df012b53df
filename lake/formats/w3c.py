"""W3C's extended log format, of IIS and CloudFront: ``#Fields`` say which fields a line has, in which order."""

from __future__ import annotations

DIRECTIVE = "#Fields:"
FIELDS = {
    "date": "date",
    "time": "clock",
    "c-ip": "ip_address",
    "cs-username": "user_id",
    "cs-method": "method",
    "cs-uri-stem": "url",
    "cs-uri-query": "query",
    "cs-uri": "url",
    "sc-status": "status_code",
    "sc-bytes": "bytes",
    "cs(Referer)": "referrer",
    "cs(User-Agent)": "encoded_agent",
    "cs(X-Forwarded-For)": "forwarded_for",
    "X-Forwarded-For": "forwarded_for",
    "x-forwarded-for": "forwarded_for",
    "cs-host": "host",
    "cs(Host)": "host",
    "x-edge-request-id": "event_id",
}
"""Name of a field -> what log strings call it; ``time-taken`` apart."""
TIME_TAKEN = "time-taken"
"""Seconds where tabs part the fields, which is CloudFront, and milliseconds where blanks do, which is IIS."""


OWN_HOST, ASKED_HOST = "cs(Host)", "x-host-header"
"""CloudFront's own name, and the host that was asked for, which takes its place where both are there."""


def string_of(fields: str, separator: str) -> str:
    """Return the log string of lines that have these fields, as ``#Fields`` lists them, with a separator between them.

    A name that comes twice counts the first time.
    """
    names = fields.removeprefix(DIRECTIVE).split()
    called = {**FIELDS, TIME_TAKEN: "response_time" if separator == "\t" else "response_ms"}
    if ASKED_HOST in names:
        called = {**called, ASKED_HOST: "host", OWN_HOST: "_"}
    variables: list[str] = []
    for name in names:
        variable = called.get(name, "_")
        variables.append("{_}" if variable != "_" and f"{{{variable}}}" in variables else f"{{{variable}}}")
    return separator.join(variables)


def string_for(line: bytes, fields: str) -> str | None:
    """Return the log string of a line that has these fields; None where there are none."""
    return string_of(fields, "\t" if b"\t" in line else " ") if fields else None
