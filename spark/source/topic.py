"""The topic as the broker has it: its id, and the first and the next offset of each partition."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.admin import KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest

from lake.errors import ServiceError
from lake.kafka_access import client_options, no_answer
from lake.settings import Settings

PATIENCE_MS = 10_000
NO_OFFSET = -1
ANONYMOUS = "ANONYMOUS"
SENDERS_QUOTA = "producer_byte_rate"
TIMEOUT = re.compile(r"org\.apache\.kafka\.common\.errors\.TimeoutException: (.+?)(?: SQLSTATE|$)", re.MULTILINE)
"""What Spark's own client says in the error of a query."""
Offsets = dict[int, int]
"""An offset for each partition."""


@dataclass(frozen=True)
class TopicState:
    """The topic at one moment. ``begins`` are the oldest offsets still there, ``ends`` those of the next records."""

    topic_id: str
    begins: Offsets
    ends: Offsets


class Admin(KafkaAdminClient):  # type: ignore[misc]
    """kafka-python's client, which knows the requests for quotas, but has no method for them."""

    def send_request(self, request: object) -> Any:
        """Send a request to any broker, and return its answer."""
        return self._manager.run(self._manager.send, request)


class Topic:
    """One topic. The connection is made when it is first needed, and again after an error."""

    def __init__(self, settings: Settings) -> None:
        """Connect to nothing yet."""
        self._name = settings.kafka_topic
        self._settings = settings
        self._admin: Admin | None = None

    def look(self) -> TopicState:
        """Return the topic as it is now; it shows new partitions, and a new topic of the same name, at once.

        Raises:
            ServiceError: the broker does not answer, or has no such topic.
        """
        (description,) = self._ask("describe_topics", [self._name])
        if not description["topic_id"]:
            raise ServiceError(
                f"there is no topic {self._name!r} at {self._settings.kafka_servers}; "
                "correct KAFKA_TOPIC, or run `make up`"
            )
        partitions = sorted(partition["partition_index"] for partition in description["partitions"])
        return TopicState(
            topic_id=str(description["topic_id"]),
            begins=self._offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST)),
            ends=self._offsets(dict.fromkeys(partitions, OffsetSpec.LATEST)),
        )

    def after(self, newest: dict[int, int]) -> Offsets:
        """Return the first offset appended later than ``newest`` (epoch ms, per partition); no entry where none is.

        Raises:
            ServiceError: the broker does not answer.
        """
        offsets = self._offsets({partition: moment + 1 for partition, moment in newest.items()})
        return {partition: offset for partition, offset in offsets.items() if offset != NO_OFFSET}

    def remove(self, ends: Offsets) -> None:
        """Have the broker remove the records before ``ends``; partitions that begin there or later stay as they are.

        Raises:
            ServiceError: the broker does not answer, or did not do it.
        """
        self._ask("delete_records", {TopicPartition(self._name, partition): end for partition, end in ends.items()})

    def limit_senders(self, bytes_per_second: float | None) -> None:
        """Have the broker take no more than so much from all senders without a login together; None is no limit.

        It answers them later: they slow down, and lose nothing.

        Raises:
            ServiceError: the broker does not answer, or did not do it.
        """
        limit = AlterClientQuotasRequest.EntryData
        quota = limit.OpData(key=SENDERS_QUOTA, value=bytes_per_second or 0.0, remove=bytes_per_second is None)
        whom = limit.EntityData(entity_type="user", entity_name=ANONYMOUS)
        request = AlterClientQuotasRequest(entries=[limit(entity=[whom], ops=[quota])], validate_only=False)
        (answer,) = self._ask("send_request", request).entries
        if answer.error_code:
            raise no_answer(self._settings, answer.error_message or f"error {answer.error_code}")

    def explain(self, error: Exception) -> Exception:
        """Return Spark's error, or one that says so if Spark waited for the broker until it timed out."""
        timed_out = TIMEOUT.search(str(error))
        return no_answer(self._settings, timed_out[1]) if timed_out else error

    def close(self) -> None:
        """Close the connection."""
        if self._admin:
            self._admin.close()
            self._admin = None

    def _offsets(self, times: dict[int, int]) -> Offsets:
        """Return the first offset of each partition at a time: epoch ms, or one of OffsetSpec's."""
        specs = {TopicPartition(self._name, partition): time for partition, time in times.items()}
        answers = self._ask("list_partition_offsets", specs) if specs else {}
        return {topic_partition.partition: int(answer.offset) for topic_partition, answer in sorted(answers.items())}

    def _ask(self, method: str, about: object) -> Any:
        try:
            if self._admin is None:
                logging.getLogger("kafka").setLevel(logging.CRITICAL)  # our error says it, once
                self._admin = Admin(
                    **client_options(self._settings), bootstrap_timeout_ms=PATIENCE_MS, request_timeout_ms=PATIENCE_MS
                )
            return getattr(self._admin, method)(about)
        except KafkaError as error:
            self.close()
            raise no_answer(self._settings, error) from error
