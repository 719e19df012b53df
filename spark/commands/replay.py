"""Replays by hand: ``weblake replay --from 2026-01-01 --to 2026-01-02 --dry-run``.

The running stream is asked to do it between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

from collections.abc import Callable

from lake.contracts import WINDOW_SECONDS
from lake.contracts.records import ReplayRecord, as_replay
from lake.requests import ReplayAnswer, ReplayRequest, new_id
from lake.settings import Settings
from spark import failpoints
from spark.commands.ask import carry_out, read_records


def replay_range(first: float, end: float, client: str | None, dry_run: bool) -> ReplayRequest:
    """Return the request to replay all windows that the range (epoch seconds) touches."""
    first_window = int(first) // WINDOW_SECONDS * WINDOW_SECONDS
    last_window_end = -(-int(end) // WINDOW_SECONDS) * WINDOW_SECONDS
    return ReplayRequest(new_id(), first_window, last_window_end, client=client, dry_run=dry_run)


def undo_replay(replay_id: str, dry_run: bool) -> ReplayRequest:
    """Return the request to append the negative of a replay."""
    return ReplayRequest(new_id(), 0, 0, dry_run=dry_run, undo=replay_id)


def replay(settings: Settings, request: ReplayRequest, show: Callable[[ReplayAnswer], None]) -> ReplayRecord:
    """Have a replay done, and return the outcome; ``show`` is given how many pieces are done.

    Raises:
        LakeError: it was refused.
    """
    failpoints.arm(settings.fail_at)
    return carry_out(settings, request, ReplayAnswer, show).outcome()


def replay_records(settings: Settings) -> list[ReplayRecord]:
    """Return the replays on record, the oldest first."""
    return read_records(settings, settings.replays, as_replay)
