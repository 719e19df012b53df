"""One suspected client: how its score adds up, what was decided on it when, and its last raw lines."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from anyio import to_thread
from psycopg2.extensions import cursor as Cursor

from lake.causes import cause_in
from lake.settings import PROJECT, Settings, child_environment
from page.marts import AwayError, Marts
from page.view import ViewError

LINES_SECONDS = 20.0
LONGEST_CLIENT = 255

CLIENT = """
select
    ip_address, class, score, is_convicted, would_convict, verdict, decided_by, verdict_reason, decided_at, is_crowd,
    events, bot_events, share, page_requests, views, add_to_carts, checkouts, paid_checkouts, errors,
    peak_requests_per_minute, first_seen_at, last_seen_at
from marts.bots
where ip_address = %(client)s
"""
REASONS = """
select
    listed.reason, listed.points, bots.figures -> listed.reason as figure, rules.threshold, rules.class, rules.meaning
from marts.bots
cross join lateral unnest(bots.reasons, bots.points) with ordinality as listed (reason, points, place)
left join marts.bot_rules as rules on listed.reason = rules.reason
where bots.ip_address = %(client)s
order by listed.place
"""
VERDICTS = """
select decided_at, verdict, decided_by, reason, clients, moved_events, is_last
from marts.verdict_history
where ip_address = %(client)s
order by number desc
limit 50
"""


class Suspects:
    """Answers questions about one client."""

    def __init__(self, settings: Settings, marts: Marts) -> None:
        """Look at nothing yet."""
        self._settings = settings
        self._marts = marts
        self._turn = asyncio.Lock()

    async def describe(self, client: str) -> dict[str, Any]:
        """Return the client's row of the marts, the reasons with their arithmetic, and the verdicts, newest first.

        Raises:
            ViewError: no such client is suspected.
            AwayError: the database does not answer.
        """
        require_client(client)

        def read(cursor: Cursor) -> dict[str, Any]:
            rows = {
                name: _rows(cursor, query, client)
                for name, query in (("client", CLIENT), ("reasons", REASONS), ("verdicts", VERDICTS))
            }
            return rows

        found = await to_thread.run_sync(self._marts.read, read)
        if not found["client"]:
            raise ViewError("this client is not among the suspects any more")
        return {**found, "client": found["client"][0]}

    async def lines(self, client: str) -> dict[str, Any]:
        """Return the client's last lines in bronze, and how many came when: one process at a time reads them.

        Raises:
            ViewError: that is no client.
            AwayError: bronze cannot be read, or not in time.
        """
        require_client(client)
        async with self._turn:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "page.raw_lines",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                cwd=PROJECT,
                env=child_environment(self._settings),
            )
            try:
                out, words = await asyncio.wait_for(process.communicate(json.dumps(client).encode()), LINES_SECONDS)
            except asyncio.TimeoutError:
                raise AwayError(f"bronze was not read within {LINES_SECONDS:.0f} s; try again") from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        if process.returncode:
            raise AwayError(f"the raw lines cannot be read: {cause_in(words.decode('utf-8', 'replace'))}")
        answer: dict[str, Any] = json.loads(out)
        return answer


def require_client(client: str) -> None:
    """Raise ViewError for what cannot be a client."""
    if not client or len(client) > LONGEST_CLIENT or "\0" in client:
        raise ViewError("client= names no client")


def _rows(cursor: Cursor, query: str, client: str) -> list[dict[str, Any]]:
    cursor.execute(query, {"client": client})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
