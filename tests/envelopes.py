"""What shippers with the recipes of ``docs/shippers.md`` send for two lines of a log, by their documentation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

HOST, LOG = "web1", "/var/log/nginx/access.log"
LINES = (
    '203.0.113.9 - - [01/Mar/2026:12:00:00 +0000] "GET /product/7 HTTP/1.1" 200 5120 "-" "Mozilla/5.0 (X11; Linux)"',
    '2001:db8::9 - - [01/Mar/2026:12:00:01 +0000] "POST /cart HTTP/2.0" 302 0 "https://shop.example/" "an \\"agent\\""',
)
OFFSETS = (0, len(LINES[0]) + 1)
CONTAINER = "/var/lib/docker/containers/4f1c9b/4f1c9b-json.log"
POD = "/var/log/pods/default_shop-7d9f_5b0e/nginx/0.log"


@dataclass(frozen=True)
class Shipped:
    """A record in the topic, the line in it, and its position, if it has one."""

    record: str
    line: str
    position: str | None


def compact(record: dict[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def fluent_bit(text: str, offset: int, file: str) -> dict[str, Any]:
    """The keys: https://docs.fluentbit.io/manual/data-pipeline/inputs/tail (``path_key``, ``offset_key``, ``key``).

    ``host``, appended: https://docs.fluentbit.io/manual/data-pipeline/filters/record-modifier. ``@timestamp``:
    https://docs.fluentbit.io/manual/data-pipeline/outputs/kafka (``timestamp_key``, ``timestamp_format``).
    """
    return {"@timestamp": 1772366400.250817, "file": file, "offset": offset, "log": text, "host": HOST}


def vector(text: str, offset: int, file: str) -> dict[str, Any]:
    """The keys: https://vector.dev/docs/reference/configuration/sources/file/ (output data, and ``offset_key``).

    Its codec ``json`` writes them in the order of the alphabet.
    """
    times = {"source_type": "file", "timestamp": "2026-03-01T12:00:00.250817331Z"}
    return {"file": file, "host": HOST, "message": text, "offset": offset, **times}


def filebeat(text: str, offset: int, file: str) -> dict[str, Any]:
    """``log.offset``, ``input.type``: https://www.elastic.co/docs/reference/beats/filebeat/exported-fields-log.

    ``log.file.path``, ``host.name``, ``agent`` and ``ecs``:
    https://www.elastic.co/docs/reference/beats/filebeat/exported-fields-ecs, and ``@metadata``:
    https://www.elastic.co/docs/reference/beats/filebeat/configuration-output-codec, which says that events are JSON.
    """
    return {
        "@timestamp": "2026-03-01T12:00:00.250Z",
        "@metadata": {"beat": "filebeat", "type": "_doc", "version": "9.2.0"},
        "log": {
            "offset": offset,
            "file": {"path": file, "device_id": "64768", "inode": "131585", "fingerprint": "9f86d0"},
        },
        "message": text,
        "input": {"type": "filestream"},
        "ecs": {"version": "8.0.0"},
        "host": {"name": HOST},
        "agent": {"name": HOST, "type": "filebeat", "version": "9.2.0", "id": "3ad5", "ephemeral_id": "b1c8"},
    }


def docker(line: str) -> str:
    """A line of a container's log: https://docs.docker.com/engine/logging/drivers/json-file/."""
    return compact({"log": f"{line}\n", "stream": "stdout", "time": "2026-03-01T12:00:00.250817331Z"})


def cri(line: str) -> str:
    """A line of a pod's log: https://kubernetes.io/docs/concepts/cluster-administration/logging/."""
    return f"2026-03-01T12:00:00.250817331Z stdout F {line}"


def cursor(number: int) -> str:
    """An opaque text: https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html."""
    return f"s=c6e2318bba544b7fa4a654efafd6519d;i={number};b=124c7811;m=f4240;t=64bf535be5240;x=dc2475c80f8a3cd"


JOURNAL = {"_HOSTNAME": HOST, "_SYSTEMD_UNIT": "nginx.service", "SYSLOG_IDENTIFIER": "nginx", "PRIORITY": "6"}


def journalctl(line: str, number: int) -> dict[str, Any]:
    """``--output=json``: https://www.freedesktop.org/software/systemd/man/latest/journalctl.html. Values are texts."""
    return {**JOURNAL, "__CURSOR": cursor(number), "__REALTIME_TIMESTAMP": "1772366400250817", "MESSAGE": line}


def vector_journal(line: str, number: int) -> dict[str, Any]:
    """The keys: https://vector.dev/docs/reference/configuration/sources/journald/ (output data, ``emit_cursor``)."""
    own = {"host": HOST, "message": line, "source_type": "journald", "timestamp": "2026-03-01T12:00:00.250817Z"}
    fields = {name: value for name, value in JOURNAL.items() if name != "_HOSTNAME"}
    return {**fields, "__CURSOR": cursor(number), "__REALTIME_TIMESTAMP": "1772366400250817", **own}


def fluent_bit_journal(line: str) -> dict[str, Any]:
    """The keys: https://docs.fluentbit.io/manual/data-pipeline/inputs/systemd. The cursor goes to ``db`` only."""
    return {"@timestamp": 1772366400.250817, **JOURNAL, "MESSAGE": line}


def in_file(file: str, offset: int) -> str:
    return f"{HOST}:{file}:{offset}"


ENVELOPES: dict[str, tuple[Shipped, ...]] = {
    **{
        envelope.__name__: tuple(
            Shipped(compact(envelope(line, offset, LOG)), line, in_file(LOG, offset))
            for line, offset in zip(LINES, OFFSETS, strict=True)
        )
        for envelope in (fluent_bit, vector, filebeat)
    },
    "docker by fluent_bit": tuple(
        Shipped(compact(fluent_bit(docker(line), offset, CONTAINER)), line, in_file(CONTAINER, offset))
        for line, offset in zip(LINES, (0, len(docker(LINES[0])) + 1), strict=True)
    ),
    "cri by vector": tuple(
        Shipped(compact(vector(cri(line), offset, POD)), line, in_file(POD, offset))
        for line, offset in zip(LINES, (0, len(cri(LINES[0])) + 1), strict=True)
    ),
    "journalctl": tuple(Shipped(compact(journalctl(line, n)), line, cursor(n)) for n, line in enumerate(LINES, 1)),
    "journald by vector": tuple(
        Shipped(compact(vector_journal(line, n)), line, cursor(n)) for n, line in enumerate(LINES, 1)
    ),
    "journald by fluent_bit": tuple(Shipped(compact(fluent_bit_journal(line)), line, None) for line in LINES),
}
"""By the shipper's name, the records of two lines."""
