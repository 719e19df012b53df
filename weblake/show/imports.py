"""What became of an import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lake.errors import brief
from lake.text import printable
from weblake.console import BAD, DIM, GOOD, note, write
from weblake.process import FAILED, INTERRUPTED

if TYPE_CHECKING:
    from ingest.account import Account
    from ingest.import_logs import Outcome
    from lake.posts import Worker


def show_outcome(outcome: Outcome, down: Worker | None = None) -> int:
    """Show what was sent; return the exit code. ``down`` is the `make down` that is at work."""
    write(outcome.summary, BAD if outcome.problems else GOOD)
    for text in (*outcome.notes, *outcome.problems):
        note(f"weblake: {text}")
    if outcome.was_interrupted:
        if down:
            note(f"weblake: {down} stops the stack")
        note("weblake: import the same files again to go on; no line counts twice")
        return INTERRUPTED
    return FAILED if outcome.problems else 0


def show_account(account: Account, most_rejected: float) -> int:
    """Show what was counted and what was not; return the exit code. ``most_rejected`` is a share of the lines."""
    share = account.rejected / account.known if account.known else 0.0
    if account.known:
        counts = (f"{account.counted:,} counted, {account.duplicates:,} duplicate", f"{account.rejected:,} rejected")
        write(", ".join(counts), BAD if share > most_rejected else GOOD)
    for rejection in account.rejections:
        write(f"  {rejection.lines:,} {rejection.reason}: {rejection.advice}")
        write(f"    {rejection.place}: {brief(printable(rejection.text.decode(errors='replace')))}", DIM)
    if account.note:
        note(f"weblake: {account.note}")
    elif account.missing:
        note(f"weblake: {account.missing:,} lines are not in bronze; `make status` says how far the stream is")
    if account.unknown:
        note(
            f"weblake: of {account.unknown:,} lines it is not known where Kafka has them, so what became of them was "
            "not looked up"
        )
    if share > most_rejected:
        note(
            f"weblake: {share:.0%} of the lines were rejected, more than REJECT_SHARE={most_rejected:g}; they are kept "
            "in bronze, and `make replay` counts them once Weblake can read them"
        )
        return FAILED
    return 0
