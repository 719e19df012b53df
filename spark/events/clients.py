"""Who the client of an event is: the text that its record has for it, brought to one spelling. Pure: a column.

The connecting address is the client, unless it is a trusted proxy's: then the last address of the forwarded-for list
is, which nobody vouches for. See :func:`client`.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import cache

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.contracts import ERASED
from lake.proxies import Proxies

OCTET = r"(?:1\d{0,2}+|2(?:[0-4]\d?+|5[0-5]?+|[6-9])?+|[3-9]\d?+|0)"  # by its first digit, which is quicker
IPV4 = rf"{OCTET}(?:\.{OCTET}){{3}}"
HEX = "[0-9a-f]{1,4}"
FEW_GROUPS = r"(?!(?::*+[0-9a-f]++){8})(?!(?::*+[0-9a-f]++){6}:++[0-9]++[.])"
IPV6 = (
    rf"(?:(?:{HEX}:){{7}}{HEX}|(?:{HEX}:){{6}}{IPV4}"
    rf"|{FEW_GROUPS}(?:{HEX}(?::{HEX})*+)?::(?:{HEX}(?::{HEX})*(?::{IPV4})?|{IPV4})?)"
)
GROUP = "(?:0|[1-9a-f][0-9a-f]{0,3}+)"
CANONICAL_IPV6 = (
    r"(?=[0-9a-f:]{2,39}+\z)(?!::ffff:|0:|.*?(?::0:0(?::|\z)|:0::|::0(?::|\z)))"  # all zeros that there are in one ::
    rf"(?:(?:{GROUP}:){{7}}{GROUP}|(?=(?:[0-9a-f]*+:){{2,7}}+[0-9a-f]*+\z)(?!(?:[0-9a-f]++:++){{6}}[0-9a-f])"
    rf"(?:{GROUP}(?::{GROUP})*+)?+::(?:{GROUP}(?::{GROUP})*+)?+)"
)
"""Most IPv6 addresses that are in their one spelling already; the others take the longer way, to the same end."""
CANONICAL = rf"^(?:{IPV4}|{CANONICAL_IPV6})\z"
HIDDEN = r"(?:\d{1,3}+|[x*]{1,3}+)"
ANONYMISED = (
    rf"^(?=[^x*]*+[x*])(?:{HIDDEN}(?:\.{HIDDEN}){{3}}+|(?=.{{2,39}}\z)(?:(?:[0-9a-f]{{0,4}}+|[x*]{{1,4}}+):){{2,7}}+"
    r"(?:[0-9a-f]{0,4}+|[x*]{1,4}+))\z"
)
"""An address part of which somebody has replaced by ``x`` or ``*``."""
NAME = r"^=(?=.{1,254}\z)(?!(?:.*\.)?[0-9]++\.?\z)(?!.*\.[0-9][^.]*+\.?\z)[a-z0-9][a-z0-9_-]*+(?:\.[a-z0-9_-]++)*+\.?\z"
"""The name of a host; never what could be meant for an IPv4 address or a number, so not ``1.2.3`` nor ``1.0e99``."""
PAIR = r"(?s)^([^ ,]++) (.*+)\z"
"""The connecting address and a list."""
WRAPPED = (
    rf"^=?(~?)(?:\[?({ERASED})\]?(?::\d{{1,5}}|%\S++)?|\[([0-9a-f:.]++)(?:%[^\]]*+)?\](?::\d{{1,5}})?"
    r"|([0-9.]++):\d{1,5}|(?=[^%]*:)([0-9a-f:.]++)%\S++)\z"
)
"""An address in brackets, with a port or with a zone."""
EXPANDED = "^[0-9a-f]{4}(:[0-9a-f]{4}){7}$"
MAPPED = "^(?:0000:){5}ffff:"
BAD, SECRET, SOCKET = "!", "-", "unix:"
"""Among the addresses of a chain: what is none, what somebody keeps secret, and a Unix socket."""


def client(address: str, forwarded_for: str, proxies: Proxies) -> Column:
    """Return the client: an address in its one spelling, a host's name, an anonymised address, or null if unknown.

    Args:
        address: The column with the text that stands for the client. It may be a list as in ``X-Forwarded-For``, or the
            connecting address, a blank and such a list.
        forwarded_for: The column with a list from another place of the record, or null.
        proxies: Whom to believe.
    """
    alone = f"{address} RLIKE {_text(CANONICAL)}"
    direct = f"{address} RLIKE {_text(_untrusted_v4(proxies))}"
    is_client = f"coalesce(if({forwarded_for} IS NULL, {alone}, {direct}), false)"  # nearly always
    return F.expr(f"CASE WHEN {is_client} THEN {address} ELSE {_walk(address, forwarded_for, proxies)} END")


@cache
def _untrusted_v4(proxies: Proxies) -> str:
    trusted = _v4_pattern(proxies.of_version(4))
    return rf"^(?!(?:{trusted})\z){IPV4}\z" if trusted else rf"^{IPV4}\z"


@cache
def _walk(address: str, forwarded_for: str, proxies: Proxies) -> str:
    """SQL: the client where the record may have a list, or an address in another spelling.

    The list, and then the connecting address, become words with blanks between them, among which one pattern finds the
    client. Functions of functions are never compiled: this is seldom needed, and would be too much code.
    """
    pair = f"split(regexp_replace(text, {_text(PAIR)}, '$2,~$1'), ',')"
    single = "if(text LIKE '%,%', split(text, ','), array(concat('=', text)))"
    chain = _let(f"trim({_plain(address)})", "text", f"if(text RLIKE {_text(PAIR)}, {pair}, {single})")
    listed = f"if({forwarded_for} IS NULL, array(), split({_plain(forwarded_for)}, ','))"
    bare = f"transform(concat({listed}, {chain}), one -> regexp_replace(trim(one), {_text(WRAPPED)}, '$1$2$3$4$5'))"
    words = f"transform(transform({bare}, one -> {_let(_unmarked('one'), 'bare', _word())}), one -> {_unmapped()})"
    return _let(f"array_join(filter({words}, one -> one <> ''), ' ')", "words", _spelled(_chosen(proxies)))


def _plain(column: str) -> str:
    """SQL: the column in small letters, without the marks that the chain has: ``=`` alone, ``~`` before a list."""
    return f"translate(lower(coalesce({column}, '')), '=~', '!!')"


def _word() -> str:
    """SQL: what stands for ``one`` of the chain, which is ``bare`` without its mark; nothing if it does not matter."""
    return (
        f"CASE WHEN bare RLIKE {_text(rf'^{IPV4}' + chr(92) + 'z')} THEN bare"
        f" WHEN bare RLIKE {_text(rf'^{IPV6}' + chr(92) + 'z')} THEN {_expanded()}"
        f" WHEN bare RLIKE {_text(ANONYMISED)} OR bare = '{ERASED}' THEN bare"
        f" WHEN startswith(bare, '{SOCKET}') THEN '{SOCKET}'"
        f" WHEN bare = 'unknown' OR startswith(bare, '_') THEN if(startswith(one, '~'), '', '{SECRET}')"
        f" WHEN bare IN ('', '-') THEN ''"
        f" WHEN one RLIKE {_text(NAME)} THEN trim(TRAILING '.' FROM bare)"
        f" ELSE if(startswith(one, '~'), '', '{BAD}') END"
    )


def _expanded() -> str:
    """SQL: an IPv6 address with all its digits: eight groups of four."""
    octets = [
        f"cast(regexp_extract(bare, {_text(r'([0-9]+)[.]([0-9]+)[.]([0-9]+)[.]([0-9]+)$')}, {n}) AS int)"
        for n in (1, 2, 3, 4)
    ]
    halves = [f"lower(hex({octets[n]} * 256 + {octets[n + 1]}))" for n in (0, 2)]
    in_hex = f"if(bare LIKE '%.%', concat(regexp_extract(bare, '^(.*:)', 1), {halves[0]}, ':', {halves[1]}), bare)"
    left = "array_remove(split(substring_index(hex, '::', 1), ':'), '')"
    right = "if(hex LIKE '%::%', array_remove(split(substring_index(hex, '::', -1), ':'), ''), array())"
    zeros = f"array_repeat('0', 8 - size({left}) - size({right}))"
    return _let(
        in_hex, "hex", f"array_join(transform(concat({left}, {zeros}, {right}), part -> lpad(part, 4, '0')), ':')"
    )


def _unmapped() -> str:
    """SQL: ``one`` of the chain; if it is an IPv4 address within IPv6, that."""
    octets = ", ".join(f"conv(substr(one, {start}, 2), 16, 10)" for start in (31, 33, 36, 38))
    return f"if(one RLIKE {_text(MAPPED)}, concat_ws('.', {octets}), one)"


def _chosen(proxies: Proxies) -> str:
    """SQL: of the ``words`` of the chain the last that nobody vouches for, else the first; empty if there is none.

    What is no address ends the list: what stands before it is nobody's word.
    """
    trusted = rf"(?:{'|'.join(filter(None, _trusted(proxies)))})(?= |\z)"
    untrusted = rf"(?:^| )(?!{BAD}|{trusted})(\S++)(?: {trusted})*+\z"
    others = rf"(?:^|{BAD} )({trusted})(?: {trusted})*+\z"
    chosen = f"concat(regexp_extract(words, {_text(untrusted)}, 1), regexp_extract(words, {_text(others)}, 1))"
    return f"regexp_replace({chosen}, '^(?:{SECRET}|{SOCKET})$', '')"


def _trusted(proxies: Proxies) -> Iterable[str]:
    yield ERASED  # it was no client of its own here, or all of the line would say so
    if proxies.are_local:
        yield from ("localhost", SOCKET)
    yield _v4_pattern(proxies.of_version(4))
    yield _v6_pattern(proxies.of_version(6))


def _v4_pattern(networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    """Return a pattern for the addresses in the networks; empty if there are none."""
    patterns = []
    for network in networks:
        whole, bits = divmod(network.prefixlen, 8)
        octets = [str(octet) for octet in network.network_address.packed]
        if bits:
            first = network.network_address.packed[whole]
            octets[whole] = f"(?:{'|'.join(map(str, range(first, first + 2 ** (8 - bits))))})"
        fixed = octets[: whole + bool(bits)]
        patterns.append(r"\.".join([*fixed, *["[0-9]++"] * (4 - len(fixed))]))
    return "|".join(patterns)


def _v6_pattern(networks: Iterable[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> str:
    """Return a pattern for the addresses in the networks, with all their digits; empty if there are none."""
    patterns = []
    for network in networks:
        digits, bits = divmod(network.prefixlen, 4)
        text = network.network_address.exploded
        fixed = text[: digits + digits // 4]
        if bits:
            first = int(text[digits + digits // 4], 16)
            fixed += f"[{''.join(f'{digit:x}' for digit in range(first, first + 2 ** (4 - bits)))}]"
        patterns.append(f"{fixed}[0-9a-f:]{{{max(0, 39 - digits - digits // 4 - bool(bits))}}}")
    return "|".join(patterns)


def _spelled(word: str) -> str:
    """SQL: the word as bronze has it, IPv6 without the first of its longest runs of zeros; null if it is empty."""
    short = f"regexp_replace(concat(':', word, ':'), {_text(':0{1,3}(?=[0-9a-f])')}, ':')"
    cases = [f"WHEN instr(short, ':{'0:' * n}') > 0 THEN {_without(':' + '0:' * n)}" for n in range(8, 1, -1)]
    address = _let(short, "short", f"CASE {' '.join(cases)} ELSE trim(BOTH ':' FROM short) END")
    return _let(
        word, "word", f"CASE WHEN word = '' THEN NULL WHEN word RLIKE '{EXPANDED}' THEN {address} ELSE word END"
    )


def _without(run: str) -> str:
    before = f"substr(substring_index(short, '{run}', 1), 2)"
    after = f"trim(TRAILING ':' FROM substr(short, instr(short, '{run}') + {len(run)}))"
    return f"concat({before}, '::', {after})"


def _unmarked(word: str) -> str:
    return f"regexp_replace({word}, '^[=~]', '')"


def _let(value: str, name: str, expression: str) -> str:
    """SQL: the expression, in which ``name`` is the value."""
    return f"get(transform(array({value}), {name} -> {expression}), 0)"


def _text(pattern: str) -> str:
    return f"r'{pattern}'"
