"""Labelled tab-separated values (ltsv.org): fields with their names, in any order, tabs between them."""

from __future__ import annotations

NAME = "ltsv"
DESCRIPTION = "labelled tab-separated values, as of ltsv.org"
LABELS = {
    "ip_address": ("host", "remote_addr", "remote_host"),
    "forwarded_for": ("forwardedfor", "http_x_forwarded_for", "xff"),
    "user_id": ("user", "remote_user"),
    "time": ("time", "time_local", "time_iso8601", "msec"),
    "request": ("req", "request"),
    "method": ("method", "request_method"),
    "url": ("uri", "request_uri"),
    "query": ("query", "args"),
    "status_code": ("status",),
    "bytes": ("size", "body_bytes_sent", "bytes_sent"),
    "response_time": ("reqtime", "request_time", "taken_sec"),
    "response_us": ("reqtime_microsec",),
    "referrer": ("referer", "http_referer"),
    "user_agent": ("ua", "http_user_agent"),
    "host": ("vhost", "http_host", "server_name"),
}
"""Field, as log strings name it -> its labels; the first that the line has a value for."""
