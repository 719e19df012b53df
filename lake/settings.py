"""Settings of every part of Weblake, from the environment and from what the embedded stack wrote down."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from lake.env_file import KAFKA_SERVERS, for_broker, read_env_file
from lake.outlook import Outlook
from lake.password_files import password_name, passwords_in_files
from lake.places import Places
from lake.proxies import check_proxies
from lake.retention import Retention
from lake.rules_file import FORMATS_FILE, RULES
from lake.setting_values import MECHANISMS, PROTOCOLS, number, number_or_auto, switch, time_zone, word
from lake.shops import SHIPPED, rules_of

PROJECT = Path(__file__).resolve().parent.parent
STACK_FILE = "stack.env"
OUR_SESSION = "-c search_path=pg_catalog,pg_temp -c lock_timeout=30s"
"""How our programs' sessions begin: names in their SQL mean nothing of another role's, and no lock holds them long."""
MAKE_VARIABLES = "WEBLAKE_MAKE_VARIABLES"
"""The environment variable in which the Makefile lists those variables of its command line that may be options."""


@dataclass(frozen=True)
class Settings(Places):
    """All settings. Built once in ``main`` by :func:`load_settings` and passed on as an argument."""

    shop: str
    rules_file: Path
    formats_file: Path
    ranges_file: Path
    allow_file: Path
    trusted_proxies: str
    kafka_bootstrap_servers: str
    kafka_topic: str
    kafka_private_servers: str
    kafka_security_protocol: str
    kafka_sasl_mechanism: str
    kafka_user: str
    kafka_password: str = field(repr=False)
    kafka_ca_file: str
    kafka_keep_mb: int
    postgres_host: str
    postgres_port: int
    postgres_database: str
    owner_password: str = field(repr=False)
    pipeline_password: str = field(repr=False)
    dbt_password: str = field(repr=False)
    charts_password: str = field(repr=False)
    guard_password: str = field(repr=False)
    watch_password: str = field(repr=False)
    analyst_password: str = field(repr=False)
    spark_master: str
    spark_driver_memory: str
    spark_auth_secret: str = field(repr=False)
    trigger_seconds: int
    max_records_per_batch: int
    marts_seconds: int
    charts_seconds: int
    generate: bool
    generate_rate: int
    generate_bots: float
    log_level: str
    fail_at: str
    min_free_mb: int
    mirror_outage_hours: int
    hot_hours: int
    retention: Retention
    silent_minutes: int | None  # None is auto
    future_seconds: int
    log_timezone: str
    outlook: Outlook

    @property
    def kafka_servers(self) -> str:
        """Addresses at which our own programs reach Kafka; senders use ``kafka_bootstrap_servers``."""
        return self.kafka_private_servers or self.kafka_bootstrap_servers

    def password(self, role: str) -> str:
        """Return the PostgreSQL password of ``owner``, or of a role that logs in (stack/servers/roles.py)."""
        return str(getattr(self, f"{role}_password"))

    def postgres_dsn(self, role: str) -> str:
        """Return the libpq connection string of a role, whose session begins as ours do unless it is the analyst's."""
        options = "" if role == "analyst" else f" options='{OUR_SESSION}'"
        return (
            f"host={self.postgres_host} port={self.postgres_port} dbname={self.postgres_database} "
            f"user={role} password={self.password(role)} application_name=weblake connect_timeout=5{options}"
        )


def load_settings(overrides: Mapping[str, str] | None = None, written: Mapping[str, str] | None = None) -> Settings:
    """Read the settings: ``overrides`` first, then the environment, then what is written down, then defaults.

    A password or secret may also be in a file that its name with ``_FILE`` names: ``POSTGRES_DBT_PASSWORD_FILE``.

    Args:
        overrides: Values by name; an empty one stands for none.
        written: Takes the place of ``<data>/stack.env``, for a stack that is not the embedded one.

    Raises:
        SettingsError: a value cannot be used; the message names the setting.
    """
    environment = {**os.environ, **(overrides or {})}
    data = Path(environment.get("WEBLAKE_DATA") or PROJECT / "lake" / "data").expanduser().resolve()
    written = read_env_file(data / STACK_FILE) if written is None else written
    written = for_broker(environment.get(KAFKA_SERVERS, ""), written)
    sources = (written, passwords_in_files(environment), environment)
    values = {name: text for source in sources for name, text in source.items() if text}

    def text(name: str, default: str) -> str:
        return values.get(name, default)

    def whole(name: str, default: int) -> int:
        return number(name, text(name, str(default)), int, minimum=0)

    protocol = text("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    return Settings(
        data=data,
        lake_root=text("LAKE_ROOT", str(data / "lake")),
        jars=Path(text("WEBLAKE_JARS", str(PROJECT / ".jars"))).resolve(),
        shop=text("SHOP", "none"),
        rules_file=rules_of(text("SHOP", "none"), text("WEBLAKE_RULES", str(SHIPPED))),
        formats_file=Path(text("WEBLAKE_FORMATS", str(FORMATS_FILE))),
        ranges_file=Path(text("WEBLAKE_RANGES", str(RULES / "crawler_ranges.csv"))),
        allow_file=Path(text("WEBLAKE_ALLOW", str(RULES / "allow.txt"))),
        trusted_proxies=check_proxies(text("TRUSTED_PROXIES", "private")),
        charts=Path(text("WEBLAKE_CHARTS", str(PROJECT / "charts"))),
        kafka_bootstrap_servers=text("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
        kafka_topic=text("KAFKA_TOPIC", "web_logs"),
        kafka_private_servers=text("KAFKA_PRIVATE_SERVERS", ""),
        kafka_security_protocol=word("KAFKA_SECURITY_PROTOCOL", protocol, PROTOCOLS),
        kafka_sasl_mechanism=word("KAFKA_SASL_MECHANISM", text("KAFKA_SASL_MECHANISM", "SCRAM-SHA-256"), MECHANISMS),
        kafka_user=text("KAFKA_USER", "weblake"),
        kafka_password=text("KAFKA_PASSWORD", ""),
        kafka_ca_file=text("KAFKA_CA_FILE", ""),
        kafka_keep_mb=whole("KAFKA_KEEP_MB", 1024),
        postgres_host=text("POSTGRES_HOST", "127.0.0.1"),
        postgres_port=whole("POSTGRES_PORT", 5432),
        postgres_database=text("POSTGRES_DB", "weblogs"),
        owner_password=text("POSTGRES_OWNER_PASSWORD", ""),
        pipeline_password=text("POSTGRES_PIPELINE_PASSWORD", ""),
        dbt_password=text("POSTGRES_DBT_PASSWORD", ""),
        charts_password=text("POSTGRES_CHARTS_PASSWORD", ""),
        guard_password=text("POSTGRES_GUARD_PASSWORD", ""),
        watch_password=text("POSTGRES_WATCH_PASSWORD", ""),
        analyst_password=text("POSTGRES_ANALYST_PASSWORD", ""),
        spark_master=text("SPARK_MASTER", "local[4]"),
        spark_driver_memory=text("SPARK_DRIVER_MEMORY", "1g"),
        spark_auth_secret=text("SPARK_AUTH_SECRET", ""),
        trigger_seconds=whole("TRIGGER_SECONDS", 10),
        max_records_per_batch=whole("MAX_RECORDS_PER_BATCH", 1_000_000),
        marts_seconds=whole("MARTS_SECONDS", 10),
        charts_seconds=whole("CHARTS_SECONDS", 60),
        generate=switch("GENERATE", text("GENERATE", "1")),
        generate_rate=whole("RATE", 50),
        generate_bots=number("BOTS", text("BOTS", "0.2"), float, minimum=0.0),
        log_level=text("LOG_LEVEL", "INFO").upper(),
        fail_at=text("WEBLAKE_FAIL_AT", "off"),
        min_free_mb=whole("WEBLAKE_MIN_FREE_MB", 1024),
        mirror_outage_hours=whole("MIRROR_OUTAGE_HOURS", 72),
        hot_hours=whole("HOT_HOURS", 2),
        retention=Retention(
            bronze_days=whole("KEEP_BRONZE_DAYS", 0),
            mask_ip=switch("MASK_IP", text("MASK_IP", "0")),
            mask_secret=text("MASK_SECRET", ""),
        ),
        silent_minutes=number_or_auto("SILENT_MINUTES", text("SILENT_MINUTES", "auto")),
        future_seconds=whole("FUTURE_SECONDS", 300),
        log_timezone=time_zone("LOG_TIMEZONE", text("LOG_TIMEZONE", "UTC")),
        outlook=Outlook(
            page=switch("PAGE", text("PAGE", "1")),
            page_host=text("PAGE_HOST", "127.0.0.1"),
            page_port=whole("PAGE_PORT", 8080),
            page_allowed_hosts=text("PAGE_ALLOWED_HOSTS", ""),
            page_password=text("PAGE_PASSWORD", ""),
            site_timezone=time_zone("SITE_TIMEZONE", text("SITE_TIMEZONE", "UTC")),
            metrics_host=text("METRICS_HOST", "127.0.0.1"),
            metrics_port=whole("METRICS_PORT", 9464),
            verify_hours=whole("VERIFY_HOURS", 24),
            alerts_file=Path(text("WEBLAKE_ALERTS", str(RULES / "alerts.yml"))),
            alerts_to=text("ALERTS_TO", ""),
            alerts_secret=text("ALERTS_SECRET", ""),
        ),
    )


def take_make_variables() -> dict[str, str]:
    """Return what make's command line set, by name, if make started this process; its children get no such list."""
    return {name: os.environ.get(name, "") for name in os.environ.pop(MAKE_VARIABLES, "").split()}


def child_environment(settings: Settings, **extra: str) -> dict[str, str]:
    """Return what a program that we start gets: no passwords, nor how the generator runs, which ``stack.env`` has."""
    return {
        **os.environ,
        "TZ": "UTC",
        "PYTHONUNBUFFERED": "1",
        "SPARK_LOCAL_IP": "127.0.0.1",
        **by_name(settings),
        **extra,
    }


@contextmanager
def lend_environment(settings: Settings, role: str) -> Iterator[None]:
    """Have the settings, and a role's PostgreSQL password, in our own environment: libraries look only there."""
    loan = {**by_name(settings), password_name(role): settings.password(role)}
    loan |= {"MASK_SECRET": settings.retention.mask} if role == "dbt" else {}
    before = {name: os.environ[name] for name in loan if name in os.environ}
    os.environ.update(loan)
    try:
        yield
    finally:
        for name in loan:
            del os.environ[name]
        os.environ.update(before)


def by_name(settings: Settings) -> dict[str, str]:
    """Return the settings as the environment names them, without passwords and without those of the generator."""
    return {
        "WEBLAKE_DATA": str(settings.data),
        "LAKE_ROOT": settings.lake_root,
        "WEBLAKE_JARS": str(settings.jars),
        "SHOP": settings.shop,
        "WEBLAKE_RULES": str(settings.rules_file),
        "WEBLAKE_FORMATS": str(settings.formats_file),
        "WEBLAKE_RANGES": str(settings.ranges_file),
        "WEBLAKE_ALLOW": str(settings.allow_file),
        "TRUSTED_PROXIES": settings.trusted_proxies,
        "WEBLAKE_CHARTS": str(settings.charts),
        "KAFKA_BOOTSTRAP_SERVERS": settings.kafka_bootstrap_servers,
        "KAFKA_TOPIC": settings.kafka_topic,
        "KAFKA_PRIVATE_SERVERS": settings.kafka_private_servers,
        "KAFKA_SECURITY_PROTOCOL": settings.kafka_security_protocol,
        "KAFKA_SASL_MECHANISM": settings.kafka_sasl_mechanism,
        "KAFKA_USER": settings.kafka_user,
        "KAFKA_CA_FILE": settings.kafka_ca_file,
        "KAFKA_KEEP_MB": str(settings.kafka_keep_mb),
        "POSTGRES_HOST": settings.postgres_host,
        "POSTGRES_PORT": str(settings.postgres_port),
        "POSTGRES_DB": settings.postgres_database,
        "SPARK_MASTER": settings.spark_master,
        "SPARK_DRIVER_MEMORY": settings.spark_driver_memory,
        "TRIGGER_SECONDS": str(settings.trigger_seconds),
        "MAX_RECORDS_PER_BATCH": str(settings.max_records_per_batch),
        "MARTS_SECONDS": str(settings.marts_seconds),
        "CHARTS_SECONDS": str(settings.charts_seconds),
        "LOG_LEVEL": settings.log_level,
        "WEBLAKE_FAIL_AT": settings.fail_at,
        "WEBLAKE_MIN_FREE_MB": str(settings.min_free_mb),
        "MIRROR_OUTAGE_HOURS": str(settings.mirror_outage_hours),
        "HOT_HOURS": str(settings.hot_hours),
        **settings.retention.by_name(),
        "SILENT_MINUTES": "auto" if settings.silent_minutes is None else str(settings.silent_minutes),
        "FUTURE_SECONDS": str(settings.future_seconds),
        "LOG_TIMEZONE": settings.log_timezone,
        **settings.outlook.by_name(),
    }
