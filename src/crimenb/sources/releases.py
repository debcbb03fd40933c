"""What is known of a folder of official files that was fetched: its release, and what that lacks (R22)."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from crimenb.errors import QueryError, SourceError
from crimenb.files import read_regular, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RELEASE = "crimenb-release.json"
"""Name of the file that says it."""

_MONTH = r"20\d\d-(0[1-9]|1[0-2])"


class Release(msgspec.Struct, frozen=True):
    """A release that files were fetched of.

    lacks: names of official files of its months that it does not hold, of any force.
    """

    release: Annotated[str, msgspec.Meta(pattern=rf"^{_MONTH}\Z")]
    lacks: list[str] = []
    first_month: str = ""
    last_month: str = ""
    from_: str = msgspec.field(default="", name="from")
    bytes: int = 0
    tag: str = ""


def known_release(source: Path) -> Release | None:
    """Return the release of a folder or file that was fetched, or of a zip with its official name.

    None where it is not known.

    Raises
    ------
    SourceError
        The folder's file that says it is damaged.
    """
    if named := re.fullmatch(rf"({_MONTH})\.zip", source.name):
        return Release(named[1])
    file = (source if source.is_dir() else source.parent.parent) / RELEASE
    if not file.is_file():
        return None
    try:
        return msgspec.json.decode(read_regular(file, error=SourceError), type=Release)
    except (msgspec.MsgspecError, ValueError) as error:
        msg = f"{str(file)!r} is damaged ({error}); fetch the release again, or remove the file."
        raise SourceError(msg) from error


def release_of_all(sources: Iterable[Path]) -> Release | None:
    """Return the one release that all sources are of, None if any is of another or of an unknown one."""
    known = [known_release(s) for s in sources]
    whole = [k for k in known if k is not None]
    if len(whole) < len(known) or len({k.release for k in whole}) != 1:
        return None
    return max(whole, key=lambda k: len(k.lacks))


def write_release(folder: Path, release: Release) -> None:
    """Write down which release a folder holds files of.

    Raises
    ------
    QueryError
        The folder holds files of another release.
    """
    known = known_release(folder)
    if known is not None and known.release != release.release:
        msg = f"{str(folder)!r} holds files of release {known.release}, not {release.release}; give another --into."
        raise QueryError(msg)
    told: dict[str, Any] = msgspec.to_builtins(release)
    write_whole(folder / RELEASE, json.dumps(told, indent=1) + "\n")
