"""How Weblake's programs reach Kafka and log in: for kafka-python, and for Spark.

Without a private listener, everybody uses ``KAFKA_BOOTSTRAP_SERVERS`` and logs in. With one, our own programs use and
log in to that, and senders need no login: their listener lets everybody append to the topic, and do nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lake.env_file import PRIVATE_SERVERS, read_env_file
from lake.errors import ServiceError, SettingsError
from lake.settings import STACK_FILE, Settings

LOGIN_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}
"""Java's class for each mechanism."""


def client_options(settings: Settings) -> dict[str, Any]:
    """Return kafka-python's options for our own programs: addresses, and how to log in.

    Raises:
        SettingsError: the password is missing.
    """
    return {"bootstrap_servers": settings.kafka_servers.split(","), **_login(settings)}


def sender_options(settings: Settings) -> dict[str, Any]:
    """Return kafka-python's options for who only sends: addresses, and how to log in where senders have to.

    Raises:
        SettingsError: the password is missing.
    """
    servers = {"bootstrap_servers": settings.kafka_bootstrap_servers.split(",")}
    return servers if settings.kafka_private_servers else {**servers, **_login(settings)}


def spark_options(settings: Settings) -> dict[str, str]:
    """Return the options of Spark's Kafka source: addresses, and how to log in.

    Raises:
        SettingsError: the password is missing.
    """
    options = {
        "kafka.bootstrap.servers": settings.kafka_servers,
        "kafka.security.protocol": settings.kafka_security_protocol,
    }
    if _has_tls(settings) and settings.kafka_ca_file:
        options |= {"kafka.ssl.truststore.type": "PEM", "kafka.ssl.truststore.location": settings.kafka_ca_file}
    if _has_sasl(settings):
        options |= {
            "kafka.sasl.mechanism": settings.kafka_sasl_mechanism,
            "kafka.sasl.jaas.config": jaas(
                settings.kafka_sasl_mechanism, username=settings.kafka_user, password=_password(settings)
            ),
        }
    return options


def broker_home(settings: Settings) -> Path:
    """Return the folder of the embedded broker; there is none where another one is used."""
    return settings.data / "kafka"


def broker_log(settings: Settings) -> Path | None:
    """Return the folder of the log of the embedded broker; None where the settings name another one.

    Another broker's topic may have the same name, and its offsets mean nothing in a log that an embedded one has left.
    """
    log = broker_home(settings) / "log"
    own = read_env_file(settings.data / STACK_FILE).get(PRIVATE_SERVERS)
    return log if own and own == settings.kafka_private_servers and log.is_dir() else None


def no_answer(settings: Settings, error: Exception | str) -> ServiceError:
    """Return the error for a broker that did not do what one of our programs asked."""
    return ServiceError(
        f"Kafka at {settings.kafka_servers} does not answer: {error}; see `make logs NAME=kafka`{login_hint(settings)}"
    )


def login_hint(settings: Settings) -> str:
    """Return what to do if the broker refuses our login, for an error: kafka-python does not say that it does."""
    user = settings.kafka_user
    hint = f"; if it refuses the login of {user!r}, run `make up`, or correct KAFKA_USER and KAFKA_PASSWORD"
    return hint if _has_sasl(settings) else ""


@contextmanager
def refused_logins() -> Iterator[list[str]]:
    """Collect what brokers answer meanwhile to logins that they refuse: kafka-python says it in its log alone."""
    from kafka.errors import SaslAuthenticationFailedError

    answers: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            arguments = record.args if isinstance(record.args, tuple) else ()
            answers.extend(str(one) for one in arguments if isinstance(one, SaslAuthenticationFailedError))

    log, collector = logging.getLogger("kafka.net"), Collector()
    level, propagates = log.level, log.propagate
    log.addHandler(collector)
    log.setLevel(logging.WARNING)
    log.propagate = False
    try:
        yield answers
    finally:
        log.removeHandler(collector)
        log.setLevel(level)
        log.propagate = propagates


def jaas(mechanism: str, **options: str) -> str:
    """Return the line by which Java knows a login: the mechanism's module, and its options."""
    quoted = (f" {name}={_quote(text)}" for name, text in options.items())
    return f"{LOGIN_MODULES[mechanism]} required{''.join(quoted)};"


def _login(settings: Settings) -> dict[str, Any]:
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if _has_tls(settings) and settings.kafka_ca_file:
        options["ssl_cafile"] = settings.kafka_ca_file
    if _has_sasl(settings):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": _password(settings),
        }
    return options


def _has_tls(settings: Settings) -> bool:
    return settings.kafka_security_protocol.endswith("SSL")


def _has_sasl(settings: Settings) -> bool:
    return settings.kafka_security_protocol.startswith("SASL")


def _password(settings: Settings) -> str:
    if not settings.kafka_password:
        raise SettingsError(
            f"KAFKA_PASSWORD is empty, but KAFKA_SECURITY_PROTOCOL={settings.kafka_security_protocol} asks for the "
            f"password of {settings.kafka_user!r}; set it"
        )
    return settings.kafka_password


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
