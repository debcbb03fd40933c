"""What is added to an archive that is there: a new version of it, so that who reads the one before goes on."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import shapely

from crimenb.errors import CrimenbError, QueryError, SourceError
from crimenb.files import locked
from crimenb.plurals import counted
from crimenb.sources import named_areas
from crimenb.sources.archive_build import content_id, now
from crimenb.sources.outlines import ENDINGS
from crimenb.sources.versions import FORMAT, INVENTORY, publish, read_inventory, resolve, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextlib.contextmanager
def revised(into: Path | str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Give a copy of an archive's newest version, and its inventory, to add to; in the end it is the new version.

    Files are shared with the version before: write a new one beside them, or in the place of one, never into one.

    Raises
    ------
    QueryError
        The folder is no archive.
    SourceError
        It cannot be written, or is damaged.
    Busy
        A build writes into the same archive.
    """
    target = Path(into)
    try:
        with contextlib.ExitStack() as kept:
            resolve(target)  # that it is one is said before anything is written beside it
            kept.enter_context(locked(target.parent / f".{target.name}.lock"))
            base = resolve(target)
            inventory = read_inventory(base)
            if inventory["format"] != FORMAT or base == target:
                msg = f"{str(into)!r} is no archive of this version that can be added to; build it anew."
                raise QueryError(msg)
            sweep(target)
            work = Path(tempfile.mkdtemp(prefix=".new.", dir=target))
            kept.callback(shutil.rmtree, work, ignore_errors=True)
            for file in base.iterdir():
                if file.is_file() and file.name != INVENTORY:
                    _shared(file, work / file.name)
            yield work, inventory
            for key in ("version_id", "built"):
                inventory.pop(key, None)
            version = content_id(inventory, work)
            whole = {"version_id": version, "built": now()} | inventory
            (work / INVENTORY).write_text(json.dumps(whole, indent=1) + "\n", "utf-8")
            work.chmod(0o755)
            publish(work, target, version)
    except OSError as error:
        if isinstance(error, CrimenbError):
            raise
        msg = f"Cannot write the archive into {str(into)!r}: {error.strerror or error}."
        raise SourceError(msg) from error


def _shared(file: Path, copy: Path) -> None:
    """Let a file have a second name where the disk can, else copy it: one of a country has gigabytes."""
    try:
        os.link(file, copy)
    except OSError:
        shutil.copyfile(file, copy)


def add_areas(files: Sequence[Path | str], into: Path | str) -> list[str]:
    """Add the outlines of wards, parishes, LSOAs or police neighbourhoods to an archive.

    Outlines of a kind that the archive holds already are replaced.

    Parameters
    ----------
    files
        GeoJSON, GeoPackage, Shapefile or KML, a zip of one, or folders of them.
    into
        The archive's folder; it gets a new version.

    Returns
    -------
    list of str
        What was added, in lines.

    Raises
    ------
    QueryError
        A file cannot be read or has no codes; or the folder is no archive.
    SourceError
        The archive cannot be written.
    """
    paths = [Path(f) for f in files]
    with revised(into) as (work, inventory), duckdb.connect() as db:
        postcodes, target = work / "postcodes.parquet", work / named_areas.FILE
        near = pd.DataFrame()
        if postcodes.is_file():
            near = db.execute(
                "SELECT longitude, latitude, district, district_name FROM read_parquet(?) "
                "WHERE refused = '' AND district <> ''",
                [str(postcodes)],
            ).df()
        table = named_areas.read(paths, near)
        table = table.assign(geometry=shapely.to_wkb(table["geometry"]))
        kinds = sorted(set(table["kind"]))
        db.register("given", table)
        if target.is_file():
            db.execute("CREATE TABLE old AS SELECT * FROM read_parquet(?)", [str(target)])
            db.execute(
                "CREATE TABLE whole AS SELECT * FROM old WHERE NOT list_contains(?, kind) "
                "UNION ALL BY NAME SELECT * FROM given",
                [kinds],
            )
            target.unlink()  # its other name is the version before
        else:
            db.execute("CREATE TABLE whole AS SELECT * FROM given")
        db.execute(
            "COPY (SELECT * FROM whole ORDER BY kind, code) TO $path "
            "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 2048)",
            {"path": str(target)},
        )
        read = {p.name: _digest(p) for p in paths}
        added = {
            kind: {"areas": int((table["kind"] == kind).sum()), "files": read} for kind in kinds
        }  # fmt: skip
        inventory["areas"] = inventory.get("areas", {}) | added
    lines = []
    for kind, rows in table.groupby("kind"):
        districts = rows["district_name"].nunique()
        inside = "force" if kind == "neighbourhood" else "district"
        unknown = int((rows["district_name"] == "").sum())
        lines.append(
            f"{counted(len(rows), *named_areas.KINDS[str(kind)])} of {counted(districts - bool(unknown), inside)}"
            + (f", {unknown:,} of no known {inside}." if unknown else ".")
        )
    return lines


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the files of a folder one after another."""
    sha = hashlib.sha256()
    for file in (
        [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.suffix.lower() in ENDINGS)
    ):
        sha.update(file.read_bytes())
    return sha.hexdigest()
