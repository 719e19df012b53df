"""Lines of access logs: common and combined, with or without a list of forwarded-for.

Each line is matched, so the pattern is one that Java is quick at: it runs over ``(?>[^"]*)`` in a loop, and over
``[^"]*+``, which means the same, with calls for each character.
"""

from __future__ import annotations

from lake.contracts import ERASED
from lake.formats.format import LineFormat, TimeFormat

LIST = r"(?:(?<=,) \S++)*+"
"""What goes on after a comma: a list of forwarded-for."""
NO_RELAY = r"(?! [^\s:\[\]]++(?:\[[^\s\]]*+\])?+: )"
"""What does not stand behind a client: the name of a program, whose lines a host relays."""
ADDRESS = (
    r"(?>[^\s,]+)(?= - )"  # one, as usual
    rf"|(?![^\s,]++ - )(?>\S+){NO_RELAY}{LIST}"  # or a list in its place
    rf"(?: (?=\[?[0-9A-Fa-f]{{0,4}}[.:]|unknown,)\S++{LIST})?"  # one, and then a list
)
NO_CLIENT = r'(?!"|<\d|\d{4}-\d\d-\d\dT|[A-Z][a-z]{2} [ \d]\d \d\d:)'  # quotes, syslog's priority, times
"""How no line begins that begins with its client: a relay or a collector has put it before one."""
IDENTITY = r'(?>-(?= )|(?![^"\r\n]*[0-9:] - )\S+)'  # not what a relay has put before the whole line
TEXT = r'(?>[^"\\]*)(?:\\.(?>[^"\\]*))*+'  # never recurses, however long the field
QUOTED = f'"({TEXT})"'
END = r'(?: "[^"]*+")?+[ \t\r\n]*+\z'
"""Perhaps a list of forwarded-for, and the end of the line."""
MORE = (
    r'\] "|" "[^\r\n]*" "'  # another line, or more than a referrer and an agent
    r'|(?<!\\)"(?: (?:-|[\d.]++))++ "[^"\r\n]*+"[ \t\r\n]*+\z'  # numbers, and then the last field
    r'|[ "][a-z_]++="[^"\r\n]*+"[ \t\r\n]*+\z'  # a last field with its name
)
BARE = rf'(?=[\s\S]*"[ \t\r\n]*+\z)(?![^\r\n]*(?:{MORE}))[^\r\n]*?'
"""An agent with quotes in it that nobody escaped; but not what looks like another line, or like more fields.

Such a line ends with a quote, which is quickly seen: most lines with more fields do not.
"""
AGENT = f'"((?:{TEXT}|{BARE})(?="{END}))"'

ACCESS_LOG = LineFormat(
    name="access_log",
    description="a line of a web server's access log, in the common or the combined format",
    pattern=(
        rf"^{NO_CLIENT}({ADDRESS}) {IDENTITY} (?>[^\[\r\n]*)\[((?>[^\]\r\n]+))\] "  # address, identity, user, time
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
