"""Log files as they lie about: packed, in archives, in other encodings, cut off; and what is no log at all."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pytest
from collected import imported, lines_in, write
from hypothesis import given
from hypothesis import strategies as st

from ingest.files.kinds import foreign_kind
from ingest.files.lines import LIMIT, lines_of
from ingest.files.log_file import LogFile
from ingest.files.names import files_of
from ingest.files.source import BrokenFileError, LogFileError
from ingest.producer import MAX_VALUE_BYTES

LINES = [
    b'203.0.113.9 - - [15/Jan/2026:07:00:%02d +0000] "GET /product/%d HTTP/1.1" 200 5 "-" "x"' % (number % 60, number)
    for number in range(300)
]
LOG = b"\n".join(LINES) + b"\n"
ERROR = b'2026/03/01 03:00:00 [error] 8#8: *1 open() "/srv/x" failed, client: 203.0.113.9, request: "GET /x HTTP/1.1"\n'


def by_arrow(codec: str) -> Callable[[bytes], bytes]:
    def pack(data: bytes) -> bytes:
        sink = pa.BufferOutputStream()
        with pa.CompressedOutputStream(sink, codec) as stream:
            stream.write(data)
        return bytes(sink.getvalue())

    return pack


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "zstd": by_arrow("zstd"),
    "lz4": by_arrow("lz4"),
}


def tar_of(**members: bytes) -> bytes:
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(f"logs/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return target.getvalue()


DEFLATED, DEFLATED_64 = (b"\x14\x00\x00\x00%b\x00" % method for method in (b"\x08", b"\x09"))


def zip_of(**members: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"logs/{name}", content)
    return target.getvalue()


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_is_read_whatever_it_is_called_also_of_several_parts(tmp_path: Path, packer: str) -> None:
    pack = PACKERS[packer]
    assert lines_in(write(tmp_path / "access.log", pack(LOG))) == LINES
    assert lines_in(write(tmp_path / "access.log", pack(pack(LOG)))) == LINES
    if packer != "lzma":
        assert lines_in(write(tmp_path / "joined", pack(LOG[:5000]) + pack(LOG[5000:]))) == LINES


@pytest.mark.parametrize("packer", PACKERS)
def test_a_packed_file_that_is_cut_sends_whole_lines_alone_and_says_so(tmp_path: Path, packer: str) -> None:
    text = b"".join(b"%s %s\n" % (line, os.urandom(40).hex().encode()) for line in LINES * 20)
    path = write(tmp_path / "access.log.x", PACKERS[packer](text)[:-20_000])
    records, tally = imported(path)
    assert 0 < len(records) < 6_000
    assert [value for value, _ in records] == text.splitlines()[: len(records)]
    assert f"{path} is broken after line {len(records):,}" in tally.problems[0]
    assert f"({len(records):,} lines sent so far)" in tally.problems[0]


def test_damaged_data_is_named(tmp_path: Path) -> None:
    data = bytearray(gzip.compress(LOG * 100))
    data[40] ^= 0xFF
    assert "a.gz is broken" in imported(write(tmp_path / "a.gz", bytes(data)))[1].problems[0]
    tar = tar_of(**{"access.log": LOG})
    assert "a.tar" in imported(write(tmp_path / "a.tar", tar[:9_000]))[1].problems[0]
    assert "is broken" in imported(write(tmp_path / "a.zip", zip_of(a=LOG)[:-30]))[1].problems[0]


def test_the_logs_of_an_archive_are_files_of_their_own_and_the_rest_is_left_out(tmp_path: Path) -> None:
    members = {
        "access.log": LOG,
        "access.log.1.gz": gzip.compress(LOG + LOG),
        "error.log": ERROR,
        "._access.log": b"\0\5",
    }
    alone = imported(write(tmp_path / "access.log", LOG))[0]
    for name, archive in (
        ("logs.tar", tar_of(**members)),
        ("logs.tgz", gzip.compress(tar_of(**members))),
        ("logs.txz", lzma.compress(tar_of(**members))),
        ("logs.zip", zip_of(**members)),
    ):
        path = write(tmp_path / name, archive)
        records, tally = imported(path)
        assert len(records) == 900
        assert records[:300] == alone, "an archive changes no id"
        assert len(set(records)) == 600, "and the second log is the first one, grown"
        assert [
            note for note in tally.notes if "error.log was left out: it is nginx's error log" in note
        ] == tally.notes


def test_archives_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    document = zip_of()
    with zipfile.ZipFile(tmp_path / "book.xlsx", "w") as archive:
        archive.writestr("[Content_Types].xml", "<x/>")
    for path, message in (
        (tmp_path / "book.xlsx", "is no log: it is a document or a program"),
        (
            write(tmp_path / "a.tar", tar_of(**{"a.zip": zip_of(a=LOG)})),
            "a.zip is a zip archive, which can be read from",
        ),
        (write(tmp_path / "a.gz", gzip.compress(document)), "is a zip archive, which can be read from"),
        (
            write(tmp_path / "b.zip", zip_of(a=LOG).replace(DEFLATED, DEFLATED_64)),
            "is a zip archive that cannot be read",
        ),
    ):
        assert message in imported(path)[1].problems[0]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_other_encodings_become_utf_8_and_give_the_same_ids(tmp_path: Path, encoding: str) -> None:
    text = LOG.decode().replace('"x"', '"Größe €"')
    plain = imported(write(tmp_path / "plain.log", text.encode()))[0]
    assert imported(write(tmp_path / "other.log", text.encode(encoding)))[0] == plain
    assert imported(write(tmp_path / "packed.log", gzip.compress(text.encode(encoding))))[0] == plain
    assert "€" in plain[0][0].decode()


def test_nuls_before_a_line_are_no_part_of_it_however_many(tmp_path: Path) -> None:
    plain = imported(write(tmp_path / "plain.log", LOG))[0]
    assert imported(write(tmp_path / "truncated.log", bytes(3 * LIMIT) + LOG))[0] == plain
    joined = write(tmp_path / "joined.log", LOG + bytes(5_000) + LOG + b"\xef\xbb\xbf" + LOG)
    assert lines_in(joined) == LINES * 3
    assert imported(write(tmp_path / "empty.log", bytes(5_000)))[1].sent == 0


def test_bytes_that_are_no_utf_8_pass(tmp_path: Path) -> None:
    line = LINES[0].replace(b'"x"', b'"caf\xe9 \xff\x80"')
    assert lines_in(write(tmp_path / "a.log", line + b"\n")) == [line]


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"Rar!\x1a\x07\x01\x00", "RAR"),
        (b"\x1f\x9d\x90", "compress"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"SQLite format 3\x00", "SQLite"),
        (b"%PDF-1.7\n", "PDF"),
        (b"LPKSHHRH\0\0", "journalctl"),
        (bytes(range(256)), "holds no text"),
        (ERROR * 3, "nginx's error log"),
        (
            b"[Sun Mar 01 03:00:00.123456 2026] [core:error] [pid 8:tid 9] [client 203.0.113.9:1] x\n",
            "Apache's error log",
        ),
        (b"[01-Mar-2026 03:00:00 UTC] PHP Warning:  x in /srv/a.php on line 3\n", "PHP"),
        (b"2026-03-01 03:00:00: (server.c.1551) server started\n", "lighttpd's error log"),
        (b"01-Mar-2026 03:00:00.123 INFO [main] org.apache.catalina.startup x\n", "Tomcat"),
        (b"[01-Mar-2026 03:00:00 UTC] PHP Fatal error:  x\nStack trace:\n#0 {main}\n  thrown in /srv/a.php\n", "PHP"),
        (b"[01-Mar-2026 03:00:00 UTC] PHP Warning:  x\n{\n  cart: 5\n}\n", "PHP"),
        (b"#Software: Microsoft HTTP API 2.0\n", "error log of Windows"),
    ],
)
def test_what_is_no_access_log_is_known_by_its_beginning(begin: bytes, kind: str) -> None:
    assert kind in (foreign_kind(begin, begin) or "")


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        LOG,
        LINES[0] + b"\n" + ERROR,
        ERROR + LINES[0] + b"\n" + LINES[1] + b"\n",
        ERROR * 9 + LINES[0] + b"\n",
        ERROR * 9 + b'{"timestamp": "2026-03-01T12:00:00Z", "action": "checkout"}\n',
        bytes(9_000) + LOG,
        b'203.0.113.9 - - [01/Mar/2026:03:00:00 +0000] "\x16\x03\x01" 400 5 "-" "-"\n' + LOG,
        '203.0.113.9 - - [01/Mar/2026:03:00:00 +0000] "GET /Größe HTTP/1.1" 200 5\n'.encode("latin-1"),
        b'{"event_id": "1", "timestamp": "2026-03-01T12:00:00Z"}\n',
        b"#Software: Microsoft Internet Information Services 10.0\n",
        b"some words\n",
    ],
)
def test_what_may_be_an_access_log_is_none_of_those(begin: bytes) -> None:
    assert foreign_kind(begin, begin) is None


def test_standard_input_may_be_packed_and_is_left_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (LOG, gzip.compress(LOG), lzma.compress(tar_of(a=LOG)), LOG.rstrip(b"\n")):
        source = io.BufferedReader(io.BytesIO(data))
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=source))
        assert [value for value, _ in imported("-")[0]] == LINES
        assert not source.closed
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BufferedReader(io.BytesIO(zip_of(a=LOG)))))
    assert "standard input is a zip archive" in imported("-")[1].problems[0]


def test_names_may_be_patterns_and_have_blanks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("b.log", "a.log", "my old.log", "[x].log"):
        Path(name).touch()
    Path("folder.log").mkdir()
    assert files_of(["?.log", "a.log", "-"]) == ["a.log", "b.log", "-"]
    assert files_of(["my *.log", "[x].log"]) == ["my old.log", "[x].log"]
    assert files_of(["~/a.log"]) == [str(tmp_path / "a.log")]
    assert files_of(["none*.log", "none.log"]) == ["none*.log", "none.log"]
    assert files_of(["folder*"]) == ["folder*"]


def test_a_file_without_read_permission_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "a.log", LOG)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(LogFileError, match=r"a\.log cannot be read: Permission denied"):
        LogFile(str(path))


@given(st.binary(max_size=400))
def test_lines_are_what_stands_between_line_ends(data: bytes) -> None:
    expected = []
    for line in data.split(b"\n"):
        text = line.lstrip(b"\0").removeprefix(b"\xef\xbb\xbf")
        expected.append(text.removesuffix(b"\r"))
    found = [line.value for line in lines_of(io.BufferedReader(io.BytesIO(data)))]
    assert [line for line in found if line and line.strip(b"\r\n\0 ")] == [
        line for line in expected if line.strip(b"\r\n\0 ")
    ] or not data.endswith(b"\n")


@given(st.binary(max_size=2_000), st.sampled_from(sorted(PACKERS)))
def test_no_bytes_whatever_raise_anything_but_a_broken_file(data: bytes, packer: str) -> None:
    packed = PACKERS[packer](data)
    for source in (data, packed, packed[: len(packed) // 2], packed[:6] + data):
        reader = io.BufferedReader(io.BytesIO(source))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "stdin", SimpleNamespace(buffer=reader))
            with LogFile("-") as file:
                try:
                    for log in file.logs():
                        for line in log.lines():
                            assert line.size <= MAX_VALUE_BYTES
                except (BrokenFileError, LogFileError):
                    pass
