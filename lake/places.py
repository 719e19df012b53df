"""Where the state of Weblake lies: folders and tables, by the settings that name them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Places:
    """The folders that settings name, and what lies in each."""

    data: Path
    lake_root: str
    jars: Path
    charts: Path

    @property
    def bronze(self) -> str:
        """Path of the bronze table, one row per Kafka record."""
        return f"{self.lake_root}/bronze/web_logs"

    @property
    def bronze_checkpoint(self) -> str:
        """Where Spark keeps the plan of the query that reads Kafka; made again with each."""
        return f"{self.lake_root}/checkpoints/bronze"

    @property
    def class_archive(self) -> Path:
        """Path of the file in which Java keeps Spark's classes as it has loaded them; it may be missing."""
        return self.jars / "spark" / "classes.jsa"

    @property
    def ledger(self) -> str:
        """Path of the silver ledger, the entries that sum up to the counts."""
        return f"{self.lake_root}/silver/window_counts"

    @property
    def replays(self) -> str:
        """Path of the folder that keeps a record of each replay."""
        return f"{self.lake_root}/replays"

    @property
    def verdicts(self) -> str:
        """Path of the folder that keeps a record of each verdict on clients."""
        return f"{self.lake_root}/verdicts"

    @property
    def erasures(self) -> str:
        """Path of the folder that keeps a record of each erasure."""
        return f"{self.lake_root}/erasures"

    @property
    def requests(self) -> Path:
        """Path of the local folder through which the running stream is asked for errands."""
        return self.data / "requests"

    @property
    def stream_file(self) -> Path:
        """Path of the local file in which the running stream says how far it has come, and what it waits for."""
        return self.data / "stream.json"

    def loop_file(self, name: str) -> Path:
        """Path of the local file in which ``marts``, ``charts``, ``guard`` or ``verify`` says how it is."""
        return self.data / f"{name}.json"

    @property
    def accepted_losses(self) -> Path:
        """Path of the local record of what Kafka lost and somebody accepted."""
        return self.data / "accepted-losses.json"

    @property
    def accepted_topic(self) -> Path:
        """Path of the local record of the topic that was accepted last in place of another."""
        return self.data / "accepted-topic.json"

    @property
    def lock_file(self) -> Path:
        """Path of the local file whose lock the one writer of the lake holds."""
        return self.data / "lake.lock"
