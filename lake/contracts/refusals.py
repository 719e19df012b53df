"""What bronze refuses to go on over: records that Kafka has lost, or another topic. Somebody has to accept it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from lake.contracts.fields import fields_of


@dataclass(frozen=True)
class Loss:
    """Records that Kafka removed before bronze had them: offsets ``first`` to ``last``, both included, of a partition.

    ``generation`` is the number, from 0, of the topic that bronze read.
    """

    generation: int
    partition: int
    first: int
    last: int

    def __str__(self) -> str:
        return f"partition {self.partition}, offsets {self.first} to {self.last}"


@dataclass(frozen=True)
class NewTopic:
    """Another topic for bronze to go on with. ``generation`` topics were read before it."""

    topic_id: str
    generation: int


@dataclass(frozen=True)
class Refusal:
    """The losses, or the topic, that bronze waits for somebody to accept."""

    losses: tuple[Loss, ...] = ()
    topic: NewTopic | None = None

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Refusal:
        """Read it from a JSON object."""
        topic = content.get("topic")
        return cls(
            losses=tuple(Loss(**fields_of(Loss, loss)) for loss in content.get("loss") or ()),
            topic=NewTopic(**fields_of(NewTopic, topic)) if topic else None,
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        losses = {"loss": [asdict(loss) for loss in self.losses]} if self.losses else {}
        return losses | ({"topic": asdict(self.topic)} if self.topic else {})
