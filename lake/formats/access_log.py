"""Lines of access logs: common and combined, with or without a list of forwarded-for."""

from __future__ import annotations

from lake.contracts import ERASED
from lake.formats.format import LineFormat, TimeFormat

ADDRESS = (
    r"\S++(?:(?<=,) \S++)*+"  # one, or a list of forwarded-for in its place
    r"(?: (?=\[?[0-9A-Fa-f]{0,4}[.:]|unknown,)\S++(?:(?<=,) \S++)*+)?"  # one, and then a list
)
NO_CLIENT = (
    r'(?!"|<\d'  # a line in quotes; the priority of syslog
    r"|\d{4}-\d\d-\d\dT|[A-Z][a-z]{2} [ \d]\d \d\d:"  # a time
    r"|\S++ [^\s:\[\]]++(?:\[[^\s\]]*+\])?+: )"  # a host that relays the lines of a program
)
"""How no line begins that begins with its client: a relay or a collector has put it before one."""
IDENTITY = r'(?:-|(?![^"\r\n]*[0-9:] - )\S++)'  # not what a relay has put before the whole line
TEXT = r'[^"\\]*+(?:\\.[^"\\]*+)*+'  # possessive: never recurses, however long the field
QUOTED = f'"({TEXT})"'
END = r'(?: "[^"]*+")?+[ \t\r\n]*+\z'
"""Perhaps a list of forwarded-for, and the end of the line."""
MORE = (
    r'\] "|" "[^\r\n]*" "'  # another line, or more than a referrer and an agent
    r'|(?<!\\)"(?: (?:-|[\d.]++))++ "[^"\r\n]*+"[ \t\r\n]*+\z'  # numbers, and then the last field
    r'|[ "][a-z_]++="[^"\r\n]*+"[ \t\r\n]*+\z'  # a last field with its name
)
BARE = rf"(?![^\r\n]*(?:{MORE}))[^\r\n]*?"
"""An agent with quotes in it that nobody escaped; but not what looks like another line, or like more fields."""
AGENT = f'"((?:{TEXT}|{BARE})(?="{END}))"'

ACCESS_LOG = LineFormat(
    name="access_log",
    description="a line of a web server's access log, in the common or the combined format",
    pattern=(
        rf"^{NO_CLIENT}({ADDRESS}) {IDENTITY} [^\[\r\n]*+\[([^\]\r\n]++)\] "  # address, identity, user, time
        rf"{QUOTED} (\d{{3}}) (\d++|-)"  # request, status, bytes
        rf"(?: {QUOTED} {AGENT})?+"  # referrer, agent: combined format
        r'(?: "([^"]*+)")?+[ \t\r\n]*+\z'  # a list again, and the end
    ),
    fields=("ip_address", "time", "request", "status_code", "bytes", "referrer", "user_agent", "forwarded_for"),
    time=TimeFormat(
        shape=r"^\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\z",  # Spark takes years that it then fails on
        pattern="dd/MMM/yyyy:HH:mm:ss Z",
    ),
    erased=f'{ERASED} - - [{{time}}] "{{request}}" {{status_code}} {{bytes}} "-" "{{user_agent}}"',
    dashed=("bytes", "referrer", "user_agent", "forwarded_for"),
)
