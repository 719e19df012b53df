"""What the marts show of a client where clients are masked, in SQL of the audit's own."""

from __future__ import annotations

from psycopg2 import sql

MASKED = """
    case when {client} is null or {client} = any(array['unknown', 'erased']) then {client} else
        substr(encode(sha256(convert_to({secret} || {client}, 'UTF8')), 'hex'), 1, 12) || coalesce('@' || (
            case when not pg_input_is_valid({client}, 'inet') or strpos({client}, '/') > 0 then null
                when strpos({client}, ':') > 0 then host({client}::inet & inet 'ffff:ffff:ffff::') || '/48'
                else host({client}::inet & inet '255.255.255.0') || '/24' end
        ), '')
    end
"""


def shown(client: str, secret: str) -> sql.Composable:
    """Return SQL for what stands for a client, given the SQL for the client; without a secret, that is itself."""
    column = sql.SQL(client)
    return sql.SQL(MASKED).format(client=column, secret=sql.Literal(secret)) if secret else column
