"""What Kafka may be rid of: never what bronze has not read, and the newest stays as far as it fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from settings_in import settings_in

from lake.settings import Settings
from spark.source.surplus import remove_surplus, surplus
from spark.source.topic import Offsets, Topic, TopicState

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
        (0, {0: 250, 1: 9}, {0: 250, 1: 9}),  # nothing may stay of what bronze has
        (8, {0: 150, 1: 0}, {0: 150}),  # bronze has not read the rest
        (8, {0: 0, 1: 0}, {}),
    ],
)
def test_whole_files_go_the_oldest_first_up_to_what_bronze_has(
    log: Path, keep: int, held: Offsets, expected: Offsets
) -> None:
    assert surplus(log, "web_logs", held, keep * MEGABYTE) == expected


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(0, 700), st.integers(0, 20))
def test_what_bronze_has_not_read_is_never_in_it(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], held: int, keep: int
) -> None:
    folder = tmp_path_factory.mktemp("log")
    write_log(folder, "t", {0: {100 * number: size for number, size in enumerate(sizes)}})
    assert surplus(folder, "t", {0: held}, keep * MEGABYTE).get(0, 0) <= held


class Asked(Topic):
    """A topic that writes down what it is asked to remove."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.asked: list[Offsets] = []

    def remove(self, ends: Offsets) -> None:
        self.asked.append(ends)


def test_only_the_broker_of_this_folder_is_asked_and_each_time_once(tmp_path: Path) -> None:
    write_log(tmp_path / "kafka" / "log", "web_logs", {0: {0: 4, 100: 4}})
    settings = replace(settings_in(tmp_path), kafka_private_servers="127.0.0.1:1")
    topic = Asked(settings)
    state = TopicState("id", begins={0: 0}, ends={0: 150})
    remove_surplus(settings, topic, state, {0: 150}, keep_mb=4)
    assert topic.asked == [{0: 100}]
    remove_surplus(settings, topic, replace(state, begins={0: 100}), {0: 150}, keep_mb=4)
    remove_surplus(replace(settings, kafka_private_servers=""), topic, state, {0: 150}, keep_mb=4)
    remove_surplus(replace(settings, data=tmp_path / "other"), topic, state, {0: 150}, keep_mb=4)
    assert topic.asked == [{0: 100}]
