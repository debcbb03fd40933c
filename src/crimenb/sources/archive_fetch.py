"""Archives in buckets: a version is fetched once a machine, checked against its name, and opened from there.

CACHE/archives/<one for each address>/ is an archive like any other: a version that somebody reads stays,
the others go when a newer one has come.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING

from filelock import FileLock

from crimenb.buckets import Bucket
from crimenb.errors import CrimenbError, QueryError, SourceError
from crimenb.files import cache_folder
from crimenb.progress import meter
from crimenb.sources.archive_build import content_id
from crimenb.sources.versions import INVENTORY, VERSIONS, is_read, publish

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "archives"
"""Where fetched archives lie in the cache folder."""

_OF_A_VERSION = re.compile(rf"[a-z_]+\.parquet|{re.escape(INVENTORY)}")


def version_at(address: str) -> str:
    """Return the address of an archive's current version; of a version it is its own.

    Raises
    ------
    QueryError
        There is no archive.
    SourceError
        It is damaged, or the bucket does not answer.
    """
    bucket = Bucket(address)
    if re.fullmatch(rf".+/{VERSIONS}/\w{{1,64}}", str(bucket)):
        return str(bucket)
    raw = bucket.read([INVENTORY]).get(INVENTORY)
    if raw is None:
        msg = f"{str(bucket)!r} is not an archive (it has no {INVENTORY}); copy one there, its {INVENTORY} last."
        raise QueryError(msg)
    try:
        version = json.loads(raw)["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        version = ""
    if not re.fullmatch(r"\w{1,64}", str(version)):
        msg = f"{INVENTORY!r} of {str(bucket)!r} names no version; copy the archive there again."
        raise SourceError(msg)
    return f"{bucket}/{VERSIONS}/{version}"


def pinned(address: str, version: Path) -> str:
    """Return the address of the version that was fetched to a folder, whatever becomes of the archive."""
    base = str(Bucket(address)).partition(f"/{VERSIONS}/")[0]
    return f"{base}/{VERSIONS}/{version.name}"


def fetched(address: str) -> Path:
    """Return the folder that has an archive's current version on this machine, fetched where it was not.

    Others who want it meanwhile wait. What a fetch that was killed has left is used, or goes.

    Raises
    ------
    QueryError
        There is no archive.
    SourceError
        The version is damaged, the bucket does not answer, or the cache cannot be written.
    """
    at = version_at(address)
    base, _, version = at.rpartition(f"/{VERSIONS}/")
    home = cache_folder() / FOLDER / hashlib.sha256(base.encode()).hexdigest()[:16]
    folder = home / VERSIONS / version
    try:
        if not folder.is_dir():
            home.mkdir(parents=True, exist_ok=True)
            with FileLock(home / ".fetch.lock"):
                if not folder.is_dir():
                    _fetch(Bucket(at), home, version)
    except OSError as error:
        if isinstance(error, CrimenbError):
            raise
        msg = f"Cannot fetch {at!r} into {str(home)!r}: {error.strerror or error}; make room, or set CRIMENB_CACHE_DIR."
        raise SourceError(msg) from error
    return folder


def drop() -> None:
    """Remove what was fetched and nobody reads now."""
    for home in sorted((cache_folder() / FOLDER).glob("*")):
        with FileLock(home / ".fetch.lock"):
            if not any(is_read(version) for version in (home / VERSIONS).glob("*")):
                shutil.rmtree(home, ignore_errors=True)


def _fetch(bucket: Bucket, home: Path, version: str) -> None:
    work = home / f".new.{version}"
    for left in home.glob(".*.*"):
        if left.is_dir() and left != work:
            shutil.rmtree(left, ignore_errors=True)
    work.mkdir(exist_ok=True)
    names, show = [n for n in sorted(bucket.sizes()) if _OF_A_VERSION.fullmatch(n)], meter()
    for done, name in enumerate(names, 1):
        if not (work / name).exists():
            bucket.get(name, part := work / f".{name}.part")
            part.replace(work / name)
        show(f"Fetch {bucket}", done, len(names))
    if _id(work) != version:
        shutil.rmtree(work, ignore_errors=True)
        msg = f"{str(bucket)!r} is not whole, or was changed; copy the archive there again."
        raise SourceError(msg)
    publish(work, home, version)


def _id(work: Path) -> str:
    """Return the name that the content of a version gives it; "" where there is no inventory."""
    try:
        inventory = json.loads((work / INVENTORY).read_bytes())
        return content_id({k: v for k, v in inventory.items() if k not in {"version_id", "built"}}, work)
    except (FileNotFoundError, ValueError, AttributeError, RecursionError):
        return ""
