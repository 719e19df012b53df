"""Following as a program: what it refuses, what status says of it, and that it may be killed at any moment."""

from __future__ import annotations

import gzip
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from collected import imported, write
from kafka import KafkaConsumer, TopicPartition
from rotations import append, text
from settings_in import settings_in
from statuses import a_status
from streaming import settings

from lake.command import weblake_command
from lake.contracts.following import (
    FollowReport,
    Position,
    follow_reports,
    followers,
    post_file,
    read_follow_report,
    report_file,
    write_follow_report,
)
from lake.errors import ServiceError
from lake.kafka_access import client_options
from lake.posts import leave, take
from lake.settings import PROJECT, STACK_FILE, Settings, child_environment
from stack.down import clean
from stack.health.followers import look_at_followers
from stack.health.state import as_dict, problems
from stack.servers.waiting import wait_until
from weblake.main import run
from weblake.show.status import show_status

__all__ = ["settings"]
NOW = 1_800_000_000.0


# --- What is refused


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.log", "--wait", "0"], "--follow waits for as long as it takes, and never ends; leave out --wait"),
        (["a.log", "--reject-share", "1"], "leave out --reject-share"),
        (["a.log", "--timeout", "5"], "leave out --timeout"),
        (["-", "a.log"], "- is followed alone; follow the files by another command"),
        (["-", "--again"], "leave out --again"),
        (["."], "is a directory; name the log files in it"),
        (["none/a.log"], "none does not exist; give the path of a log file, which may be yet to come"),
        (["old.log.gz"], "old.log.gz is packed, so nobody writes to it any more; import it without --follow"),
        (["wide.log"], "wide.log is not in UTF-8, and can be imported only when it is complete"),
        (["error.log"], "error.log is nginx's error log"),
        (["pipe"], "pipe is no file, so it has no positions to keep; follow it as standard input, by -"),
    ],
)
@pytest.mark.usefixtures("log_as_it_was")
def test_what_cannot_be_followed_is_refused_in_words(
    arguments: list[str],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(tmp_path / "old.log.gz", gzip.compress(text(1)))
    write(tmp_path / "wide.log", text(1).decode().encode("utf-16"))
    write(tmp_path / "error.log", b"2026/03/01 03:00:00 [error] 8#8: *1 open() failed\n")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WEBLAKE_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("ingest.following.run.connect", lambda *_: pytest.fail("it was not refused"))
    assert run(["import", "--follow", *arguments]) == 2
    assert message in re.sub(r"[\s│]+", " ", capsys.readouterr().err)


@pytest.mark.usefixtures("log_as_it_was")
def test_nobody_follows_a_file_that_another_follows_and_who_ended_leaves_the_positions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, log = tmp_path / "data", write(tmp_path / "a.log", text(1, 2))
    other = report_file(data, [str(log), "/gone/b.log"], "")
    rest = Position("/gone/b.log", first="b", offset=7, number=1)
    position = Position(str(log), first="a", offset=9, number=1)
    write_follow_report(other, FollowReport((str(log), "/gone/b.log"), updated_at=NOW, files=(position, rest)))
    monkeypatch.setenv("WEBLAKE_DATA", str(data))
    monkeypatch.setattr("ingest.following.run.connect", lambda *_: None)
    file = take(post_file(other), "`make import FOLLOW=1`")
    assert file is not None
    assert run(["import", "--follow", str(log)]) == 2
    assert f"{log} is followed already, by `make import FOLLOW=1` (pid {os.getpid()})" in capsys.readouterr().err
    leave(file)
    assert run(["import", "--follow", str(log)]) == 0
    left = read_follow_report(other)
    assert left is not None
    assert left.files == (rest,)
    own = read_follow_report(report_file(data, [str(log)], ""))
    assert own is not None
    assert own.files == (position,)


# --- What status says


def test_status_says_who_follows_what_and_how_far_behind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_in(tmp_path)
    words = ("/var/log/a b.log", "/var/log/c.log")
    report = FollowReport(
        words, "web1", NOW - 2, files=(Position(words[0]), Position(words[1])), sent=1_234, bytes_behind=5_678
    )
    path = report_file(tmp_path, words, "web1")
    write_follow_report(path, replace(report, newest_at=NOW - 3))
    file = take(post_file(path), "an import")
    assert file is not None
    (one,) = look_at_followers(settings, NOW)
    assert (one.pid, one.files, one.bytes_behind, one.newest_age_seconds) == (os.getpid(), 2, 5_678, 3.0)
    status = a_status(followers=[one])
    assert problems(status) == []
    show_status(status)
    assert re.search(
        rf"'/var/log/a b.log'.*SOURCE=web1 +{os.getpid()} +2 +1,234 +5,678 +3 s ago", capsys.readouterr().out
    )
    assert as_dict(status)["followers"][0]["bytes_behind"] == 5_678
    (silent,) = look_at_followers(settings, NOW + 100)
    assert "has said nothing for 102 s" in problems(a_status(followers=[silent]))[0]
    write_follow_report(path, replace(report, waits="Kafka has acknowledged nothing for 61 s"))
    (waiting,) = look_at_followers(settings, NOW)
    assert "waits: Kafka has acknowledged nothing for 61 s" in problems(a_status(followers=[waiting]))[0]
    leave(file)
    (dead,) = look_at_followers(settings, NOW + 8)
    (sentence,) = problems(a_status(followers=[dead]))
    assert sentence.startswith("an import that followed logs was ended 10 s ago without being stopped; to go on, run `")
    assert sentence.endswith("SOURCE=web1`")
    write_follow_report(path, replace(report, has_ended=True))
    assert look_at_followers(settings, NOW) == []


def test_clean_spares_the_positions_of_who_follows(tmp_path: Path) -> None:
    (tmp_path / STACK_FILE).write_text("")
    path = report_file(tmp_path, ["a.log"], "")
    write_follow_report(path, FollowReport(("a.log",)))
    file = take(post_file(path), "an import")
    assert file is not None
    with pytest.raises(ServiceError, match=r"an import .* keeps its positions in .*; stop it first"):
        clean(settings_in(tmp_path), force=True)
    assert path.exists()
    leave(file)
    assert followers(tmp_path) == []


# --- On a real broker


def records(settings: Settings) -> list[tuple[bytes, bytes]]:
    """Return what the topic holds: each value with its id."""
    with closing(KafkaConsumer(**client_options(settings), group_id=None, enable_auto_commit=False)) as consumer:
        parts = [
            TopicPartition(settings.kafka_topic, one) for one in consumer.partitions_for_topic(settings.kafka_topic)
        ]
        consumer.assign(parts)
        consumer.seek_to_beginning()
        ends, found = consumer.end_offsets(parts), []
        while any(consumer.position(part) < ends[part] for part in parts):
            for batch in consumer.poll(timeout_ms=500).values():
                found += [(record.value, dict(record.headers)["event_id"]) for record in batch]
    return found


@contextmanager
def program(settings: Settings, *words: object, stdin: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
    environment = child_environment(settings)
    command = weblake_command("import", "--follow", *map(str, words))
    with subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=stdin, stderr=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


def kept(settings: Settings) -> int:
    """Return how many bytes of all files Kafka has by the record."""
    return sum(position.offset for _, report in follow_reports(settings.data) for position in report.files)


@pytest.mark.stack
def test_killed_again_and_again_while_its_log_is_rotated_it_loses_nothing(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = write(folder / "app.log", text(*range(100)))
    written = 100
    with program(settings, log) as process:
        wait_until(lambda: kept(settings) == log.stat().st_size, 120, "Kafka has the log")
        append(log, text(*range(100, 2_000)))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert [one.pid for one in look_at_followers(settings, time.time())] == [None]
    log.rename(f"{log}.1")
    write(log, text(*range(2_000, 2_100)))
    with program(settings, log) as process:
        wait_until(lambda: len(records(settings)) > 100, 120, "it goes on")
        process.send_signal(signal.SIGKILL)
        process.wait()
    packed = write(folder / "app.log.1.gz", gzip.compress(Path(f"{log}.1").read_bytes()))
    Path(f"{log}.1").unlink()
    append(log, text(*range(2_100, 2_200)))
    written = 2_200
    with program(settings, log) as process:
        wait_until(lambda: len(set(records(settings))) == written, 120, "Kafka has all lines")
        (one,) = look_at_followers(settings, time.time())
        assert one.pid == process.pid
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    sent = records(settings)
    assert {value for value, _ in sent} == set(text(*range(written)).splitlines())
    assert set(sent) == {*imported(packed)[0], *imported(log)[0]}, "an import of the files would add nothing"
    assert look_at_followers(settings, time.time()) == []


@pytest.mark.stack
def test_standard_input_is_sent_as_it_comes_and_left_when_told(settings: Settings) -> None:
    with program(settings, "-", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(text(1, 2))
        process.stdin.flush()
        wait_until(lambda: len(records(settings)) == 2, 120, "Kafka has both lines")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        process.stdin.close()
