"""JSON events of our own schema."""

from __future__ import annotations

from lake.formats.format import ObjectFormat, TimeFormat

JSON_EVENT = ObjectFormat(
    name="json",
    description="an event as a JSON object, which says itself what was done",
    fields={
        "event_id": "event_id",
        "time": "timestamp",
        "user_id": "user_id",
        "ip_address": "ip_address",
        "action": "action",
        "product_id": "product_id",
        "user_agent": "user_agent",
        "response_time": "response_time",
        "status_code": "status_code",
    },
    time=TimeFormat(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d([.]\d{1,9})?(Z|[+-]\d\d(:?\d\d)?)\z"),
    kept=("timestamp", "action", "product_id", "response_time", "status_code"),
)
