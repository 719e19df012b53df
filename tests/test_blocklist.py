"""The blocklist: whom it never names, and that the programs that read it take it."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path

import psutil
import pytest

from lake.errors import RulesError
from lake.networks import read_networks
from lake.settings import load_settings
from marts.blocklist import Blocklist, Row, own_addresses, read_address, select, write_blocklist

FIRST, SECOND, SIXTH = "192.175.48.3", "192.175.48.6", "2620:4f:8000::7"
HOSTILE = "no_assets\ndeny all;\nadd weblake4 192.175.48.1\r\x1b[31m\u2028{}"


def row(address: str, score: int = 100) -> Row:
    return (address, "scraper", score, "no_assets request_rate")


def listed(*rows: Row, allowed: Path | None = None, own: str = "192.175.48.250") -> Blocklist:
    address = read_address(own)
    assert address is not None
    return select(rows, read_networks(allowed) if allowed else [], {address}, "allow.txt")


def written(form: str, *rows: Row) -> str:
    out = io.StringIO()
    write_blocklist(listed(*rows).entries, form, out)
    return out.getvalue()


def addresses(blocklist: Blocklist) -> list[str]:
    return [str(entry.address) for entry in blocklist.entries]


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "::1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
        ),
        *("169.254.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "192.0.2.1", "fe80::1", "fe80::1%eth0"),
        *("fc00::1", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "fec0::1"),
        *("erased", "unknown", "", "192.175.48.3/24", "192.175.48.03", "192.175.48.3\ndeny all;"),
    ],
)
def test_what_is_no_public_address_is_never_listed(address: str) -> None:
    found = listed(row(FIRST), row(address))
    assert addresses(found) == [FIRST]
    assert sum(found.left_out.values()) == 1


def test_an_address_stands_once_in_one_spelling_and_in_order() -> None:
    spellings = (row("2620:4F:8000:0::7"), row(SIXTH), row(SECOND), row(f"::ffff:{FIRST}", 130), row(FIRST))
    found = listed(*spellings)
    assert addresses(found) == [FIRST, SECOND, SIXTH]
    assert found.entries[0].score == 130
    assert found.left_out == {"another spelling of an address in the list": 2}


def test_this_machine_is_never_listed() -> None:
    assert listed(row(FIRST), own=FIRST).left_out == {"an address of this machine": 1}
    texts = {one.address for addresses in psutil.net_if_addrs().values() for one in addresses}
    assert {str(address) for address in own_addresses()} >= texts & {"127.0.0.1", "::1"} != set()


def test_the_file_keeps_addresses_and_networks_off_the_list(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(f"# ours\n\n{FIRST}  # the office\n2620:4f:8000::/48\n")
    found = listed(row(FIRST), row(SECOND), row(SIXTH), allowed=file)
    assert addresses(found) == [SECOND]
    assert found.left_out == {"in allow.txt": 2}


def test_the_file_that_is_shipped_can_be_read_and_allows_nobody() -> None:
    assert read_networks(load_settings().allow_file) == []


@pytest.mark.parametrize("line", ["192.175.48.3/24", "office", "192.175.48.3-9", "192.175.48.0/33"])
def test_a_line_that_is_no_address_is_named(line: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(f"# ours\n{line}\n")
    with pytest.raises(RulesError, match=rf"mine\.txt, line 2: '{line}' is no address and no network; write it like"):
        read_networks(file)


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match=r"cannot read .*mine\.txt"):
        read_networks(tmp_path / "mine.txt")


def test_each_form_has_its_lines() -> None:
    both = (row(FIRST), row(SIXTH))
    assert written("nginx", *both).splitlines()[0] == f"deny {FIRST};  # scraper: no_assets request_rate"
    assert written("ipset", *both).splitlines()[2:] == [f"add weblake4 {FIRST} -exist", f"add weblake6 {SIXTH} -exist"]
    head, line = written("csv", row(FIRST)).splitlines()
    assert (head, line) == ("ip_address,class,score,reasons", f"{FIRST},scraper,100,no_assets request_rate")


def test_no_reason_begins_a_line_of_its_own() -> None:
    hostile = (FIRST, HOSTILE, 100, HOSTILE)
    for form, lines in (("nginx", 1), ("ipset", 3), ("csv", 2)):
        text = written(form, hostile)
        assert text.count("\n") == lines, form
        assert all(char.isprintable() or char == "\n" for char in text), form
    assert [len(one) for one in csv.reader(io.StringIO(written("csv", hostile)))] == [4, 4]


@pytest.mark.debian("nginx")
def test_nginx_takes_the_list(tmp_path: Path) -> None:
    (tmp_path / "blocklist.conf").write_text(written("nginx", row(FIRST), row(SIXTH), (SECOND, HOSTILE, 100, HOSTILE)))
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    http = " ".join(f"{kind}_temp_path {tmp_path}/{kind};" for kind in kinds)
    http += " access_log off; include blocklist.conf;"
    (tmp_path / "nginx.conf").write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ {http} }}")
    command = [shutil.which("nginx") or "", "-t", "-e", "stderr", "-p", str(tmp_path), "-c", "nginx.conf"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.debian("ipset")
def test_ipset_takes_the_list() -> None:
    private = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c"]
    look = subprocess.run([*private, "ipset create probe hash:ip"], capture_output=True, text=True, check=False)
    if look.returncode != 0:
        pytest.skip(f"this kernel gives no ipset to a namespace of one's own: {look.stderr.strip()}")
    text = written("ipset", row(FIRST), row(SIXTH), (SECOND, HOSTILE, 100, HOSTILE))
    done = subprocess.run(
        [*private, "ipset restore && ipset save"], input=text, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert {f"add weblake4 {FIRST}", f"add weblake4 {SECOND}", f"add weblake6 {SIXTH}"} <= set(done.stdout.splitlines())
