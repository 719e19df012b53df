"""How long what is kept is kept, and what of a client those see who read the marts."""

from __future__ import annotations

from dataclasses import dataclass, field

from lake.errors import SettingsError


@dataclass(frozen=True)
class Retention:
    """What goes with time, and what is masked. Of days, 0 is for ever."""

    bronze_days: int
    mask_ip: bool = False
    mask_secret: str = field(default="", repr=False)

    @property
    def mask(self) -> str:
        """The secret by which clients are masked in the marts; empty where they are shown.

        Raises:
            SettingsError: they shall be masked, and there is no secret.
        """
        if self.mask_ip and not self.mask_secret:
            raise SettingsError(
                "MASK_IP=1 needs MASK_SECRET, and there is none: `make up` and `weblake migrate` make one"
            )
        return self.mask_secret if self.mask_ip else ""

    def by_name(self) -> dict[str, str]:
        """Return the settings as the environment names them, without the secret."""
        return {"KEEP_BRONZE_DAYS": str(self.bronze_days), "MASK_IP": str(int(self.mask_ip))}
