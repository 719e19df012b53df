"""Lines of access logs: common and combined, with or without a forwarded-for at their end."""

from __future__ import annotations

from lake.contracts import ERASED
from lake.formats.format import LineFormat, TimeFormat

TEXT = r'[^"\\]*+(?:\\.[^"\\]*+)*+'  # possessive: never recurses, however long the field
QUOTED = f'"({TEXT})"'
END = r'(?: "[^"]*+")?+[ \t\r\n]*+\z'
"""Perhaps a forwarded-for, and the end of the line."""
BARE = r'(?![^\r\n]*(?:\] "|" "[^\r\n]*" "))[^\r\n]*?'
"""An agent with quotes in it that nobody escaped; but not what looks like another line, or like more fields."""
AGENT = f'"((?:{TEXT}|{BARE})(?="{END}))"'

ACCESS_LOG = LineFormat(
    name="access_log",
    description="a line of a web server's access log, in the common or the combined format",
    pattern=(
        r"^(\S++) \S++ [^\[\r\n]*+\[([^\]\r\n]++)\] "  # address, identity, user, time
        rf"{QUOTED} (\d{{3}}) (\d++|-)"  # request, status, bytes
        rf"(?: {QUOTED} {AGENT})?+{END}"  # referrer, agent: combined format
    ),
    fields=("ip_address", "time", "request", "status_code", "bytes", "referrer", "user_agent"),
    time=TimeFormat(
        shape=r"^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\z",  # Spark takes years that it then fails on
        pattern="dd/MMM/yyyy:HH:mm:ss Z",
    ),
    erased=f'{ERASED} - - [{{time}}] "{{request}}" {{status_code}} {{bytes}} "-" "{{user_agent}}"',
    dashed=("bytes", "referrer", "user_agent"),
)
