"""Why PostgreSQL does not let somebody in: what heals by waiting, and what does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lake.settings import Settings
from stack.servers import postgres
from stack.servers.ports import pick_quiet_ports
from stack.servers.refusals import Refusal, refusal_in

PLACE = 'connection to server at "127.0.0.1", port 5432 failed: '


@pytest.mark.parametrize(
    ("message", "words", "is_final"),
    [
        (
            f"{PLACE}Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?\n",
            "it does not listen yet (Connection refused)",
            False,
        ),
        (
            f"{PLACE}FATAL:  the database system is starting up\n",
            "it is not ready yet: the database system is starting up",
            False,
        ),
        (
            f"{PLACE}FATAL:  the database system is not yet accepting connections\nDETAIL:  Consistent recovery state "
            "has not been yet reached.\n",
            "it is not ready yet: the database system is not yet accepting connections",
            False,
        ),
        (
            'connection to server at "localhost" (::1), port 5432 failed: Connection refused\n\tIs the server running '
            "on that host and accepting TCP/IP connections?\n"
            'connection to server at "localhost" (127.0.0.1), port 5432 failed: FATAL:  password authentication failed '
            'for user "owner"\n',
            'password authentication failed for user "owner"',
            True,
        ),
        (
            f'{PLACE}FATAL:  could not open file "base/5/2601": No space left on device\n',
            'could not open file "base/5/2601": No space left on device',
            False,
        ),
        (f'{PLACE}FATAL:  role "owner" does not exist\n', 'role "owner" does not exist', True),
    ],
)
def test_a_message_is_told_in_words(message: str, words: str, is_final: bool) -> None:
    assert refusal_in(message) == Refusal(words, is_final)


@pytest.mark.stack
def test_a_real_server_s_no_is_final_and_silence_is_not(stack_settings: Settings) -> None:
    assert postgres.refusal(stack_settings, "owner") is None
    wrong = replace(stack_settings, owner_password="wrong")
    assert postgres.refusal(wrong, "owner") == Refusal('password authentication failed for user "owner"', is_final=True)
    (closed,) = pick_quiet_ports(1)
    silence = postgres.refusal(replace(stack_settings, postgres_port=closed), "owner")
    assert silence == Refusal("it does not listen yet (Connection refused)", is_final=False)
