"""Packed logs: what their first bytes say they are, and the streams of text inside.

A tar or zip archive is read member by member, and what is packed may be packed again. Nothing is unpacked to the disk.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple, TypeVar, cast

from ingest.files.source import LogFileError, Readable, buffered, head

Opened = TypeVar("Opened")

MOST_LAYERS = 5
"""A file that is packed more often than that is none that a log rotation wrote."""
ARROW_BYTES = 4096
"""Arrow hands out nothing of a piece in which it finds an error, so pieces are small."""
TAR_MAGIC, TAR_AT = b"ustar", 257
ZIP_MAGICS = (b"PK\x03\x04", b"PK\x05\x06")
ZIP_LOCKED = 1
DOCUMENT_PARTS = ("[Content_Types].xml", "META-INF/MANIFEST.MF", "mimetype")
"""Members that only office documents and programs of Java have."""
DAMAGES = (
    EOFError,
    OSError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
)
"""What reading a packed file may raise that is cut off, damaged or locked."""


class Text(NamedTuple):
    """A stream of text. ``is_packed`` says that nobody is writing it any more, ``is_member`` that others lie beside."""

    name: str
    stream: io.BufferedReader[Any]
    is_packed: bool
    is_member: bool


class _Arrow:
    """What pyarrow unpacks."""

    def __init__(self, stream: io.BufferedReader[Any], codec: str) -> None:
        import pyarrow  # which takes a while

        self._stream = pyarrow.CompressedInputStream(pyarrow.PythonFile(stream, "r"), codec)

    def read1(self, size: int, /) -> bytes:
        return bytes(self._stream.read(min(size, ARROW_BYTES)))


_PACKINGS: tuple[tuple[bytes, Callable[[Any], Readable]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (b"]\x00\x00", lzma.LZMAFile),
    (b"\x28\xb5\x2f\xfd", lambda stream: _Arrow(stream, "zstd")),
    (b"\x04\x22\x4d\x18", lambda stream: _Arrow(stream, "lz4")),
)
"""First bytes, and what unpacks what they begin; a file of several packed ones joined is read to its end."""


def is_packed(begin: bytes) -> bool:
    """Say whether a file that begins so is packed, or an archive."""
    magics = (*ZIP_MAGICS, *(magic for magic, _ in _PACKINGS))
    return begin.startswith(magics) or begin[TAR_AT:].startswith(TAR_MAGIC)


def texts(name: str, stream: io.BufferedReader[Any], file: io.BufferedIOBase | None) -> Iterator[Text]:
    """Yield the texts of a file, one after the other: read each before you take the next.

    Args:
        name: What the file is called.
        stream: Its bytes.
        file: The file itself, in which a zip has to seek; None where that is not possible.

    Raises:
        LogFileError: it is packed in a way that cannot be read here.
        OSError, EOFError: and others of :data:`DAMAGES`, where it is damaged.
    """
    if not head(stream).startswith(ZIP_MAGICS):
        yield from _unpacked(Text(name, stream, is_packed=False, is_member=False), 0)
    elif file is None:
        raise _zip_inside(name)
    else:
        yield from _members_of_zip(name, file)


def _unpacked(text: Text, layers: int) -> Iterator[Text]:
    begin = head(text.stream)
    if layers > MOST_LAYERS:
        raise LogFileError(f"{text.name} is packed more than {MOST_LAYERS} times; unpack it first")
    if begin[TAR_AT:].startswith(TAR_MAGIC):
        yield from _members_of_tar(text, layers)
        return
    if begin.startswith(ZIP_MAGICS):
        raise _zip_inside(text.name)
    for magic, opened in _PACKINGS:
        if begin.startswith(magic):
            inner = text._replace(stream=buffered(opened(text.stream)), is_packed=True)
            yield from _unpacked(inner, layers + 1)
            return
    yield text


def _members_of_tar(text: Text, layers: int) -> Iterator[Text]:
    with tarfile.open(fileobj=text.stream, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() and not _is_hidden(member.name) else None
            if content is not None:
                stream = buffered(cast(Readable, content))
                member_text = Text(f"{text.name}: {member.name}", stream, is_packed=True, is_member=True)
                yield from _unpacked(member_text, layers + 1)


def _members_of_zip(name: str, file: io.BufferedIOBase) -> Iterator[Text]:
    with _of_usual_kind(name, lambda: zipfile.ZipFile(file)) as archive:
        for part in DOCUMENT_PARTS:
            if part in archive.NameToInfo:
                raise LogFileError(f"{name} is no log: it is a document or a program, with {part} in it")
        for member in archive.infolist():
            if member.flag_bits & ZIP_LOCKED:
                raise LogFileError(f"{name} is locked with a password; unpack it first")
            if not member.is_dir() and not _is_hidden(member.filename):
                with _of_usual_kind(name, partial(archive.open, member)) as content:
                    stream = buffered(cast(Readable, content))
                    yield from _unpacked(Text(f"{name}: {member.filename}", stream, is_packed=True, is_member=True), 1)


def _of_usual_kind(name: str, opened: Callable[[], Opened]) -> Opened:
    """Return what is opened. Of a compression or encryption that it has not, zipfile says NotImplementedError.

    Raises:
        LogFileError: the archive has such a kind.
    """
    try:
        return opened()
    except NotImplementedError as error:
        raise LogFileError(f"{name} is a zip archive that cannot be read here ({error}); unpack it first") from error


def _is_hidden(path: str) -> bool:
    """Say whether a member is what a Mac writes beside each file."""
    return PurePosixPath(path).name.startswith("._") or path.startswith("__MACOSX/")


def _zip_inside(name: str) -> LogFileError:
    return LogFileError(f"{name} is a zip archive, which can be read from a file of its own only; unpack it first")
