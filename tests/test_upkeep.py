"""What Kafka may be rid of: never what bronze has not read, and the newest stays as far as it fits."""

from __future__ import annotations

import uuid
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from brokers import adopt_broker, begin_new_files
from disks import has_free
from hypothesis import given
from hypothesis import strategies as st
from kafka import KafkaProducer
from kafka.protocol.admin.client_quotas import DescribeClientQuotasRequest
from settings_in import settings_in

from lake.kafka_access import broker_home, client_options
from lake.settings import Settings
from spark.source.topic import Admin, Offsets, Topic, TopicState
from spark.source.upkeep import SLOW_BYTES, SLOWEST_BYTES, Upkeep, surplus
from stack.servers.kafka import create_topic

MEGABYTE = 1 << 20


def write_log(folder: Path, topic: str, files: dict[int, dict[int, int]]) -> None:
    """Make the broker's files: partition -> first offset of a file -> its megabytes."""
    for partition, segments in files.items():
        place = folder / f"{topic}-{partition}"
        place.mkdir(parents=True)
        for first, size in segments.items():
            with (place / f"{first:020d}.log").open("wb") as file:
                file.truncate(size * MEGABYTE)
            (place / f"{first:020d}.index").touch()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Two partitions; the files of the first begin at 0, 100 and 200, and have 4 MB each."""
    write_log(tmp_path, "web_logs", {0: {0: 4, 100: 4, 200: 4}, 1: {0: 1}})
    return tmp_path


@pytest.mark.parametrize(
    ("keep", "held", "expected"),
    [
        (100, {0: 250, 1: 9}, {}),  # all of it fits
        (16, {0: 250, 1: 9}, {0: 100}),  # each partition may keep 8: the two newest files
        (8, {0: 250, 1: 9}, {0: 200}),
        (0, {0: 250, 1: 9}, {0: 200}),  # the broker keeps the newest files anyway
        (8, {0: 150, 1: 0}, {0: 150}),  # bronze has not read the rest
        (8, {0: 0, 1: 0}, {}),
        (0, {2: 9}, {}),  # it has no files here
    ],
)
def test_whole_files_go_the_oldest_first_up_to_what_bronze_has(
    log: Path, keep: int, held: Offsets, expected: Offsets
) -> None:
    assert surplus(log, "web_logs", held, keep * MEGABYTE) == expected


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(0, 700), st.integers(0, 20))
def test_what_bronze_has_not_read_and_the_newest_file_are_never_in_it(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], held: int, keep: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, "t", {0: {100 * number: size for number, size in enumerate(sizes)}})
    newest = 100 * max(len(sizes) - 1, 0)
    assert surplus(folder, "t", {0: held}, keep * MEGABYTE).get(0, 0) <= min(held, newest)


class Asked(Topic):
    """A topic that writes down what it is asked for."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.removed: list[Offsets] = []
        self.limits: list[float | None] = []

    def remove(self, ends: Offsets) -> None:
        self.removed.append(ends)

    def limit_senders(self, bytes_per_second: float | None) -> None:
        self.limits.append(bytes_per_second)


STATE = TopicState("id", begins={0: 0}, ends={0: 250})


@pytest.fixture
def embedded(tmp_path: Path) -> Settings:
    write_log(tmp_path / "broker" / "log", "web_logs", {0: {0: 4, 100: 4, 200: 4}})
    settings = replace(settings_in(tmp_path), kafka_private_servers="127.0.0.1:1", kafka_keep_mb=8)
    adopt_broker(settings, tmp_path / "broker")
    return settings


def test_what_has_been_removed_is_not_asked_for_again(embedded: Settings) -> None:
    topic = Asked(embedded)
    upkeep = Upkeep(embedded, topic)
    upkeep.trim(STATE, {0: 250}, is_short=False)
    upkeep.trim(replace(STATE, begins={0: 100}), {0: 250}, is_short=False)
    assert topic.removed == [{0: 100}]
    upkeep.trim(replace(STATE, begins={0: 100}), {0: 250}, is_short=True)
    assert topic.removed[1:] == [{0: 200}]


def test_only_the_broker_of_this_folder_is_asked(embedded: Settings, tmp_path: Path) -> None:
    addresses = [replace(embedded, kafka_private_servers=servers) for servers in ("", "kafka.example:1")]
    for other in (*addresses, replace(embedded, data=tmp_path / "other")):
        topic = Asked(other)
        upkeep = Upkeep(other, topic)
        upkeep.limit_senders(is_short=True)
        upkeep.trim(STATE, {0: 250}, is_short=True)
        assert (topic.removed, topic.limits) == ([], [])


def test_senders_are_slowed_down_while_the_disk_is_short_for_them(
    embedded: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    topic = Asked(embedded)
    upkeep = Upkeep(embedded, topic)
    for free in (1024, 1024, 1023, 512, 511, 511, 1024):
        has_free(monkeypatch, free)
        upkeep.limit_senders(is_short=free < 512)
    assert topic.limits == [None, SLOW_BYTES, SLOWEST_BYTES, None]
    slow, slowest = (record.getMessage() for record in caplog.records)
    assert "less than WEBLAKE_MIN_FREE_MB=1024: all senders together may append 262,144 bytes a second" in slow
    assert "may append 16,384 bytes a second until there is room" in slowest


# --- On a real broker


@pytest.fixture
def own(stack_settings: Settings, tmp_path: Path) -> Settings:
    """The running broker, as if it were of the test's data folder, with a topic of the test's own; 0 MB are kept."""
    settings = replace(stack_settings, data=tmp_path, kafka_topic=f"upkeep_{uuid.uuid4().hex}", kafka_keep_mb=0)
    adopt_broker(settings, broker_home(stack_settings))
    create_topic(settings)
    begin_new_files(settings)
    return settings


def send(settings: Settings, partition: int) -> None:
    with closing(KafkaProducer(bootstrap_servers=settings.kafka_bootstrap_servers, acks="all")) as producer:
        producer.send(settings.kafka_topic, b"x", partition=partition).get(timeout=30)


def quotas(settings: Settings) -> list[float]:
    """What senders without a login may append in a second, if that is limited."""
    component = DescribeClientQuotasRequest.ComponentData(entity_type="user", match_type=0, match="ANONYMOUS")
    with closing(Admin(**client_options(settings))) as admin:
        answer = admin.send_request(DescribeClientQuotasRequest(components=[component], strict=False))
    return [value.value for entry in answer.entries or [] for value in entry.values]


@pytest.mark.stack
def test_the_broker_does_as_it_is_asked(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for partition in (0, 0, 0, 1):
        send(own, partition)
    topic = Topic(own)
    upkeep = Upkeep(own, topic)
    with closing(topic):
        has_free(monkeypatch, 1023)
        upkeep.limit_senders(is_short=False)
        upkeep.trim(topic.look(), {0: 3, 1: 1, 2: 0}, is_short=False)
        assert (topic.look().begins, quotas(own)) == ({**dict.fromkeys(range(6), 0), 0: 2}, [SLOW_BYTES])
        send(own, 0)  # slowly, but it is taken
        has_free(monkeypatch, 1024)
        upkeep.limit_senders(is_short=False)
        assert (topic.look().ends[0], quotas(own)) == (4, [])
