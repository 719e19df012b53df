"""A server of tests that does not wait for the disk: what only a crash of the whole machine could tell."""

from __future__ import annotations

from contextlib import closing

from lake.settings import Settings
from stack.servers import postgres


def leave_writing_to_the_system(settings: Settings) -> None:
    """Have PostgreSQL end no transaction with a wait for the disk. What it has written outlives its own end."""
    with closing(postgres.connect(settings, postgres.OWNER, "postgres")) as connection, connection.cursor() as cursor:
        for name in ("fsync", "full_page_writes"):
            cursor.execute(f"alter system set {name} = off")
        cursor.execute("select pg_reload_conf()")
