"""What becomes of the marts' convictions: verdicts that are asked for, and lists of addresses to keep out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from ipaddress import ip_address

import pytest

from audit.explain import explain
from lake.contracts.records import Change
from lake.errors import ServiceError
from lake.requests import VerdictAnswer, VerdictRequest, answer, waiting
from lake.settings import Settings
from marts.blocklist import Entry, blocklist
from marts.propose import changes_due, propose
from stack.servers import postgres
from stack.servers.migrations import migrate

pytestmark = pytest.mark.stack

BOTS = """
create table staging.bots (
    ip_address text, score int, class text, is_convicted boolean, would_convict boolean, reasons text[],
    events bigint, crawler_events bigint, tool_events bigint, impostor_events bigint, paid_checkouts bigint,
    is_crowd boolean
);
grant select on staging.bots to dbt;
insert into staging.bots values
    ('192.0.2.1', 150, 'scraper', false, true, '{no_assets,request_rate}', 90, 0, 0, 0, 0, false),
    ('192.0.2.2', 100, 'crawler', true, true, '{declared_crawler}', 90, 90, 0, 0, 0, false),
    ('192.175.48.3', 120, 'impostor', true, true, '{impostor}', 90, 90, 0, 90, 0, false),
    ('192.0.2.4', 110, 'scraper', true, true, '{no_assets}', 90, 0, 0, 0, 1, false),
    ('192.0.2.5', 110, 'scraper', false, true, '{no_assets}', 90, 0, 0, 0, 0, false),
    ('192.175.48.6', 60, 'scraper', true, false, '{no_assets}', 90, 0, 0, 0, 0, false),
    ('2620:4f:8000::7', 60, 'scraper', true, false, '{no_assets}', 90, 0, 0, 0, 0, false),
    ('2620:4f:8000::8', 60, 'attacker', true, false, '{probing}', 90, 0, 0, 0, 0, true);
insert into silver.verdicts values
    ('192.0.2.5', 'pardoned', 'hand', 'our own', now(), 1),
    ('192.175.48.6', 'convicted', 'marts', 'was over it', now(), 1),
    ('2620:4f:8000::7', 'convicted', 'hand', 'seen it', now(), 1);
"""


@pytest.fixture(scope="module")
def settings(stack_settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A database of the module's own, with some suspects and verdicts in it."""
    own = replace(stack_settings, data=tmp_path_factory.mktemp("verdicts"), postgres_database="verdicts")
    own.requests.mkdir()
    migrate(own)
    with closing(postgres.connect(own, postgres.OWNER)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(BOTS)
    yield own


def test_before_there_are_marts_the_next_step_is_named(stack_settings: Settings) -> None:
    empty = replace(stack_settings, postgres_database="nomarts")
    migrate(empty)
    with pytest.raises(ServiceError, match=r"no marts yet.*`make dbt`"):
        blocklist(empty)
    with pytest.raises(ServiceError, match=r"no marts yet.*192\.0\.2\.1.*`make dbt`"):
        explain(empty, "192.0.2.1")


def test_the_marts_speak_for_whom_the_counts_do_not_have_as_they_say(settings: Settings) -> None:
    changes = changes_due(settings)
    assert [(change.ip_address, change.verdict) for change in changes] == [
        ("192.0.2.1", "convicted"),
        ("192.0.2.4", "convicted"),
        ("192.175.48.6", "released"),
    ]
    assert changes[0].reason == "no_assets, request_rate (score 150)"


def test_verdicts_are_asked_for_once_and_answers_are_cleared_away(settings: Settings) -> None:
    propose(settings)
    propose(settings)
    (request,) = waiting(settings.requests, VerdictRequest)
    assert (request.by, len(request.changes)) == ("marts", 3)
    assert isinstance(request.changes[0], Change)
    answer(settings.requests, request.id, VerdictAnswer(done=True))
    propose(settings)
    assert len(list(settings.requests.iterdir())) == 1


def test_a_blocklist_spares_true_crawlers_buyers_crowds_and_the_pardoned(settings: Settings) -> None:
    listed = blocklist(settings)
    assert [str(entry.address) for entry in listed.entries] == ["192.175.48.3", "192.175.48.6", "2620:4f:8000::7"]
    assert not listed.left_out
    assert listed.entries[0] == Entry(ip_address("192.175.48.3"), "impostor", 120, "impostor")
