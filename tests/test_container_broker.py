"""The broker of docker-compose.yml, started here without Docker, with the configuration that its image makes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from compose_file import services
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from settings_in import settings_in

from lake.kafka_access import client_options
from lake.settings import Settings
from stack.docker import PASSWORDS
from stack.servers import kafka
from stack.servers.embedded import Service
from stack.servers.ports import pick_quiet_ports
from stack.servers.waiting import wait_until

pytestmark = pytest.mark.stack

HEAP = "KAFKA_HEAP_OPTS"
"""What the image takes for itself of the environment; all else that begins with ``KAFKA_`` is of the configuration."""
ADDRESS = re.compile(r"(?<=[/@])[\w.]*:(\d+)")
SENDERS, HOST, PRIVATE, CONTROLLER = "29092", "9092", "19092", "29093"


def configuration(folder: Path, ports: dict[str, int]) -> str:
    """The broker's configuration, with its folders below ``folder`` and ports of this machine."""
    environment = services()["kafka"]["environment"]
    names = {name: name.removeprefix("KAFKA_").lower().replace("_", ".") for name in environment if name != HEAP}
    lines = "".join(f"{key}={environment[name]}\n" for name, key in names.items())
    lines = ADDRESS.sub(lambda match: f"127.0.0.1:{ports[match[1]]}", lines.replace("$$", "$"))
    return lines.replace("/run/secrets", str(folder / "secrets")).replace("/var/lib/kafka/data", str(folder / "log"))


@pytest.fixture
def container_broker(tmp_path: Path) -> Iterator[Settings]:
    ports = dict(zip((SENDERS, HOST, PRIVATE, CONTROLLER), pick_quiet_ports(4), strict=True))
    secret = tmp_path / "secrets" / "kafka_password"
    secret.parent.mkdir()
    secret.write_text("the password")
    ours = {name: str(value) for name, value in services()["stream"]["environment"].items() if name.startswith("KAFKA")}
    places = {
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{ports[SENDERS]}",
        "KAFKA_PRIVATE_SERVERS": f"127.0.0.1:{ports[PRIVATE]}",
        f"{PASSWORDS['kafka']}_FILE": str(secret),
    }
    settings = settings_in(tmp_path / "data", **{**ours, **places})
    kafka.home(settings).mkdir(parents=True)
    kafka.properties(settings).write_text(configuration(tmp_path, ports))
    (kafka.home(settings) / "log4j2.properties").write_text(kafka.LOGGING)
    kafka.format_storage(settings)
    broker = Service("kafka", settings, lambda: kafka.server_command(settings, kafka.QUICK), stop_with_int=False)

    def is_ready() -> bool:
        broker.check()
        return kafka.is_listening(settings)

    broker.start()
    try:
        wait_until(is_ready, 60, "the broker listens")
        yield settings
    finally:
        broker.stop()


def test_the_broker_of_the_containers_takes_its_password_from_the_secret(container_broker: Settings) -> None:
    kafka.create_topic(container_broker)
    assert kafka.has_topic(container_broker)
    guessed = client_options(replace(container_broker, kafka_password="guessed"))
    stranger: dict[str, Any] = {"bootstrap_servers": container_broker.kafka_private_servers}
    for options in (guessed, stranger):
        with pytest.raises(KafkaError):
            KafkaAdminClient(**{**options, "bootstrap_timeout_ms": 2_000})
    with closing(KafkaProducer(bootstrap_servers=container_broker.kafka_bootstrap_servers, acks="all")) as sender:
        sender.send(container_broker.kafka_topic, b"x", partition=0).get(timeout=30)
    assert kafka.end_offsets(container_broker)[0] == 1
    assert "the password" not in kafka.properties(container_broker).read_text()
