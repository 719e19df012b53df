"""Parquet files of the lake as Arrow reads them: of few rows, a Spark job would cost more than the rows."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from lake.causes import cause
from lake.contracts import Column
from lake.errors import LakeError
from spark.tables.java import java_class
from spark.tables.storage import open_file

TYPES = {
    "BIGINT": pa.int64(),
    "BOOLEAN": pa.bool_(),
    "INT": pa.int32(),
    "STRING": pa.string(),
    "TIMESTAMP": pa.int64(),
}


def read_columns(session: SparkSession, path: str, columns: Iterable[Column]) -> pa.Table:
    """Return some columns of a file; one that it lacks is null. Times are microseconds since 1970.

    The driver reads it, so keep it to what its memory holds.

    Raises:
        LakeError: the file is gone, or cannot be read.
    """
    columns = list(columns)
    try:
        with _open(session, path) as source:
            file = pq.ParquetFile(source, coerce_int96_timestamp_unit="us")
            table = file.read([column.name for column in columns], use_threads=False)
    except (OSError, pa.ArrowException, Py4JError) as error:
        raise LakeError(f"cannot read {path}: {cause(error)}") from error
    return pa.table({column.name: _values(table, column) for column in columns})


def _values(table: pa.Table, column: Column) -> pa.ChunkedArray | pa.Array:
    if column.name not in table.column_names:
        return pa.nulls(table.num_rows, TYPES[column.type])
    return table[column.name].cast(TYPES[column.type])


def _open(session: SparkSession, path: str) -> Any:
    return HadoopFile(session, path) if "://" in path else pa.OSFile(path)


class HadoopFile(io.RawIOBase):
    """A file of any storage that Spark knows. Arrow reads no more of it than the columns that are asked for."""

    def __init__(self, session: SparkSession, path: str) -> None:
        """Open it.

        Raises:
            Py4JError: it is not there, or the storage does not answer.
        """
        super().__init__()
        self._stream, self._size = open_file(session, path)
        self._io = java_class(session, "org.apache.commons.io.IOUtils")
        self._at = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can be read from anywhere."""
        return True

    def tell(self) -> int:
        """Return where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Have the next read begin elsewhere, and return where."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, fewer only at the end; all that are left where ``size`` is negative."""
        left = max(self._size - self._at, 0)
        count = left if size < 0 else min(size, left)
        self._stream.seek(self._at)
        read = bytes(self._io.toByteArray(self._stream, count))
        self._at += count
        return read

    def close(self) -> None:
        """Close it."""
        if not self.closed:
            self._stream.close()
        super().close()
