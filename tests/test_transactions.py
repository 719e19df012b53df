"""Transactions on a real broker: what is committed counts, and neither their ends nor what was aborted is missing."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from audited import Audit, wrong
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient
from pyspark.sql import SparkSession
from streaming import event, settings

from lake.contracts.reports import read_stream_report
from lake.kafka_access import client_options
from lake.settings import Settings
from lake.url_rules import UrlRules
from spark.pipeline import Pipeline
from spark.source import gaps
from stack.health.lags import lags
from stack.health.topic import look_at_topic

pytestmark = pytest.mark.stack
__all__ = ["settings"]


@contextmanager
def transactions(settings: Settings) -> Iterator[KafkaProducer]:
    """A producer of transactions, which may not end its last."""
    name = f"shipper-{uuid.uuid4().hex}"
    with closing(KafkaProducer(**client_options(settings), transactional_id=name, acks="all")) as producer:
        producer.init_transactions()
        yield producer


def send(producer: KafkaProducer, settings: Settings, *ids: str, partition: int = 0) -> None:
    for name in ids:
        producer.send(settings.kafka_topic, event(0, name), partition=partition)
    producer.flush()


def lag(settings: Settings) -> int:
    """The rows that bronze is behind, as `status` has them."""
    stream = read_stream_report(settings.stream_file)
    assert stream is not None
    topic = look_at_topic(settings, stream.bronze.next_offsets)
    return lags(topic, stream, 10, stream.updated_at)[0].lag_rows


def ids(session: SparkSession, settings: Settings) -> list[str]:
    bronze = session.read.format("delta").load(settings.bronze)
    return [row[0] for row in bronze.orderBy("kafka_partition", "kafka_offset").select("event_id").collect()]


def test_what_is_committed_counts_and_the_rest_is_no_gap(
    session: SparkSession, settings: Settings, rules: UrlRules
) -> None:
    audit = Audit(session, settings, rules)
    with transactions(settings) as producer:
        for names, end in (
            (("a", "b"), producer.commit_transaction),
            (("c",), producer.abort_transaction),
            (("d",), producer.commit_transaction),
            (("e", "f"), producer.abort_transaction),
        ):
            producer.begin_transaction()
            send(producer, settings, *names)
            end()
        Pipeline(session, settings).drain()  # six records, and the ends of four transactions
        assert (ids(session, settings), lag(settings)) == (["a", "b", "d"], 0)
        checks = audit()
        assert not {name for name in wrong(checks) if name.startswith(("Kafka", "bronze"))}
        assert "7 offsets without a record" in checks["Kafka: partition 0"].note

        producer.begin_transaction()
        send(producer, settings, "g")
        Pipeline(session, settings).drain()  # it is open
        assert (ids(session, settings), lag(settings)) == (["a", "b", "d"], 0)
        producer.commit_transaction()
        pipeline = Pipeline(session, settings)
        assert pipeline.progress.bronze.next_offsets == {0: 10}  # a new process does not read the ends again
        pipeline.drain()
        assert (ids(session, settings), lag(settings)) == (["a", "b", "d", "g"], 0)
        assert audit()["Kafka: partition 0"].left == "4 records up to bronze"

    with closing(KafkaAdminClient(**client_options(settings))) as admin:  # nothing but an end was left
        admin.delete_records({TopicPartition(settings.kafka_topic, 0): 12})
    Pipeline(session, settings).drain()
    assert not {name for name in wrong(audit()) if name.startswith("Kafka")}


def test_a_row_that_goes_missing_between_transactions_is_found(
    session: SparkSession, settings: Settings, rules: UrlRules
) -> None:
    with transactions(settings) as producer:
        for name in ("a", "b", "c"):
            producer.begin_transaction()
            send(producer, settings, name, partition=3)
            producer.commit_transaction()
    Pipeline(session, settings).drain()
    session.sql(f"delete from delta.`{settings.bronze}` where event_id = 'b'")
    note = wrong(Audit(session, settings, rules)())["Kafka: partition 3"]
    assert (
        note
        == "offsets 1 to 3 and 1 more range are not in bronze, of which only 3 held no record when bronze read them"
    )


def test_a_batch_that_was_not_noted_is_noted_by_the_next_process(
    session: SparkSession, settings: Settings, rules: UrlRules, monkeypatch: pytest.MonkeyPatch
) -> None:
    with transactions(settings) as producer:
        producer.begin_transaction()
        send(producer, settings, "a", "b")
        producer.commit_transaction()
    with monkeypatch.context() as patch:
        patch.setattr("spark.bronze.note_gaps", lambda *_: None)  # the process ends after the commit
        Pipeline(session, settings).drain()
    audit = Audit(session, settings, rules)
    assert "1 offset without a record" in audit()["Kafka: partition 0"].note
    pipeline = Pipeline(session, settings)
    assert pipeline.progress.bronze.next_offsets == {0: 3}
    assert "1 offset without a record" in audit()["Kafka: partition 0"].note
    gaps.note_last_gaps(session, settings)
    assert pipeline.progress.bronze.next_offsets == {0: 3}
