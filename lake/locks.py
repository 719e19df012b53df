"""Who holds locks on the tables of a schema: for the errors of those who waited for one in vain."""

from __future__ import annotations

from psycopg2.extensions import cursor as Cursor

_HOLDERS = """
select distinct pid, usename, application_name, to_char(xact_start at time zone 'UTC', 'HH24:MI:SS')
from pg_locks
inner join pg_class on relation = pg_class.oid
inner join pg_stat_activity using (pid)
where relnamespace = to_regnamespace(%s) and granted and pid <> pg_backend_pid()
order by 1
"""


def lock_holders(cursor: Cursor, schema: str) -> str:
    """Return which other sessions hold locks on tables of the schema, as words that end a sentence.

    Since when a session of another role holds them is shown to superusers only.
    """
    cursor.execute(_HOLDERS, (schema,))
    sessions = [
        f"pid {pid} (role {role}, application {application or 'unknown'}{f', since {since} UTC' if since else ''})"
        for pid, role, application, since in cursor.fetchall()
    ]
    return f"locks on {schema}: {', '.join(sessions) or 'nobody any more'}"
