"""How a jar is known."""

from __future__ import annotations

from stack.setup.jars import artifact_name


def test_a_jar_is_known_by_its_artifact() -> None:
    assert artifact_name("zstd-jni-1.5.7-3.jar") == "zstd-jni"
    assert artifact_name("spark-sql-kafka-0-10_2.13-4.2.0.jar") == "spark-sql-kafka-0-10_2.13"
