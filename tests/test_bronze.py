"""Bronze on a real broker: what becomes of its topic, and what bronze makes of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from brokers import adopt_broker, begin_new_files
from disks import has_free
from frames import line
from kafka import KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient, NewPartitions
from pyspark.sql import SparkSession
from settings_in import settings_in

import spark.bronze
from lake.contracts.refusals import Refusal
from lake.errors import LakeError, RefusedError, ServiceError, SpaceError
from lake.kafka_access import broker_home, client_options
from lake.settings import Settings
from lake.url_rules import UrlRule, UrlRules
from spark.bronze import Bronze, create_bronze
from spark.commands.accept import accept, read_refusal
from spark.progress import Progress
from spark.source.topic import Topic
from spark.source.upkeep import SLOW_BYTES, SLOWEST_BYTES
from stack.servers import kafka
from stack.servers.waiting import wait_until
from stack.status import gather
from stack.topic import is_refused, make_topic


class Case:
    """A topic and a lake of the test's own, and the bronze that reads one into the other."""

    def __init__(self, session: SparkSession, settings: Settings, rules: UrlRules) -> None:
        self.session, self.settings, self.rules = session, settings, rules
        create_bronze(session, settings)
        self.start_again()

    def start_again(self, topic: str | None = None) -> None:
        """Have a new process's bronze, perhaps set to read another topic."""
        self.settings = replace(self.settings, kafka_topic=topic or self.settings.kafka_topic)
        progress = Progress(self.settings.stream_file)
        self.bronze = Bronze(self.session, self.settings, self.rules, progress, lambda: None)

    def send(self, partition: int, number: int, value: bytes = b"x") -> None:
        with closing(KafkaProducer(bootstrap_servers=self.settings.kafka_bootstrap_servers, acks="all")) as producer:
            sent = [producer.send(self.settings.kafka_topic, value, partition=partition) for _ in range(number)]
            for one in sent:
                one.get(timeout=30)

    def rows(self) -> dict[int, int]:
        """Rows in bronze, per partition."""
        found = self.session.read.format("delta").load(self.settings.bronze).select("kafka_partition").collect()
        return dict(Counter(row["kafka_partition"] for row in found))

    def admin(self) -> closing[KafkaAdminClient]:
        return closing(KafkaAdminClient(**client_options(self.settings)))

    def delete_topic(self) -> None:
        with self.admin() as admin:
            admin.delete_topics([self.settings.kafka_topic])
        wait_until(lambda: not kafka.has_topic(self.settings), 30, "the topic is gone")

    def make_topic_anew(self) -> None:
        self.delete_topic()
        kafka.create_topic(self.settings)

    def remove_before(self, partition: int, offset: int) -> None:
        """Remove records as retention does."""
        with self.admin() as admin:
            admin.delete_records({TopicPartition(self.settings.kafka_topic, partition): offset})


def fail(*_: object) -> None:
    raise LakeError("no room for a file")


@pytest.fixture
def case(session: SparkSession, stack_settings: Settings, rules: UrlRules, tmp_path: Path) -> Iterator[Case]:
    settings = replace(stack_settings, data=tmp_path, lake_root=str(tmp_path / "lake"))
    settings = replace(settings, kafka_topic=f"bronze_{uuid.uuid4().hex}")
    kafka.create_topic(settings)
    yield Case(session, settings, rules)


@pytest.mark.stack
def test_on_a_short_disk_bronze_waits_and_kafka_is_rid_of_what_it_has(
    case: Case, stack_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt_broker(case.settings, broker_home(stack_settings))
    begin_new_files(case.settings)
    case.send(partition=0, number=3)
    case.bronze.catch_up()
    case.send(partition=0, number=2)
    with monkeypatch.context() as full, pytest.raises(LakeError, match="no room for a file"):
        full.setattr(spark.bronze, "append_once", fail)
        case.bronze.catch_up()
    has_free(monkeypatch, 511)
    with pytest.raises(SpaceError, match="half of WEBLAKE_MIN_FREE_MB=1024: the stream waits"):
        case.bronze.catch_up()
    assert (Topic(case.settings).look().begins[0], case.rows()) == (3, {0: 3})
    monkeypatch.undo()
    case.bronze.catch_up()
    assert case.rows() == {0: 5}


@pytest.mark.stack
def test_on_a_short_disk_senders_are_slowed_down_also_where_the_topic_is_refused(
    case: Case, stack_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float | None] = []
    monkeypatch.setattr(Topic, "limit_senders", lambda _, limit: limits.append(limit))
    adopt_broker(case.settings, broker_home(stack_settings))
    case.send(partition=0, number=3)
    case.bronze.catch_up()
    case.make_topic_anew()
    for free, error in ((2048, RefusedError), (1023, RefusedError), (511, SpaceError)):
        has_free(monkeypatch, free)
        with pytest.raises(error):
            case.bronze.catch_up()
    assert limits == [None, SLOW_BYTES, SLOWEST_BYTES]


@pytest.mark.stack
def test_new_partitions_are_read_without_a_restart(case: Case) -> None:
    case.send(partition=0, number=2)
    case.bronze.catch_up()
    with case.admin() as admin:
        admin.create_partitions({case.settings.kafka_topic: NewPartitions(8)})
    wait_until(lambda: len(kafka.end_offsets(case.settings)) == 8, 30, "the topic has 8 partitions")
    case.send(partition=7, number=3)
    case.bronze.catch_up()
    assert case.rows() == {0: 2, 7: 3}


@pytest.mark.stack
def test_a_topic_made_anew_is_refused_until_it_is_accepted(case: Case) -> None:
    case.send(partition=0, number=2)
    case.bronze.catch_up()
    with pytest.raises(LakeError, match="bronze is not waiting for a topic"):
        accept(case.settings, "topic")
    case.make_topic_anew()
    case.send(partition=0, number=5)  # more than bronze has read: the offsets alone look as if nothing had happened
    with pytest.raises(RefusedError, match=r"was deleted and made again.*make accept-topic"):
        case.bronze.catch_up()
    assert case.rows() == {0: 2}
    accept(case.settings, "topic")
    case.bronze.catch_up()
    assert case.rows() == {0: 2 + 5}
    assert read_refusal(case.settings) == Refusal()
    case.send(partition=0, number=1)
    case.start_again()
    case.bronze.catch_up()
    assert case.rows() == {0: 2 + 5 + 1}


@pytest.mark.stack
def test_a_deleted_topic_is_made_again_with_a_word_on_what_is_lost(case: Case) -> None:
    case.send(partition=0, number=3)
    case.bronze.catch_up()
    assert make_topic(case.settings) == "", "it is there"
    case.send(partition=1, number=2)
    case.send(partition=2, number=4)
    case.remove_before(partition=2, offset=1)
    with pytest.raises(RefusedError, match="make accept-loss"):
        case.bronze.catch_up()
    case.delete_topic()
    with pytest.raises(ServiceError, match=r"there is no topic 'bronze_.*run `make up`"):
        case.bronze.catch_up()
    assert f"Kafka has no topic {case.settings.kafka_topic!r}; run `make up`" in " ".join(gather(case.settings).errors)
    loss = make_topic(case.settings)
    assert "Bronze keeps the 3 records that it has; 6 records that bronze had not read are lost" in loss
    assert "(partition 1, offsets 0 to 1; partition 2, offsets 0 to 3)" in loss
    assert "Run `make accept-topic`" in loss
    assert not is_refused(case.settings)
    with pytest.raises(RefusedError, match=r"was deleted and made again.*make accept-topic"):
        case.bronze.catch_up()
    assert is_refused(case.settings)
    accept(case.settings, "topic")
    case.send(partition=0, number=5)
    case.bronze.catch_up()
    assert case.rows() == {0: 3 + 5}


@pytest.mark.stack
def test_a_topic_that_comes_back_goes_on_where_it_was(case: Case) -> None:
    first = case.settings.kafka_topic
    case.send(partition=0, number=3)
    case.bronze.catch_up()
    case.send(partition=1, number=2)
    case.send(partition=2, number=4)
    case.remove_before(partition=2, offset=3)
    case.start_again(topic=f"other_{uuid.uuid4().hex}")
    kafka.create_topic(case.settings)
    case.send(partition=0, number=5)
    with pytest.raises(RefusedError, match="or is another topic"):
        case.bronze.catch_up()
    accept(case.settings, "topic")
    case.bronze.catch_up()
    assert case.rows() == {0: 3 + 5}
    case.start_again(first)
    with pytest.raises(RefusedError, match="or is another topic"):
        case.bronze.catch_up()
    accept(case.settings, "topic")
    with pytest.raises(RefusedError, match="partition 2, offsets 0 to 2; run `make accept-loss`"):
        case.bronze.catch_up()
    accept(case.settings, "loss")
    case.bronze.catch_up()
    assert case.rows() == {0: 3 + 5, 1: 2, 2: 1}


@pytest.mark.stack
def test_lost_records_halt_bronze_until_somebody_accepts_that(case: Case) -> None:
    case.send(partition=0, number=4)
    case.send(partition=5, number=2)
    case.remove_before(partition=5, offset=1)  # before the first start: nothing that bronze could have lost
    case.bronze.catch_up()
    case.send(partition=0, number=6)
    case.send(partition=3, number=5)  # a partition of which bronze has no row yet
    case.remove_before(partition=0, offset=7)
    case.remove_before(partition=3, offset=2)
    with pytest.raises(RefusedError, match=r"partition 0, offsets 4 to 6; partition 3, offsets 0 to 1; .*accept-loss"):
        case.bronze.catch_up()
    assert case.rows() == {0: 4, 5: 1}
    case.remove_before(partition=3, offset=3)
    assert accept(case.settings, "loss").endswith("partition 0, offsets 4 to 6; partition 3, offsets 0 to 2")
    case.bronze.catch_up()
    assert case.rows() == {0: 4 + 3, 3: 2, 5: 1}
    case.start_again()
    case.bronze.catch_up()
    assert case.rows() == {0: 4 + 3, 3: 2, 5: 1}


@pytest.mark.stack
def test_a_writer_that_was_overtaken_writes_nothing_until_it_has_looked_again(case: Case) -> None:
    case.send(partition=0, number=1)
    case.bronze.catch_up()
    overtaken = case.bronze
    case.send(partition=0, number=1)
    case.start_again()
    case.bronze.catch_up()
    case.send(partition=0, number=1)
    with pytest.raises(LakeError):
        overtaken.catch_up()
    assert case.rows() == {0: 2}
    overtaken.catch_up()
    assert case.rows() == {0: 3}


@pytest.mark.stack
def test_a_batch_that_takes_long_names_the_slow_rule_and_the_record(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    slow = UrlRules(("buy",), (UrlRule("buy", "/buy/", 0), UrlRule("slow", "/redos/.*a.*a.*b$", 0)))
    progress = Progress(case.settings.stream_file)
    bronze = Bronze(case.session, case.settings, slow, progress, lambda: None, patience_seconds=0)
    case.send(partition=0, number=1)
    case.send(partition=4, number=1, value=line("/redos/" + "a" * 2_000))
    bronze.catch_up()
    wait_until(lambda: "no record is lost" in caplog.text, 60, "the rule is named")
    assert (
        "rule 2, '/redos/.*a.*a.*b$', takes longer than 1 s for the longest records, such as 4-0; correct"
        in caplog.text
    )
    assert case.rows() == {0: 1, 4: 1}


def test_a_query_that_kafka_kept_waiting_names_kafka(tmp_path: Path) -> None:
    topic = Topic(settings_in(tmp_path))
    text = "[STREAM_FAILED] Query terminated with exception: {}: Timed out waiting. Call: listNodes SQLSTATE: XXKST"
    told = topic.explain(RuntimeError(text.format("org.apache.kafka.common.errors.TimeoutException")))
    assert isinstance(told, ServiceError)
    assert "does not answer: Timed out waiting. Call: listNodes; see `make logs NAME=kafka`" in str(told)
    other = RuntimeError(text.format("java.lang.IllegalStateException"))
    assert topic.explain(other) is other
