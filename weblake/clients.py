"""The client that somebody means on the command line: by its address, its name or its pseudonym in the marts."""

from __future__ import annotations

from lake.errors import SettingsError
from lake.pseudonyms import PATTERN, client_of, is_pseudonym
from lake.settings import Settings
from weblake.arguments import read_address, read_client

BY_NETWORK = "select ip_address from staging.clients where network::cidr <<= %s::cidr"
BY_NAME = "select ip_address from staging.clients where network is null"


def client_meant(settings: Settings, text: str) -> str:
    """Return a client as the ledger has it; raises what :func:`weblake.arguments.read_client` raises."""
    return read_client(_unmasked(settings, text))


def address_meant(settings: Settings, text: str) -> str:
    """Return an address as the ledger has it; raises what :func:`weblake.arguments.read_address` raises."""
    return read_address(_unmasked(settings, text))


def _unmasked(settings: Settings, text: str) -> str:
    """Return the client for whom a pseudonym stands, and any other text as it is.

    Raises:
        SettingsError: it stands for no client of which there are counts.
        psycopg2.Error: PostgreSQL does not answer.
    """
    name, secret = text.strip().lower(), settings.retention.mask_secret
    if not secret or not is_pseudonym(name):
        return text
    client = client_of(name, _candidates(settings, name), secret)
    if client is None and "@" in name:
        raise SettingsError(f"--ip {text!r} stands for no client of whom there are counts; was it erased?")
    return client or text


def _candidates(settings: Settings, name: str) -> list[str]:
    """Return the clients that a pseudonym may stand for, by its network."""
    from contextlib import closing

    import psycopg2

    match = PATTERN.fullmatch(name)
    network = match["network"] if match else None
    with closing(psycopg2.connect(settings.postgres_dsn("dbt"))) as connection, connection.cursor() as cursor:
        cursor.execute(BY_NETWORK if network else BY_NAME, (network,) if network else None)
        return [address for (address,) in cursor.fetchall()]
