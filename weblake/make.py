"""What ``make`` hands over: ``make replay FROM=2026-01-01 DRY_RUN=1`` is ``weblake replay --from=… --dry-run``.

make lists the variables of its own command line, and their values come unexpanded through the environment. An option
``--some-name`` is ``SOME_NAME=``, an argument ``FILE`` is ``FILE=``. Other variables of the environment are no options.

``python -m weblake.make "$ARGS" MODULE ARGUMENT...`` runs a module for a target that is no command, such as ``test``.
"""

from __future__ import annotations

import runpy
import shlex
import sys
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ingest.files.names import files_of
from lake.errors import SettingsError
from lake.password_files import is_password
from lake.settings import by_name, load_settings

YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off", "")
LIKENESS = 0.8
OUR_PREFIX = "WEBLAKE_"
SECRETS = ("SPARK_AUTH_SECRET", "SPARK_AUTH_SECRET_FILE", "MASK_SECRET", "MASK_SECRET_FILE")
OTHER_SETTINGS = ("GENERATE", "RATE", "BOTS", *SECRETS)
"""Settings that our programs do not pass on by their environment; passwords are others."""
MORE = "ARGS"
"""A variable with more arguments, written as in a shell."""


def with_variables(group: Any, arguments: list[str], variables: Mapping[str, str]) -> list[str]:
    """Return the arguments and what the variables add to them.

    Args:
        group: The command line, as Click sees it.
        arguments: The command's name first.
        variables: By name, as they stood on make's command line.

    Raises:
        SettingsError: a switch is neither on nor off, or a name is almost that of an option.
    """
    command = group.commands.get(arguments[0]) if arguments else None
    if command is None or not variables:
        return arguments
    parameters = {name: parameter for parameter in command.params for name in make_names(parameter)}
    _require_no_near_misses(arguments[0], variables, parameters)
    options: list[str] = []
    files: list[str] = []
    for name, value in variables.items():
        if name in parameters and value:
            is_argument = parameters[name].param_type_name == "argument"
            (files if is_argument else options).extend(_as_arguments(name, value, parameters[name]))
    more = split_words(MORE, variables.get(MORE, ""))
    return [*arguments, *options, *more, *(["--", *files] if files else [])]


def split_words(name: str, value: str) -> list[str]:
    """Return the words of a variable's value, which may have quotes as in a shell.

    Raises:
        SettingsError: a quote is not closed.
    """
    try:
        return shlex.split(value)
    except ValueError as error:
        raise SettingsError(
            f"{name}={value!r} has a quote that is not closed; close it, or put \\ before it"
        ) from error


def make_names(parameter: Any) -> list[str]:
    """Return the names under which make knows a parameter: ``--dry-run`` is ``DRY_RUN``, ``-q`` is ``Q``."""
    if parameter.param_type_name == "argument":
        return [str(parameter.metavar or parameter.name).strip("[].").upper()]
    return [option.lstrip("-").replace("-", "_").upper() for option in parameter.opts]


def _as_arguments(name: str, value: str, parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return _files(value) if parameter.nargs == -1 else [value]
    option = max(parameter.opts, key=len)
    if not parameter.is_flag:
        return [f"{option}={value}"]
    if value.lower() in YES:
        return [option]
    if value.lower() in NO:
        return []
    raise SettingsError(f"{name}={value!r} is neither 1 nor 0; set it to one of them, or leave it out")


def _files(value: str) -> list[str]:
    """Return the words of a value: one file or pattern as it is, or several, with quotes as in a shell."""
    is_one = any(Path(name).exists() for name in files_of([value]))
    return [value] if is_one else split_words("FILE", value)


def _require_no_near_misses(command: str, variables: Mapping[str, str], parameters: Mapping[str, Any]) -> None:
    """Refuse ``DRYRUN=1``: without the underscore the command would act for real. The same for names of settings."""
    known = {*parameters, *by_name(load_settings()), *OTHER_SETTINGS}
    for name in variables:
        if name in known or is_password(name):
            continue
        near = get_close_matches(name, known, n=1, cutoff=LIKENESS)
        if near:
            raise SettingsError(f"{command} has no {name}=; did you mean {near[0]}={variables[name]}?")
        if name.startswith(OUR_PREFIX):
            raise SettingsError(f"there is no setting {name}; docs/operations.md lists them all")


def main() -> None:
    """Run a module with its arguments, and with those that the first argument, the text of ``ARGS=``, has more."""
    more, module, *arguments = sys.argv[1:]
    try:
        sys.argv = [module, *arguments, *split_words(MORE, more)]
    except SettingsError as error:
        sys.exit(f"weblake: {error}")
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
