"""Who may do what at the embedded broker: its own login, that of our programs, and what senders may do without one.

The broker logs in to its controller and to itself as ``broker``, with a password that it gets anew at each start, and
that stands in its configuration alone. With that, a starting stack gives our programs their password, which the broker
keeps as SCRAM's keys; so whoever takes the broker's port while it is down learns nothing of use.
"""

from __future__ import annotations

import re
import secrets
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from lake.errors import ServiceError
from lake.kafka_access import client_options, jaas, no_answer, refused_logins
from lake.settings import Settings

if TYPE_CHECKING:
    from kafka.admin import KafkaAdminClient

BROKER = "broker"
ANYBODY = "User:ANONYMOUS"
"""Whom Kafka takes a client for that has not logged in."""
LOGIN_MS = 30_000
TRY_MS = 3_000
PASSWORD = re.compile(rf'user_{BROKER}="(\w+)"')

CONFIGURATION = """\
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:{broker};User:{user}
listener.name.controller.sasl.enabled.mechanisms=PLAIN
listener.name.controller.plain.sasl.jaas.config={plain}
listener.name.private.sasl.enabled.mechanisms=SCRAM-SHA-256,PLAIN
listener.name.private.plain.sasl.jaas.config={plain}
listener.name.private.scram-sha-256.sasl.jaas.config={scram}
sasl.mechanism.controller.protocol=PLAIN
sasl.mechanism.inter.broker.protocol=PLAIN
"""


def configuration(user: str) -> str:
    """Return the lines of the broker's configuration about logins, with a new password of the broker's own."""
    password = secrets.token_hex(16)
    own = {"username": BROKER, "password": password, f"user_{BROKER}": password}
    return CONFIGURATION.format(broker=BROKER, user=user, plain=jaas("PLAIN", **own), scram=jaas("SCRAM-SHA-256"))


def admit_programs(settings: Settings, properties: Path) -> None:
    """Let our programs in with the password of the settings, in place of any other.

    Args:
        settings: Where the broker listens, and the password.
        properties: The configuration with which the broker was started.

    Raises:
        ServiceError: the broker did not do it.
    """
    from kafka.admin import KafkaAdminClient, UserScramCredentialUpsertion
    from kafka.errors import KafkaError

    found = PASSWORD.search(properties.read_text())
    if found is None:
        raise ServiceError(f"{properties} is of an older version; run `make down`, then `make up`")
    own = {"sasl_mechanism": "PLAIN", "sasl_plain_username": BROKER, "sasl_plain_password": found[1]}
    login = UserScramCredentialUpsertion(
        settings.kafka_user, settings.kafka_sasl_mechanism, settings.kafka_password.encode()
    )
    try:
        with closing(_admin(settings, own, properties)) as admin:
            (refusal,) = admin.alter_user_scram_credentials([login]).values()
        if not refusal:
            # The broker learns of it in a moment; until then the client tries again.
            KafkaAdminClient(**client_options(settings), bootstrap_timeout_ms=LOGIN_MS).close()
    except KafkaError as error:
        raise no_answer(settings, error) from error
    if refusal:
        raise ServiceError(
            f"Kafka at {settings.kafka_servers} refused the password of {settings.kafka_user!r}: {refusal}; "
            "see `make logs NAME=kafka`"
        )


def _admin(settings: Settings, own: dict[str, str], properties: Path) -> KafkaAdminClient:
    """Log in as the broker itself.

    Raises:
        ServiceError: it refuses that, or does not answer.
    """
    from kafka.admin import KafkaAdminClient
    from kafka.errors import KafkaError

    deadline = time.monotonic() + LOGIN_MS / 1000
    with refused_logins() as answers:
        while True:
            try:
                return KafkaAdminClient(**{**client_options(settings), **own}, bootstrap_timeout_ms=TRY_MS)
            except KafkaError as error:
                if answers:
                    raise ServiceError(
                        f"Kafka at {settings.kafka_servers} refuses its own login: {answers[-1]}. Waiting does not "
                        f"help: the password in {properties} is not the one with which it was started, or another "
                        "broker listens there; run `make down`, then `make up`"
                    ) from error
                if time.monotonic() > deadline:
                    raise no_answer(settings, error) from error


def admit_senders(admin: KafkaAdminClient, topic: str) -> None:
    """Let everybody append to the topic without a login, which includes to see that it is there.

    Raises:
        KafkaError: the broker did not do it.
    """
    from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType

    place = ResourcePattern(ResourceType.TOPIC, topic)
    answer = admin.create_acls([ACL(ANYBODY, "*", ACLOperation.WRITE, ACLPermissionType.ALLOW, place)])
    for refusal in answer["failed"]:
        raise refusal(f"senders may not append to {topic!r}")
