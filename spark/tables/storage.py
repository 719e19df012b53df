"""Small text files and folders of the lake, on any storage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from lake.files import write_whole
from spark.tables.java import java_class


def read_text(session: SparkSession, path: str) -> str | None:
    """Return a small text file of the lake; None where there is none."""
    system, file = _file(session, path)
    if not system.exists(file):
        return None
    stream = system.open(file)
    try:
        return str(java_class(session, "org.apache.commons.io.IOUtils").toString(stream, "UTF-8"))
    finally:
        stream.close()


def open_file(session: SparkSession, path: str) -> tuple[Any, int]:
    """Open a file of the lake; return Hadoop's stream, which has to be closed, and the file's size in bytes."""
    system, file = _file(session, path)
    return system.open(file), int(system.getFileStatus(file).getLen())


def modified_at(session: SparkSession, path: str) -> float:
    """Return when a file of the lake was last written (epoch seconds)."""
    system, file = _file(session, path)
    return float(system.getFileStatus(file).getModificationTime()) / 1000


def write_text(session: SparkSession, path: str, text: str) -> None:
    """Write a small text file into the lake, or replace one; at any moment there is one whole file.

    Hadoop's rename replaces no file, but the system's does; an object store shows a file only when it is complete.
    """
    if "://" not in path:
        file = Path(path)
        file.with_name(f".{file.name}.crc").unlink(missing_ok=True)  # Hadoop's checksum of what was there
        write_whole(file, text)
        return
    system, target = _file(session, path)
    stream = system.create(target, True)
    try:
        stream.write(bytearray(text.encode()))
    finally:
        stream.close()


def list_texts(session: SparkSession, folder: str) -> list[str]:
    """Return the contents of a folder's ``*.json`` files, by name; none where there is no folder."""
    return list(read_texts(session, folder).values())


def read_texts(session: SparkSession, folder: str) -> dict[str, str]:
    """Return a folder's ``*.json`` files, by name: path -> content; none where there is no folder."""
    system, pattern = _file(session, f"{folder}/*.json")
    files = sorted(status.getPath().getName() for status in system.globStatus(pattern) or ())
    texts = {f"{folder}/{name}": read_text(session, f"{folder}/{name}") for name in files}
    return {path: text for path, text in texts.items() if text is not None}


def remove_folder(session: SparkSession, path: str) -> None:
    """Delete a folder of the lake with all that is in it, if it is there."""
    system, folder = _file(session, path)
    system.delete(folder, True)


def folder_size(session: SparkSession, path: str) -> tuple[int, int]:
    """Return how many files and bytes there are in a folder of the lake."""
    system, folder = _file(session, path)
    summary = system.getContentSummary(folder)
    return int(summary.getFileCount()), int(summary.getLength())


def _file(session: SparkSession, path: str) -> tuple[Any, Any]:
    """Return a path's file system and the path, as Hadoop has them."""
    file = java_class(session, "org.apache.hadoop.fs.Path")(path)
    return file.getFileSystem(session._jsparkSession.sessionState().newHadoopConf()), file
