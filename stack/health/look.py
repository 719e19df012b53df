"""A look at something that may not answer: in a thread of its own, with a time limit."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeAlias, TypeVar

from lake.errors import ServiceError, first_line

T = TypeVar("T")
Complain: TypeAlias = Callable[[str], None]

LOOK_SECONDS = 5.0
ENDS_IN_A_COMMAND = re.compile(r"`[^`]+`[).]*$")

log = logging.getLogger(__name__)


def with_command(sentence: str, step: str) -> str:
    """Return a sentence that ends in the command to run next: as it is where it does, or else with ``step``."""
    return sentence if ENDS_IN_A_COMMAND.search(sentence) else f"{sentence}; {step}"


class Look(Generic[T]):
    """Begins at once. One that is stuck ends with the process: nobody waits for it, neither here nor at the end."""

    def __init__(self, what: str, question: Callable[[Complain], T], name: str = "") -> None:
        """Begin to look.

        Args:
            what: Names it in the sentence that says why there is no answer.
            question: Gives the answer, and says what is wrong to what it is given.
            name: The program whose log may tell more.
        """
        self._what = what
        self._question = question
        self._log = f"`make logs NAME={name}`" if name else "`make logs`"
        self._answers: list[T] = []
        self._complaints: list[str] = []
        self._failure: Exception | None = None
        self._thread = threading.Thread(name=f"look at {what}", target=self._look, daemon=True)
        self._due = time.monotonic() + LOOK_SECONDS
        self._thread.start()

    def answer(self, wrong: list[str], unknown: list[str]) -> T | None:
        """Return the answer, at the latest ``LOOK_SECONDS`` after the look began; None where there is none.

        What the look says is wrong is added to ``wrong``, and why there is no answer to ``unknown``.
        """
        self._thread.join(max(0.0, self._due - time.monotonic()))
        if self._answers:
            wrong += self._complaints
            return self._answers[0]
        if self._failure is None:
            unknown.append(f"{self._what} gave no answer within {LOOK_SECONDS:.0f} s; see {self._log}")
        elif isinstance(self._failure, ServiceError):
            wrong.append(with_command(str(self._failure), f"see {self._log}"))
        else:
            reason = f"{type(self._failure).__name__}: {first_line(self._failure)}"
            unknown.append(f"{self._what} could not be looked up ({reason}); see {self._log}")
        return None

    def _look(self) -> None:
        try:
            self._answers.append(self._question(self._complaints.append))
        except Exception as error:  # also what nobody thought of: the page says it, and all else that it knows
            self._failure = error
            log.debug("the look at %s failed", self._what, exc_info=error)
