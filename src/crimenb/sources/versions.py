"""An archive is a folder of versions, and a pointer to the newest: who reads one keeps it.

ARCHIVE/crimenb-archive.json names the version; ARCHIVE/versions/<id>/ holds it and is never changed.
A reader holds a lock in ARCHIVE/versions/<id>.readers/; a version without one goes when a newer one
has been written. A folder that holds the inventory itself (the demonstration, or one version of an
archive) is read as it is.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crimenb.errors import Busy, QueryError, SourceError
from crimenb.files import locked, synced, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INVENTORY = "crimenb-archive.json"
"""Name of the pointer, and of the inventory inside each version."""

VERSIONS = "versions"
_PATIENCE_S, _PAUSE_S = 10.0, 0.01


def resolve(folder: Path) -> Path:
    """Return the folder of the version that an archive's pointer names.

    Raises
    ------
    QueryError
        The folder is no archive.
    SourceError
        The pointer is damaged.
    """
    try:
        text = (folder / INVENTORY).read_text("utf-8")
    except OSError as error:
        if folder.parent.name == VERSIONS:
            raise SourceError(_gone(folder)) from error
        msg = (
            f"{str(folder)!r} is not an archive (it has no {INVENTORY}); "
            "make one with 'crimenb archive build'."
        )
        raise QueryError(msg) from error
    try:
        version = json.loads(text).get("version")
    except (ValueError, AttributeError) as error:
        raise SourceError(_damaged(folder)) from error
    if version is None:
        return folder
    if not isinstance(version, str) or Path(version).name != version:
        raise SourceError(_damaged(folder))
    return folder / VERSIONS / version


def read_inventory(version: Path) -> dict[str, Any]:
    """Return the inventory of one version.

    Raises
    ------
    SourceError
        It is gone or damaged.
    """
    try:
        found = json.loads((version / INVENTORY).read_text("utf-8"))
        found["format"], found["files"]
    except OSError as error:
        msg = (
            f"The version {version.name!r} of the archive is gone; run it again on the archive as it is now."
        )
        raise SourceError(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(_damaged(version)) from error
    return dict(found)


def _gone(version: Path) -> str:
    return f"The version {version.name!r} of the archive is gone; run it again on the archive as it is now."


def _damaged(folder: Path) -> str:
    return f"{str(folder / INVENTORY)!r} is damaged; build the archive anew."


def hold(folder: Path) -> tuple[Path, Callable[[], None]]:
    """Return the version to read, and what lets go of it; until then it is not removed.

    Where the archive cannot be written to, nobody is told.
    """
    kept = contextlib.ExitStack()
    with contextlib.ExitStack() as gate:
        version = resolve(folder)
        if version.parent.name == VERSIONS:
            with contextlib.suppress(OSError):
                gate.enter_context(_gate(version.parent))
                version = resolve(folder)  # replaced, perhaps, while we waited
                readers = _readers(version)
                readers.mkdir(exist_ok=True)
                _is_read(version)
                kept.enter_context(locked(readers / f".{uuid.uuid4().hex}.lock"))
    return version, kept.close


def publish(work: Path, target: Path, version: str) -> None:
    """Make a finished folder the version that an archive's pointer names; remove what nobody reads."""
    versions = target / VERSIONS
    versions.mkdir(exist_ok=True)
    with _gate(versions):
        if not (versions / version).is_dir():
            synced(work)
            work.rename(versions / version)
        write_whole(target / INVENTORY, json.dumps({"version": version}))
        for old in sorted(versions.iterdir()):  # each version before its readers
            if old.suffix == ".readers":
                if not old.with_suffix("").exists():
                    shutil.rmtree(old, ignore_errors=True)
            elif old.name != version and old.is_dir() and not _is_read(old):
                # Out of the way first: half a version under its name would be taken for the whole one.
                gone = target / f".old.{old.name}"
                old.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)


def sweep(target: Path) -> None:
    """Remove what builds of an archive that were killed have left; its lock is held."""
    for left in [*target.glob(".new.*"), *target.glob(".old.*")]:
        shutil.rmtree(left, ignore_errors=True)


def _readers(version: Path) -> Path:
    return version.with_name(f"{version.name}.readers")


def _is_read(version: Path) -> bool:
    """Whether a reader that is alive holds the version; the leases of dead ones go."""
    alive = 0
    for lease in _readers(version).glob(".*.lock"):
        try:
            with locked(lease):  # its owner is gone
                pass
        except Busy:
            alive += 1
    return alive > 0


@contextlib.contextmanager
def _gate(versions: Path) -> Iterator[None]:
    """Let one in at a time: who takes a version, or removes some."""
    until = time.monotonic() + _PATIENCE_S
    with contextlib.ExitStack() as kept:
        while True:
            try:
                kept.enter_context(locked(versions / ".gate.lock"))
                break
            except Busy:
                if time.monotonic() > until:
                    raise
                time.sleep(_PAUSE_S)
        yield
