"""``<data>/stack.env``: the ports and passwords that the embedded stack picked, readable by its owner alone.

:func:`lake.settings.load_settings` reads it, so every command finds the services of its data folder.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace

from lake.contracts.edition import reading_settings
from lake.env_file import KAFKA_SERVERS, PRIVATE_SERVERS, read_env_file
from lake.errors import ServiceError, SettingsError
from lake.files import write_whole
from lake.password_files import password_name
from lake.setting_values import number
from lake.settings import STACK_FILE, Settings, load_settings
from stack.servers import postgres
from stack.servers.ports import LOCALHOST, PortClaims
from stack.servers.roles import LOGINS

ROLES = ("owner", *LOGINS)
CONTROLLER_PORT = "KAFKA_CONTROLLER_PORT"
PAGE_PORT = "PAGE_PORT"
PAGE_PASSWORD = "PAGE_PASSWORD"  # noqa: S105 (the name of the setting)
HEAD = (
    "# Written by Weblake's embedded stack: ports and passwords of the services in this folder. Keep it to yourself.\n"
)


@dataclass(frozen=True)
class Prepared:
    """Settings as written down, the controller's port, and what a person should know about the choice."""

    settings: Settings
    controller_port: int
    notes: tuple[str, ...]


def prepare(settings: Settings, claims: PortClaims, controller_port: int = 0) -> Prepared:
    """Claim free ports and make the missing passwords; write both down.

    ``claims`` must last until the servers listen. Without ``controller_port``, the one written down is kept, or the
    port above the broker's is taken. Ports and passwords of earlier starts are kept, unless another program has taken
    a port.

    Raises:
        ServiceError: the settings name services elsewhere, or the passwords of an existing database are gone.
    """
    require_own_services(settings)
    require_password(settings)
    earlier = read_env_file(settings.data / STACK_FILE)
    kafka_port = _port_in(KAFKA_SERVERS, settings.kafka_bootstrap_servers)
    controller = controller_port or _port_in(CONTROLLER_PORT, earlier.get(CONTROLLER_PORT) or str(kafka_port + 1))
    place = settings.kafka_private_servers or earlier.get(PRIVATE_SERVERS, "")
    private = _port_in(PRIVATE_SERVERS, place) if place else controller + 1
    preferences = {
        "Kafka": kafka_port,
        "Kafka's controller": controller,
        "Kafka (private)": private,
        "PostgreSQL": settings.postgres_port,
        "the page": settings.outlook.page_port,
    }
    ports, notes = _pick(preferences, claims)
    if CONTROLLER_PORT in earlier and PRIVATE_SERVERS not in earlier:
        notes.append("Kafka has locks now: who has no login may append to the topic, and do nothing else")
    values = {
        KAFKA_SERVERS: f"{LOCALHOST}:{ports['Kafka']}",
        CONTROLLER_PORT: str(ports["Kafka's controller"]),
        PRIVATE_SERVERS: f"{LOCALHOST}:{ports['Kafka (private)']}",
        "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
        "KAFKA_SASL_MECHANISM": "SCRAM-SHA-256",
        "KAFKA_USER": settings.kafka_user,
        "KAFKA_PASSWORD": settings.kafka_password or earlier.get("KAFKA_PASSWORD") or secrets.token_hex(16),
        "POSTGRES_HOST": LOCALHOST,
        "POSTGRES_PORT": str(ports["PostgreSQL"]),
        PAGE_PORT: str(ports["the page"]),
        **_passwords(settings),
    }
    write(settings, values)
    return Prepared(_with_services(settings, values), ports["Kafka's controller"], tuple(notes))


def keep(settings: Settings) -> Settings:
    """Return the settings with the addresses of a running stack, and write down the passwords that they have or lack.

    Raises:
        ServiceError: the settings name services elsewhere.
    """
    require_own_services(settings)
    services = as_written(settings)
    kafka_password = settings.kafka_password or services.kafka_password or secrets.token_hex(16)
    values = {**_passwords(settings), "KAFKA_PASSWORD": kafka_password, PAGE_PORT: _page_port(settings)}
    write(settings, values)
    return _with_services(services, values)


def require_own_services(settings: Settings) -> None:
    """Raise ServiceError where the settings name a server on another machine: the embedded ones are here."""
    places = (
        (KAFKA_SERVERS, settings.kafka_bootstrap_servers.rpartition(":")[0]),
        (PRIVATE_SERVERS, settings.kafka_private_servers.rpartition(":")[0] or LOCALHOST),
        ("POSTGRES_HOST", settings.postgres_host),
    )
    for name, server in places:
        if server not in (LOCALHOST, "localhost"):
            raise ServiceError(f"{name} names {server!r}, but the embedded services run on {LOCALHOST}; unset {name}")


def require_password(settings: Settings) -> None:
    """Raise ServiceError where there is a database, but not the password of its owner: waiting would not help."""
    if not postgres.is_initialised(settings):
        return
    name = password_name("owner")
    written = read_env_file(settings.data / STACK_FILE).get(name)
    if written and written != settings.owner_password:
        raise SettingsError(
            f"{name} is set to another password than {settings.data / STACK_FILE} has for the database in "
            f"{postgres.home(settings)}; unset it, or correct that file if it is wrong"
        )
    if settings.owner_password:
        return
    folder = postgres.home(settings)
    raise ServiceError(
        f"the password of the database in {folder} is lost; it was in {settings.data / STACK_FILE}. Restore that "
        "file from a backup, or let the mirror fill a new database from the ledger: run `make down`, move "
        f"{folder} away, and run `make up`"
    )


def make_passwords(settings: Settings) -> Settings:
    """Make the passwords of logins that an older Weblake did not have, and write them down; return them too."""
    made = {password_name(role): secrets.token_hex(16) for role in LOGINS if not settings.password(role)}
    if made:
        write(settings, made)
    return _with_services(settings, made)


def require_logins(settings: Settings) -> None:
    """Raise ServiceError where the file is of a version whose broker let everybody in."""
    if not settings.kafka_private_servers:
        raise ServiceError(
            f"{settings.data / STACK_FILE} is of an older version, and has no {PRIVATE_SERVERS}; run `make down`, then "
            "`make up`"
        )


def remember_generator(settings: Settings) -> None:
    """Write down whether and how the generator runs, so that the next start does the same by default."""
    write(settings, generator_values(settings))


def generator_values(settings: Settings) -> dict[str, str]:
    """Return the settings of the generator as the environment names them."""
    return {
        "GENERATE": str(int(settings.generate)),
        "RATE": str(settings.generate_rate),
        "BOTS": str(settings.generate_bots),
    }


def remember_reading(settings: Settings) -> None:
    """Write down the settings by which the stream reads lines, so that all commands, and the next start, have them."""
    write(settings, reading_settings(settings))


def remember_outlook(settings: Settings) -> None:
    """Write down the secrets of page and alerts, which no program gets in its environment."""
    write(settings, {name: value for name, value in settings.outlook.secrets().items() if value})


def remember_retention(settings: Settings) -> None:
    """Write down what is kept and masked, so that all commands, and the next start, have it; make the secret."""
    secret = settings.retention.mask_secret or secrets.token_hex(16)
    write(settings, {**settings.retention.by_name(), "MASK_SECRET": secret})


def as_written(settings: Settings) -> Settings:
    """Return the settings with the services as ``stack.env`` has them: where they really are."""
    return _with_services(settings, read_env_file(settings.data / STACK_FILE))


def contradictions(settings: Settings) -> list[str]:
    """Return a sentence for each address in the environment that would lead other commands past our services."""
    seen, real = load_settings({"WEBLAKE_DATA": str(settings.data)}), as_written(settings)
    pairs = (
        (KAFKA_SERVERS, seen.kafka_bootstrap_servers, real.kafka_bootstrap_servers),
        (PRIVATE_SERVERS, seen.kafka_private_servers or real.kafka_private_servers, real.kafka_private_servers),
        ("POSTGRES_PORT", str(seen.postgres_port), str(real.postgres_port)),
        (PAGE_PORT, str(seen.outlook.page_port), str(real.outlook.page_port)),
    )
    return [
        f"{name}={theirs} is set, but the stack listens at {ours}: ports change at a start only, so `make down` and "
        f"`make up` move it, if the port is free. If you exported it, run `unset {name}`, or other commands in this "
        "shell look in the wrong place"
        for name, theirs, ours in pairs
        if theirs.rpartition(":")[2] != ours.rpartition(":")[2]
    ]


def logins_mark(settings: Settings) -> str:
    """Return a text that another one takes the place of whenever a password changes, and that tells none of them."""
    ours = [settings.kafka_password, *(settings.password(role) for role in ROLES)]
    passwords = [*ours, *settings.outlook.secrets().values()]
    return hashlib.sha256("\0".join(passwords).encode()).hexdigest()[:16]


def write(settings: Settings, values: dict[str, str]) -> None:
    """Add ``values`` to the file, in one step and with mode 0600, unless it has them all."""
    earlier = read_env_file(settings.data / STACK_FILE)
    if {**earlier, **values} != earlier:
        _write_all(settings, {**earlier, **values})


def forget(settings: Settings, name: str) -> None:
    """Take a value out of the file."""
    values = read_env_file(settings.data / STACK_FILE)
    if values.pop(name, None) is not None:
        _write_all(settings, values)


def controller_port(settings: Settings) -> int:
    """Return the port of Kafka's controller, as written down.

    Raises:
        SettingsError: it is not.
    """
    return _port_in(CONTROLLER_PORT, read_env_file(settings.data / STACK_FILE).get(CONTROLLER_PORT, ""))


def _passwords(settings: Settings) -> dict[str, str]:
    """Return the passwords of PostgreSQL's roles and of the page, by their settings' names; those that lack are new."""
    named = {password_name(role): settings.password(role) for role in ROLES}
    named[PAGE_PASSWORD] = settings.outlook.page_password
    return {name: password or secrets.token_hex(16) for name, password in named.items()}


def _page_port(settings: Settings) -> str:
    """Return the page's port as written down, or a free one where an older version ran without a page."""
    written = read_env_file(settings.data / STACK_FILE).get(PAGE_PORT)
    if written:
        return written
    with PortClaims() as claims:
        return str(claims.pick(settings.outlook.page_port))


def _port_in(name: str, place: str) -> int:
    return number(name, place.rpartition(":")[2], int, minimum=1)


def _write_all(settings: Settings, values: dict[str, str]) -> None:
    text = HEAD + "".join(f"{name}={value}\n" for name, value in values.items())
    write_whole(settings.data / STACK_FILE, text, mode=0o600)


def _pick(preferences: dict[str, int], claims: PortClaims) -> tuple[dict[str, int], list[str]]:
    ports: dict[str, int] = {}
    notes = []
    for name, preferred in preferences.items():
        others: Collection[int] = {*ports.values(), *(port for other, port in preferences.items() if other != name)}
        ports[name] = claims.pick(preferred, others)
        if ports[name] != preferred:
            notes.append(f"port {preferred} is busy: {name} listens on {ports[name]}")
    return ports, notes


def _with_services(settings: Settings, values: dict[str, str]) -> Settings:
    """Return the settings with the addresses and passwords that ``values`` has by name, and all else as it is."""
    return replace(
        settings,
        kafka_bootstrap_servers=values.get(KAFKA_SERVERS, settings.kafka_bootstrap_servers),
        kafka_private_servers=values.get(PRIVATE_SERVERS, settings.kafka_private_servers),
        kafka_security_protocol=values.get("KAFKA_SECURITY_PROTOCOL", settings.kafka_security_protocol),
        kafka_sasl_mechanism=values.get("KAFKA_SASL_MECHANISM", settings.kafka_sasl_mechanism),
        kafka_user=values.get("KAFKA_USER", settings.kafka_user),
        kafka_password=values.get("KAFKA_PASSWORD", settings.kafka_password),
        postgres_host=values.get("POSTGRES_HOST", settings.postgres_host),
        postgres_port=int(values.get("POSTGRES_PORT", settings.postgres_port)),
        outlook=replace(
            settings.outlook,
            page_port=int(values.get(PAGE_PORT, settings.outlook.page_port)),
            page_password=values.get(PAGE_PASSWORD, settings.outlook.page_password),
        ),
        owner_password=values.get(password_name("owner"), settings.owner_password),
        pipeline_password=values.get(password_name("pipeline"), settings.pipeline_password),
        dbt_password=values.get(password_name("dbt"), settings.dbt_password),
        charts_password=values.get(password_name("charts"), settings.charts_password),
        guard_password=values.get(password_name("guard"), settings.guard_password),
        watch_password=values.get(password_name("watch"), settings.watch_password),
        analyst_password=values.get(password_name("analyst"), settings.analyst_password),
    )
