"""police.uk's bulk files as people keep them: in folders, zips, copies; one a force and month is chosen."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import hashlib
import re
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from crimenb.errors import QueryError, SourceError
from crimenb.files import regular
from crimenb.schema import data_file, forces
from crimenb.sources import zips
from crimenb.sources.releases import RELEASE, known_release

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NAME = re.compile(
    r"(?:copy of )?(\d{4}-\d{2})-([a-z][a-z-]*?)-(street|outcomes|stop-and-search)"
    r"(?:\s*\(\d+\)|\s+-?\s*copy(?:\s*\(?\d+\)?)?)?\.csv",
    re.IGNORECASE,
)
"""The official name, also of the copies that browsers and file managers make."""

STREET = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,"
    "Crime type,Last outcome category,Context"
)
OUTCOMES_COLUMNS = (
    "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type"
)
NEEDED = {"crime id", "month", "reported by", "longitude", "latitude", "location", "crime type",
          "last outcome category"}  # fmt: skip
SEARCHES_COLUMNS = (
    "Type,Date,Part of a policing operation,Policing operation,Latitude,Longitude,Gender,Age range,"
    "Self-defined ethnicity,Officer-defined ethnicity,Legislation,Object of search,Outcome,"
    "Outcome linked to object of search,Removal of more than just outer clothing"
)
KNOWN = {
    "outcomes": {"crime id", "month", "outcome type"},
    "stop-and-search": {*SEARCHES_COLUMNS.lower().split(",")} - {"policing operation"},
}
OLD_STREET = "Month,Reported by,Falls within,Easting,Northing,Location,Crime type,Context"
FIRST_MONTH = "2010-12"
_DEEPEST = 3
"""Zips inside zips are opened so deep; deeper ones are named."""


@dataclass
class Found:
    """One official file, on disk or inside a zip.

    release: the folder or zip it came in; written: when, as the file system or the zip has it.
    """

    path: Path
    member: zipfile.ZipInfo | None
    month: str
    force: str
    kind: str
    release: str
    shown: str
    written: str
    size: int

    @property
    def name(self) -> str:
        """The file's official name."""
        return f"{self.month}-{self.force}-{self.kind}.csv"


@dataclass
class Layout:
    """How a CSV is written: its columns in their order, and what stands between them."""

    columns: list[str]
    delimiter: str
    encoding: str
    skip: int = 0

    @property
    def is_old(self) -> bool:
        """Whether it is that of 2010 and 2011: eight columns, places in metres, no ids and no outcomes."""
        return {c.lower() for c in OLD_STREET.split(",")} <= {c.lower() for c in self.columns}


@dataclass
class Finder:
    """Finds official files and reads them; every zip is opened once.

    unused: what was left out, counted by kind. superseded: which copy was taken, and why.
    """

    tmp: Path
    unused: Counter[str] = field(default_factory=Counter)
    superseded: list[str] = field(default_factory=list)
    _open: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    _zips: dict[Path, zipfile.ZipFile] = field(default_factory=dict)
    _seen: set[tuple[int, int]] = field(default_factory=set)

    def close(self) -> None:
        """Close every zip."""
        self._open.close()

    # ---------------------------------------------------------------- finding

    def files(self, sources: Iterable[Path]) -> dict[str, list[Found]]:
        """Return the files of each kind (street, outcomes, stop-and-search), one a force and month, sorted by name.

        Raises
        ------
        QueryError
            A source does not exist.
        SourceError
            A file is foreign, damaged, or named for a force or month that does not exist.
        """
        found = [f for source in sources for f in self._in_source(source)]
        for item in sorted(found, key=lambda f: f.kind == "street"):
            self._check_columns(item)
        return {kind: self._chosen([f for f in found if f.kind == kind]) for kind in ("street", *KNOWN)}

    def _in_source(self, source: Path) -> Iterator[Found]:
        if not source.exists():
            msg = f"{str(source)!r} does not exist; name a folder or zip of police.uk's bulk data."
            raise QueryError(msg)
        if source.is_dir():
            yield from self._in_folder(source)
        elif zips.is_zip(source.name):
            yield from self._in_zip(source, str(source))
        else:
            yield from self._on_disk(source)

    def _in_folder(self, folder: Path) -> Iterator[Found]:
        """Follow links too, but enter a folder once: so no loop is endless."""
        state = folder.stat()
        if (state.st_dev, state.st_ino) in self._seen:
            self.unused["folders met before (links)"] += 1
            return
        self._seen.add((state.st_dev, state.st_ino))
        for path in sorted(folder.iterdir()):
            if path.is_dir():
                yield from self._in_folder(path)
            elif zips.is_zip(path.name):
                yield from self._in_zip(path, str(path))
            elif path.exists():
                yield from self._on_disk(path)
            else:
                self.unused["broken links"] += 1

    def _on_disk(self, path: Path) -> Iterator[Found]:
        if path.name == RELEASE:
            return
        state = regular(path, SourceError).stat()
        month_folder = re.fullmatch(r"\d{4}-\d{2}", path.parent.name)
        release = path.parent.parent if month_folder else path.parent
        written = _date(time.localtime(state.st_mtime)[:6])
        yield from self._named(path, None, str(release), str(path), written, state.st_size)

    def _in_zip(self, path: Path, shown: str, depth: int = 1) -> Iterator[Found]:
        archive = self._zips[path] = self._open.enter_context(zips.opened(path, shown))
        for member in zips.members(archive):
            name, inner = zips.plain(member), f"{shown}!{zips.plain(member)}"
            if not zips.is_zip(name):
                written = _date(member.date_time)
                yield from self._named(path, member, shown, inner, written, member.file_size)
            elif depth == _DEEPEST:
                msg = f"{inner!r} is a zip in a zip in a zip; unzip it and give the folder."
                raise SourceError(msg)
            else:
                copy = self.tmp / f"inner-{len(self._zips)}.zip"
                self._copy(zips.chunks(archive, member, inner), copy)
                yield from self._in_zip(copy, inner, depth + 1)

    def _named(
        self,
        path: Path,
        member: zipfile.ZipInfo | None,
        release: str,
        shown: str,
        written: str,
        size: int,
    ) -> Iterator[Found]:
        name = Path(zips.plain(member) if member else path).name
        if match := NAME.fullmatch(name):
            month, force, kind = match[1], match[2].lower(), match[3].lower()
            _check_name(month, force, shown)
            yield Found(path, member, month, force, kind, release, shown, written, size)
        elif name.lower().endswith(".csv") and not name.startswith((".", "~")):  # "~$": Excel's locks
            msg = (
                f"{shown!r} is not an official file (YYYY-MM-force-street.csv); "
                "take it out of the folder or rename it."
            )
            raise SourceError(msg)
        else:
            self.unused[f"other files ({Path(name).suffix or name})"] += 1

    # ---------------------------------------------------------------- choosing

    def _chosen(self, found: list[Found]) -> list[Found]:
        """Choose one of the copies of each force and month, by what they hold."""
        newest: dict[str, str] = {}
        for item in found:
            newest[item.release] = max(newest.get(item.release, ""), item.month)
        for folder in filter(Path.is_dir, map(Path, newest)):  # a name may be that of an older download
            if (known := known_release(folder)) is not None:
                newest[str(folder)] = known.release
        copies: dict[str, list[Found]] = {}
        for item in found:
            copies.setdefault(item.name, []).append(item)
        chosen = []
        for name, items in sorted(copies.items()):
            best = items[0]
            for other in items[1:]:
                if other.size == best.size and self.digest(other) == self.digest(best):
                    self.unused["second copies of a file"] += 1
                    continue
                keys = [(newest[i.release], i.written, i.size, i.shown) for i in (best, other)]
                reasons = (
                    "its release holds newer months",
                    "it is dated later",
                    "it is larger",
                    "it is named last",
                )
                why = next(r for r, a, b in zip(reasons, *keys, strict=True) if a != b)
                taken, left = (other, best) if keys[1] > keys[0] else (best, other)
                self.superseded.append(
                    f"{name}: {taken.shown!r} was taken, not {left.shown!r}, because {why}"
                )
                best = taken
            chosen.append(best)
        return chosen

    # ---------------------------------------------------------------- reading

    def chunks(self, item: Found) -> Iterator[bytes]:
        """Yield the bytes of a file.

        Raises
        ------
        SourceError
            It cannot be read.
        """
        if item.member is not None:
            yield from zips.chunks(self._zips[item.path], item.member, item.shown)
            return
        try:
            with item.path.open("rb") as stream:
                while chunk := stream.read(1 << 20):
                    yield chunk
        except OSError as error:
            msg = f"{item.shown!r} cannot be read ({error.strerror})."
            raise SourceError(msg) from error

    def digest(self, item: Found) -> str:
        """Return the SHA-256 of a file."""
        sha = hashlib.sha256()
        for chunk in self.chunks(item):
            sha.update(chunk)
        return sha.hexdigest()

    def _copy(self, chunks: Iterable[bytes], target: Path) -> None:
        with target.open("wb") as out:
            for chunk in chunks:
                out.write(chunk)

    def _check_columns(self, item: Found) -> list[str]:
        """Return a file's columns in small letters, after checking that they are the official ones."""
        layout = self.layout(item)
        columns = [c.lower() for c in layout.columns]
        needed = NEEDED if item.kind == "street" else KNOWN[item.kind]
        if not needed <= set(columns) and not (item.kind == "street" and layout.is_old):
            # What it holds instead is not shown: it may be a link to a file that is nobody's business.
            lacks = ", ".join(map(repr, sorted(needed - set(columns))))
            msg = f"{item.shown!r} is named like a police.uk {item.kind} file but lacks {lacks}; take it out."
            raise SourceError(msg)
        return columns

    def layout(self, item: Found) -> Layout:
        """Return how a file is written, from its first line.

        Raises
        ------
        SourceError
            It is empty.
        """
        raw = next(iter(self.chunks(item)), b"")[:8000]
        if not raw.strip(b"\xef\xbb\xbf\xff\xfe\r\n "):
            raise SourceError(damaged(item, "it is empty"))
        encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        lines = raw[: len(raw) // 2 * 2].decode(encoding, "replace").splitlines()
        skip = int(lines[0].lower().startswith("sep="))  # Excel's own first line
        header = lines[skip] if len(lines) > skip else ""
        delimiter = max(",;\t", key=header.count)
        columns = [c.strip() for c in next(csv.reader([header], delimiter=delimiter), [])]
        return Layout(columns, delimiter, encoding, skip)


def _date(parts: tuple[int, ...]) -> str:
    """Write a local date and time so that later ones sort later; zips know no zone."""
    return "{:04}-{:02}-{:02} {:02}:{:02}:{:02}".format(*parts)


def _check_name(month: str, force: str, shown: str) -> None:
    """Refuse files of forces and months that cannot be."""
    this = dt.datetime.now(dt.UTC).strftime("%Y-%m")
    if not 1 <= int(month[5:]) <= 12 or not FIRST_MONTH <= month <= this:
        msg = f"{shown!r} is named for the month {month!r}, which police.uk cannot have; take it out."
        raise SourceError(msg)
    if force not in forces():
        msg = f"{shown!r} is named for the force {force!r}, which police.uk does not know; take it out."
        raise SourceError(msg)


def damaged(item: Found, why: str) -> str:
    """Say that a file is not whole."""
    return f"{item.shown!r} is not a whole file ({why}); download it again."


def reporting_names() -> dict[str, str]:
    """Return the names that files give to forces, in small letters, and the ids they mean."""
    known: dict[str, str] = {"hampshire and isle of wight constabulary": "hampshire"}
    for row in csv.DictReader(data_file("forces.csv").splitlines()):
        for name in (row["full_name"], row["name"], row["id"]):
            known[name.lower().replace("&", "and")] = row["id"]
    return known
