"""The embedded Kafka broker: one KRaft node under ``<data>/kafka``, its topic, and how far that has got."""

from __future__ import annotations

import base64
import subprocess
import uuid
from contextlib import closing
from pathlib import Path

from lake.contracts import TOPIC_PARTITIONS
from lake.errors import ServiceError
from lake.files import write_whole
from lake.kafka_access import broker_home, broker_log, client_options, no_answer, sender_options
from lake.scratch import java_files
from lake.settings import Settings, child_environment
from stack.servers import kafka_login
from stack.servers.ports import LOCALHOST, is_open
from stack.servers.waiting import wait_until
from stack.setup.jars import KAFKA, classpath

HEAP = "-Xmx256m"
QUICK = "-XX:TieredStopAtLevel=1"
"""For a Java that lives for minutes: the costly second compilation does not pay."""
PATIENCE_MS = 10_000
SENDERS_SECONDS = 30
TOPIC_SETTINGS = {
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": "-1",
    "retention.bytes": str(4 * 1024**3),
    "segment.bytes": str(256 * 1024**2),
}
"""Old records go by size (per partition), never by age: a stack that was off for a month has lost nothing."""
OWN_TOPIC_SETTINGS = TOPIC_SETTINGS | {
    "retention.bytes": "-1",
    "segment.bytes": str(32 * 1024**2),
    "file.delete.delay.ms": "1000",
}
"""The embedded broker removes nothing by itself: the stream has it remove what bronze holds (spark/source/upkeep.py).
The newest file of each partition stays whatever it holds, so files are small; and a backlog must not have too many."""

CONFIGURATION = """\
# Written by Weblake at every start.
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller_port}
listeners=SENDERS://{host}:{port},PRIVATE://{host}:{private_port},CONTROLLER://{host}:{controller_port}
advertised.listeners=SENDERS://{host}:{port},PRIVATE://{host}:{private_port}
listener.security.protocol.map=SENDERS:PLAINTEXT,PRIVATE:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT
inter.broker.listener.name=PRIVATE
controller.listener.names=CONTROLLER
log.dirs={log_dir}
num.partitions={partitions}
log.message.timestamp.type=LogAppendTime
auto.create.topics.enable=false
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
num.network.threads=2
num.io.threads=2
broker.session.timeout.ms=5000
broker.heartbeat.interval.ms=1000
log.cleaner.dedupe.buffer.size=8388608
log.retention.check.interval.ms=10000
quota.window.num=2
"""

LOGGING = """\
status=error
appender.console.type=Console
appender.console.name=console
appender.console.layout.type=PatternLayout
appender.console.layout.pattern=%d{yyyy-MM-dd HH:mm:ss,SSS} %p %c{1}: %m%n
rootLogger.level=warn
rootLogger.appenderRef.console.ref=console
logger.server.name=kafka.server.KafkaRaftServer
logger.server.level=info
"""


def home(settings: Settings) -> Path:
    """Return the folder of everything of Kafka's."""
    return broker_home(settings)


def properties(settings: Settings) -> Path:
    """Return the path of the broker's configuration."""
    return home(settings) / "server.properties"


def port(settings: Settings) -> int:
    """Return the broker's port for senders."""
    return _port(settings.kafka_bootstrap_servers)


def is_listening(settings: Settings) -> bool:
    """Say whether a broker accepts connections where the settings say that our programs reach it."""
    servers = (server.rpartition(":") for server in settings.kafka_servers.split(","))
    return any(is_open(int(number), host) for host, _, number in servers)


def configure(settings: Settings, controller_port: int) -> None:
    """Write the broker's configuration, readable by its owner alone: it holds the broker's own password."""
    folder = home(settings)
    folder.mkdir(parents=True, exist_ok=True)
    text = CONFIGURATION.format(
        host=LOCALHOST,
        port=port(settings),
        private_port=_port(settings.kafka_private_servers),
        controller_port=controller_port,
        log_dir=folder / "log",
        partitions=TOPIC_PARTITIONS,
    )
    write_whole(properties(settings), text + kafka_login.configuration(settings.kafka_user), mode=0o600)
    (folder / "log4j2.properties").write_text(LOGGING)


def is_formatted(settings: Settings) -> bool:
    """Say whether the broker's storage has its cluster id."""
    file = _cluster_file(settings)
    return file.exists() and "cluster.id=" in file.read_text(errors="replace")


def format_storage(settings: Settings) -> None:
    """Give the storage a cluster id of its own, once; what an interrupted try has left is made anew.

    Raises:
        ServiceError: Kafka's tool failed; the message has its last lines.
    """
    _cluster_file(settings).unlink(missing_ok=True)
    cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # "--cluster-id=ID": an id may begin with a dash.
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster_id}", "--config", str(properties(settings))]
    done = subprocess.run(
        [*_java(settings, "-Xmx128m", QUICK), *tool],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=child_environment(settings),
        check=False,
    )
    if done.returncode != 0:
        raise ServiceError(f"formatting Kafka's storage in {home(settings)} failed:\n{done.stdout.strip()[-2000:]}")


def server_command(settings: Settings, *java_options: str) -> list[str]:
    """Return the command that runs the broker in the foreground."""
    return [*_java(settings, HEAP, *java_options), "kafka.Kafka", str(properties(settings))]


def create_topic(settings: Settings) -> bool:
    """Create the topic, or bring its settings up to date; where senders have a listener of their own, let them append.

    Returns whether there was none.

    Raises:
        ServiceError: the broker did not do it.
    """
    from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, NewTopic
    from kafka.errors import KafkaError, TopicAlreadyExistsError

    topic = settings.kafka_topic
    configs = OWN_TOPIC_SETTINGS if broker_log(settings) else TOPIC_SETTINGS
    try:
        with closing(KafkaAdminClient(**client_options(settings))) as admin:
            try:
                admin.create_topics([NewTopic(topic, TOPIC_PARTITIONS, 1, topic_configs=configs)])
                is_new = True
            except TopicAlreadyExistsError:
                is_new = False
                admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, configs=configs)])
            if settings.kafka_private_servers:
                kafka_login.admit_senders(admin, topic)
                wait_until(lambda: _is_open(settings), SENDERS_SECONDS, f"senders may append to {topic!r}")
    except KafkaError as error:
        raise ServiceError(
            f"topic {topic!r} could not be created at {settings.kafka_servers}: {error}; see `make logs NAME=kafka`"
        ) from error
    return is_new


def _is_open(settings: Settings) -> bool:
    """Say whether senders see the topic: the broker learns of their right in a moment."""
    from kafka import KafkaConsumer
    from kafka.errors import KafkaError

    try:
        with closing(KafkaConsumer(**sender_options(settings), bootstrap_timeout_ms=PATIENCE_MS)) as sender:
            return bool(sender.partitions_for_topic(settings.kafka_topic))
    except KafkaError:
        return False


def has_topic(settings: Settings) -> bool:
    """Say whether the broker answers and knows the topic with its partitions."""
    try:
        return len(end_offsets(settings)) > 0
    except ServiceError:
        return False


def end_offsets(settings: Settings) -> dict[int, int]:
    """Return the next offset of each partition of the topic; empty where there is no such topic.

    Raises:
        ServiceError: the broker does not answer.
    """
    from kafka import KafkaConsumer, TopicPartition
    from kafka.errors import KafkaError

    try:
        with closing(KafkaConsumer(**client_options(settings), bootstrap_timeout_ms=PATIENCE_MS)) as consumer:
            partitions = consumer.partitions_for_topic(settings.kafka_topic) or set()
            ends = consumer.end_offsets([TopicPartition(settings.kafka_topic, number) for number in sorted(partitions)])
    except KafkaError as error:
        raise no_answer(settings, error) from error
    return {partition.partition: int(offset) for partition, offset in ends.items()}


def _cluster_file(settings: Settings) -> Path:
    return home(settings) / "log" / "meta.properties"


def _port(server: str) -> int:
    return int(server.rpartition(":")[2])


def _java(settings: Settings, *options: str) -> list[str]:
    logging_file = home(settings) / "log4j2.properties"
    common = ["-XX:+UseSerialGC", "-Djava.awt.headless=true", *java_files(settings)]
    logging = f"-Dlog4j2.configurationFile={logging_file}"
    return ["java", *options, *common, logging, "-cp", classpath(settings.jars, KAFKA)]
