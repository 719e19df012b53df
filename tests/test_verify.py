"""The audit on the real services: it holds on good traffic, and finds and names each kind of damage."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from audited import (
    Audit,
    command,
    largest_of_the_newest_day,
    send,
    send_twice_with_the_id_of_a_place,
    traffic,
    wrong,
)
from frames import START
from mirrors import execute
from py4j.protocol import Py4JError, Py4JNetworkError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.functions import lit

from audit.check import Check, Verdict
from audit.facts import AMOUNTS, PARSED
from audit.lake import pin
from audit.mirror import check_mirror
from audit.records import Range, without
from audit.scope import Scope
from audit.verify import guarded
from lake import contracts
from lake.errors import LakeError, RulesError, ServiceError
from lake.settings import Settings
from lake.url_rules import UrlRules
from marts.build import Marts
from spark.pipeline import Pipeline
from stack.servers.kafka import create_topic
from weblake.arguments import read_instant

BATCHES = 2

# --- Parts


def test_verify_knows_every_measure() -> None:
    assert list(PARSED) == contracts.names(contracts.MEASURES)
    more_than_a_bit = [name for name, added in PARSED.items() if added != "1" and not added.startswith("int(")]
    assert more_than_a_bit == list(AMOUNTS)


def test_an_accepted_loss_is_taken_out_of_what_is_missing() -> None:
    missing = [Range(5, 9), Range(20, 20)]
    assert without(missing, []) == missing
    assert without(missing, [Range(0, 6), Range(20, 30)]) == [Range(7, 9)]
    assert without(missing, [Range(6, 7)]) == [Range(5, 5), Range(8, 9), Range(20, 20)]


def test_a_time_without_a_zone_is_utc() -> None:
    assert read_instant("--from", "2026-01-01T12:00:00") == read_instant("--from", "2026-01-01T13:00:00+01:00")
    assert Scope(0, 10).in_postgres("w") == "w >= to_timestamp(0.000000) and w < to_timestamp(10.000000)"


@pytest.mark.parametrize(
    ("error", "verdict", "note"),
    [
        (LakeError("no Delta table at x"), Verdict.FAILED, "the lake cannot be read: no Delta table at x"),
        (PySparkException("a\nCaused by: torn file\n"), Verdict.FAILED, "the lake cannot be read: torn file"),
        (
            PySparkException("x\nCaused by: java.lang.OutOfMemoryError: Java heap space"),
            Verdict.CRASHED,
            "Java heap space",
        ),
        (PySparkException("java.io.IOException: No space left on device"), Verdict.CRASHED, "No space left"),
        (Py4JNetworkError("Answer from Java side is empty"), Verdict.CRASHED, "Py4JNetworkError: Answer from Java"),
        (Py4JError("An error occurred while calling o7.collect"), Verdict.CRASHED, "Py4JError: An error occurred"),
        (KeyError("a mistake"), Verdict.CRASHED, "KeyError: 'a mistake'"),
        (RulesError("urls.yml: line 3"), Verdict.FAILED, "urls.yml: line 3"),
        (ServiceError("Kafka does not answer"), Verdict.UNCHECKED, "Kafka does not answer"),
    ],
)
def test_damage_fails_a_check_and_a_crash_only_ends_it(
    session: SparkSession, error: Exception, verdict: Verdict, note: str
) -> None:
    def fail() -> list[Check]:
        raise error

    (check,) = guarded(session, "ledger", fail)
    assert (check.name, check.verdict) == ("ledger", verdict)
    assert check.note.startswith(note)


@pytest.mark.parametrize(
    "arguments", [["--from", "yesterday"], ["--from", "2026-01-02T00:00:00Z", "--to", "2026-01-01T00:00:00Z"], ["-x"]]
)
def test_a_wrong_argument_is_refused(arguments: list[str], tmp_path: Path) -> None:
    done = command(tmp_path, *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_a_lake_is_named(tmp_path: Path) -> None:
    done = command(tmp_path)
    assert done.returncode == 1
    assert f"no Delta table at {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr


# --- On the real services


@pytest.fixture(scope="module")
def settings(
    stack_settings: Settings, session: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    """A lake of the module's own, counted in several batches, mirrored and built into marts."""
    data = tmp_path_factory.mktemp("verify")
    own = replace(stack_settings, data=data, lake_root=str(data / "lake"), kafka_topic=f"logs_{uuid.uuid4().hex}")
    create_topic(own)
    execute(own, "truncate silver.window_counts, silver.bookmark")
    send_twice_with_the_id_of_a_place(own)
    for batch in range(BATCHES):
        send(own, traffic(batch))
        Pipeline(session, own).drain()
    Marts(own).run("--full-refresh")
    yield own


@pytest.fixture
def audit(session: SparkSession, settings: Settings, rules: UrlRules) -> Iterator[Audit]:
    """Verify the module's lake, in the tests' Spark session."""
    kept = {name: session.conf.get(name) for name in ("spark.sql.shuffle.partitions",)}
    yield Audit(session, settings, rules)
    for name, value in kept.items():
        session.conf.set(name, str(value))
    session.conf.unset("spark.sql.files.ignoreMissingFiles")


@pytest.mark.stack
def test_good_traffic_holds_at_every_depth(audit: Audit) -> None:
    checks = audit(deep=True)
    assert wrong(checks) == {}
    assert "missing_time" in checks["bronze: rows"].note
    duplicates = int(checks["bronze: rows"].right.split(" + ")[1].split()[0])
    assert duplicates == 12 * BATCHES + (BATCHES - 1) + 1  # within each batch, of the one in every batch, and of 0-0
    assert checks["deep: rows"].right == checks["bronze: rows"].right


@pytest.mark.stack
def test_a_range_holds_and_is_smaller(audit: Audit) -> None:
    noon = START.timestamp()
    checks = audit(Scope(noon, noon + 10), deep=True)
    assert wrong(checks) == {}
    assert checks["ledger: all"].left.startswith("2 events in 1 cell")
    assert checks["marts: traffic"].left == "2 human_events" or checks["marts: traffic"].note == "1 row"


@pytest.mark.stack
def test_records_that_are_not_read_yet_are_no_failure(audit: Audit) -> None:
    send(audit.settings, [(b"later", None)])
    checks = audit()
    assert wrong(checks) == {}
    assert any("1 record not read yet" in check.note for check in checks.values())
    Pipeline(audit.session, audit.settings).drain()
    Marts(audit.settings).run()


@pytest.mark.stack
def test_the_command_prints_its_lines_and_exits_with_the_verdict(audit: Audit) -> None:
    done = command(audit.settings.data, settings=audit.settings)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "checks hold" in done.stdout


@pytest.mark.stack
def test_servers_that_are_down_are_no_failure_and_have_their_addresses(audit: Audit) -> None:
    down = replace(audit.settings, kafka_private_servers="127.0.0.1:1", postgres_port=1)
    checks = Audit(audit.session, down, audit.rules)()
    assert {check.verdict for check in checks.values()} == {Verdict.OK, Verdict.UNCHECKED}
    notes = " ".join(wrong(checks).values())
    assert "Kafka at 127.0.0.1:1 does not answer" in notes
    assert "PostgreSQL at 127.0.0.1:1 does not answer" in notes


@pytest.mark.stack
def test_a_changed_cell_in_postgresql_is_named(audit: Audit) -> None:
    rows = "dimension = 'product' and key = 'p-1'"
    cell = f"{rows} and window_start = (select max(window_start) from silver.window_counts where {rows})"
    execute(audit.settings, f"update silver.window_counts set views = coalesce(views, 0) + 100 where {cell}")
    try:
        note = wrong(audit())["PostgreSQL: window_counts"]
    finally:
        execute(audit.settings, f"update silver.window_counts set views = nullif(views - 100, 0) where {cell}")
    assert "product 'p-1'" in note
    assert "views" in note


@pytest.mark.stack
def test_a_database_that_is_ahead_of_the_ledger_is_named(audit: Audit) -> None:
    execute(audit.settings, "update silver.bookmark set version = version + 1000")
    try:
        (check,) = check_mirror(pin(audit.session, audit.settings)[0], Scope())
    finally:
        execute(audit.settings, "update silver.bookmark set version = version - 1000")
    assert "older copy" in check.note


@pytest.mark.stack
def test_a_changed_row_of_a_mart_is_named(audit: Audit) -> None:
    for mart, column, key in (("products", "human_views", "product_id = 'p-2'"), ("traffic", "late_events", "true")):
        execute(audit.settings, f"update marts.{mart} set {column} = {column} + 1 where {key}")
        try:
            found = wrong(audit())
        finally:
            execute(audit.settings, f"update marts.{mart} set {column} = {column} - 1 where {key}")
        assert list(found) == [f"marts: {mart}"]
        assert column in found[f"marts: {mart}"]


@pytest.mark.stack
def test_extra_entries_of_the_ledger_are_named(audit: Audit) -> None:
    """A replay's makes its window a corrected one, which only the raw bytes can judge."""
    entries = audit.session.read.format("delta").load(audit.settings.ledger)
    noon = "window_date = '2026-01-01' and dimension"
    extras = (
        ("stream", f"{noon} = 'action' and key = 'checkout'"),
        ("verdict", f"{noon} = 'client' and key = '::1'"),
        ("replay", "window_date <> '2026-01-01' and dimension = 'product' and key = 'p-1'"),
    )
    copies = [entries.filter(which).limit(1).withColumn("cause", lit(cause)) for cause, which in extras]
    extra = copies[0].unionByName(copies[1]).unionByName(copies[2]).coalesce(1)
    extra.write.format("delta").mode("append").save(audit.settings.ledger)
    try:
        checks = audit(deep=True)
    finally:
        version = audit.session.sql(f"describe history delta.`{audit.settings.ledger}` limit 1").collect()[0]["version"]
        audit.session.sql(f"restore table delta.`{audit.settings.ledger}` to version as of {version - 1}")
    found = wrong(checks)
    shallow = {"ledger: action", "ledger: client"}
    assert set(found) == {*shallow, "deep: ledger: action", "deep: ledger: client", "deep: ledger: product"}
    assert "events 1 in bronze, 2 in the ledger" in found["ledger: action"]
    assert "window 2026-01-01 12:00:00Z, action 'checkout', human" in found["deep: ledger: action"]
    assert "product 'p-1'" in found["deep: ledger: product"]
    assert "1 replayed window left out" in checks["bronze: rows"].right


@pytest.mark.stack
def test_a_deleted_file_of_bronze_is_named_with_the_records_that_it_held(audit: Audit) -> None:
    lost = largest_of_the_newest_day(audit.settings)
    kept = lost.read_bytes()
    lost.unlink()
    try:
        found = wrong(audit())
    finally:
        lost.write_bytes(kept)
    assert lost.name in found["bronze: files"]
    assert "Kafka: " in " ".join(found)
    assert "ledger: all" in found


@pytest.mark.stack
def test_a_file_of_bronze_that_is_no_longer_parquet_is_a_failure(audit: Audit) -> None:
    torn = sorted(Path(audit.settings.bronze).rglob("*.parquet"))[0]
    checksum = torn.with_name(f".{torn.name}.crc")
    kept, kept_sum = torn.read_bytes(), checksum.read_bytes()
    torn.write_bytes(kept[: len(kept) // 2])
    checksum.unlink()
    try:
        found = wrong(audit())
    finally:
        torn.write_bytes(kept)
        checksum.write_bytes(kept_sum)
    assert torn.name in found["ledger"]
