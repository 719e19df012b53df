"""Records that are nearly right: good ones with pieces put in, put over and cut out, as Hypothesis draws them."""

from __future__ import annotations

from frames import event, line
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

GOOD = [
    event(),
    event(timestamp=1767268800.25, product_id="caf\N{LATIN SMALL LETTER E WITH ACUTE}"),
    event(timestamp="2026-01-01 12:00:00,25 +0000", product_id="a\\x\\u0000", response_time="0.1"),
    event(timestamp="Thu, 01 Jan 2026 12:00:00 GMT", status_code="200", user_agent={"a": 1}),
    line("/product/7"),
    line("//product/caf%C3%A9;jsessionid=1?x=a+b"),
    line("HTTP://shop.example/cart/add?id=%20a+b&x=1", **{"01/Jan/2026:12:00:00 +0000": "2026-01-01T12:00:00.5"}),
    line(r"/p/caf\xC3\xA9 7", **{" 200 ": " 404 ", "GET": "POST"}),
    line(**{' "-" "Mozilla/5.0 Firefox/131.0"': "", "GET / HTTP/1.1": "-"}),
    line(Mozilla='Tab 10" FHD '),
    line() + b"\n" + line(),
    event() + b",\n" + event(),
]
PIECES = [
    *(b"\\x", b"\\x22", b"\\xE7", b"\\xBA", b"\\u0000", b"\\ud800", b"\\", b'"', b"\\\\", b"\0", b"\xff", b"\xe7\xba"),
    *(b"\xe2\x82", b"\xf0\x9f\xa7", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xc3\xa9", b"\xe2\x80\xa8", b"\x85", b"\x7f"),
    *(b"\n", b"\r\n", b" ", b"%", b"%41", b"%2f", b"%2E", b"%E7%BA", b"%00", b"+", b"/./", b"//", b"/../", b";a=1"),
    *(b"?", b"#", b"{", b"}", b"},{", b"[", b"]", b",", b":", b" HTTP/", b'" "', b"] ", b"Z", b" UTC"),
    *(b"-03", b"+0530", b"e9", b"9", b"0", b"-", b".", b"null", b"true", b"1e400", b""),
]
edit = st.tuples(st.integers(0, 299), st.sampled_from([0, 0, 0, 1, 4]), st.sampled_from(PIECES))
edits = st.lists(edit, max_size=3)
nearly_right = st.tuples(st.sampled_from(GOOD), edits)
odd_bytes = st.lists(st.sampled_from([bytes([byte]) for byte in b'{}[]":,\\x0u\xff\xe7\x00 ab/%\n']), max_size=30)
anything = st.binary(max_size=60) | odd_bytes.map(b"".join)


def edited(drawn: tuple[bytes, list[tuple[int, int, bytes]]]) -> bytes:
    """Return a record after its edits: where (counted round and round), how many bytes go, what comes there."""
    value, changes = drawn
    for place, gone, piece in changes:
        start = place % (len(value) + 1)
        value = value[:start] + piece + value[start + gone :]
    return value


def mutations(number: int) -> list[bytes]:
    """Return so many records, the same in each run; a tenth are not even nearly right."""
    drawn: list[bytes] = []

    @settings(
        max_examples=number,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 9).flatmap(lambda tenth: nearly_right.map(edited) if tenth else anything))
    def draw(value: bytes) -> None:
        drawn.append(value)

    draw()
    return drawn
