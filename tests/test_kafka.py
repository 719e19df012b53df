"""The topic of the real broker."""

from __future__ import annotations

from pathlib import Path

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from settings_in import settings_in

from lake.contracts import TOPIC_PARTITIONS
from lake.kafka_access import client_options
from lake.settings import Settings
from stack.servers import kafka


@pytest.mark.stack
def test_the_topic_is_as_the_design_wants_it(stack_settings: Settings) -> None:
    assert sorted(kafka.end_offsets(stack_settings)) == list(range(TOPIC_PARTITIONS))
    kafka.create_topic(stack_settings)  # again: changes nothing
    admin = KafkaAdminClient(**client_options(stack_settings))
    try:
        described = str(admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, stack_settings.kafka_topic)]))
    finally:
        admin.close()
    assert "LogAppendTime" in described


def test_storage_that_an_interrupted_try_has_left_is_not_formatted(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    file = kafka.home(settings) / "log" / "meta.properties"
    assert not kafka.is_formatted(settings)
    file.parent.mkdir(parents=True)
    for text, is_formatted in (("", False), ("#\nversion=1\n", False), ("version=1\ncluster.id=x\n", True)):
        file.write_text(text)
        assert kafka.is_formatted(settings) == is_formatted
