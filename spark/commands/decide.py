"""Verdicts by hand: ``weblake convict --ip 203.0.113.7 --reason "..."``.

The running stream is asked to carry it out between two batches; where none runs, it is done here, under the lock.
"""

from __future__ import annotations

from lake.contracts.records import BY_HAND, Change, VerdictRecord, as_verdict
from lake.errors import SettingsError
from lake.requests import VerdictAnswer, VerdictRequest, new_id
from lake.settings import Settings
from spark.commands.ask import carry_out, read_records


def decide(settings: Settings, address: str, verdict: str, reason: str, dry_run: bool) -> VerdictAnswer:
    """Have a verdict carried out, and return the outcome.

    Args:
        settings: Where the lake and the requests are.
        address: The client's, as the marts write it.
        verdict: ``convicted``, ``pardoned`` or ``released``.
        reason: What stays on record.
        dry_run: Return what it would move, and change nothing.

    Raises:
        SettingsError: there is no reason.
        LakeError: it was refused.
    """
    if not reason.strip():
        raise SettingsError('a verdict by hand needs a reason, which stays on record; give --reason="..."')
    change = Change(address, verdict, reason.strip())
    return carry_out(settings, VerdictRequest(new_id(), BY_HAND, (change,), dry_run), VerdictAnswer, lambda _: None)


def verdict_records(settings: Settings) -> list[VerdictRecord]:
    """Return the verdicts on record, the oldest first."""
    return read_records(settings, settings.verdicts, as_verdict)
