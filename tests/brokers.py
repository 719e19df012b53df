"""The broker of a data folder, where a test's folder has none of its own."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from lake.env_file import PRIVATE_SERVERS
from lake.kafka_access import broker_home, client_options
from lake.settings import Settings
from stack.servers.stack_env import write


def adopt_broker(settings: Settings, home: Path) -> None:
    """Have the broker with this home look like the embedded one of the settings' data folder."""
    broker_home(settings).symlink_to(home)
    write(settings, {PRIVATE_SERVERS: settings.kafka_private_servers})


def begin_new_files(settings: Settings) -> None:
    """Have the broker begin a new file of the topic's log each time that somebody sends."""
    topic = ConfigResource(ConfigResourceType.TOPIC, settings.kafka_topic, configs={"segment.ms": "1"})
    with closing(KafkaAdminClient(**client_options(settings))) as admin:
        admin.alter_configs([topic])
