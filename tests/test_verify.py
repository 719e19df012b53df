"""The audit on the real services: it holds on good traffic, and finds and names each kind of damage."""

from __future__ import annotations

import json
import subprocess
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
from pyspark.sql import SparkSession
from pyspark.sql.functions import lit

from audit.facts import AMOUNTS, PARSED
from audit.lake import pin
from audit.mirror import check_mirror
from audit.records import Range, without
from audit.scope import Scope
from lake import contracts
from lake.command import weblake_command
from lake.settings import PROJECT, Settings, child_environment
from lake.url_rules import UrlRules
from spark.pipeline import Pipeline
from stack.servers.kafka import create_topic
from weblake.arguments import read_instant

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
    for batch in range(3):
        send(own, traffic(batch))
        Pipeline(session, own).drain()
    build_marts(own, "--full-refresh")
    yield own


def build_marts(settings: Settings, *options: str) -> None:
    environment = child_environment(settings, POSTGRES_DBT_PASSWORD=settings.dbt_password)
    subprocess.run(weblake_command("dbt", *options), cwd=PROJECT, env=environment, check=True, capture_output=True)


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
    assert duplicates == 3 * 12 + 2 + 1  # repeats within each batch, of the one that every batch had, and of 0-0
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
    build_marts(audit.settings)
    assert wrong(audit()) == {}


@pytest.mark.stack
def test_the_command_prints_its_lines_and_exits_with_the_verdict(audit: Audit) -> None:
    done = command(audit.settings.data, settings=audit.settings)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    assert "checks hold" in done.stdout
    down = replace(audit.settings, kafka_bootstrap_servers="127.0.0.1:1", postgres_port=1)
    done = command(audit.settings.data, settings=down)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Kafka at 127.0.0.1:1 does not answer" in done.stdout
    assert "PostgreSQL at 127.0.0.1:1 does not answer" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.stack
def test_a_changed_cell_in_postgresql_is_named(audit: Audit) -> None:
    rows = "dimension = 'product' and key = 'p-1'"
    cell = f"{rows} and window_start = (select max(window_start) from silver.window_counts where {rows})"
    execute(audit.settings, f"update silver.window_counts set views = views + 100 where {cell}")
    try:
        note = wrong(audit())["PostgreSQL: window_counts"]
    finally:
        execute(audit.settings, f"update silver.window_counts set views = views - 100 where {cell}")
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
@pytest.mark.parametrize(
    ("cause", "shallow"), [("stream", {"ledger: action"}), ("verdict", {"ledger: action"}), ("replay", set())]
)
def test_an_extra_entry_of_the_ledger_is_named(audit: Audit, cause: str, shallow: set[str]) -> None:
    """A replay's makes its window a corrected one, which only the raw bytes can judge."""
    entries = audit.session.read.format("delta").load(audit.settings.ledger)
    extra = entries.filter("dimension = 'action' and key = 'checkout' and window_date = '2026-01-01'").limit(1)
    extra = extra.withColumn("cause", lit(cause)).coalesce(1)
    extra.write.format("delta").mode("append").save(audit.settings.ledger)
    try:
        checks = audit(deep=True)
    finally:
        version = audit.session.sql(f"describe history delta.`{audit.settings.ledger}` limit 1").collect()[0]["version"]
        audit.session.sql(f"restore table delta.`{audit.settings.ledger}` to version as of {version - 1}")
    found = wrong(checks)
    assert set(found) == {"deep: ledger: action", *shallow}
    for name in shallow:
        assert "events 1 in bronze, 2 in the ledger" in found[name]
    assert "window 2026-01-01 12:00:00Z, action 'checkout', human" in found["deep: ledger: action"]
    left_out = "1 replayed window left out" in checks["bronze: rows"].right
    assert left_out is (cause == "replay")


@pytest.mark.stack
def test_a_deleted_file_of_bronze_is_named_with_the_records_that_it_held(audit: Audit) -> None:
    lost = largest_of_the_newest_day(audit.settings)
    kept = lost.read_bytes()
    lost.unlink()
    try:
        done = command(audit.settings.data, "--json", settings=audit.settings)
    finally:
        lost.write_bytes(kept)
    assert (done.returncode, done.stderr) == (1, "")
    found = {check["name"]: check["note"] for check in json.loads(done.stdout)["checks"] if check["verdict"] != "ok"}
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
