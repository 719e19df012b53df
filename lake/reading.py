"""Lines are read by the stream, so what changes how they are read belongs to it: others must not think otherwise."""

from __future__ import annotations

from contextlib import suppress

from lake.contracts.edition import FORMATS, Edition
from lake.contracts.reports import read_stream_report
from lake.errors import SettingsError
from lake.settings import Settings


def require_the_streams_reading(settings: Settings) -> None:
    """Refuse settings that would have lines read in another way than the running stream reads them.

    Raises:
        SettingsError: a setting, the URL rules or the formats are others.
    """
    stream = None
    with suppress(OSError):  # `make status` says so
        stream = read_stream_report(settings.stream_file)
    if stream is None or not stream.has_living_writer():
        return
    ours = Edition.of_today(settings).reads_by
    others = [name for name, text in ours.items() if stream.reads_by.get(name, text) != text]
    if not others:
        return
    pairs = ", ".join(_in_words(name, stream.reads_by[name], ours[name], settings) for name in others)
    raise SettingsError(
        f"the running stream reads lines by other settings: {pairs}. Leave them out here; or to have the stream read "
        "by these, run `make up` with them"
    )


def _in_words(name: str, theirs: str, ours: str, settings: Settings) -> str:
    if name in Edition.of_today(settings).settings:
        return f"{name}={theirs}, and not {ours}"
    if name == FORMATS:
        return f"other log formats than {settings.formats_file} has now"
    return f"other URL rules than {settings.rules_file} has now"
