"""JSON access logs: of nginx and whoever names the same things alike, Caddy, Traefik, Cloudflare, CloudFront.

A field is in the first of its paths that has a text, a number, or the first of a list: ``request.headers.Referer`` is
``Referer`` in ``headers`` in ``request``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class JsonLog:
    """A format of access logs of one JSON object a line; an object is of the first that it has all ``signs`` of."""

    name: str
    """As bronze's column ``format`` has it."""
    description: str
    signs: tuple[str, ...]
    """Keys of the object itself that it must have, each as a text or a number or an object."""
    fields: Mapping[str, tuple[str, ...]]
    """Field, as log strings name it -> the paths under which it may be."""
    prefixes: Mapping[str, str] = field(default_factory=dict)
    """Key -> what its value must begin with."""
    needs_answer: bool = False
    """Whether it must also have a status, or a request with a version of HTTP: much else has a time and a path."""


CADDY = JsonLog(
    name="caddy",
    description="Caddy's access log",
    signs=("request", "status"),
    prefixes={"logger": "http.log.access"},
    fields={
        "ip_address": ("request.client_ip", "request.remote_ip", "request.remote_addr"),
        "user_id": ("user_id",),
        "time": ("ts", "time"),
        "method": ("request.method",),
        "url": ("request.uri",),
        "status_code": ("status",),
        "bytes": ("size",),
        "response_time": ("duration",),
        "referrer": ("request.headers.Referer",),
        "user_agent": ("request.headers.User-Agent",),
        "host": ("request.host",),
    },
)
TRAEFIK = JsonLog(
    name="traefik_json",
    description="Traefik's access log in JSON",
    signs=("RequestMethod", "RequestPath", "StartUTC"),
    fields={
        "ip_address": ("ClientHost", "ClientAddr"),
        "user_id": ("ClientUsername",),
        "time": ("StartUTC",),
        "method": ("RequestMethod",),
        "url": ("RequestPath",),
        "status_code": ("DownstreamStatus",),
        "bytes": ("DownstreamContentSize",),
        "response_ns": ("Duration",),
        "referrer": ("request_Referer",),
        "user_agent": ("request_User-Agent",),
        "forwarded_for": ("request_X-Forwarded-For",),
        "host": ("RequestHost", "RequestAddr"),
    },
)
CLOUDFLARE = JsonLog(
    name="cloudflare",
    description="Cloudflare's http_requests",
    signs=("ClientRequestMethod", "ClientRequestURI", "EdgeStartTimestamp"),
    fields={
        "ip_address": ("ClientIP",),
        "time": ("EdgeStartTimestamp",),
        "method": ("ClientRequestMethod",),
        "url": ("ClientRequestURI",),
        "status_code": ("EdgeResponseStatus",),
        "bytes": ("EdgeResponseBytes",),
        "response_ms": ("OriginResponseDurationMs",),
        "referrer": ("ClientRequestReferer",),
        "user_agent": ("ClientRequestUserAgent",),
        "host": ("ClientRequestHost",),
        "event_id": ("RayID",),
    },
)
CLOUDFRONT = JsonLog(
    name="cloudfront_json",
    description="CloudFront's standard log (v2) in JSON",
    signs=("cs-method", "cs-uri-stem", "c-ip"),
    fields={
        "ip_address": ("c-ip",),
        "time": ("timestamp(ms)", "timestamp"),
        "date": ("date",),
        "clock": ("time",),
        "method": ("cs-method",),
        "url": ("cs-uri-stem",),
        "query": ("cs-uri-query",),
        "status_code": ("sc-status",),
        "bytes": ("sc-bytes",),
        "response_time": ("time-taken",),
        "referrer": ("cs(Referer)",),
        "encoded_agent": ("cs(User-Agent)",),
        "host": ("x-host-header", "cs(Host)"),
        "event_id": ("x-edge-request-id",),
    },
)
TIMES = ("time", "time_iso8601", "@timestamp", "timestamp", "time_local", "msec", "ts")
NGINX = JsonLog(
    name="json_log",
    description="an access log in JSON, of nginx for example, under any of the usual names",
    signs=(),
    needs_answer=True,
    fields={
        "ip_address": ("remote_addr", "client_ip", "client", "realip_remote_addr", "remote_ip", "clientip", "src"),
        "forwarded_for": ("http_x_forwarded_for", "x_forwarded_for", "forwarded_for"),
        "user_id": ("remote_user", "user"),
        "time": TIMES,
        "request": ("request",),
        "method": ("request_method", "method"),
        "url": ("request_uri", "uri", "url", "path"),
        "query": ("args", "query_string"),
        "status_code": ("status", "status_code"),
        "bytes": ("body_bytes_sent", "bytes_sent", "size", "bytes"),
        "response_time": ("request_time", "response_time"),
        "referrer": ("http_referer", "http_referrer", "referer", "referrer"),
        "user_agent": ("http_user_agent", "user_agent", "agent"),
        "host": ("host", "server_name", "http_host", "vhost"),
    },
)
JSON_LOGS = (CADDY, TRAEFIK, CLOUDFLARE, CLOUDFRONT, NGINX)
"""In the order in which they are tried; one is none if it has no time, or neither a request nor a url."""
