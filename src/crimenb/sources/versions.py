"""An archive is a folder of versions, and a pointer to the newest: who reads one keeps it.

ARCHIVE/crimenb-archive.json names the version; ARCHIVE/versions/<id>/ holds it and is never changed.
A reader holds a lock in ARCHIVE/versions/<id>.readers/; a version without one goes when a newer one
has been written. A folder that holds the inventory itself (the demonstration, or one version of an
archive) is read as it is.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

from crimenb.errors import Busy, QueryError, SourceError
from crimenb.files import locked, read_regular, synced, write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

INVENTORY = "crimenb-archive.json"
"""Name of the pointer, and of the inventory inside each version."""

FORMAT = 2
"""Format of an archive's version; another one is refused with a sentence."""

STREETS = "streets.parquet"
"""Streets, water and railways of a version, in whole metres of EPSG:27700, sorted by place."""

VERSIONS = "versions"
_PATIENCE_S, _PAUSE_S = 10.0, 0.01


_Number = Annotated[int, msgspec.Meta(ge=-1, le=10**12)]
_Month = Annotated[str, msgspec.Meta(pattern=r"^20\d\d-(0[1-9]|1[0-2])\Z")]


class _File(TypedDict):
    name: str
    month: _Month
    force: str
    sha256: str
    rows: _Number
    records: _Number
    own: NotRequired[_Number]
    release: NotRequired[_Month]


class _OutcomeFile(TypedDict):
    name: str
    month: _Month
    force: str
    sha256: str
    rows: _Number


class _SearchFile(_OutcomeFile):
    records: _Number
    unplaced: _Number
    twice: _Number


class _Since(TypedDict):
    release: _Month
    months: dict[str, list[_Month]]
    added: _Number
    removed: _Number
    decided: _Number


class _Postcodes(TypedDict):
    postcodes: _Number
    refused: dict[str, _Number]
    areas: list[str]
    complete: bool


class _Areas(TypedDict):
    areas: _Number
    files: dict[str, str]


class _Streets(TypedDict):
    street: _Number
    water: _Number
    railway: _Number
    attribution: Annotated[str, msgspec.Meta(max_length=200)]


class _Residents(TypedDict):
    measure: Literal["residents", "households", "jobs", "estimate"]
    unit: Literal["postcode", "oa", "lsoa"]
    year: Annotated[str, msgspec.Meta(pattern=r"^20\d\d\Z")]
    source: Annotated[str, msgspec.Meta(max_length=100)]
    areas: _Number
    total: _Number
    lost_areas: _Number
    lost: _Number
    suppressed: _Number


class _Classes(TypedDict):
    areas: _Number
    source: Annotated[str, msgspec.Meta(max_length=100)]


class _Inventory(TypedDict):
    """The shape of an inventory, which may have come with an archive that somebody handed over."""

    format: int
    name: NotRequired[str]
    version_id: NotRequired[str]
    built: str
    release: Annotated[str, msgspec.Meta(pattern=r"^(20\d\d-(0[1-9]|1[0-2]))?\Z")]
    records: _Number
    located: _Number
    files: Annotated[list[_File], msgspec.Meta(min_length=1)]
    outcome_files: NotRequired[list[_OutcomeFile]]
    search_files: NotRequired[list[_SearchFile]]
    since: NotRequired[_Since]
    not_used: dict[str, _Number]
    not_read: dict[str, dict[str, _Number]]
    new_categories: dict[str, _Number]
    gazetteer: dict[str, Any]
    candidates: NotRequired[_Number]
    lacks: NotRequired[list[Annotated[str, msgspec.Meta(pattern=r"^20\d\d-\d\d-[a-z-]{2,40}-street\.csv\Z")]]]
    lacks_searches: NotRequired[
        list[Annotated[str, msgspec.Meta(pattern=r"^20\d\d-\d\d-[a-z-]{2,40}-stop-and-search\.csv\Z")]]
    ]
    areas: NotRequired[dict[Literal["ward", "parish", "lsoa", "neighbourhood"], _Areas]]
    streets: NotRequired[_Streets]
    residents: NotRequired[list[_Residents]]
    rural_urban: NotRequired[_Classes]


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
        raw = read_regular(folder / INVENTORY, error=SourceError)
    except OSError as error:
        if folder.parent.name == VERSIONS:
            raise SourceError(_gone(folder)) from error
        there = folder.resolve()
        what = f"is not an archive (it has no {INVENTORY})" if there.is_dir() else "does not exist"
        how = "with 'crimenb setup' or 'crimenb archive build'"
        msg = f"The folder {str(there)!r} {what}; name an archive, or make one {how}."
        raise QueryError(msg) from error
    try:
        version = msgspec.json.decode(raw, type=dict[str, Any]).get("version")
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise SourceError(_damaged(folder)) from error
    if version is None:
        return folder
    if not isinstance(version, str) or not re.fullmatch(r"\w{1,64}", version):
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
        found = msgspec.json.decode(read_regular(version / INVENTORY, error=SourceError), type=dict[str, Any])
        if found["format"] == FORMAT:
            found = dict(msgspec.convert(found, _Inventory))
            if gazetteer := found["gazetteer"]:
                msgspec.convert(gazetteer, _Postcodes)
            if len({(f["force"], f["month"]) for f in found["files"]}) < len(found["files"]):
                raise SourceError(_damaged(version))
    except OSError as error:
        raise SourceError(_gone(version)) from error
    except (msgspec.MsgspecError, ValueError, KeyError, RecursionError) as error:
        raise SourceError(_damaged(version)) from error
    return found


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
                is_read(version)
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
            elif old.name != version and old.is_dir() and not is_read(old):
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


def is_read(version: Path) -> bool:
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
