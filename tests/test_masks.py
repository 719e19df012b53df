"""Masked clients: the marts name none of them, and every command still knows whom a pseudonym stands for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from frames import START, at
from mirrors import Cell, Counts, count, put_on_record
from settings_in import settings_in

from audit.check import Verdict
from audit.marts import check_marts
from audit.scope import Scope
from lake.contracts import DIMENSIONS
from lake.contracts.records import Change, ReplayRecord, VerdictRecord
from lake.errors import SettingsError
from lake.password_files import NAME
from lake.pseudonyms import client_of, is_pseudonym, pseudonym
from lake.retention import Retention
from lake.settings import STACK_FILE, Settings, load_settings
from marts.blocklist import blocklist
from marts.build import Marts, build
from marts.propose import changes_due
from spark.tables.records import Records
from spark.tables.verdicts import Verdicts
from stack.servers import postgres
from stack.servers.stack_env import remember_retention
from weblake.clients import address_meant, client_meant

SECRET = "of-these-tests"
CLIENTS = ("198.51.100.7", "2620:4f:8000::7", "crawler.example", "203.0.113.0", "198.51.100.x")
VERDICT = VerdictRecord(1, "hand", START.timestamp(), (Change(CLIENTS[0], "pardoned", "our own"),), {"events": 0})
REPLAY = ReplayRecord("r-1", 0, 600, client=CLIENTS[1], at=START.timestamp())
SHOWN = {
    "bots": "select ip_address from marts.bots",
    "verdict_history": "select ip_address from marts.verdict_history",
    "restatements": "select client from marts.restatements",
}


def masked(settings: Settings) -> Settings:
    return replace(settings, retention=Retention(0, mask_ip=True, mask_secret=SECRET))


def count_crawlers(settings: Settings, version: int) -> None:
    """Count a hundred events more of each client, which say that they are a crawler's."""
    events = {"events": 100, "crawler_events": 100, "views": 100}
    cells: dict[Cell, Counts] = {}
    for client in CLIENTS:
        keys = {"all": "all", "action": "view_product", "client": client, "product": "p", "status": "200"}
        for dimension in DIMENSIONS:
            cell = (dimension, at(10 * version), keys[dimension], False)
            cells[cell] = {name: number + cells.get(cell, {}).get(name, 0) for name, number in events.items()}
    count(settings, version, cells)


def shown(settings: Settings) -> dict[str, set[str]]:
    """What an analyst sees of clients, by mart."""
    return {mart: {str(row[0]) for row in postgres.query(settings, "analyst", text)} for mart, text in SHOWN.items()}


def wrong(settings: Settings) -> dict[str, str]:
    checks = check_marts(settings, Scope(), patience_seconds=0)
    return {check.name: check.note for check in checks if check.verdict is not Verdict.OK}


def test_a_pseudonym_tells_the_network_and_nothing_else() -> None:
    assert pseudonym("198.51.100.7", SECRET).endswith("@198.51.100.0/24")
    assert pseudonym("2620:4f:8000::7", SECRET).endswith("@2620:4f:8000::/48")
    assert len(pseudonym("crawler.example", SECRET)) == 12
    assert [pseudonym(name, SECRET) for name in ("unknown", "erased")] == ["unknown", "erased"]
    assert pseudonym("198.51.100.7", SECRET) != pseudonym("198.51.100.7", "another")
    assert all(is_pseudonym(pseudonym(client, SECRET)) for client in CLIENTS)
    assert not any(map(is_pseudonym, CLIENTS))
    assert client_of(pseudonym(CLIENTS[2], SECRET), CLIENTS, SECRET) == CLIENTS[2]
    assert client_of(pseudonym("198.51.100.8", SECRET), CLIENTS, SECRET) is None


def test_the_secret_is_made_once_and_masking_is_remembered(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="MASK_IP=1 needs MASK_SECRET"):
        _ = settings_in(tmp_path, MASK_IP="1").retention.mask
    remember_retention(settings_in(tmp_path, MASK_IP="1", KEEP_BRONZE_DAYS="7"))
    first = load_settings({"WEBLAKE_DATA": str(tmp_path)}).retention
    assert (first.bronze_days, first.mask_ip, len(first.mask)) == (7, True, 32)
    remember_retention(settings_in(tmp_path, MASK_IP="0"))
    later = settings_in(tmp_path).retention
    assert (later.mask_ip, later.mask, later.mask_secret) == (False, "", first.mask_secret)
    assert first.mask_secret not in repr(first)
    assert (tmp_path / STACK_FILE).stat().st_mode & 0o777 == 0o600
    assert NAME.fullmatch("MASK_SECRET_FILE")


def test_what_is_no_pseudonym_is_read_as_ever(tmp_path: Path) -> None:
    own = masked(settings_in(tmp_path))
    assert address_meant(own, "2001:DB8:0::7") == "2001:db8::7"
    assert client_meant(own, "Crawler.Example.") == "crawler.example"
    with pytest.raises(SettingsError, match="is not an IP address"):
        address_meant(own, "300.0.0.1")


@pytest.mark.stack
def test_the_marts_show_pseudonyms_from_the_first_row_to_the_last(shop: Settings, marts: Marts) -> None:
    own = masked(shop)
    count_crawlers(shop, 1)
    put_on_record(shop, Records(Verdicts({}).with_record(VERDICT), {REPLAY.id: REPLAY}), 1)
    build(marts, shop)
    plain = {"bots": set(CLIENTS), "verdict_history": {CLIENTS[0]}, "restatements": {CLIENTS[1]}}
    assert shown(shop) == plain

    # Switched on, all rows change; a run that goes on finds the rows that it has shown.
    hidden = {mart: {pseudonym(client, SECRET) for client in clients} for mart, clients in plain.items()}
    masking = Marts(own)
    build(masking, own)
    assert shown(own) == hidden
    assert wrong(own) == {}
    count_crawlers(own, 2)
    build(masking, own)
    assert shown(own) == hidden
    assert postgres.query(own, "analyst", "select distinct events::int from marts.bots") == [(200,)]
    assert wrong(own) == {}
    assert "marts: bots" in wrong(shop)

    # The operator's commands have the address, and take the pseudonym.
    assert [str(entry.address) for entry in blocklist(own).entries] == []
    assert {change.ip_address for change in changes_due(own)} <= set(CLIENTS)
    for client in CLIENTS[:4]:
        assert client_meant(own, f" {pseudonym(client, SECRET).upper()}") == client
        assert client_meant(replace(own, retention=replace(own.retention, mask_ip=False)), client) == client
    assert address_meant(own, pseudonym(CLIENTS[1], SECRET)) == CLIENTS[1]
    with pytest.raises(SettingsError, match="stands for no client of whom there are counts"):
        address_meant(own, pseudonym("198.51.100.9", SECRET))

    build(marts, shop)
    assert shown(shop) == plain
    assert wrong(shop) == {}
