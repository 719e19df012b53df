"""Errors that Weblake raises on purpose. Each message says what failed, the value, and what to do next."""


class WeblakeError(Exception):
    """Anything that Weblake refuses or cannot do."""


class SettingsError(WeblakeError):
    """A setting has a value that cannot be used."""


class RulesError(WeblakeError):
    """The URL rules file cannot be used."""


class ServiceError(WeblakeError):
    """Kafka or PostgreSQL cannot be reached, or refused what was asked."""


class LakeError(WeblakeError):
    """The lake is not in the state that the work at hand needs."""


class LockedError(LakeError):
    """Somebody else is writing the lake."""
