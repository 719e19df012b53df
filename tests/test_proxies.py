"""Whom ``TRUSTED_PROXIES`` names."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from settings_in import settings_in

from lake.errors import RulesError, SettingsError
from lake.networks import read_networks
from lake.proxies import FOLDER, check_proxies, load_proxies
from lake.url_rules import load_rules


def trusts(setting: str, address: str) -> bool:
    return any(ipaddress.ip_address(address) in network for network in load_proxies(setting).networks)


@pytest.mark.parametrize("address", ["10.1.2.3", "127.0.0.1", "172.31.0.1", "192.168.1.1", "::1", "fd00::1"])
def test_private_addresses_are_trusted_unless_nobody_is(address: str) -> None:
    assert trusts("private", address)
    assert trusts("192.0.2.4", address)
    assert not trusts("none", address)
    assert not trusts("none,192.0.2.4", address)


@pytest.mark.parametrize(
    "setting", ["192.0.2.4 198.51.100.0/24", "198.51.100.0/24,192.0.2.4", "none, 192.0.2.4,198.51.100.0/24"]
)
def test_addresses_and_networks_are_listed_with_commas_or_blanks(setting: str) -> None:
    assert trusts(setting, "192.0.2.4")
    assert trusts(setting, "198.51.100.99")
    assert not trusts(setting, "192.0.2.5")


def test_ipv4_within_ipv6_is_ipv4() -> None:
    assert trusts("::ffff:192.0.2.0/120", "192.0.2.4")


def test_a_name_is_a_list_that_says_of_when_it_is_and_where_it_comes_from() -> None:
    assert trusts("cloudflare", "104.16.0.1")
    assert trusts("cloudflare", "2606:4700::1")
    assert trusts("cloudflare", "10.0.0.1")
    for path in FOLDER.iterdir():
        assert read_networks(path)
        head = path.read_text().splitlines()[0]
        assert head.startswith("#")
        assert "as of 20" in head
        assert "Source: https://" in head


def test_a_path_is_a_list_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "cdn.txt"
    path.write_text("# our CDN\n192.0.2.0/28  # Frankfurt\n\n2001:db8:ffff::/48\n")
    settings = settings_in(tmp_path, TRUSTED_PROXIES=f"none,{path}")
    assert {str(network) for network in load_rules(settings).proxies.networks} == {"192.0.2.0/28", "2001:db8:ffff::/48"}
    bad = tmp_path / "bad.txt"
    bad.write_text("192.0.2.0/28\n192.0.2.1/28\n")
    with pytest.raises(RulesError, match=r"bad\.txt, line 2: '192\.0\.2\.1/28' is no address and no network"):
        load_proxies(str(bad))


@pytest.mark.parametrize(
    "item", ["cloudfrnt", "192.0.2.4/24", "300.0.0.1", "/no/such/list", "../proxies/cloudflare", "a b"]
)
def test_what_names_nobody_is_an_error_with_the_next_step(item: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"TRUSTED_PROXIES: .* no list; a list is a file of networks"):
        check_proxies(f"private,{item}")
    with pytest.raises(SettingsError, match="TRUSTED_PROXIES"):
        settings_in(tmp_path, TRUSTED_PROXIES=item)


def test_networks_within_others_are_left_out() -> None:
    assert [str(network) for network in load_proxies("none 192.0.2.4 192.0.2.0/25 192.0.2.128/25").networks] == [
        "192.0.2.0/24"
    ]
