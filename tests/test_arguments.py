"""What is written on the command line: clients, as the stream spells them."""

from __future__ import annotations

import pytest

from lake.contracts import ERASED, UNKNOWN
from lake.errors import SettingsError
from weblake.arguments import read_client


@pytest.mark.parametrize(
    ("text", "client"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ("Host.Example.com", "host.example.com"),
        ("host.example.com.", "host.example.com"),
        ("localhost", "localhost"),
        (" pc17 ", "pc17"),
        ("shop_1", "shop_1"),
        ("1and1", "1and1"),
        ("203.0.113.x", "203.0.113.x"),
        ("203.0.*.*", "203.0.*.*"),
        ("2001:db8:x:x::1", "2001:db8:x:x::1"),
    ],
)
def test_a_client_is_whatever_the_stream_counts_as_one(text: str, client: str) -> None:
    assert read_client(text) == client


@pytest.mark.parametrize(
    "text", ["", ".", "*", "192.0.2", "192.0.2.300", "17", "a b", "a..b", "shop/1", "x" * 254, UNKNOWN, ERASED]
)
def test_what_is_no_client_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="is not an IP address, nor a host's name"):
        read_client(text)
