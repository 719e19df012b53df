"""Spark's ports: Java runs what a program may send there, so they ask for a secret."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from py4j.protocol import Py4JJavaError
from pyspark.errors import StreamingQueryException
from pyspark.sql import SparkSession

from lake.settings import Settings
from spark.session import java_process
from spark.source.reader import read_topic

FRAME = struct.Struct(">QBQI")
"""Length of the frame, kind of message (3 is a request), number of the request, length of its body."""


def ports_of_spark(session: SparkSession) -> set[int]:
    """The ports on which Java listens, without py4j's, which asks for a token."""
    connections = psutil.Process(java_process(session).pid).net_connections("tcp")
    gateway: Any = session.sparkContext._gateway
    listening = {connection.laddr.port for connection in connections if connection.status == psutil.CONN_LISTEN}
    return listening - {gateway.gateway_parameters.port}


def driver_port(session: SparkSession) -> int:
    return int(str(session.sparkContext.getConf().get("spark.driver.port")))


def answer_at(port: int) -> bytes:
    """Send what Spark's own programs would send, without having said the secret first; return the answer."""
    body = b"\x09" + b"\0" * 20
    with socket.create_connection(("127.0.0.1", port), timeout=20) as knock:
        knock.sendall(FRAME.pack(FRAME.size + len(body), 3, 1, len(body)) + body)
        return knock.recv(4096)


def test_a_stranger_gets_nothing_at_sparks_ports(session: SparkSession) -> None:
    ports = ports_of_spark(session)
    assert driver_port(session) in ports
    answers = [answer_at(port) for port in ports]
    assert all(b"Expected SaslMessage" in answer for answer in answers), answers


def test_a_program_of_sparks_own_without_the_secret_is_refused(session: SparkSession) -> None:
    java: Any = session.sparkContext._jvm
    spark = java.org.apache.spark
    conf = spark.SparkConf(False)
    security = spark.SecurityManager(conf, java.scala.Option.empty(), None)
    stranger = spark.rpc.RpcEnv.create("stranger", "127.0.0.1", "127.0.0.1", 0, conf, security, 1, True)
    driver = spark.rpc.RpcAddress("127.0.0.1", driver_port(session))
    try:
        with pytest.raises(Py4JJavaError):
            stranger.setupEndpointRef(driver, "HeartbeatReceiver")
    finally:
        stranger.shutdown()


@pytest.mark.stack
def test_an_error_of_sparks_does_not_tell_the_password(
    session: SparkSession, stack_settings: Settings, tmp_path: Path
) -> None:
    records = read_topic(session, replace(stack_settings, kafka_password="not-to-be-told"), {})
    plan: Any = records
    texts = [plan._jdf.queryExecution().toString()]
    query = records.writeStream.format("noop").option("checkpointLocation", str(tmp_path)).start()
    with pytest.raises(StreamingQueryException) as raised:
        query.awaitTermination(120)
    texts += [str(raised.value), *(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())]
    assert "authentication" in texts[1].lower()
    assert not [text for text in texts if "not-to-be-told" in text]
