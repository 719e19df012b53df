"""Which verdicts the court admits: what stands, and what has to wait."""

from __future__ import annotations

from lake.contracts import RELEASED
from lake.contracts.records import BY_HAND, BY_MARTS, HOLD_SECONDS, Change
from lake.requests import VerdictRequest
from spark.errands.court import admissible
from spark.tables.verdicts import Verdict, Verdicts

BOT = "198.51.100.1"


def test_what_a_hand_decided_stands_and_the_marts_wait_an_hour() -> None:
    def request(verdict: str, by: str) -> VerdictRequest:
        return VerdictRequest("r", by, (Change(BOT, verdict, ""),))

    by_marts = Verdicts({BOT: Verdict("convicted", BY_MARTS, 1_000.0, "")})
    taken_back = Verdicts({BOT: Verdict(RELEASED, BY_HAND, 1_000.0, "")})
    by_hand = Verdicts({BOT: Verdict("pardoned", BY_HAND, 1_000.0, "")})
    soon, later = 1_000.0 + HOLD_SECONDS - 1, 1_000.0 + HOLD_SECONDS
    change = [Change(BOT, RELEASED, "")]
    assert admissible(by_marts, request(RELEASED, BY_MARTS), soon) == ([], change)
    assert admissible(by_marts, request(RELEASED, BY_MARTS), later) == (change, [])
    assert admissible(by_marts, request(RELEASED, BY_HAND), soon) == (change, [])
    assert admissible(by_hand, request("convicted", BY_MARTS), later) == ([], [])
    assert admissible(taken_back, request("convicted", BY_MARTS), soon) == ([Change(BOT, "convicted", "")], [])
    assert admissible(by_hand, request("convicted", BY_HAND), soon) == ([Change(BOT, "convicted", "")], [])
