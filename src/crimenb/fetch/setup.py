"""From nothing to an archive: what is wanted is fetched, and built where anything of it is new."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crimenb.errors import CrimenbError, QueryError
from crimenb.fetch import catalogues, people, police
from crimenb.files import write_whole
from crimenb.plurals import counted
from crimenb.progress import Progress, silent
from crimenb.sources.archive_build import Built, build_archive
from crimenb.sources.official_files import NAME
from crimenb.sources.people_build import add_people
from crimenb.sources.versions import INVENTORY, read_inventory, resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crimenb.sources.http import Web

_BUILT_FROM = "crimenb-built-from.json"
_READ_A_SECOND = 5e6
"""Bytes of street files that a build reads in a second (measured on two busy cores)."""

_OF_CSV = 0.16
"""What an archive takes on the disk, of its street files."""

_POSTCODES_S = 40


@dataclass
class Setup:
    """What will be fetched and built."""

    web: Web
    files: police.Plan
    postcodes: catalogues.Edition
    areas: catalogues.Layer
    archive: Path
    downloads: Path
    forces: list[str]
    """Forces of the archive."""
    added: list[str]
    """Those among them that the archive holds and nobody named; they stay."""
    people: people.Plan | None = None
    """Residents and jobs, where they are wanted."""
    has_stops: bool = False
    """Whether stop-and-search files are wanted."""

    def lines(self) -> Iterator[str]:
        """Yield what will be fetched and built, a line each."""
        yield from self.files.lines()
        if self.added:
            yield f"Among them, because the archive holds them: {', '.join(self.added)}."
        yield from self.postcodes.lines()
        yield f"Boundaries of the police forces: {self.areas.name}."
        if self.people is not None:
            yield from self.people.lines()
        if self.new:
            size = sum(w.member.file_size for w in (*self.files.here, *self.files.wanted))
            minutes = max(1, round((size / _READ_A_SECOND + _POSTCODES_S) / 60))
            yield (
                f"To build: {self.archive}, about {counted(minutes, 'minute')} and {int(size * _OF_CSV):,} bytes, "
                f"for a while {int(size * 0.5):,}."
            )
        else:
            yield f"To build: nothing, {self.archive} holds all of it."

    @property
    def new(self) -> bool:
        """Whether the archive lacks any of it."""
        lacks = self.people is not None and (self.people.new or not _has_people(self.archive))
        return bool(self.files.wanted) or lacks or _built_from(self.archive) != self._parts()

    def take(self, progress: Progress = silent, word: Callable[[str], None] = lambda _: None) -> Built | None:
        """Fetch what is new, and build; None where nothing was."""
        self.archive.parent.mkdir(parents=True, exist_ok=True)
        self.files.take(progress)
        postcodes = self.postcodes.take(progress)
        areas = catalogues.fetch_area(self.web, self.areas, self.downloads, progress)
        new = self.new  # residents that are fetched now are new to the archive
        folder = self.people.take(progress) if self.people is not None else None
        if not new:
            return None
        needed = int(0.5 * sum(w.member.file_size for w in (*self.files.here, *self.files.wanted)))
        police.need_room(self.archive.parent, needed)
        built = build_archive(
            self._street(),
            self.archive,
            postcodes=postcodes,
            force_areas=areas,
            progress=word,
            add=(self.archive / INVENTORY).is_file(),  # months that the release no longer holds stay
        )
        if folder is not None:
            add_people([folder], self.archive, progress=word)
        write_whole(self.archive / _BUILT_FROM, json.dumps(self._parts()))
        return built

    def _parts(self) -> dict[str, object]:
        """Return what an archive is built from: the release's files that are here, postcodes, boundaries."""
        return {
            "release": self.files.release, "files": [p.name for p in self._street()],
            "postcodes": self.postcodes.folder.name, "areas": self.areas.name,
        }  # fmt: skip

    def _street(self) -> list[Path]:
        """Return the files of the archive's forces in the release's folder, of all months there."""
        found = sorted(self.files.folder.rglob("*-street.csv"))
        if self.has_stops:
            found += sorted(self.files.folder.rglob("*-stop-and-search.csv"))
        return [p for p in found if (name := NAME.fullmatch(p.name)) and name[2] in self.forces]


def plan(
    web: Web, archive: Path, downloads: Path, *, forces: str, months: str = "latest:36", release: str = "latest",
    with_people: bool = False, with_stops: bool = False, stack: ExitStack,
) -> Setup:  # fmt: skip
    """Return what there is to fetch and to build.

    Parameters
    ----------
    web
        The client.
    archive, downloads
        The folder of the archive, and the one for what is fetched.
    forces, months, release
        As the commands take them; forces that the archive holds stay in it.
    with_people
        Take residents, households and jobs too.
    with_stops
        Take stop-and-search files too; of an archive that has some they are taken in any case.
    stack
        Closes what was opened.

    Raises
    ------
    QueryError
        As of `police.plan`.
    SourceError
        A service did not answer.
    """
    named = police.forces_of(forces)
    held = read_inventory(resolve(archive)) if (archive / INVENTORY).is_file() else {"files": []}
    added = sorted({f["force"] for f in held["files"]} - {*named})
    has_stops = with_stops or bool(held.get("search_files"))
    files = police.plan(
        web, downloads, forces=",".join([*named, *added]), months=months, release=release, stack=stack,
        kinds="street,stops" if has_stops else "street",
    )  # fmt: skip
    there = {police.force_of(w.name) for w in (*files.here, *files.wanted)}
    if forces != "all" and (none := [f for f in named if f not in there]):
        msg = (
            f"Release {files.release} has no file of {', '.join(none)} in these months; take other --months, or "
            "leave it out of --forces."
        )
        raise QueryError(msg)
    return Setup(
        web,
        files,
        catalogues.code_point(web, downloads, stack),
        catalogues.layers(web, ["forces"])[0],
        archive,
        downloads,
        [*named, *added],
        added,
        people.plan(web, downloads, stack) if with_people else None,
        has_stops,
    )


def _has_people(archive: Path) -> bool:
    return (archive / INVENTORY).is_file() and bool(read_inventory(resolve(archive)).get("residents"))


def _built_from(archive: Path) -> dict[str, Any]:
    """Return what an archive was built from, nothing if other files were read into it since."""
    try:
        known: dict[str, Any] = json.loads((archive / _BUILT_FROM).read_text("utf-8"))
        held = read_inventory(resolve(archive))
        files = {str(f["name"]) for f in (*held["files"], *held.get("search_files", []))}
        if held["release"] == known["release"] and files >= {*known["files"]} and held["gazetteer"]:
            return known
    except (OSError, ValueError, KeyError, TypeError, CrimenbError):
        pass
    return {}
