"""Who may do what at the broker: senders without a login append, and nobody does anything else without the password."""

from __future__ import annotations

import re
import socket
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    ConfigResource,
    ConfigResourceType,
    KafkaAdminClient,
    NewPartitions,
    NewTopic,
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
    UserScramCredentialUpsertion,
)
from kafka.errors import KafkaError
from kafka.protocol.admin import DescribeClusterRequest

from lake.env_file import read_env_file
from lake.kafka_access import client_options
from lake.settings import STACK_FILE, Settings
from stack.servers import kafka
from stack.servers.kafka_login import ANYBODY, PASSWORD
from stack.servers.stack_env import ROLES, controller_port

pytestmark = pytest.mark.stack

TOPIC, GROUP = "web_logs", "of_somebody"
PARTITION = TopicPartition(TOPIC, 0)
ANYTHING = ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY)
ANY_ACL = ACLFilter(None, "*", ACLOperation.ANY, ACLPermissionType.ANY, ANYTHING)
ALL_RIGHTS = ACL(ANYBODY, "*", ACLOperation.ALL, ACLPermissionType.ALLOW, ResourcePattern(ResourceType.TOPIC, TOPIC))
OUR_LOGIN = UserScramCredentialUpsertion("weblake", "SCRAM-SHA-256", "chosen by somebody else")
BROKER = ConfigResource(ConfigResourceType.BROKER, "1")
RETENTION = ConfigResource(ConfigResourceType.TOPIC, TOPIC, configs={"retention.bytes": "1"})

DOORS: dict[str, Callable[[KafkaAdminClient], object]] = {
    "delete records": lambda admin: admin.delete_records({PARTITION: -1}),
    "delete the topic": lambda admin: admin.delete_topics([TOPIC]),
    "make a topic": lambda admin: admin.create_topics([NewTopic("of_somebody", 1, 1)]),
    "add partitions": lambda admin: admin.create_partitions({TOPIC: NewPartitions(7)}),
    "change the topic": lambda admin: admin.alter_configs([RETENTION], raise_on_unknown=False),
    "list rights": lambda admin: admin.describe_acls(ANY_ACL),
    "give rights": lambda admin: admin.create_acls([ALL_RIGHTS]),
    "take rights": lambda admin: admin.delete_acls([ANY_ACL]),
    "list logins": lambda admin: admin.describe_user_scram_credentials(["weblake"]),
    "take our login": lambda admin: admin.alter_user_scram_credentials([OUR_LOGIN]),
    "look at a group": lambda admin: admin.describe_groups([GROUP]),
}
"""What a client without a login tries at the listener for senders, and must not be able to."""
WINDOWS: dict[str, Callable[[KafkaAdminClient], Any]] = {
    "the topic's settings": lambda admin: admin.describe_configs([RETENTION])["topic"][TOPIC],
    "the broker's settings": lambda admin: admin.describe_configs([BROKER])["broker"]["1"],
    "the files": lambda admin: admin.describe_log_dirs()[0]["log_dirs"],
}
"""What it tries to see; kafka-python shows nothing where Kafka refuses."""
REFUSAL = re.compile(r"(?i)authoriz(?!ed_operations)|needs alter permission")


def stranger(settings: Settings) -> dict[str, Any]:
    """Options of a client that knows the address for senders, and no password."""
    return {"bootstrap_servers": settings.kafka_bootstrap_servers, "bootstrap_timeout_ms": 10_000}


@pytest.mark.parametrize("is_idempotent", [True, False])
def test_a_sender_without_a_login_appends(stack_settings: Settings, is_idempotent: bool) -> None:
    with closing(KafkaProducer(**stranger(stack_settings), enable_idempotence=is_idempotent, acks="all")) as producer:
        before = kafka.end_offsets(stack_settings)[5]
        sent = producer.send(TOPIC, b"x", partition=5).get(timeout=30)
    assert sent.offset == before
    assert kafka.end_offsets(stack_settings)[5] == before + 1


@pytest.mark.parametrize("door", DOORS)
def test_a_client_without_a_login_may_do_nothing_else(stack_settings: Settings, door: str) -> None:
    with closing(KafkaAdminClient(**stranger(stack_settings))) as admin:
        try:
            answer = repr(DOORS[door](admin))
        except KafkaError as error:
            answer = repr(error)
    assert REFUSAL.search(answer), answer


@pytest.mark.parametrize("window", WINDOWS)
def test_a_client_without_a_login_sees_nothing_else(stack_settings: Settings, window: str) -> None:
    with closing(KafkaAdminClient(**stranger(stack_settings))) as admin:
        assert not WINDOWS[window](admin)


def test_a_client_without_a_login_reads_nothing(stack_settings: Settings) -> None:
    with closing(KafkaConsumer(**stranger(stack_settings), group_id=None, auto_offset_reset="earliest")) as consumer:
        consumer.assign([PARTITION])
        with pytest.raises(KafkaError, match=r"(?i)authoriz"):
            consumer.poll(timeout_ms=20_000)


def test_a_client_without_a_login_sees_and_fills_no_other_topic(stack_settings: Settings) -> None:
    other = replace(stack_settings, kafka_topic=f"private_{uuid.uuid4().hex}", kafka_private_servers="")
    kafka.create_topic(replace(other, kafka_bootstrap_servers=stack_settings.kafka_private_servers))
    with (
        closing(KafkaProducer(**stranger(stack_settings), max_block_ms=10_000)) as producer,
        pytest.raises(KafkaError, match=r"(?i)authoriz"),
    ):
        producer.send(other.kafka_topic, b"x").get(timeout=30)


def test_the_listener_of_our_programs_asks_for_the_password(stack_settings: Settings) -> None:
    private: dict[str, Any] = {"bootstrap_servers": stack_settings.kafka_private_servers}
    guessed = client_options(replace(stack_settings, kafka_password="guessed"))
    ours = {**client_options(stack_settings), "sasl_mechanism": "PLAIN"}  # the broker's own login has its own password
    for options in (private, guessed, ours):
        with pytest.raises(KafkaError):
            KafkaAdminClient(**{**options, "bootstrap_timeout_ms": 2_000})


def test_the_controller_answers_nobody_without_a_password(stack_settings: Settings) -> None:
    request = DescribeClusterRequest(endpoint_type=2)
    request.with_header(1, "stranger")
    with socket.create_connection(("127.0.0.1", controller_port(stack_settings)), timeout=30) as knock:
        knock.sendall(request.encode(version=1, header=True, framed=True))
        assert knock.recv(1) == b"", "it answered"


def test_passwords_are_where_their_owner_alone_can_read_them(stack_settings: Settings) -> None:
    properties = kafka.properties(stack_settings)
    own = PASSWORD.search(properties.read_text())
    assert own
    written = read_env_file(stack_settings.data / STACK_FILE)
    secrets = [own[1], *(text for name, text in written.items() if name.endswith("_PASSWORD"))]
    assert len(secrets) == 3 + len(ROLES), "the broker's own, ours, the page's, and those of the database's roles"
    assert all(path.stat().st_mode & 0o077 == 0 for path in (properties, stack_settings.data / STACK_FILE))
    places = [repr(process.info["cmdline"]) for process in psutil.process_iter(["cmdline"])]
    places += [path.read_text(errors="replace") for path in Path(stack_settings.data, "logs").iterdir()]
    places.append(repr(stack_settings))
    assert not [secret for secret in secrets for place in places if secret in place]
