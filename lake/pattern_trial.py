"""Tries regular expressions on the texts that make a search slow: a program of its own, which its own timer may end.

It reads ``{"patterns": [...], "flags": 0, "longest": 8192, "seconds": 1.0}`` from the standard input and writes the
number of each pattern before it tries it. A pattern that takes longer on one text ends the process by a signal, for
Python's search hears nothing else. With ``"texts": [...]`` it tries these, writes the number of a text, too, and a
pattern may take so long for all of them. It needs the standard library alone.
"""

from __future__ import annotations

import importlib
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

FIRST_LENGTH = 256
SUSPICIOUS_SECONDS = 0.0005
"""What takes so long on a text of the first length may take a second on the longest; what is quicker takes less."""
MOST_SECONDS_IN_ALL = 20.0
"""A process that has taken so long has tried enough."""
LEAST_REPEATS = 10
"""A repetition of less is as good as none."""
MOST_PUMPS = 30
PROBES = "a0/-_.%=&?+ ;:,()[]AZz9é~#@!\t\n"
"""What a class of characters is tried with: the first that is in it stands for it."""
ENDS = ("", "!", "\n!")

parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


def main() -> None:
    """Try what the standard input names."""
    task = json.load(sys.stdin)
    signal.signal(signal.SIGVTALRM, signal.SIG_DFL)
    for number, pattern in enumerate(task["patterns"]):
        if "texts" not in task:
            say(number)
            try_out(pattern, task["flags"], task["longest"], task["seconds"])
            continue
        search = re.compile(pattern, task["flags"]).search
        signal.setitimer(signal.ITIMER_VIRTUAL, task["seconds"])
        for place, text in enumerate(task["texts"]):
            say(number, place)
            search(text)
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def say(*numbers: int) -> None:
    """Write down what is about to be tried."""
    sys.stdout.write(f"{' '.join(map(str, numbers))}\n")
    sys.stdout.flush()


def timed(search: Callable[[str], object], text: str, seconds: float) -> float:
    """Return the CPU seconds of a search; end the process when it takes longer than so many."""
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    began = time.process_time()
    search(text)
    took = time.process_time() - began
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return took


def try_out(pattern: str, flags: int, longest: int, seconds: float) -> None:
    """Search slow texts for a pattern, and end the process when one of them takes longer than so many CPU seconds."""
    search, tree = re.compile(pattern, flags).search, parser.parse(pattern, flags)
    first = min(FIRST_LENGTH + 2 * tree.getwidth()[0], longest)
    for before, pump, end in slow_texts(tree):
        if time.process_time() > MOST_SECONDS_IN_ALL:
            return
        length = first
        while True:
            room = max(length - len(before) - len(end), 0)
            text = before + (pump * (room // len(pump) + 1))[:room] + end
            if timed(search, text, seconds) < SUSPICIOUS_SECONDS or length >= longest:
                break
            length = min(length * 2, longest)


def slow_texts(tree: Any) -> Iterator[tuple[str, str, str]]:
    """Yield texts that may make a search slow: what leads to a repetition, what it repeats over and over, an end.

    A search is slow when several repetitions can take the same characters. So each repetition is tried with its own
    sample, with those of all others, and with every character that the pattern names.
    """
    repeats = list(repetitions(tree, ""))
    pumps = [sample for _, sample in repeats if sample]
    pumps += characters(tree)
    befores = dict.fromkeys(before for before, _ in repeats)
    yield from product(befores, list(dict.fromkeys(pumps))[:MOST_PUMPS], ENDS)


def repetitions(tree: Any, before: str) -> Iterator[tuple[str, str]]:
    """Yield of each repetition in a pattern a text that leads to it, and samples of what it repeats."""
    for operation, argument in tree:
        name = str(operation)
        for part in parts(name, argument):
            if name.endswith("REPEAT") and argument[1] >= LEAST_REPEATS:
                yield from ((before, text) for text in samples(part))
            yield from repetitions(part, before)
        before = short(before + sample([(operation, argument)]))


def characters(tree: Any) -> Iterator[str]:
    """Yield the characters that a pattern names, and one for each class of them."""
    for operation, argument in tree:
        name = str(operation)
        if name in ("LITERAL", "NOT_LITERAL", "IN", "ANY"):
            yield sample([(operation, argument)])
        for part in parts(name, argument):
            yield from characters(part)


def parts(name: str, argument: Any) -> list[Any]:
    """Return the patterns within an element of a pattern."""
    if name.endswith("REPEAT"):
        return [argument[2]]
    if name == "BRANCH":
        return list(argument[1])
    if name == "SUBPATTERN":
        return [argument[-1]]
    if name == "ATOMIC_GROUP":
        return [argument]
    return [argument[1]] if name in ("ASSERT", "ASSERT_NOT") else []


def samples(tree: Any) -> Iterator[str]:
    """Yield a sample of a pattern, and one of each alternative in it."""
    yield sample(tree)
    for operation, argument in tree:
        if str(operation) in ("BRANCH", "SUBPATTERN", "ATOMIC_GROUP"):
            for part in parts(str(operation), argument):
                yield from samples(part)


def sample(tree: Any) -> str:
    """Return a short text that a pattern matches; of what looks around, or back, nothing."""
    text = ""
    for operation, argument in tree:
        name = str(operation)
        if name == "LITERAL":
            text += chr(argument)
        elif name in ("NOT_LITERAL", "IN", "ANY"):
            text += next((probe for probe in PROBES if fits(name, argument, probe)), named(name, argument))
        elif name.endswith("REPEAT"):
            text += short(sample(argument[2]) * min(argument[0], FIRST_LENGTH))
        elif name in ("BRANCH", "SUBPATTERN", "ATOMIC_GROUP"):
            text += sample(parts(name, argument)[0])
    return short(text)


def fits(name: str, argument: Any, probe: str) -> bool:
    """Return whether a character is in a class of characters."""
    if name == "ANY":
        return probe != "\n"
    if name == "NOT_LITERAL":
        return chr(argument) != probe
    items = [(str(kind), value) for kind, value in argument]
    return any(holds(kind, value, probe) for kind, value in items) != any(kind == "NEGATE" for kind, _ in items)


def holds(kind: str, value: Any, probe: str) -> bool:
    """Return whether a character is one item of a class."""
    if kind == "RANGE":
        return bool(value[0] <= ord(probe) <= value[1])
    if kind == "CATEGORY":
        shape = str(value).removeprefix("CATEGORY_").removeprefix("NOT_")
        is_in = re.match({"DIGIT": r"\d", "SPACE": r"\s", "WORD": r"\w"}.get(shape, r"."), probe) is not None
        return is_in != ("NOT_" in str(value))
    return kind == "LITERAL" and ord(probe) == value


def named(name: str, argument: Any) -> str:
    """Return a character that a class names."""
    values = [value for kind, value in argument if str(kind) in ("LITERAL", "RANGE")] if name == "IN" else []
    first = values[0] if values else ord("a")
    return chr(first[0] if isinstance(first, tuple) else first)


def short(text: str) -> str:
    """Return the end of a text that has grown too long."""
    return text[-FIRST_LENGTH:]


if __name__ == "__main__":
    main()
