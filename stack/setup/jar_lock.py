"""``jars.lock``: the SHA-256 of every jar that ``make setup`` installs, as ``sha256sum`` writes it.

``weblake setup --lock`` renews it after a change of versions in ``jars.py``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from lake.errors import WeblakeError

LOCK = Path(__file__).with_name("jars.lock")


def faults(folder: Path, set_name: str) -> list[str]:
    """Hold the jars of a folder against the lock; say which is another file, is missing or is not in the lock."""
    locked, there = _locked(set_name), _digests(folder)
    sentences = [f"{name} is missing" for name in sorted(locked.keys() - there.keys())]
    sentences += [f"{name} is not in the lock" for name in sorted(there.keys() - locked.keys())]
    others = (name for name in sorted(locked.keys() & there.keys()) if locked[name] != there[name])
    return sentences + [f"{name} is another file, of SHA-256 {there[name]}" for name in others]


def require_locked(folder: Path, set_name: str) -> None:
    """Raise WeblakeError, which names the jars, where those of a folder are not those of the lock."""
    sentences = faults(folder, set_name)
    if sentences:
        raise WeblakeError(
            f"the {set_name} jars that were fetched are not those of {LOCK.name}: {'; '.join(sentences)}. They were "
            "not installed. Run `make setup` again; if it refuses them again, find out who changed them"
        )


def write_lock(jars: Path, set_names: Iterable[str]) -> None:
    """Write the lock from the jars that are installed below ``jars``."""
    lines = [f"{digest}  {name}/{jar}\n" for name in set_names for jar, digest in sorted(_digests(jars / name).items())]
    LOCK.write_text("".join(lines))


def _locked(set_name: str) -> dict[str, str]:
    """Return the hash of each jar of a set."""
    pairs = (line.split() for line in LOCK.read_text().splitlines())
    return {Path(path).name: digest for digest, path in pairs if Path(path).parent.name == set_name}


def _digests(folder: Path) -> dict[str, str]:
    return {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
