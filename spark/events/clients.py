"""Who the client of a record is, from what the record says of addresses. Pure: expressions over columns."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from lake.contracts import ERASED

OCTET = r"(?:1\d{0,2}+|2(?:[0-4]\d?+|5[0-5]?+|[6-9])?+|[3-9]\d?+|0)"  # by its first digit, which is quicker
IPV4 = rf"{OCTET}(?:\.{OCTET}){{3}}"
HEX = r"[0-9A-Fa-f]{1,4}"
IPV6 = (
    rf"(?:(?:{HEX}:){{7}}{HEX}"
    rf"|(?=(?:[0-9A-Fa-f]{{0,4}}:){{2,7}}(?:[0-9A-Fa-f]{{0,4}}|{IPV4})\z)"
    rf"(?:{HEX}(?::{HEX})*+)?::(?:{HEX}(?::{HEX})*(?::{IPV4})?|{IPV4})?"
    rf"|(?:{HEX}:){{6}}{IPV4})"
)
IP_ADDRESS = rf"^(?:{IPV4}|{IPV6}|{ERASED})\z"


def client(address: str) -> Column:
    """Return the client that a column of addresses names; null where it is no address that can be read."""
    return F.when(F.col(address).rlike(IP_ADDRESS), F.col(address))
