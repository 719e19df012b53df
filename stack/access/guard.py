"""The guard: ends sessions of readers that take more than is theirs. A thread of ``weblake run marts``.

A reader's time limits are settings, and a session may change its settings. So somebody has to look.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing
from dataclasses import dataclass

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection

from lake.causes import cause
from lake.contracts.reports import report_round
from lake.settings import Settings
from lake.space import AT_WORK, glance
from stack.servers import postgres, reserve
from stack.servers.blockers import Session
from stack.servers.roles import GUARD, IDLE_SECONDS, IS_READER, RESERVED, SECONDS_A_QUERY, TRANSACTION_SECONDS

log = logging.getLogger(__name__)

LOOK_SECONDS = 5.0
RETRY_SECONDS = 15.0
GRACE_SECONDS = 10
"""How much longer than its own limits a session may take; PostgreSQL keeps a session to them that leaves them alone."""
BLOCKING_SECONDS = 5
"""How long a reader may keep one of our programs waiting."""
OFFENCES = sql.SQL(
    """
    with readers as (
        select *, coalesce({seconds_a_query}, 60) as seconds
        from pg_stat_activity
        where {is_reader} and backend_type = 'client backend'
    ),

    waiting as (
        select usename, unnest(pg_blocking_pids(pid)) as blocker
        from pg_locks
        inner join pg_stat_activity using (pid)
        where not granted and waitstart < now() - {blocking} and usename = any({ours})
    ),

    offences as (
        select pid, 'kept ' || waiting.usename || ' waiting' as offence
        from readers
        inner join waiting on readers.pid = waiting.blocker

        union all
        select pid, 'its query may take ' || seconds || ' s'
        from readers
        where state = 'active' and query_start < now() - make_interval(secs => seconds) - {grace}

        union all
        select pid, 'its transaction did nothing for ' || {idle}
        from readers
        where state like 'idle in transaction%' and state_change < now() - {idle} - {grace}

        union all
        select pid, 'its transaction may take ' || greatest({transaction}, make_interval(secs => seconds))
        from readers
        where xact_start < now() - greatest({transaction}, make_interval(secs => seconds)) - {grace}

        union all
        select pid, {no_room}
        from readers
        where state <> 'idle' and {no_room} <> ''
    )

    select distinct on (pid) offence, pid, usename::text, application_name, coalesce(xact_start, query_start), true
    from offences
    inner join readers using (pid)
    """
)


@dataclass(frozen=True)
class Limits:
    """What readers are held to, in seconds; how long a query may take is on record with the role."""

    grace: float = GRACE_SECONDS
    idle: float = IDLE_SECONDS
    transaction: float = TRANSACTION_SECONDS
    blocking: float = BLOCKING_SECONDS


def keep_watch(settings: Settings, stop: threading.Event) -> None:
    """Look at the readers' sessions every few seconds until ``stop`` is set; no failure ends it."""
    while not stop.is_set():
        try:
            with closing(postgres.connect(settings, GUARD)) as connection:
                while not stop.is_set():
                    short = glance(settings, AT_WORK, "readers' queries are ended") or ""
                    end_offenders(connection, Limits(), short)
                    report_round(settings.loop_file(GUARD), None)
                    reserve.keep(settings)
                    stop.wait(LOOK_SECONDS)
        except psycopg2.Error as error:
            log.warning("the guard cannot look at the readers: %s; next try in %.0f s", cause(error), RETRY_SECONDS)
            report_round(settings.loop_file(GUARD), f"{cause(error)}; `make up` gives it what it needs")
            stop.wait(RETRY_SECONDS)


def end_offenders(connection: Connection, limits: Limits, no_room: str = "") -> list[Session]:
    """End the sessions of readers that are beyond a limit, or keep one of our programs waiting; return them.

    ``no_room`` says that the disk is nearly full, if it is: then all are ended that do anything, for they may write.

    Raises:
        psycopg2.Error: PostgreSQL does not answer, or does not let the guard end a session.
    """
    query = OFFENCES.format(
        is_reader=IS_READER,
        seconds_a_query=SECONDS_A_QUERY.format(role=sql.SQL("usesysid")),
        ours=sql.Literal([postgres.OWNER, *RESERVED]),
        grace=_interval(limits.grace),
        idle=_interval(limits.idle),
        transaction=_interval(limits.transaction),
        blocking=_interval(limits.blocking),
        no_room=sql.Literal(no_room),
    )
    ended = []
    with connection.cursor() as cursor:
        cursor.execute(query)
        for offence, *facts in cursor.fetchall():
            session = Session(*facts)
            cursor.execute("select pg_terminate_backend(%s)", (session.pid,))
            log.warning("ended a reader's session, %s: %s", session, offence)
            ended.append(session)
    return ended


def _interval(seconds: float) -> sql.Composed:
    return sql.SQL("interval {}").format(sql.Literal(f"{seconds} s"))
