"""Whether patterns that users write are quick on every text: a few words of theirs can make a search take for ever.

Neither Python's search nor Java's can be interrupted, so a slow pattern is refused before anything is searched with it.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from lake import pattern_trial
from lake.errors import RulesError, brief, shown

MOST_SECONDS = 1.0
"""So many CPU seconds one text may take. A pattern with two ``.*`` takes a tenth of it for 8,192 characters."""
ADVICE = (
    f"can take longer than {MOST_SECONDS:.0f} s for one text, and would hold up all others; bound its repetitions, as "
    "in `[^/]{1,99}`, or let each begin with a character that the one before it cannot take"
)
"""What to tell whoever wrote a slow pattern."""


@lru_cache(maxsize=64)
def slow_pattern(patterns: tuple[str, ...], flags: int, longest: int) -> int | None:
    """Return the number of the first pattern, from 0, that is slow on texts of that length; None where all are quick.

    It tries each in a process of its own, on texts that are made from the pattern: see :mod:`lake.pattern_trial`. What
    it finds nothing for is quick on the texts that are known to be the worst, which is no proof.

    Args:
        patterns: Regular expressions that compile.
        flags: Of :mod:`re`.
        longest: Characters of the longest text that they are for.

    Raises:
        RulesError: the trial itself failed.
    """
    numbers = _try_out(patterns, flags, {"longest": longest})
    return numbers[0] if numbers else None


def plain_part(pattern: str) -> str:
    """Return the longest plain text that whatever the pattern matches has in it, as far as that is easy to see."""
    elements = pattern_trial.parser.parse(pattern)
    if elements.state.flags & re.IGNORECASE:
        return ""
    runs = groupby(elements, lambda element: str(element[0]) == "LITERAL")
    return max(("".join(chr(code) for _, code in run) for is_plain, run in runs if is_plain), key=len, default="")


def slow_search(patterns: Sequence[str], flags: int, texts: Sequence[str]) -> tuple[int, int] | None:
    """Return the number of the first pattern that is slow on some texts together, and of the text that was too much.

    None where all are quick.

    Raises:
        RulesError: the trial itself failed.
    """
    numbers = _try_out(patterns, flags, {"texts": texts})
    return (numbers[0], numbers[1]) if numbers else None


def _try_out(patterns: Sequence[str], flags: int, how: Mapping[str, object]) -> list[int]:
    """Return the numbers that the trial wrote last before it took too long; none where it did not."""
    trial = subprocess.run(
        [sys.executable, "-I", "-S", Path(pattern_trial.__file__)],
        input=json.dumps({"patterns": patterns, "flags": flags, "seconds": MOST_SECONDS, **how}),
        capture_output=True,
        text=True,
        check=False,
    )
    numbers = [int(number) for line in trial.stdout.splitlines()[-1:] for number in line.split()]
    if trial.returncode == -signal.SIGVTALRM:
        return numbers
    if trial.returncode:
        pattern = patterns[numbers[0]] if numbers else ""
        raise RulesError(f"the pattern {shown(pattern)} cannot be tried ({brief(trial.stderr[-100:])}); simplify it")
    return []
