"""What kafka-python and Spark are told of how to reach Kafka."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from kafka.errors import KafkaConnectionError, SaslAuthenticationFailedError
from settings_in import settings_in

from lake.errors import SettingsError
from lake.kafka_access import client_options, refused_logins, sender_options, spark_options

FAILED = "Bootstrap connection failed: %s"
AWAY = {"KAFKA_BOOTSTRAP_SERVERS": "a:1,b:2"}
LOGIN = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_MECHANISM": "scram-sha-512", "KAFKA_USER": "shop"}


def test_a_broker_without_locks_is_asked_for_nothing(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **AWAY)
    plain = {"bootstrap_servers": ["a:1", "b:2"], "security_protocol": "PLAINTEXT"}
    assert client_options(settings) == sender_options(settings) == plain
    assert spark_options(settings) == {
        "kafka.bootstrap.servers": "a:1,b:2",
        "kafka.security.protocol": "PLAINTEXT",
    }


def test_everybody_logs_in_where_there_is_one_listener(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **AWAY, **LOGIN, KAFKA_PASSWORD='a"b\\c', KAFKA_CA_FILE="/ca.pem")
    assert (
        client_options(settings)
        == sender_options(settings)
        == {
            "bootstrap_servers": ["a:1", "b:2"],
            "security_protocol": "SASL_SSL",
            "ssl_cafile": "/ca.pem",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "shop",
            "sasl_plain_password": 'a"b\\c',
        }
    )
    options = spark_options(settings)
    assert (options["kafka.ssl.truststore.type"], options["kafka.ssl.truststore.location"]) == ("PEM", "/ca.pem")
    assert options["kafka.sasl.mechanism"] == "SCRAM-SHA-512"
    assert options["kafka.sasl.jaas.config"] == (
        'org.apache.kafka.common.security.scram.ScramLoginModule required username="shop" password="a\\"b\\\\c";'
    )


def test_senders_do_not_log_in_where_our_programs_have_a_listener_of_their_own(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, **AWAY, **LOGIN, KAFKA_PRIVATE_SERVERS="p:3")
    assert sender_options(settings) == {"bootstrap_servers": ["a:1", "b:2"]}
    for options in (client_options, spark_options):
        with pytest.raises(SettingsError, match=r"KAFKA_PASSWORD is empty, .*SASL_SSL asks for the password of 'shop'"):
            options(settings)


def test_a_refusal_that_stands_in_the_client_s_log_alone_is_heard() -> None:
    log = logging.getLogger("kafka.net.manager")
    with refused_logins() as answers:
        log.warning(FAILED, KafkaConnectionError("socket disconnected"))
        assert answers == []
        log.warning(
            "Bootstrap connection to %s failed: %s", "bootstrap-0", SaslAuthenticationFailedError("no such user")
        )
    assert [answer.rpartition(": ")[2] for answer in answers] == ["no such user"]
    log.warning(FAILED, SaslAuthenticationFailedError("later"))
    assert len(answers) == 1
