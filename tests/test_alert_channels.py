"""Messages about alerts reach people: by webhook, by mail and by the log, and once more rather than never."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alert_marts import NOW, marts_of, show, stack_is
from alert_receivers import SECRET, Receiver, mail_server, signature, web_server
from settings_in import settings_in

from lake.contracts.reports import read_loop_report
from lake.errors import SettingsError
from lake.settings import PROJECT, Settings, child_environment
from stack.servers import postgres
from stack.servers.waiting import wait_until
from watch import journal
from watch.alerts import OPENED, Alert, Message, message
from watch.channels import channels
from watch.loop import keep_alerts
from watch.mail import Mail
from watch.post import send_due
from watch.rules import SEVERE
from watch.webhook import Webhook

ALERT = Alert("a-1", "failures", "", SEVERE, "9 of 10 failed", "look", NOW - 120, NOW, NOW, NOW)
STATES = "select channel, sent_at is not null, attempts, error from ops.alert_deliveries order by channel"
RULES = {
    "rules": [
        {
            "name": "failures",
            "level": "severe",
            "says": "{part} of {whole} failed",
            "next": "look",
            "opens_above": 0.5,
            "closes_below": 0.2,
            "sql": "select sum(part) as part, sum(whole) as whole from marts.shares where window_start < span.ends_at",
        }
    ]
}


def a_message() -> Message:
    return message(OPENED, [ALERT])


@pytest.fixture
def web() -> Iterator[Receiver]:
    with web_server() as receiver:
        yield receiver


@pytest.fixture
def mail() -> Iterator[Receiver]:
    with mail_server() as receiver:
        yield receiver


def test_a_webhook_gets_json_with_an_id_and_a_signature(web: Receiver) -> None:
    sent = a_message()
    Webhook(f"http://127.0.0.1:{web.port}/hook", SECRET).send(sent)
    ((headers, body),) = web.posts
    content = json.loads(body)
    assert headers["webhook-id"] == content["id"] == sent.message_id
    assert headers["webhook-signature"] == signature(headers, body)
    assert headers["content-type"] == "application/json"
    assert content["kind"] == "opened"
    assert content["text"] == ("Weblake: failures\n\n[severe] failures: 9 of 10 failed\nTo do: look")
    assert [alert["alert_id"] for alert in content["alerts"]] == ["a-1"]


def test_without_a_secret_there_is_no_signature(web: Receiver) -> None:
    Webhook(f"http://127.0.0.1:{web.port}/", "").send(a_message())
    assert "webhook-signature" not in web.posts[0][0]


@pytest.mark.parametrize("answer", [302, 404, 500])
def test_an_answer_that_is_no_yes_is_a_failure_and_nobody_is_followed_elsewhere(web: Receiver, answer: int) -> None:
    web.answer = answer
    with pytest.raises(OSError, match=str(answer)):
        Webhook(f"http://127.0.0.1:{web.port}/", SECRET).send(a_message())
    assert len(web.posts) == 1


def test_mail_has_the_message_s_id_and_who_sent_it(mail: Receiver) -> None:
    sent = a_message()
    Mail.of(f"smtp://127.0.0.1:{mail.port}/ops@example.org,owner@example.org?from=shop@example.org").send(sent)
    (got,) = mail.mails
    assert got["Message-ID"] == f"<{sent.message_id}@weblake>"
    assert (got["From"], got["To"]) == ("shop@example.org", "ops@example.org, owner@example.org")
    assert got["Subject"] == "Weblake: failures"
    assert "9 of 10 failed" in str(got.get_payload())


def test_a_password_is_not_sent_in_the_clear(monkeypatch: pytest.MonkeyPatch, mail: Receiver) -> None:
    channel = Mail.of(f"smtp://maria:secret@127.0.0.1:{mail.port}/ops@example.org")
    assert "secret" not in repr(channel)
    monkeypatch.setattr("watch.mail._is_here", lambda host: False)
    with pytest.raises(Exception, match="a password is not sent in the clear; use smtps://"):
        channel.send(a_message())
    assert mail.mails == []


@pytest.mark.parametrize("address", ["mailto:nobody", "smtp:///ops@example.org", "smtp://host/a%0Ab@example.org"])
def test_a_mail_address_that_is_none_is_refused_without_showing_it(address: str) -> None:
    with pytest.raises(SettingsError, match="it names no"):
        Mail.of(address)


def outlook(settings: Settings, to: str) -> Settings:
    return replace(settings, outlook=replace(settings.outlook, alerts_to=to, alerts_secret=SECRET))


def test_a_channel_s_name_tells_no_secret_and_a_broken_one_leaves_the_others(tmp_path: Path) -> None:
    to = "https://hooks.example.org/T0/secret mailto:ops@example.org nothing://x slack://TokenA/TokenB/TokenC/ http:"
    found, complaints = channels(outlook(settings_in(tmp_path), to))
    kinds = [name.partition(" (")[0] for name in found]
    assert kinds[:3] == ["log", "webhook at hooks.example.org", "mail by sendmail"]
    assert "secret" not in " ".join([*found, *complaints])
    assert complaints[0].startswith("address 3 of ALERTS_TO cannot be used (it is no web address")
    assert complaints[-1].startswith("address 5 of ALERTS_TO cannot be used (a webhook's address has a host")


def test_what_apprise_knows_is_sent_by_it(tmp_path: Path, web: Receiver) -> None:
    found, complaints = channels(outlook(settings_in(tmp_path), f"json://127.0.0.1:{web.port}/"))
    assert complaints == []
    (name,) = set(found) - {"log"}
    found[name].send(a_message())
    assert "9 of 10 failed" in json.loads(web.posts[0][1])["message"]
    web.answer = 500
    with pytest.raises(Exception, match="Apprise could not send it"):
        found[name].send(a_message())


def test_the_log_has_each_line_for_itself(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    found, _ = channels(settings_in(tmp_path))
    sent = a_message()
    found["log"].send(sent)
    assert [record.getMessage() for record in caplog.records] == [
        f"Weblake: failures ({sent.message_id})",
        "[severe] failures: 9 of 10 failed",
        "To do: look",
    ]
    assert {record.levelno for record in caplog.records} == {logging.ERROR}


@pytest.fixture
def settings(stack_settings: Settings, tmp_path: Path) -> Settings:
    own = marts_of(stack_settings, "alert_channels")
    file = tmp_path / "alerts.yml"
    file.write_text(yaml.safe_dump(RULES))
    return replace(own, data=tmp_path, outlook=replace(own.outlook, alerts_file=file))


@pytest.mark.stack
def test_a_broken_channel_keeps_no_other_waiting_and_gets_all_in_order_later(
    settings: Settings, web: Receiver, mail: Receiver
) -> None:
    to = f"http://127.0.0.1:{web.port}/ smtp://127.0.0.1:{mail.port}/ops@example.org"
    found, _ = channels(outlook(settings, to))
    web.answer = 503
    first, second = a_message(), a_message()
    with closing(journal.connect(settings)) as connection, connection.cursor() as cursor:
        for number, one in enumerate((first, second)):
            journal.write_message(cursor, one, tuple(found), time.time() - 10 + number)
        send_due(connection, found, time.time())
        assert [got["Message-ID"] for got in mail.mails] == [f"<{one.message_id}@weblake>" for one in (first, second)]
        assert len(web.posts) == 1, "the second one waits behind the first"
        (failing,) = journal.failing_channels(cursor)
        assert failing[0].startswith("webhook at 127.0.0.1 (")
        assert "503" in failing[1]
        web.answer = 200
        send_due(connection, found, time.time() + 60)
        assert [headers["webhook-id"] for headers, _ in web.posts] == [one.message_id for one in (first, first, second)]
        assert web.posts[0][1] == web.posts[1][1], "the same bytes"
        assert journal.failing_channels(cursor) == []
        send_due(connection, found, time.time() + 9999)
    assert (len(web.posts), len(mail.mails)) == (3, 2)


@pytest.mark.stack
def test_a_message_is_given_up_after_a_day_and_where_its_channel_is_gone(settings: Settings) -> None:
    found, _ = channels(outlook(settings, "http://127.0.0.1:1/"))
    now = time.time()
    with closing(journal.connect(settings)) as connection, connection.cursor() as cursor:
        journal.write_message(cursor, a_message(), [*(set(found) - {"log"}), "gone (12345678)"], now - 86_401)
        send_due(connection, found, now)
        assert journal.next_due(cursor) is None
    states = postgres.query(settings, "analyst", "select abandoned_at is not null from ops.alert_deliveries")
    assert states == [(True,), (True,)]


@contextmanager
def watching(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program that watches."""
    secrets = {
        "ALERTS_TO": settings.outlook.alerts_to,
        "ALERTS_SECRET": SECRET,
        "POSTGRES_WATCH_PASSWORD": settings.password("watch"),
    }
    log = settings.data / "watch.log"
    with log.open("ab") as file:
        program = subprocess.Popen(
            [sys.executable, "-m", "weblake", "run", "watch"],
            cwd=PROJECT,
            env=child_environment(settings, **secrets),
            stdout=file,
            stderr=file,
        )
    try:
        yield program
    finally:
        if program.poll() is None:
            program.terminate()
        program.wait(30)


def open_an_alert(settings: Settings) -> None:
    show(settings, 1, NOW, {NOW - 60: (90, 100)})
    stack_is(settings, time.time(), "rows are being counted")


@pytest.mark.stack
@pytest.mark.parametrize("kind", ["web", "mail"])
def test_killed_between_sending_and_recording_it_sends_again_with_the_same_id(
    settings: Settings, web: Receiver, mail: Receiver, kind: str
) -> None:
    receiver = {"web": web, "mail": mail}[kind]
    to = {"web": f"http://127.0.0.1:{web.port}/", "mail": f"smtp://127.0.0.1:{mail.port}/ops@example.org"}[kind]
    settings = outlook(settings, to)
    open_an_alert(settings)
    died = threading.Event()

    def kill() -> None:
        if not died.is_set():
            first.kill()
            first.wait()
            died.set()

    receiver.before_answer = kill
    with watching(settings) as first:
        wait_until(died.is_set, 60, "the first watch has sent, and died of it")
    (state,) = (row for row in postgres.query(settings, "analyst", STATES) if row[0] != "log")
    assert state[1:] == (False, 0, "")
    with watching(settings):
        wait_until(lambda: len(ids(receiver)) == 2, 60, "the second watch has sent the message again")
        wait_until(lambda: all(row[1] for row in postgres.query(settings, "analyst", STATES)), 60, "it is on record")
    settings.loop_file("alerts").unlink()
    with watching(settings):
        wait_until(settings.loop_file("alerts").exists, 60, "a third watch has looked")
    assert len(ids(receiver)) == 2, "what is on record as sent is sent no more"
    assert len(set(ids(receiver))) == 1


def ids(receiver: Receiver) -> list[str]:
    return [headers["webhook-id"] for headers, _ in receiver.posts] + [str(got["Message-ID"]) for got in receiver.mails]


@pytest.mark.stack
def test_rules_are_read_again_when_they_change_and_a_broken_file_is_reported(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watch.loop.POLL_SECONDS", 0.05)
    open_an_alert(settings)
    file = settings.outlook.alerts_file
    good = file.read_text()
    file.write_text("rules: [7]")
    stop = threading.Event()
    thread = threading.Thread(target=keep_alerts, args=(settings, stop))
    thread.start()

    def error() -> str:
        with suppress(FileNotFoundError):
            report = read_loop_report(settings.loop_file("alerts"))
            return (report and report.error) or ""
        return ""

    try:
        wait_until(lambda: "rule 1 in" in error(), 60, "the broken file is reported")
        file.write_text(good)
        wait_until(lambda: postgres.query(settings, "analyst", STATES) != [], 60, "the alert is told of")
        wait_until(lambda: error() == "", 60, "a good round is reported")
    finally:
        stop.set()
        thread.join()
