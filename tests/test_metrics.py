"""The metrics: what a scrape gets, of a stack that is well, of one that is not, and at a port that is taken."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from background import in_background
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from scrapes import a_free_port, at_port, is_served, page, scraped, seen, served, values
from settings_in import settings_in

from lake.contracts.refusals import Loss, Refusal
from lake.contracts.reports import (
    BronzeReport,
    MirrorReport,
    SilverReport,
    StreamReport,
    VerifyReport,
    write_stream_report,
    write_verify_report,
)
from lake.contracts.work import Work, read_work
from lake.settings import PROJECT, Settings
from stack.health.processes import Process
from stack.metrics import exporter as exporting
from stack.metrics.exporter import Exporter
from stack.metrics.server import keep_serving
from stack.servers.waiting import wait_until
from stack.status import Status

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
ROW = re.compile(r"^\| `(weblake_\w+)` \| (\w+) \|(.*?)\| \S")
STREAM = StreamReport(
    updated_at=NOW,
    bronze=BronzeReport(version=3, rows=95, rejected=2, next_offsets={0: 50, 1: 45}, as_of=NOW - 9),
    silver=SilverReport(version=3, rows=95, as_of=NOW - 9),
    mirror=MirrorReport(bookmark=3, rows=95, as_of=NOW - 9),
    work=Work().with_batch("bronze", 0.4, 90).with_batch("bronze", 3.0, 5).with_arrival("postgres", NOW - 9, NOW),
)
OURSELVES = Process("watch", "RUNNING", os.getpid(), 5.0, pids=(os.getpid(),))


@pytest.fixture
def away(tmp_path: Path) -> Settings:
    """Settings of a data folder whose database does not answer."""
    return at_port(replace(settings_in(tmp_path), postgres_port=a_free_port()), a_free_port())


@pytest.mark.stack
def test_a_scrape_has_what_the_documentation_lists(shop: Settings, built: int, tmp_path: Path) -> None:
    settings = at_port(replace(shop, data=tmp_path), a_free_port())
    write_stream_report(settings.stream_file, STREAM)
    write_verify_report(settings.loop_file("verify"), VerifyReport(at=NOW, verdict="ok", ok=44))
    exporter = Exporter(settings, "0.1.0")
    exporter.show(seen(processes=[OURSELVES]))
    with served(settings, exporter):
        text = page(settings)
    lines = (PROJECT / "docs" / "metrics.md").read_text().splitlines()
    listed = {
        match[1]: (match[2], set(re.findall(r"`(\w+)`", match[3]))) for line in lines if (match := ROW.match(line))
    }
    types = dict(re.findall(r"^# TYPE (weblake_\w+) (\w+)$", text, flags=re.MULTILINE))
    assert types == {name: kind for name, (kind, _) in listed.items()}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            name = sample.name if sample.name in listed else family.name
            assert set(sample.labels) - {"le"} == listed[name][1], name
    failures = [line for line in text.splitlines() if line.startswith("weblake_scrape_failures_total{")]
    assert failures and all(line.endswith(" 0.0") for line in failures)


@pytest.mark.stack
def test_the_marts_and_the_sizes_come_from_the_database(shop: Settings, built: int, tmp_path: Path) -> None:
    settings = at_port(replace(shop, data=tmp_path), a_free_port())
    found = scraped(settings, Exporter(settings, "0.1.0"))
    assert [sample.value for sample in found["weblake_marts_version"]] == [built]
    sizes = values(found["weblake_postgres_schema_bytes"], "schema")
    assert set(sizes) == {"silver", "staging", "marts", "ops"}
    assert all(sizes.values())


def test_a_part_that_fails_is_left_out_counted_and_told_once(away: Settings, caplog: pytest.LogCaptureFixture) -> None:
    exporter = Exporter(away, "0.1.0")
    write_stream_report(away.stream_file, STREAM)
    with caplog.at_level(logging.WARNING), served(away, exporter):
        before = len(caplog.records)
        families = list(text_string_to_metric_families(page(away)))
    failures = {
        sample.labels["part"]: sample.value
        for family in families
        if family.name == "weblake_scrape_failures"
        for sample in family.samples
    }
    assert {part for part, number in failures.items() if number} == {"schemas", "marts"}
    assert not {family.name for family in families} & {"weblake_marts_version", "weblake_postgres_schema_bytes"}
    assert "weblake_stage_rows" in {family.name for family in families}
    assert len(caplog.records) == before > 0, "the second scrape said the same again"


def test_what_a_part_cannot_foresee_costs_no_other_part_its_metrics(
    away: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(settings: Settings, status: Status | None) -> Iterator[Metric]:
        raise ValueError("of a kind that nobody thought of")

    monkeypatch.setattr(exporting, "PARTS", {"broken": broken, **exporting.PARTS})
    found = scraped(away, Exporter(away, "0.1.0"))
    assert values(found["weblake_scrape_failures_total"], "part")["broken"] >= 1
    assert "weblake_disk_free_bytes" in found


def test_batches_are_in_buckets_that_add_up(away: Settings) -> None:
    write_stream_report(away.stream_file, STREAM)
    found = scraped(away, Exporter(away, "0.1.0"))
    buckets = values(found["weblake_batch_duration_seconds_bucket"], "le")
    assert (buckets["0.25"], buckets["0.5"], buckets["2.0"], buckets["4.0"], buckets["+Inf"]) == (0, 1, 1, 2, 2)
    assert values(found["weblake_batch_duration_seconds_count"], "stage") == {"bronze": 2}
    assert values(found["weblake_batch_rows_sum"], "stage") == {"bronze": 95}
    assert values(found["weblake_freshness_seconds_sum"], "place") == {"postgres": 9}


def test_a_stream_that_has_just_been_started_has_not_lost_its_rows(away: Settings) -> None:
    """A counter that fell to zero and came back would count everything twice."""
    write_stream_report(away.stream_file, StreamReport(updated_at=NOW))
    found = scraped(away, Exporter(away, "0.1.0"))
    assert not {"weblake_stage_rows_total", "weblake_rejected_on_arrival_total"} & set(found)


def test_what_bronze_waits_for_is_named(away: Settings) -> None:
    refusal = Refusal(losses=(Loss(0, 1, 5, 9),))
    write_stream_report(away.stream_file, replace(STREAM, bronze=replace(STREAM.bronze, refusal=refusal, error="no")))
    exporter = Exporter(away, "0.1.0")
    exporter.show(seen())
    waiting = values(scraped(away, exporter)["weblake_waiting"], "reason")
    assert {reason for reason, number in waiting.items() if number} == {"lost_records", "bronze_error"}
    assert waiting["disk"] == 0


def test_what_was_seen_of_programs_and_of_kafka_is_told(away: Settings) -> None:
    exporter = Exporter(away, "0.1.0")
    exporter.show(seen(processes=[OURSELVES, Process("kafka", "STOPPED", 0, 0.0)]))
    found = scraped(away, exporter)
    assert values(found["weblake_program_up"], "program") == {"watch": 1, "kafka": 0}
    assert values(found["weblake_program_cpu_seconds_total"], "program").keys() == {"watch"}
    assert values(found["weblake_program_memory_bytes"], "program")["watch"] > 10_000_000
    assert values(found["weblake_kafka_start_offset"], "partition") == {"0": 10, "1": 0}
    assert values(found["weblake_stage_lag_rows"], "stage")["bronze"] == 10
    assert values(found["weblake_state"], "state")["unwell"] == 1


def test_a_port_that_is_taken_is_tried_again(
    away: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("stack.metrics.server.RETRY_SECONDS", 0.05)
    with socket.socket() as other:
        other.bind(("127.0.0.1", away.outlook.metrics_port))
        other.listen()
        exporter = Exporter(away, "0.1.0")
        with in_background(lambda stop: keep_serving(away, exporter, stop), "metrics"):
            wait_until(lambda: "no metrics are served" in caplog.text, 60, "it has said that the port is taken")
            other.close()
            wait_until(lambda: is_served(away), 60, "metrics are served")


def test_work_goes_on_from_what_was_written_and_forgets_what_has_other_bounds(tmp_path: Path) -> None:
    path = tmp_path / "builds.json"
    assert read_work(path) == Work()
    path.write_text('{"seconds": {"marts": {"bounds": [1], "counts": [2, 3], "total": 9}}, "newest": {"marts": 5}}')
    assert read_work(path) == Work(newest={"marts": 5})


def test_records_that_have_arrived_already_do_not_arrive_again() -> None:
    once = Work().with_arrival("marts", NOW - 4, NOW)
    assert once.with_arrival("marts", NOW - 4, NOW + 60) == once
    assert once.with_arrival("marts", NOW - 3, NOW).ages["marts"].total == 7
