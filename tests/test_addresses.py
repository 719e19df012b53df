"""One spelling of a client's address, and all others of it within text."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lake.addresses import address_pattern, canonical

ADDRESSES = st.one_of(
    st.ip_addresses(v=4),
    st.ip_addresses(v=6),
    st.lists(st.sampled_from([0, 0, 0, 1, 0xAB, 0xFFFF]), min_size=8, max_size=8).map(
        lambda groups: ipaddress.ip_address(":".join(f"{group:x}" for group in groups))
    ),
)


def spellings(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> set[str]:
    """Ways to write an address that servers have."""
    if isinstance(address, ipaddress.IPv4Address):
        mapped = ipaddress.ip_address(f"::ffff:{address}")
        return {str(address), f"::ffff:{address}", f"::FFFF:{address}", f"0:0:0:0:0:ffff:{address}"} | spellings(mapped)
    dotted = f"{address.exploded[:30]}{ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)}"
    groups = [f"{int(group, 16):x}" for group in address.exploded.split(":")]
    return {str(address), address.exploded, address.exploded.upper(), ":".join(groups), dotted}


@given(ADDRESSES)
def test_every_spelling_has_one_canonical_one(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    inside = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    own = str(inside or address)
    assert {canonical(spelling) for spelling in spellings(address)} == {own}


@given(ADDRESSES, ADDRESSES)
def test_a_pattern_finds_every_spelling_of_its_address_and_of_no_other(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, other: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> None:
    for spelling in spellings(address):
        pattern = re.compile(address_pattern(spelling))
        for text in spellings(address):
            assert pattern.sub("erased", f'"{text}", [{text}]:443 {text}%eth0') == '"erased", [erased]:443 erased%eth0'
        if canonical(str(other)) != canonical(str(address)):
            is_v4 = isinstance(other, ipaddress.IPv4Address)  # one at the end of IPv6 is found, to be on the safe side
            assert not any(pattern.search(text) for text in spellings(other) if is_v4 or "." not in text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("203.0.113.7:51812", "203.0.113.7"),
        ("[2001:DB8::7]:443", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        (" ::ffff:203.0.113.7 ", "203.0.113.7"),
        ("::203.0.113.7", "::cb00:7107"),
    ],
)
def test_what_stands_around_an_address_is_taken_off(text: str, address: str) -> None:
    assert canonical(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "-", "shop.example", "203.0.113.x", "203.0.113", "203.0.113.07", "1::2::3", "256.1.1.1", "203.0.113.7/24"],
)
def test_what_is_no_address_has_no_spelling(text: str) -> None:
    assert canonical(text) is None


def test_a_name_is_found_where_it_stands_alone() -> None:
    pattern = re.compile(address_pattern("dsl-3.isp.example"))
    found = pattern.findall(
        "dsl-3.isp.example DSL-3.ISP.Example, xdsl-3.isp.example a.dsl-3.isp.example dsl-3.isp.example.org"
    )
    assert found == ["dsl-3.isp.example", "DSL-3.ISP.Example"]


@pytest.mark.parametrize("text", ["203.0.113.70", "1203.0.113.7", "4.203.0.113.7", "203.0.113.7.5"])
def test_an_address_within_another_is_not_found(text: str) -> None:
    assert not re.search(address_pattern("203.0.113.7"), text)
