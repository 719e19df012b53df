"""Access logs in JSON, and lines in the envelopes of shippers, and what they say."""

from __future__ import annotations

import json
from typing import Any
from zlib import crc32

from foreign_lines import AGENT, COMBINED, EPOCH, GET, HAPROXY, ISO, MS_12, NO_AGENT

CADDY: dict[str, Any] = {
    "level": "info",
    "ts": EPOCH,
    "logger": "http.log.access.log0",
    "msg": "handled request",
    "request": {
        "remote_ip": "10.0.0.2",
        "client_ip": "203.0.113.7",
        "method": "GET",
        "host": "shop.example:443",
        "uri": "/product/p7",
        "headers": {"User-Agent": [AGENT], "Referer": []},
    },
    "duration": 0.0123,
    "size": 512,
    "status": 200,
}
OF_CADDY = {**MS_12, "host": "shop.example"}
NGINX: dict[str, Any] = {
    "time_iso8601": "2026-01-01T12:00:00+00:00",
    "remote_addr": "203.0.113.7",
    "request_method": "GET",
    "request_uri": "/product/p7",
    "status": "200",
    "body_bytes_sent": 512,
    "request_time": "0.012",
    "http_user_agent": AGENT,
    "server_name": "shop.example",
}
OBJECTS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("caddy", CADDY, OF_CADDY),
    ("caddy", {**CADDY, "ts": ISO}, OF_CADDY),
    (
        "caddy",
        {**CADDY, "request": {**CADDY["request"], "client_ip": None, "remote_ip": "", "remote_addr": "203.0.113.7:99"}},
        OF_CADDY,
    ),
    (
        "traefik_json",
        {
            "ClientAddr": "203.0.113.7:5",
            "ClientHost": "203.0.113.7",
            "DownstreamContentSize": 512,
            "DownstreamStatus": 200,
            "Duration": 12_345_678,
            "RequestHost": "shop.example",
            "RequestMethod": "GET",
            "RequestPath": "/product/p7",
            "StartUTC": "2026-01-01T12:00:00.000000000Z",
            "msg": "",
            "request_User-Agent": AGENT,
        },
        {**MS_12, "host": "shop.example"},
    ),
    (
        "cloudflare",
        {
            "ClientIP": "203.0.113.7",
            "ClientRequestHost": "shop.example",
            "ClientRequestMethod": "GET",
            "ClientRequestURI": "/product/p7",
            "ClientRequestUserAgent": AGENT,
            "EdgeStartTimestamp": EPOCH * 1_000_000_000,
            "EdgeResponseStatus": 200,
            "EdgeResponseBytes": 512,
            "OriginResponseDurationMs": 12,
            "RayID": "7f0a",
        },
        {**MS_12, "host": "shop.example", "given_id": "7f0a"},
    ),
    (
        "cloudfront_json",
        {
            "date": "2026-01-01",
            "time": "12:00:00",
            "c-ip": "203.0.113.7",
            "cs-method": "GET",
            "cs-uri-stem": "/product/p7",
            "cs-uri-query": "-",
            "sc-status": "200",
            "sc-bytes": "512",
            "time-taken": "0.012",
            "cs(User-Agent)": AGENT.replace(" ", "%2520"),
            "x-host-header": "shop.example",
            "x-edge-request-id": "Rq1==",
        },
        {**MS_12, "host": "shop.example", "given_id": "Rq1=="},
    ),
    ("json_log", NGINX, {**MS_12, "host": "shop.example"}),
    (
        "json_log",
        {**NGINX, "request": "GET /product/p7 HTTP/1.1", "request_uri": "/x"},
        {**MS_12, "host": "shop.example"},
    ),
    ("json_log", {**NGINX, "request": "-", "request_method": None}, {**MS_12, "host": "shop.example"}),
]
FILEBEAT: dict[str, Any] = {
    "@timestamp": "2026-01-01T12:00:09Z",
    "host": {"name": "web1"},
    "log": {"file": {"path": "/var/log/nginx/access.log"}, "offset": 4096},
    "message": COMBINED,
}
AT_4096 = {"given_id": "web1:/var/log/nginx/access.log:4096"}
DOCKER = {"log": f"{COMBINED}\n", "stream": "stdout", "time": ISO}
CONSOLE = json.dumps({key: CADDY[key] for key in ("request", "duration", "size", "status")})
ENVELOPES: list[tuple[str, str, dict[str, Any]]] = [
    ("access_log", json.dumps(FILEBEAT), AT_4096),
    ("access_log", json.dumps({**FILEBEAT, "message": json.dumps(DOCKER)}), AT_4096),
    ("caddy", json.dumps({**FILEBEAT, "message": json.dumps(CADDY)}), {**AT_4096, **OF_CADDY}),
    ("access_log", json.dumps(DOCKER), {}),
    (
        "access_log",
        json.dumps({"@timestamp": EPOCH + 0.25, "log": COMBINED, "path": "/a.log", "offset": "7"}),
        {"given_id": f":/a.log:7:{crc32(COMBINED.encode())}"},
    ),
    (
        "access_log",
        json.dumps({"message": COMBINED, "file": "/a.log", "offset": 7, "host": "web1", "source_type": "file"}),
        {"given_id": "web1:/a.log:7"},
    ),
    ("access_log", json.dumps({"MESSAGE": COMBINED, "__CURSOR": "s=1;i=2"}), {"given_id": "s=1;i=2"}),
    ("access_log", json.dumps({"message": "", "log": {"offset": 1}, "msg": COMBINED}), {}),
    ("access_log", f"<190>Jan  1 12:00:00 web1 nginx: {COMBINED}", {}),
    ("access_log", f"<190>Jan  1 12:00:00 nginx: {COMBINED}", {}),
    (
        "access_log",
        f"Jan 11 12:00:00 web1 nginx[7]: {COMBINED.replace('203.0.113.7', '2001:db8::a')}",
        {"ip_address": "2001:db8::a"},
    ),
    ("access_log", f"<190>1 {ISO} web1 nginx 7 - - {COMBINED}", {}),
    ("access_log", f'<190>1 {ISO} web1 nginx 7 ID1 [a@1 b="c \\" ]"][d@1] \ufeff{COMBINED}', {}),
    ("access_log", f"2026-01-01T12:00:00.123456+00:00 web1 nginx: {COMBINED}", {}),
    ("access_log", f"2026-01-01T12:00:00.123456789Z stdout F {COMBINED}", {}),
    ("access_log", f"{ISO} web1 {COMBINED.replace('203.0.113.7', '2001:db8::1')}", {"ip_address": "2001:db8::1"}),
    ("access_log", f"192.0.2.1 nginx: {COMBINED}", {}),
    ("access_log", f"2026-01-01T12:00:00.123456789Z {COMBINED}", {}),
    ("access_log", f"{ISO} {json.dumps(DOCKER)}", {}),
    ("access_log", f"{ISO} stdout F {json.dumps(DOCKER)}", {}),
    ("haproxy", f"Jan  1 12:00:00 lb1 haproxy[7]: {HAPROXY.format('10/12 200 512', GET)}", {**NO_AGENT, **MS_12}),
    (
        "caddy",
        f"2026/01/01 12:00:00.000\tINFO\thttp.log.access.log0\thandled request\t{CONSOLE}",
        OF_CADDY,
    ),
]
