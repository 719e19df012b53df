"""A broker and a database without supervisor, for tests and benchmarks: started on free ports, stopped at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from lake.errors import ServiceError
from lake.settings import Settings, child_environment, load_settings
from stack.servers import kafka, kafka_login, postgres
from stack.servers.migrations import migrate
from stack.servers.ports import LOCALHOST, PortClaims, pick_quiet_ports
from stack.servers.stack_env import prepare
from stack.servers.waiting import wait_until

START_SECONDS = 90
STOP_SECONDS = 30


class Service:
    """One server process, with its log in ``<data>/logs/NAME.log``."""

    def __init__(self, name: str, settings: Settings, command: Callable[[], list[str]], stop_with_int: bool) -> None:
        """Describe a server; ``command`` is asked for again at each start."""
        self.name = name
        self.log = settings.data / "logs" / f"{name}.log"
        self._settings = settings
        self._command = command
        self._stop_with_int = stop_with_int
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> None:
        """Start the process, and do not wait until it is ready."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=child_environment(self._settings),
                start_new_session=True,
            )

    def stop(self) -> None:
        """Ask the process to end, and kill it when it has not after ``STOP_SECONDS``."""
        if self._process is None:
            return
        if self._process.poll() is None:
            # PostgreSQL's fast shutdown is INT; TERM would wait for its clients.
            self._process.send_signal(2 if self._stop_with_int else 15)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the process as ``kill -9`` does."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def check(self) -> None:
        """Raise ServiceError with the end of its log if the process has ended."""
        if self._process and self._process.poll() is not None:
            tail = "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
            raise ServiceError(
                f"{self.name} ended with code {self._process.returncode}; the end of {self.log}:\n{tail}"
            )


class Embedded:
    """The broker, with the topic, and the database, with its roles and tables, in a data folder of their own.

    ``with Embedded(folder) as settings:`` starts both on free ports and stops both. The attributes ``kafka`` and
    ``postgres`` are the two :class:`Service` objects; ``start_kafka`` and ``start_postgres`` start one again.
    """

    def __init__(self, data: Path, java_options: Sequence[str] = (kafka.QUICK,), **overrides: str) -> None:
        """Choose the data folder; ``overrides`` are settings by their environment names.

        The broker starts in half the time, and never gets as quick as that of a stack, unless ``java_options`` says so.
        """
        broker, controller, private, database = pick_quiet_ports(4)
        data = data.resolve()
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        folders = {"WEBLAKE_DATA": str(data), "WEBLAKE_CHARTS": str(data / "charts"), "LAKE_ROOT": str(data / "lake")}
        ports = {
            "KAFKA_BOOTSTRAP_SERVERS": f"{LOCALHOST}:{broker}",
            "KAFKA_PRIVATE_SERVERS": f"{LOCALHOST}:{private}",
            "POSTGRES_PORT": str(database),
        }
        servers = {"POSTGRES_HOST": LOCALHOST, "KAFKA_TOPIC": "web_logs", "POSTGRES_DB": "weblogs"}
        self._claims = PortClaims()
        settings = load_settings({**folders, **servers, **ports, **overrides})
        prepared = prepare(settings, self._claims, controller)
        self.settings = prepared.settings
        self._controller_port = prepared.controller_port
        self.kafka = Service(
            "kafka", self.settings, lambda: kafka.server_command(self.settings, *java_options), stop_with_int=False
        )
        self.postgres = Service(
            "postgres", self.settings, lambda: postgres.server_command(self.settings), stop_with_int=True
        )

    def __enter__(self) -> Settings:
        """Start both and wait until topic and tables are there.

        Raises:
            ServiceError: one did not start; the message has the end of its log.
        """
        try:
            kafka.configure(self.settings, self._controller_port)
            if not kafka.is_formatted(self.settings):
                kafka.format_storage(self.settings)
            if not postgres.is_initialised(self.settings):
                postgres.initialise(self.settings)
            self.kafka.start()
            self.start_postgres()
            migrate(self.settings)
            self._wait_for(self.kafka, lambda: kafka.is_listening(self.settings))
            kafka_login.admit_programs(self.settings, kafka.properties(self.settings))
            kafka.create_topic(self.settings)
        except BaseException:
            self.stop()
            raise
        finally:
            self._claims.release()
        return self.settings

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both."""
        self.stop()

    def start_kafka(self) -> None:
        """Start the broker (again) and wait until it knows the topic."""
        self.kafka.start()
        self._wait_for(self.kafka, lambda: kafka.is_listening(self.settings) and kafka.has_topic(self.settings))

    def start_postgres(self) -> None:
        """Start the database (again) and wait until the owner can log in."""
        postgres.clear_after_crash(self.settings)
        postgres.configure(self.settings)
        self.postgres.start()
        self._wait_for(self.postgres, lambda: postgres.accepts(self.settings, postgres.OWNER, "postgres"))

    def stop(self) -> None:
        """Stop what runs."""
        self.postgres.stop()
        self.kafka.stop()

    @staticmethod
    def _wait_for(service: Service, ready: Callable[[], bool]) -> None:
        def is_ready() -> bool:
            service.check()
            return ready()

        wait_until(is_ready, START_SECONDS, f"{service.name} is ready (log: {service.log})")
