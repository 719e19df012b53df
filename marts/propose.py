"""Proposes verdicts: asks the stream to convict or release the clients whose scores changed."""

from __future__ import annotations

import logging
from contextlib import closing

import psycopg2

from lake.contracts import CONVICTED, RELEASED
from lake.contracts.records import BY_MARTS, Change
from lake.requests import VerdictAnswer, VerdictRequest, ask, new_id, read_answer, waiting, withdraw
from lake.settings import Settings

log = logging.getLogger(__name__)

MOST_AT_ONCE = 500
TO_CONVICT = """
    select bots.ip_address, array_to_string(bots.reasons, ', ') || ' (score ' || bots.score || ')'
    from staging.bots
    left join silver.verdicts on bots.ip_address = verdicts.ip_address
    where bots.would_convict and bots.crawler_events + bots.tool_events < bots.events and bots.ip_address <> 'erased'
        and coalesce(verdicts.verdict, 'released') = 'released'
    order by bots.score desc, bots.ip_address
    limit %s
"""
TO_RELEASE = """
    select verdicts.ip_address, 'its score fell below the threshold'
    from silver.verdicts
    left join staging.bots on verdicts.ip_address = bots.ip_address
    where verdicts.verdict = 'convicted' and verdicts.decided_by = 'marts' and not coalesce(bots.would_convict, false)
    order by verdicts.ip_address
    limit %s
"""


def propose(settings: Settings) -> bool:
    """Ask the stream for the verdicts that the scores now call for; return whether there were any.

    It asks for nothing while earlier verdicts wait for the stream.

    Raises:
        psycopg2.Error: PostgreSQL does not answer.
    """
    if waiting(settings.requests, VerdictRequest):
        return False
    _forget_answers(settings)
    changes = changes_due(settings)
    if changes:
        ask(settings.requests, VerdictRequest(f"{BY_MARTS}-{new_id()}", BY_MARTS, changes))
        log.info("asked for verdicts on %d clients", len(changes))
    return bool(changes)


def changes_due(settings: Settings) -> tuple[Change, ...]:
    """Return the verdicts that the scores call for and that are not yet in the counts."""
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        changes = []
        for verdict, query in ((CONVICTED, TO_CONVICT), (RELEASED, TO_RELEASE)):
            cursor.execute(query, (MOST_AT_ONCE,))
            changes += [Change(address, verdict, reason) for address, reason in cursor.fetchall()]
    return tuple(changes)


def _forget_answers(settings: Settings) -> None:
    """Delete the answers to earlier requests, which nobody waits for; log what was refused or has to wait."""
    for path in settings.requests.glob(f"{BY_MARTS}-*.answer"):
        request_id = path.name.removesuffix(".answer")
        answer = read_answer(settings.requests, request_id, VerdictAnswer)
        if answer and answer.error is not None:
            log.warning("the stream did not carry out verdicts: %s", answer.error)
        withdraw(settings.requests, request_id)
