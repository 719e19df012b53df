from __future__ import annotations

import pytest

from spark.agents import declared_bots, is_declared_bot


@pytest.mark.parametrize(
    "agent",
    [
        "Bot-Agent/1.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Mozilla/5.0 (compatible; AhrefsBot/6.1; +http://ahrefs.com/robot/)",
        "python-requests/2.32",
        "curl/8.5.0",
        "my own spider",
    ],
)
def test_agents_that_say_so_are_bots(agent: str) -> None:
    assert is_declared_bot(agent)


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Safari/537.36",
        "Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/120.0 Mobile Safari/537.36",
        "",
    ],
)
def test_browsers_are_not(agent: str) -> None:
    assert not is_declared_bot(agent)


def test_only_bots_are_returned() -> None:
    assert declared_bots(["Bot-Agent/1.0", "Mozilla/5.0 Firefox/131.0"]) == ["Bot-Agent/1.0"]
