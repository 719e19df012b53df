"""Who the client of a record is, in the stream and in the audit, which must agree."""

from __future__ import annotations

import ipaddress
import random
from dataclasses import replace

import pyarrow as pa
import pytest
from frames import event, line, records
from pyspark.sql import SparkSession

from audit.oracle import Oracle
from audit.oracle.origin import client_of
from lake.proxies import Proxies, load_proxies
from lake.url_rules import UrlRules
from spark.events.clients import client
from spark.events.parse import parse_records

OURS = load_proxies("192.0.2.0/24, 198.51.100.200, 2001:db8:ffff::/48")
"""The shop's own proxies, beside the private ones."""

CASES = [
    # the connecting address alone
    ("203.0.113.9", None, "203.0.113.9"),
    ("192.0.2.9", None, "192.0.2.9"),
    ("10.0.0.9", "-", "10.0.0.9"),
    ("2001:db8::9", None, "2001:db8::9"),
    # one spelling
    ("2001:DB8:0:0:0:0:0:9", None, "2001:db8::9"),
    ("2001:db8:0:0:1:0:0:1", None, "2001:db8::1:0:0:1"),
    ("0:0:1:0:0:0:1:0", None, "0:0:1::1:0"),
    ("1::2:3:4:5:6:7", None, "1:0:2:3:4:5:6:7"),
    ("0:0:0:0:0:0:0:0", None, "::"),
    ("::FFFF:203.0.113.9", None, "203.0.113.9"),
    ("::ffff:cb00:7109", None, "203.0.113.9"),
    ("203.0.113.9:51823", None, "203.0.113.9"),
    ("[2001:db8::9]:51823", None, "2001:db8::9"),
    ("fe80::9%eth0", None, "fe80::9"),
    # a list in place of the address
    ("203.0.113.9, 192.0.2.9", None, "203.0.113.9"),
    ("198.51.100.7, 203.0.113.9, 192.0.2.9, 10.0.0.1", None, "203.0.113.9"),
    ("203.0.113.9,192.0.2.9", None, "203.0.113.9"),
    ("203.0.113.9:4711, [2001:db8:ffff::9]:80", None, "203.0.113.9"),
    ("192.0.2.7, 192.0.2.8", None, "192.0.2.7"),
    ("unknown, 192.0.2.8", None, None),
    (", 192.0.2.8", None, "192.0.2.8"),
    # the connecting address and then a list
    ("127.0.0.1 203.0.113.9, 192.0.2.9", None, "203.0.113.9"),
    ("::1 2001:DB8::9", None, "2001:db8::9"),
    ("198.51.100.7 203.0.113.9", None, "198.51.100.7"),
    # a list elsewhere
    ("192.0.2.9", "203.0.113.9", "203.0.113.9"),
    ("192.0.2.9", "198.51.100.7, 203.0.113.9, 198.51.100.200", "203.0.113.9"),
    ("203.0.113.9", "198.51.100.7", "203.0.113.9"),
    ("2001:db8:ffff::1", "2001:db8::9", "2001:db8::9"),
    ("2001:db8:fffe::1", "2001:db8::9", "2001:db8:fffe::1"),
    ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
    ("192.0.2.9", "unknown", None),
    ("192.0.2.9", "_hidden", None),
    ("192.0.2.9", "203.0.113.x", "203.0.113.x"),
    ("-", "203.0.113.9", "203.0.113.9"),
    ("unix:", "203.0.113.9", "203.0.113.9"),
    ("unix:/run/shop.sock", "203.0.113.9", "203.0.113.9"),
    ("localhost", "203.0.113.9", "203.0.113.9"),
    # what is no list says nothing
    ("192.0.2.9", "shop.example", "192.0.2.9"),
    ("192.0.2.9", "0.004", "192.0.2.9"),
    ("192.0.2.9", "gzip, br", "192.0.2.9"),
    ("192.0.2.9", "=shop.example, 192.0.2.8", "192.0.2.8"),
    ("192.0.2.9", "<script>, 203.0.113.9", "203.0.113.9"),
    # the name of the shop's own server before the address
    ("shop.example:443 203.0.113.9", None, "203.0.113.9"),
    ("shop.example 2001:DB8::9", None, "2001:db8::9"),
    ("shop.example:443 192.0.2.9", "203.0.113.9", "203.0.113.9"),
    # no address
    ("dsl-3.isp.example", None, "dsl-3.isp.example"),
    ("203.0.113.9.Static.ISP.example.", None, "203.0.113.9.static.isp.example"),
    ("localhost", None, "localhost"),
    ("dsl-3.isp.example", "198.51.100.7", "dsl-3.isp.example"),
    ("203.0.113.x", None, "203.0.113.x"),
    ("203.0.*.*", None, "203.0.*.*"),
    ("2001:DB8::XXXX", None, "2001:db8::xxxx"),
    ("erased", None, "erased"),
    ("10.0.0.1", "erased, 203.0.113.9", "203.0.113.9"),
    ("erased", "203.0.113.9", "203.0.113.9"),
    # unknown
    (None, None, None),
    ("", None, None),
    ("-", None, None),
    ("unix:", None, None),
    ("unknown", None, None),
    ("_hidden", None, None),
    ("203.0.113.256", None, None),
    ("203.0.113.09", None, None),
    ("203.0.113", None, None),
    ("1::2::3", None, None),
    ("4711", None, None),
    ("not an address", None, None),
    ("<b>", "203.0.113.9", None),
]

TRUSTED = ["private", "none", "192.0.2.4/30, 2000::/4", "::/0 0.0.0.0/0"]
GROUPS = ["0", "0", "0", "1", "db8", "00ab", "ffff", "2001"]
ODD_GROUPS = [*GROUPS, "192.0.2.9", "x", "12345", "g", "", ""]
ODD_WORDS = ["-", "", "unknown", "UNKNOWN", "unix:", "_x", "localhost", "erased", "shop.example", "a.b.", "-a", "[::1"]


class Texts:
    """Texts that a record may have for its client, and many that none would have."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def v4(self) -> str:
        any_address = ipaddress.IPv4Address(self._dice.getrandbits(32))
        return self._dice.choice(
            [f"192.0.2.{self._dice.randrange(16)}", f"10.0.0.{self._dice.randrange(4)}", str(any_address)]
        )

    def v6(self) -> str:
        any_address = ipaddress.IPv6Address(self._dice.getrandbits(128))
        zeros = ipaddress.ip_address(":".join(self._dice.choices(GROUPS, k=8)))
        odd = ":".join(self._dice.choices(ODD_GROUPS, k=self._dice.randrange(2, 10)))
        return self._dice.choice(
            [str(any_address), any_address.exploded.upper(), str(zeros), zeros.exploded, odd, f"::ffff:{self.v4()}"]
        )

    def address(self) -> str:
        odd = ".".join(self._dice.choices(["0", "1", "255", "256", "01", "x", "xx", "*"], k=self._dice.randrange(3, 6)))
        return self._dice.choice([self.v4(), self.v4(), self.v6(), self.v6(), odd])

    def word(self) -> str:
        address = self.address()
        odd = "".join(self._dice.choices("0123456789abcdef.:x*-_ ,=~%[]!", k=self._dice.randrange(20)))
        letters = "".join(chr(self._dice.randrange(1, 0x2100)) for _ in range(self._dice.randrange(8)))
        forms = [address] * 4 + [f"[{address}]:443", f"{address}:80", f"{address}%eth0"]
        return self._dice.choice([*forms, self._dice.choice(ODD_WORDS), odd, letters])

    def listed(self) -> str:
        words = [self.word() for _ in range(self._dice.randrange(1, 6))]
        return self._dice.choice([words[0], ", ".join(words), ",".join(words)])

    def pair(self) -> tuple[str | None, str | None]:
        client = self._dice.choice([self.listed(), self.listed(), f"{self.word()} {self.listed()}", None])
        return client, self._dice.choice([None, self.listed(), self.listed()])


def found(session: SparkSession, pairs: list[tuple[str | None, str | None]], proxies: Proxies) -> list[str | None]:
    addresses, lists = zip(*pairs, strict=True)
    columns = pa.table({"number": range(len(pairs)), "address": addresses, "forwarded": lists})
    column = client("address", "forwarded", proxies).alias("client")
    frame = session.createDataFrame(columns).select("number", column)
    return [row.client for row in frame.orderBy("number").collect()]


def test_the_client_is_the_last_whom_nobody_vouches_for(session: SparkSession) -> None:
    pairs = [(address, None if forwarded == "-" else forwarded) for address, forwarded, _ in CASES]
    rows = found(session, pairs, OURS)
    assert list(zip(pairs, rows, strict=True)) == [(pair, case[2]) for pair, case in zip(pairs, CASES, strict=True)]


@pytest.mark.parametrize(("address", "forwarded", "expected"), CASES)
def test_the_audit_knows_the_client_by_itself(address: str | None, forwarded: str | None, expected: str | None) -> None:
    assert client_of(address, None if forwarded == "-" else forwarded, OURS) == expected


@pytest.mark.parametrize("trusted", TRUSTED)
def test_stream_and_audit_agree_on_the_client_of_any_text(session: SparkSession, trusted: str) -> None:
    texts, proxies = Texts(seed=7), load_proxies(trusted)
    pairs = [texts.pair() for _ in range(3_000)]
    expected = [client_of(address, forwarded, proxies) for address, forwarded in pairs]
    both = zip(pairs, found(session, pairs, proxies), expected, strict=True)
    assert [(pair, one, other) for pair, one, other in both if one != other] == []


def test_an_address_that_is_canonical_stays_as_it_is(session: SparkSession) -> None:
    dice = random.Random(8)
    groups = [":".join(dice.choices(GROUPS, k=8)) for _ in range(2_000)]
    texts = [str(address) for address in map(ipaddress.IPv6Address, groups) if address.ipv4_mapped is None]
    assert found(session, [(text, None) for text in texts], OURS) == texts


AGENT = '"-" "Mozilla/5.0 Firefox/131.0"'
LINES = [
    ({}, "203.0.113.7"),
    ({"203.0.113.7 -": "203.0.113.4, 192.0.2.4 -"}, "203.0.113.4"),
    ({"203.0.113.7 -": "2001:db8::4, 203.0.113.44, 192.0.2.4 -"}, "203.0.113.44"),
    ({"203.0.113.7 - -": "127.0.0.1 203.0.113.5, 192.0.2.5 -"}, "203.0.113.5"),
    ({"203.0.113.7 - -": "127.0.0.1 203.0.113.5, 192.0.2.5 - anna"}, "203.0.113.5"),
    ({"203.0.113.7 - -": "127.0.0.1 unknown, 203.0.113.5 - -"}, "203.0.113.5"),
    ({"203.0.113.7 - -": "127.0.0.1 - -"}, "127.0.0.1"),
    ({"203.0.113.7": "192.0.2.6", AGENT: f'{AGENT} "203.0.113.6"'}, "203.0.113.6"),
    ({"203.0.113.7": "192.0.2.6", AGENT: f'{AGENT} "198.51.100.1, 203.0.113.6, 192.0.2.7"'}, "203.0.113.6"),
    ({"203.0.113.7": "192.0.2.6", AGENT: f'{AGENT} "-"'}, "192.0.2.6"),
    ({"203.0.113.7": "192.0.2.6", f" {AGENT}": ' "203.0.113.6"'}, "203.0.113.6"),
    ({"203.0.113.7": "shop.example:443 203.0.113.1"}, "203.0.113.1"),
    ({"203.0.113.7": "-"}, None),
    ({"203.0.113.7": "unix:"}, None),
    ({"- -": "de.niro robert"}, "203.0.113.7"),
    ({"- -": "- Jane Doe"}, "203.0.113.7"),
    ({"203.0.113.7 - -": "203.0.113.7 203.0.113.8"}, "203.0.113.7"),
]
RELAYED = [
    "Mar 11 18:00:00 web1 nginx: 203.0.113.7 - -",
    "<190>Mar 11 18:00:00 web1 nginx[123]: 203.0.113.7 - -",
    "<190>1 2026-03-01T18:00:04Z web1 nginx 123 - - 203.0.113.7 - -",
    "192.0.2.18 nginx: 203.0.113.7 - -",
    "192.0.2.18 nginx[99]: 203.0.113.7 - anna",
]


def test_a_list_is_read_wherever_a_line_has_it(session: SparkSession, rules: UrlRules) -> None:
    values = [line("/", **changes) for changes, _ in LINES]
    ours = replace(rules, proxies=OURS)
    rows = parse_records(records(session, *values), ours).orderBy("kafka_offset").collect()
    assert [(row.value, row.reject_reason, row.ip_address) for row in rows] == [
        (value, None, address) for value, (_, address) in zip(values, LINES, strict=True)
    ]
    oracle = Oracle(ours)
    assert [oracle.read(value, 2**60).ip_address for value in values] == [address for _, address in LINES]


def test_a_relay_before_the_line_is_not_taken_for_the_client(session: SparkSession, rules: UrlRules) -> None:
    values = [line("/", **{"203.0.113.7 - -": head}) for head in RELAYED]
    rows = parse_records(records(session, *values), rules).collect()
    assert [(row.reject_reason, row.ip_address) for row in rows] == [(None, "203.0.113.7")] * len(RELAYED)
    assert [Oracle(rules).read(value, 2**60).ip_address for value in values] == ["203.0.113.7"] * len(RELAYED)


def test_an_event_without_a_client_counts(session: SparkSession, rules: UrlRules) -> None:
    values = [event(ip_address=address) for address in ("203.0.113.61, 192.0.2.61", None, "?", {"v4": 1}, "[::1]:80")]
    ours = replace(rules, proxies=OURS)
    rows = parse_records(records(session, *values), ours).orderBy("kafka_offset").collect()
    assert [row.reject_reason for row in rows] == [None] * len(values)
    assert [row.ip_address for row in rows] == ["203.0.113.61", None, None, None, "::1"]


@pytest.mark.parametrize("separator", [", ", ",", " "])
def test_a_list_may_be_of_any_length(session: SparkSession, rules: UrlRules, separator: str) -> None:
    texts = [separator.join([piece] * 60_000) for piece in ("10.0.0.1", "1", ":", "a:", "::", "unknown", ".", "[", "x")]
    values = [line("/", **{"203.0.113.7": text}) for text in texts]
    values += [line("/", **{"203.0.113.7": "10.0.0.1", AGENT: f'{AGENT} "{text}"'}) for text in texts]
    values += [value[:-1] for value in values]
    parsed = parse_records(records(session, *values), rules).select("ip_address", "reject_reason")
    assert len(parsed.collect()) == len(values)
