"""How long what is kept is kept, and what of it those see who read the marts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """What goes with time. Of days, 0 is for ever."""

    bronze_days: int

    def by_name(self) -> dict[str, str]:
        """Return the settings as the environment names them."""
        return {"KEEP_BRONZE_DAYS": str(self.bronze_days)}
