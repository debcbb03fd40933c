"""police.uk's official files, out of the zip of a release: only the forces, months and kinds wanted.

A release goes into a folder of its name and is never overwritten: the publisher takes old ones away.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from crimenb.errors import QueryError, SourceError, SourceUnavailable
from crimenb.fetch.remote_zip import PIECE, Cost, RemoteZip, Wanted, absent, same
from crimenb.files import locked, synced
from crimenb.plurals import counted
from crimenb.progress import Progress, silent
from crimenb.query import month_before, months_between, parse_month
from crimenb.schema import force_name, forces
from crimenb.sources import zips
from crimenb.sources.http import RATE
from crimenb.sources.official_files import NAME
from crimenb.sources.releases import RELEASE, Release, known_release, write_release

if TYPE_CHECKING:
    import zipfile
    from collections.abc import Iterable, Iterator

    from crimenb.sources.http import Web

DOWNLOADS_URL = "https://data.police.uk/data/archive"
KINDS = {"street": "street", "outcomes": "outcomes", "stops": "stop-and-search"}
"""What `--with` calls the kinds of files, and what the files do."""

_SERVICE = "data.police.uk"
_ON_THE_PAGE = re.compile(r'href="[^"]*/(20\d\d-(?:0[1-9]|1[0-2]))\.zip"')
_MD5 = re.compile(r"\bmd5sum\b[^>]*>\s*([0-9a-fA-F]{32})\s*<")
_AN_HOUR = 3600.0
_USUAL_LINE = 2.5e6
"""Bytes a second of a line of 20 Mbit/s, for a word on how long it takes."""

_SPARE = 64 * 1024**2


def addresses() -> list[str]:
    """Return where the archive's page and zips are, and after it where else its files are kept."""
    return [a.rstrip("/") for a in os.environ.get("CRIMENB_DOWNLOADS_URL", "").split()] or [DOWNLOADS_URL]


def releases(web: Web) -> dict[str, str]:
    """Return the releases that the archive's page offers, oldest first, with their MD5 or ""."""

    def check(page: str) -> None:
        if not _ON_THE_PAGE.search(page):
            msg = "the page lists no zip of a release"
            raise ValueError(msg)

    page = web.ask(
        f"{addresses()[0]}/", str, what="the releases on offer", service=_SERVICE, ttl=_AN_HOUR, check=check
    )
    _, *parts = _ON_THE_PAGE.split(page.value)  # what stands before, a release, what follows it, ...
    found = {
        r: (m[1].lower() if (m := _MD5.search(rest)) else "")
        for r, rest in zip(parts[::2], parts[1::2], strict=True)
    }
    return dict(sorted(found.items()))


def forces_of(text: str) -> list[str]:
    """Return the ids of the forces that a text names, `all` for every one.

    Raises
    ------
    QueryError
        There is no such force; the nearest are named.
    """
    if text.strip().lower() == "all":
        return [*forces()]
    by_name = {name.lower(): force for force, name in forces().items()} | {f: f for f in forces()}
    found = []
    for word in filter(None, (w.strip() for w in text.split(","))):
        plain = word.lower().replace("&", "and")
        if (force := by_name.get(plain) or by_name.get(plain.replace(" ", "-"))) is None:
            near = get_close_matches(plain, forces(), 3, 0.5) or [*forces()]
            msg = f"There is no police force {word[:60]!r}; choose from {', '.join(near)}, or 'all'."
            raise QueryError(msg)
        found.append(force)
    if not found:
        msg = "No police force is named; give --forces leicestershire,btp or --forces all."
        raise QueryError(msg)
    return [*dict.fromkeys(found)]


def months_of(text: str, offered: list[str], release: str) -> list[str]:
    """Return the months that a text names: `A:B`, one month, `latest` or the `latest:36`.

    Raises
    ------
    QueryError
        It names none, or months that the release does not hold.
    """
    first, _, last = text.strip().partition(":")
    newest = offered[-1]
    if first.lower() == "latest":
        if last and not (last.isdigit() and 1 <= int(last) <= 1000):
            msg = f"{text[:40]!r} names no months; write 'latest:36', '2025-01:2025-12' or 'latest'."
            raise QueryError(msg)
        return [
            m for m in months_between(month_before(newest, int(last or 1) - 1), newest) if m >= offered[0]
        ]
    start = parse_month(first)
    end = start if not last else newest if last.strip().lower() == "latest" else parse_month(last)
    if start > end or start < offered[0] or end > newest:
        msg = (
            f"Release {release} holds {offered[0]} to {newest}, not {start} to {end}; "
            "choose months among these, or an earlier --release."
        )
        raise QueryError(msg)
    return months_between(start, end)


def kinds_of(text: str) -> list[str]:
    """Return the kinds of files that a text names.

    Raises
    ------
    QueryError
        There is no such kind.
    """
    words = [w.strip().lower() for w in text.split(",") if w.strip()]
    if unknown := [w for w in words if w not in KINDS]:
        msg = f"There are no files of the kind {unknown[0][:40]!r}; choose from {', '.join(KINDS)}."
        raise QueryError(msg)
    return [KINDS[w] for w in dict.fromkeys(words)] or ["street"]


@dataclass
class Plan:
    """What will be taken of a release, known from its zip's directory before anything is."""

    source: RemoteZip
    release: str
    folder: Path
    wanted: list[Wanted]
    """Members that are not here yet."""
    here: list[Wanted]
    lacking: list[str]
    """Files asked for that the release does not hold."""
    known: Release
    cost: Cost = field(default_factory=Cost)
    copies: dict[str, Path] = field(default_factory=dict)
    """Files that an earlier release in the same place holds alike, byte by byte."""

    def lines(self) -> Iterator[str]:
        """Yield what will be taken, a line each."""
        every = [w.name[8:] for w in (*self.here, *self.wanted)]
        months, forces_ = {n[:7] for n in every}, {force_of(n) for n in every}
        yield (
            f"Release {self.release} of police.uk, a zip of {self.known.bytes:,} bytes: "
            f"{counted(len(every), 'file')} of {counted(len(forces_), 'force')}, "
            f"{min(months, default='-')} to {max(months, default='-')}."
        )
        if self.here:
            yield f"Here already: {counted(len(self.here), 'file')}."
        if self.copies:
            yield f"Alike in an earlier release here: {counted(len(self.copies), 'file')}."
        by_force: dict[str, list[str]] = {}
        for name in self.lacking:
            by_force.setdefault(force_of(name), []).append(name)
        for force, names in sorted(by_force.items()):
            some = ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")
            yield f"Not in release {self.release}: {counted(len(names), 'file')} of {force_name(force)} ({some})."
        if not self.wanted:
            yield "To fetch: nothing."
            return
        cost = self.cost
        seconds = max(cost.requests / RATE, cost.wire / _USUAL_LINE)
        yield (
            f"To fetch: {cost.wire:,} bytes in {counted(cost.requests, 'request')}, about "
            f"{counted(max(1, round(seconds / 60)), 'minute')} on a line of 20 Mbit/s; "
            f"{cost.disk:,} bytes on the disk."
        )

    def take(self, progress: Progress = silent) -> Path:
        """Fetch it and return the release's folder, which appears whole.

        Raises
        ------
        SourceUnavailable, SourceError
            The service did not answer, or not with what its directory says.
        Busy
            Another run fetches the same release into the same place.
        """
        need_room(self.folder.parent, self.cost.disk)
        with locked(self.folder.parent / f".{self.folder.name}.lock"):
            work = part_of(self.folder)
            for name, path in self.copies.items():
                copy = work / name
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.unlink(missing_ok=True)
                shutil.copy2(path, copy)
            self.source.take(self.wanted, work, progress, f"release {self.release}")
            write_release(work, self.known)
            appear(work, self.folder, [w.name for w in self.wanted], RELEASE)
            write_release(self.folder, self.known)
        return self.folder


def plan(
    web: Web, into: Path, *, forces: str, months: str = "latest:36", kinds: str = "street",
    release: str = "latest", stack: ExitStack,
) -> Plan:  # fmt: skip
    """Return what there is to take, from the release's directory.

    Parameters
    ----------
    web
        The client.
    into
        The folder of releases; this one gets a folder of its name in it.
    forces, months, kinds, release
        As the commands take them.
    stack
        Closes the zip.

    Raises
    ------
    QueryError
        No such force, month, kind or release, or none of the files is in the release.
    SourceError
        The service did not answer, or files here are not what the release holds.
    """
    ids, suffixes = forces_of(forces), kinds_of(kinds)
    source, release = _opened(web, release, stack)
    directory = {name: m for m in source.members if (name := _official(m))}
    if not directory:
        msg = f"The zip of release {release} holds no file of police.uk's names."
        raise SourceError(msg)
    offered = sorted({name[:7] for name in directory})
    chosen = months_of(months, offered, release)
    asked = [f"{m}-{f}-{k}.csv" for m in chosen for f in ids for k in suffixes]
    folder = into / release
    found = [Wanted(directory[n], f"{n[:7]}/{n}") for n in asked if n in directory]
    if not found:
        msg = f"Release {release} holds none of the {counted(len(asked), 'file')} asked for, such as {asked[0]!r}."
        raise QueryError(msg)
    if not source.file.tag:
        msg = (
            f"{_SERVICE} says of the zip of release {release} neither its date nor its tag; try again later."
        )
        raise SourceError(msg)
    here = [w for w in found if (folder / w.name).is_file()]
    for one in here:
        if not same(folder / one.name, one.member):
            msg = (
                f"{str(folder / one.name)!r} is not the file that release {release} holds now. A release is never "
                "overwritten: move the folder away, or give another --into."
            )
            raise QueryError(msg)
    wanted = [w for w in found if w not in here]
    copies = dict(_alike(wanted, into, release))
    known = Release(
        release, _lacks(directory, offered), offered[0], offered[-1],
        source.url, source.file.size, source.file.tag,
    )  # fmt: skip
    part = folder.with_name(f".{release}.part")
    left = [w.member for w in wanted if w.name not in copies and not same(part / w.name, w.member)]
    return Plan(
        source, release, folder, wanted, here, [n for n in asked if n not in directory], known,
        source.cost(left), copies,
    )  # fmt: skip


def _opened(web: Web, release: str, stack: ExitStack) -> tuple[RemoteZip, str]:
    """Return the zip of a release, and which release that is."""
    release = [*releases(web)][-1] if release == "latest" else parse_month(release)
    home, *also = addresses()
    source = RemoteZip(web, f"{home}/{release}.zip", f"the zip of release {release}", _SERVICE, also)
    try:
        stack.enter_context(source)
    except SourceUnavailable as error:
        if not absent(error) or release in (offered := releases(web)):
            raise
        msg = f"police.uk offers no release {release}; choose from {', '.join([*offered][:-7:-1])}, ..."
        raise QueryError(msg) from error
    return source, release


def whole_zip(web: Web, into: Path, release: str, stack: ExitStack) -> tuple[RemoteZip, Path, str]:
    """Return the zip of a release, the file that it becomes, and its MD5.

    Raises
    ------
    SourceError
        The page gives no MD5 of it, so that nobody could tell whether it came whole.
    """
    source, release = _opened(web, release, stack)
    if not (md5 := releases(web).get(release, "")):
        msg = f"{_SERVICE} gives no MD5 of 32 hex digits for release {release}; take its files with --forces all."
        raise SourceError(msg)
    return source, into / f"{release}.zip", md5


def take_zip(source: RemoteZip, target: Path, md5: str, progress: Progress = silent) -> Path:
    """Fetch a whole zip, go on where a run before stopped, and check its MD5."""
    if target.exists():
        return target
    need_room(target.parent, source.file.size)
    part = target.with_name(f".{target.name}.part")
    with locked(target.parent / f".{target.name}.lock"):
        with part.open("ab") as out:
            at = min(out.tell(), source.file.size)
            source.file.plan([(at, source.file.size)])
            source.file.seek(at)
            while chunk := source.file.read(PIECE):
                out.write(chunk)
                progress(target.name, source.file.tell(), source.file.size)
        with part.open("rb") as stream:
            found = hashlib.file_digest(stream, "md5").hexdigest()
        if found != md5:
            part.unlink()
            msg = f"{target.name} came with the MD5 {found}, not {md5} as {_SERVICE} says; fetch it again."
            raise SourceError(msg)
        synced(part)
        part.rename(target)
    return target


def need_room(folder: Path, size: int) -> None:
    """Raise SourceError where a folder's disk has less room than is needed."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size + _SPARE:
        msg = (
            f"{str(folder)!r} has {free:,} bytes free and {size:,} are needed; give a folder on another disk."
        )
        raise SourceError(msg)


def part_of(folder: Path) -> Path:
    """Return the hidden folder beside a folder that collects what it will hold; a later run goes on there."""
    work = folder.with_name(f".{folder.name}.part")
    work.mkdir(parents=True, exist_ok=True)
    return work


def appear(work: Path, folder: Path, names: Iterable[str], record: str) -> None:
    """Put what was collected where it belongs; nothing that is there is replaced.

    Parameters
    ----------
    work, folder
        From where, and to where.
    names
        The files wanted. What else an earlier run has collected goes.
    record
        The name of the file that says what the folder holds.
    """
    wanted = {*names}
    for left in [p for p in work.rglob("*") if p.is_file()]:
        if left.relative_to(work).as_posix() not in {*wanted, record}:
            left.unlink()
    if not folder.exists():
        synced(work)
        work.rename(folder)
        return
    for name in wanted:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).rename(folder / name)
    shutil.rmtree(work)


def _official(member: zipfile.ZipInfo) -> str:
    """Return the official name of a member, "" of another."""
    name = zips.plain(member).rpartition("/")[2]
    return (
        name
        if (match := NAME.fullmatch(name)) and match[0] == f"{match[1]}-{match[2]}-{match[3]}.csv"
        else ""
    )


def force_of(name: str) -> str:
    """Return the force of a file of police.uk's name, "" of any other."""
    match = NAME.fullmatch(name.rpartition("/")[2])
    return match[2] if match else ""


def _lacks(directory: dict[str, zipfile.ZipInfo], offered: list[str]) -> list[str]:
    """Return the files of any force that are not there in the months that are."""
    every = (f"{m}-{f}-{k}.csv" for m in offered for f in forces() for k in KINDS.values())
    return [name for name in every if name not in directory]


def _alike(wanted: list[Wanted], into: Path, release: str) -> Iterator[tuple[str, Path]]:
    """Yield files of other releases in the same place that are those wanted, by size and CRC."""
    others = [p for p in into.glob("20??-??") if p.name != release and known_release(p) is not None]
    for one in wanted:
        for other in sorted(others, reverse=True):
            if same(other / one.name, one.member):
                yield one.name, other / one.name
                break
