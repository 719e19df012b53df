"""What the programs write of themselves, as metrics: the stream, the marts, and `weblake verify`."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric

from lake.contracts.reports import StreamReport, VerifyReport, read_loop_report, read_stream_report, read_verify_report
from lake.contracts.work import read_work
from lake.settings import Settings
from stack.metrics.families import counter, gauge, histogram, single
from stack.status import Status


def stream(settings: Settings, _: Status | None) -> Iterator[Metric]:
    """Yield what the stream has done, and the builds of the marts; of stages that have not reported yet, nothing."""
    report = read_stream_report(settings.stream_file) or StreamReport()
    yield from _rows(report)
    work, builds = report.work, read_work(settings.loop_file("builds"))
    seconds, rows, ages = {**work.seconds, **builds.seconds}, work.rows, {**work.ages, **builds.ages}
    yield histogram(
        "weblake_batch_duration_seconds", "Batches that had rows, and builds of the marts", seconds, "stage"
    )
    yield histogram("weblake_batch_rows", "Rows of each of these batches", rows, "stage")
    meaning = "Age of the newest records of a batch, since Kafka had them, when the place had them"
    yield histogram("weblake_freshness_seconds", meaning, ages, "place")


def _rows(report: StreamReport) -> Iterator[Metric]:
    bronze, silver, mirror = report.bronze, report.silver, report.mirror
    reported = {
        "bronze": (bronze.version, bronze.rows, bronze.as_of),
        "silver": (silver.version, silver.rows, silver.as_of),
        "mirror": (mirror.bookmark, mirror.rows, mirror.as_of),
    }
    known = {stage: one for stage, one in reported.items() if one[0] >= 0}  # a restart is no fall to zero
    rows = {stage: float(number) for stage, (_, number, _) in known.items()}
    newest = {stage: as_of for stage, (_, _, as_of) in known.items() if as_of}
    yield counter("weblake_stage_rows", "Rows that the stage has dealt with", rows, "stage")
    meaning = "When Kafka got the newest of these rows"
    yield gauge("weblake_stage_newest_record_timestamp_seconds", meaning, newest, "stage")
    offsets = {str(partition): float(offset) for partition, offset in bronze.next_offsets.items()}
    yield gauge("weblake_bronze_next_offset", "Offset of the next record that bronze takes", offsets, "partition")
    rejected = CounterMetricFamily("weblake_rejected_on_arrival", "Records that bronze has rejected")
    if "bronze" in known:
        rejected.add_metric([], bronze.rejected)
    yield rejected
    recent = bronze.taken_in(time.time())
    yield single("weblake_recent_records", "Records that bronze took in within ten minutes", recent.records)
    yield single("weblake_recent_rejected", "Records of them that were rejected", recent.rejected)
    yield single("weblake_stream_report_timestamp_seconds", "When the stream last reported", report.updated_at or None)


def waiting(settings: Settings, seen: Status | None) -> Iterator[Metric]:
    """Yield what is waited for: 1 by reason where somebody waits, 0 where nobody does."""
    report = read_stream_report(settings.stream_file) or StreamReport()
    marts, refusal = read_loop_report(settings.loop_file("marts")), report.bronze.refusal
    reasons = {
        "lost_records": refusal is not None and bool(refusal.losses),
        "new_topic": refusal is not None and refusal.topic is not None,
        **{f"{stage}_error": stage in report.errors for stage in ("bronze", "silver", "mirror")},
        "marts_error": marts is not None and marts.error is not None,
    }
    if seen is not None and seen.room is not None:
        reasons["disk"] = bool(seen.room.waits)
    values = {reason: float(holds) for reason, holds in reasons.items()}
    yield gauge("weblake_waiting", "1 where something waits for that reason", values, "reason")


def verify(settings: Settings, _: Status | None) -> Iterator[Metric]:
    """Yield how often the stack verifies itself, and the result that is on record; none where there is none yet."""
    meaning = "How often the stack verifies itself; 0: never"
    yield single("weblake_verify_interval_seconds", meaning, settings.outlook.verify_hours * 3600)
    report = read_verify_report(settings.loop_file("verify"))
    if report is None:
        return
    yield from _verified(report)


def _verified(report: VerifyReport) -> Iterator[Metric]:
    yield single("weblake_verify_timestamp_seconds", "When the verification on record ended", report.at)
    yield single("weblake_verify_duration_seconds", "How long it took", report.seconds)
    yield single("weblake_verify_failed_checks", "Checks that failed in it", len(report.failed))
    yield single("weblake_verify_unchecked_checks", "Checks that were not made in it", len(report.unchecked))
    yield single("weblake_verify_ok", "1 where everything was checked and held", report.verdict == "ok")
