"""The pinned jars of Spark's connectors and of the Kafka broker, fetched once with the Ivy inside pyspark.

``make setup`` calls this. Jars lie in ``<settings.jars>/spark`` and ``<settings.jars>/kafka``.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from xml.sax.saxutils import quoteattr

from lake.errors import WeblakeError
from stack.setup.jar_lock import require_locked

STAMP = "jars.txt"
FETCH_SECONDS = 900


@dataclass(frozen=True)
class JarSet:
    """A folder of jars: its name, Maven coordinates, what goes with them, and whether pyspark's own are left out.

    ``replaced`` are libraries, without a version, that one of the companions takes the place of.
    """

    name: str
    coordinates: tuple[str, ...]
    beside_pyspark: bool
    companions: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


SPARK = JarSet(
    "spark",
    ("io.delta:delta-spark_4.2_2.13:4.4.0", "org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0"),
    beside_pyspark=True,
)
KAFKA = JarSet(
    "kafka",
    ("org.apache.kafka:kafka_2.13:4.1.1",),
    beside_pyspark=False,
    companions=(
        # Newer than what this Kafka asks for, whose versions have known holes; pyspark ships the same.
        "at.yawk.lz4:lz4-java:1.11.0",
        "com.fasterxml.jackson.core:jackson-databind:2.21.2",
        "com.fasterxml.jackson.dataformat:jackson-dataformat-csv:2.21.2",
        "com.fasterxml.jackson.dataformat:jackson-dataformat-yaml:2.21.2",
        "com.fasterxml.jackson.datatype:jackson-datatype-jdk8:2.21.2",
        "org.apache.logging.log4j:log4j-api:2.25.4",
        "org.apache.logging.log4j:log4j-core:2.25.4",
        "org.apache.logging.log4j:log4j-slf4j-impl:2.25.4",  # without it the broker logs nothing
    ),
    replaced=("org.lz4:lz4-java",),  # given up for at.yawk.lz4
)
JAR_SETS = (SPARK, KAFKA)


def has_jars(jars: Path, jar_set: JarSet) -> bool:
    """Say whether the folder holds the set as pinned today, fetched to its end."""
    stamp = jars / jar_set.name / STAMP
    return stamp.exists() and stamp.read_text() == _stamp(jar_set)


def fetch_jars(jars: Path, jar_set: JarSet, is_locked: bool = True) -> int:
    """Fetch the set into ``jars/<name>``, replacing what lies there; return the number of jars.

    An interrupted fetch leaves nothing at that place, so the next one starts again. Without ``is_locked``, any jars are
    taken: only to renew the lock.

    Raises:
        WeblakeError: Ivy failed or gave nothing, and the message ends with its last lines; or a jar is not that of the
            lock.
    """
    jars = jars.resolve()
    jars.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{jar_set.name}-", dir=jars) as scratch_name:
        scratch = Path(scratch_name)
        fetched = scratch / jar_set.name
        _run_ivy(jar_set, scratch, fetched)
        shipped = _pyspark_artifacts() if jar_set.beside_pyspark else frozenset()
        for jar in fetched.glob("*.jar"):
            if artifact_name(jar.name) in shipped:
                jar.unlink()
        count = len(list(fetched.glob("*.jar")))
        if count == 0:
            raise WeblakeError(f"Ivy fetched no jar for {', '.join(jar_set.coordinates)}; run `make setup` again")
        if is_locked:
            require_locked(fetched, jar_set.name)
        (fetched / STAMP).write_text(_stamp(jar_set))
        target = jars / jar_set.name
        shutil.rmtree(target, ignore_errors=True)
        fetched.rename(target)
    return count


def artifact_name(jar: str) -> str:
    """Return a jar file's name without its version: ``zstd-jni-1.5.7-3.jar`` gives ``zstd-jni``."""
    match = re.match(r"(.+?)-\d+\.\d", jar)
    return match.group(1) if match else jar.removesuffix(".jar")


def classpath(jars: Path, jar_set: JarSet) -> str:
    """Return the set's Java class path.

    Raises:
        WeblakeError: the jars have not been fetched.
    """
    if not has_jars(jars, jar_set):
        raise WeblakeError(f"the jars of {jar_set.name} are not in {jars}; run `make setup`")
    return f"{jars / jar_set.name}/*"


def _run_ivy(jar_set: JarSet, scratch: Path, folder: Path) -> None:
    ivy = next(iter(sorted(pyspark_jars().glob("ivy-*.jar"))), None)
    if ivy is None:
        raise WeblakeError(f"pyspark ships no ivy jar in {pyspark_jars()}; run `make setup` to install pyspark again")
    module = scratch / "ivy.xml"
    module.write_text(_ivy_module(jar_set))
    command = [
        *("java", "-jar", str(ivy), "-ivy", str(module), "-cache", str(scratch / "cache")),
        *("-confs", "default", "-types", "jar", "bundle", "-retrieve", f"{folder}/[artifact]-[revision].[ext]"),
    ]
    try:
        done = subprocess.run(
            command,
            cwd=scratch,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise WeblakeError(
            f"fetching {jar_set.name} jars took over {FETCH_SECONDS} s; run `make setup` again"
        ) from error
    except FileNotFoundError as error:
        raise WeblakeError("there is no `java` on the PATH; install Java 17 or newer") from error
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-25:])
        raise WeblakeError(f"fetching the {jar_set.name} jars failed; check the network. Ivy's last lines:\n{last}")


def _ivy_module(jar_set: JarSet) -> str:
    """Return the ivy.xml that asks for the set, without what pyspark ships."""
    lines = ['<ivy-module version="2.0">', f'<info organisation="weblake" module="{jar_set.name}"/>']
    lines += ['<configurations><conf name="default"/></configurations>', "<dependencies>"]
    for coordinate in (*jar_set.coordinates, *jar_set.companions):
        org, name, revision = coordinate.split(":")
        lines.append(f'<dependency org="{org}" name="{name}" rev="{revision}" conf="default->default"/>')
    for library in jar_set.replaced:
        org, name = library.split(":")
        lines.append(f"<exclude org={quoteattr(org)} module={quoteattr(name)}/>")
    if jar_set.beside_pyspark:
        lines += _exclusions(_pyspark_artifacts())
    return "\n".join([*lines, "</dependencies>", "</ivy-module>"])


def _exclusions(artifacts: Iterable[str]) -> list[str]:
    return [f"<exclude module={quoteattr(artifact)}/>" for artifact in sorted(artifacts)]


def _stamp(jar_set: JarSet) -> str:
    coordinates = (
        *jar_set.coordinates,
        *jar_set.companions,
        *(f"without {library}" for library in jar_set.replaced),
        *([f"beside pyspark {version('pyspark')}"] if jar_set.beside_pyspark else []),
    )
    return "".join(f"{coordinate}\n" for coordinate in coordinates)


def pyspark_jars() -> Path:
    """Return the folder of the jars that pyspark ships.

    Raises:
        WeblakeError: pyspark is not installed.
    """
    spec = find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise WeblakeError("pyspark is not installed in this Python; run `make setup`")
    return Path(spec.origin).parent / "jars"


def _pyspark_artifacts() -> frozenset[str]:
    return frozenset(artifact_name(jar.name) for jar in pyspark_jars().glob("*.jar"))
