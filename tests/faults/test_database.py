"""PostgreSQL stopped, frozen, cut off at COMMIT, set back and emptied; dbt killed while somebody reads the marts."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from faults.analyst import Analyst
from faults.proxy import CommitProxy
from faults.rig import PATIENCE_SECONDS, Rig
from faults.steps import wait_for
from faults.traffic import Traffic

from lake.command import weblake_command
from lake.settings import PROJECT, child_environment
from stack.servers import postgres
from stack.servers.migrations import migrate
from stack.servers.waiting import wait_until

pytestmark = pytest.mark.faults

OUTAGE_SECONDS = 60.0
LOST_ANSWERS = 20
SECONDS_PER_ANSWER = 40  # the mirror waits up to 30 s after an error, and not every answer is lost
BUILDS = 20


def test_postgresql_is_stopped_for_a_minute(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        rig.wait_until_working()
        rig.services.postgres.stop()
        sit_through_outage(rig)
        rig.services.start_postgres()
        rig.faults["PostgreSQL stopped for a minute"] += 1
    rig.prove()


def test_postgresql_is_frozen_for_a_minute(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        rig.wait_until_working()
        with frozen(postgres.server_processes(rig.services.settings)):
            sit_through_outage(rig)
        rig.faults["PostgreSQL frozen for a minute"] += 1
    rig.prove()


def test_the_answer_to_commit_is_lost(rig: Rig) -> None:
    proxy = CommitProxy(rig.services.settings.postgres_port, rig.dice)
    rig.start(POSTGRES_PORT=str(proxy.port))
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        seconds = LOST_ANSWERS * SECONDS_PER_ANSWER
        wait_until(lambda: proxy.lost_answers >= LOST_ANSWERS, seconds, f"{LOST_ANSWERS} lost answers")
    rig.faults["answer to COMMIT lost"] += proxy.lost_answers
    rig.prove()
    proxy.close()


def test_postgresql_is_set_back_to_an_old_backup(rig: Rig, tmp_path: Path) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        wait_for(rig, "mirror", "rows")
        build(rig)
        backup = tmp_path / "backup"
        run_tool(rig, "pg_dump", "--format=custom", f"--file={backup}")
        rig.wait_until_working()
        build(rig)
        whole = ("--clean", "--if-exists", "--single-transaction")
        run_tool(rig, "pg_restore", *whole, f"--dbname={rig.settings.postgres_database}", str(backup))
        rig.faults["old backup restored"] += 1
        rig.wait_until_working()
    rig.prove()


def test_an_emptied_database_is_filled_while_somebody_reads_the_marts(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        wait_for(rig, "mirror", "rows")
        build(rig)
        analyst = Analyst(rig.settings)
        with building_all_the_time(rig), analyst.watching():
            for name, statement in {
                "counts truncated": "truncate silver.window_counts",
                "counts and bookmark truncated": "truncate silver.window_counts, silver.bookmark",
                "schema dropped": "drop schema silver cascade",
            }.items():
                before = analyst.totals.version
                owner_does(rig, statement)
                rig.faults[name] += 1
                if name == "schema dropped":
                    wait_until(
                        lambda: "make up" in (mirror_error(rig) or ""), PATIENCE_SECONDS, "the mirror says what to do"
                    )
                    migrate(rig.settings)  # what `make up` does
                wait_for_newer_marts(analyst, before)
    assert not analyst.complaints, analyst.complaints[:3]
    rig.prove()


def test_dbt_is_killed_while_somebody_reads_the_marts(rig: Rig) -> None:
    rig.start()
    with rig.producer.streaming(Traffic(rig.dice), per_second=100):
        wait_for(rig, "mirror", "rows")
        build(rig)
        analyst = Analyst(rig.settings)
        with analyst.watching():
            for _ in range(3):
                with building_all_the_time(rig) as program:
                    wait_for_builds(rig, analyst, 3)
                    run = leading_run(rig)
                    wait_until(lambda run=run: leading_run(rig) != run, PATIENCE_SECONDS, "a build begins")  # type: ignore[misc]
                    time.sleep(rig.dice.uniform(0, 0.5))
                    program.kill()
                    rig.faults["dbt killed in a build"] += 1
            with building_all_the_time(rig):
                wait_for_builds(rig, analyst, BUILDS - 9)
        assert analyst.looks > BUILDS
    assert not analyst.complaints, analyst.complaints[:3]
    rig.prove()


def sit_through_outage(rig: Rig) -> None:
    """Wait a minute, in which bronze and silver must get on as ever and the mirror must have said what is wrong."""
    began = time.monotonic()
    before = rig.progress()
    wait_until(lambda: mirror_error(rig) is not None, OUTAGE_SECONDS, "the mirror notices")
    time.sleep(max(0.0, began + OUTAGE_SECONDS - time.monotonic()))
    after = rig.progress()
    assert after["bronze"]["rows"] > before["bronze"]["rows"]
    assert after["silver"]["rows"] > before["silver"]["rows"]
    assert after["silver"]["as_of"] > before["silver"]["as_of"] + OUTAGE_SECONDS / 2


def mirror_error(rig: Rig) -> str | None:
    told: str | None = rig.progress()["mirror"]["error"]
    return told


@contextmanager
def frozen(processes: list[psutil.Process]) -> Iterator[None]:
    """Stop processes as SIGSTOP does: their sockets stay open, and nobody answers."""
    for process in processes:
        process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            process.send_signal(signal.SIGCONT)


def build(rig: Rig) -> None:
    done = rig.run("dbt")
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def building_all_the_time(rig: Rig) -> Iterator[subprocess.Popen[bytes]]:
    """Run the program that builds the marts, every second."""
    with (rig.settings.data / "logs" / "marts.log").open("ab") as log:
        program = subprocess.Popen(
            weblake_command("run", "marts"),
            cwd=PROJECT,
            env=child_environment(rig.settings, MARTS_SECONDS="1"),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield program
    finally:
        program.terminate()
        program.wait()


def wait_for_builds(rig: Rig, analyst: Analyst, number: int) -> None:
    """Wait until the analyst has seen so many newer versions."""
    for _ in range(number):
        wait_for_newer_marts(analyst, analyst.totals.version)
        rig.faults["build"] += 1


def wait_for_newer_marts(analyst: Analyst, version: int | None) -> None:
    def is_newer() -> bool:
        assert not analyst.complaints, analyst.complaints[:3]
        return analyst.totals.version != version

    wait_until(is_newer, PATIENCE_SECONDS, f"marts newer than version {version}")


def leading_run(rig: Rig) -> object:
    return postgres.query(rig.settings, "dbt", "select run from staging.bookmark")


def owner_does(rig: Rig, statement: str) -> None:
    with postgres.connect(rig.settings, "owner") as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def run_tool(rig: Rig, name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own tools on the case's database."""
    settings = rig.settings
    where = {
        "PGHOST": settings.postgres_host,
        "PGPORT": str(settings.postgres_port),
        "PGDATABASE": settings.postgres_database,
        "PGUSER": "owner",
        "PGPASSWORD": settings.owner_password,
    }
    done = subprocess.run(
        [str(postgres.program(name)), *arguments],
        env=child_environment(settings, **where),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
