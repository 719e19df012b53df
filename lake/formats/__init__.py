"""The record formats, in the order in which they are tried. A new one is a file, and a line here."""

from lake.formats.access_log import ACCESS_LOG
from lake.formats.format import LineFormat, ObjectFormat, RecordFormat, TimeFormat
from lake.formats.json_event import JSON_EVENT

FORMATS: tuple[RecordFormat, ...] = (JSON_EVENT, ACCESS_LOG)

__all__ = ["ACCESS_LOG", "FORMATS", "JSON_EVENT", "LineFormat", "ObjectFormat", "RecordFormat", "TimeFormat"]
