"""The connection of a producer to Kafka: it waits for the broker and the topic, says so, and gives up in words."""

from __future__ import annotations

import logging
import threading
import time
from functools import partial
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from ingest.producer import TOPIC_SECONDS, Producer, no_topic
from lake.errors import ServiceError, SpaceError
from lake.kafka_access import broker_log, login_hint, sender_options
from lake.settings import Settings
from lake.space import SENDERS, shortage

log = logging.getLogger(__name__)

LINGER_MS = 50
BATCH_BYTES = 128 * 1024
FOR_EVER_MS = 10 * 365 * 86_400_000
"""As delivery timeout: how long to wait is decided here, not in a batch that expires and is lost."""


def connect(
    settings: Settings, patience_seconds: float | None, stop: threading.Event, who: str = "the sender"
) -> Producer | None:
    """Return a producer for the topic, waiting for the broker and the topic with a message every few seconds.

    Args:
        settings: where Kafka is, and the topic. It is never created here, or it would have the wrong partitions.
        patience_seconds: how long to wait here, and later for an acknowledgement; None is for ever. A broker that
            answers and has no such topic is given :data:`TOPIC_SECONDS` at most.
        stop: when set, return None.
        who: who waits while the disk is short of room, for messages.

    Raises:
        ServiceError: patience is over.
        SpaceError: the same, and the broker's disk is short of room.
    """
    servers = settings.kafka_bootstrap_servers
    began = answered_at = time.monotonic()
    while not stop.is_set():
        kafka = None
        try:
            kafka = _kafka_producer(settings)
            if not kafka.partitions_for(settings.kafka_topic):
                raise UnknownTopicOrPartitionError(settings.kafka_topic)
            look = partial(_shortage, settings, who)
            return Producer(kafka, settings.kafka_topic, servers, patience_seconds, stop, look)
        except (KafkaError, OSError) as error:
            now = time.monotonic()
            is_over = patience_seconds is not None and now - began > patience_seconds
            if kafka:
                kafka.close(timeout=1)
                lacking = f"the topic {settings.kafka_topic!r} of Kafka at {servers}"
                if is_over or now - answered_at > TOPIC_SECONDS:
                    raise no_topic(servers, settings.kafka_topic, now - answered_at, "nothing was sent") from error
            else:
                answered_at = now
                lacking = f"Kafka at {servers}"
                short = _shortage(settings, who)  # then a full disk is why
                if is_over and short:
                    text = f"{short}; {lacking} was not there, and nothing was sent; then run this again"
                    raise SpaceError(text) from error
                if is_over:
                    raise ServiceError(
                        f"{lacking} was not there for {now - began:.0f} s; nothing was sent; start the stack with "
                        f"`make up`, or set KAFKA_BOOTSTRAP_SERVERS{login_hint(settings)}"
                    ) from error
            log.warning("Waiting for %s (%.0f s so far): %s", lacking, now - began, type(error).__name__)
            stop.wait(1.0)
    return None


def _shortage(settings: Settings, who: str) -> str | None:
    """Return why the embedded broker's disk can take no more; None where it can, or another broker is used."""
    return shortage(settings, SENDERS, f"{who} waits") if broker_log(settings) else None


def _kafka_producer(settings: Settings) -> Any:
    return KafkaProducer(
        **sender_options(settings),
        client_id="weblake-ingest",
        acks="all",
        enable_idempotence=True,
        delivery_timeout_ms=FOR_EVER_MS,
        linger_ms=LINGER_MS,
        batch_size=BATCH_BYTES,
        max_block_ms=3_000,
        bootstrap_timeout_ms=4_000,
        reconnect_backoff_max_ms=1_000,
        allow_auto_create_topics=False,
        metrics_enabled=False,
    )
