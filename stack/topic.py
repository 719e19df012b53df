"""A topic that somebody deleted: what is lost with it, and whether bronze has seen the one in its place."""

from __future__ import annotations

from lake.contracts.reports import BronzeReport, read_stream_report
from lake.settings import Settings
from stack.servers import kafka


def make_topic(settings: Settings) -> str:
    """Make the topic, or bring it up to date; return in words what is lost with one that is gone, empty where none is.

    Raises:
        ServiceError: the broker does not answer, or did not do it.
    """
    loss = _loss_with_topic(settings)  # before there is a new one, on which bronze soon reports
    return loss if kafka.create_topic(settings) else ""


def _loss_with_topic(settings: Settings) -> str:
    """Say what would be lost. How far Kafka was is known as of bronze's last look, before each of its batches."""
    report = read_stream_report(settings.stream_file)
    if report is None or not report.bronze.rows:
        return ""
    unread = _unread(report.bronze)
    what = (
        f"{sum(last - first + 1 for first, last in unread.values()):,} records that bronze had not read are lost ("
        + "; ".join(f"partition {one}, offsets {first} to {last}" for one, (first, last) in sorted(unread.items()))
        + ")"
        if unread
        else "bronze had read all of it when it last looked"
    )
    return (
        f"Kafka had lost the topic {settings.kafka_topic!r}, and has an empty one now. Bronze keeps the "
        f"{report.bronze.rows:,} records that it has; {what}. What came after its last look is lost too.\n"
        "Run `make accept-topic` to append what the new topic gets."
    )


def is_refused(settings: Settings) -> bool:
    """Say whether bronze waits for somebody to accept the topic."""
    report = read_stream_report(settings.stream_file)
    return bool(report and report.bronze.refusal and report.bronze.refusal.topic)


def _unread(bronze: BronzeReport) -> dict[int, tuple[int, int]]:
    """Return the first and last offset of each partition that Kafka had and bronze had not."""
    nexts = {partition: bronze.next_offsets.get(partition, 0) for partition in bronze.ends}
    return {partition: (nexts[partition], end - 1) for partition, end in bronze.ends.items() if end > nexts[partition]}
