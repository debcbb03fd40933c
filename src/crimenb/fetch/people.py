"""Residents, households, jobs and what places them: files of Nomis and services of the ONS, in one folder."""

from __future__ import annotations

import os
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from crimenb.fetch import catalogues
from crimenb.fetch.police import need_room
from crimenb.fetch.remote_zip import PIECE, RemoteFile
from crimenb.files import locked, synced, write_whole
from crimenb.progress import Progress, silent
from crimenb.sources.nomis import SERVICE, TABLES, URL, Nomis, Table
from crimenb.sources.people_files import LSOA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crimenb.sources.http import Part, Web

FOLDER = "people"
FILES = {
    "pcd_p001.csv": "residents by postcode",
    "pcd_p002.csv": "households by postcode",
    "wp001.zip": "people by place of work",
}
"""Of the census of 2021, as Nomis has them."""

_FIRST = "E01000001"
"""An LSOA, of which the newest year is asked; it is in the City of London."""


@dataclass
class Plan:
    """What will be fetched."""

    web: Web
    folder: Path
    remote: dict[str, RemoteFile]
    tables: dict[str, Table]
    """By the name of the file."""
    layers: list[catalogues.Layer]
    nomis: Nomis
    here: list[str] = field(default_factory=list)

    @property
    def new(self) -> bool:
        """Whether anything is to be fetched."""
        return bool(self.remote or self.tables or self.layers)

    def lines(self) -> Iterator[str]:
        """Yield what will be fetched, a line each, with its size where that is known."""
        if self.here:
            yield f"In {self.folder} already: {', '.join(self.here)}."
        for name, file in self.remote.items():
            yield f"{name}, {FILES[name]}: {file.size:,} bytes."
        for name, table in self.tables.items():
            yield f"{name}, {table.name} by LSOA: about 2,000,000 bytes."
        for layer in self.layers:
            yield f"{catalogues.file_of(layer)}: {layer.name} of the ONS."

    def take(self, progress: Progress = silent) -> Path:
        """Fetch what is not there, and return the folder; each file appears whole."""
        self.folder.mkdir(parents=True, exist_ok=True)
        need_room(self.folder, sum(f.size for f in self.remote.values()))
        with locked(self.folder.parent / f".{self.folder.name}.lock"):
            for name, file in self.remote.items():
                _take(file, self.folder / name, progress)
            for name, table in self.tables.items():
                write_whole(self.folder / name, self.nomis.whole(table, progress))
            for layer in self.layers:
                take = catalogues.fetch_classes if layer.kind == catalogues.CLASSES else catalogues.fetch_area
                take(self.web, layer, self.folder, progress)
        return self.folder


def plan(web: Web, into: Path, stack: ExitStack) -> Plan:
    """Return what there is to fetch.

    Parameters
    ----------
    web
        The client.
    into
        The folder for what is fetched; it gets a folder of these files.
    stack
        Closes what was opened.

    Raises
    ------
    SourceError
        A service did not answer, or does not offer one of them.
    """
    folder = into / FOLDER
    home = next(iter(os.environ.get("CRIMENB_NOMIS_URL", "").split()), URL).rstrip("/")
    nomis = Nomis(web, home)
    remote = {
        name: stack.enter_context(closing(_remote(web, f"{home}/output/census/2021/{name}", name)))
        for name in FILES
        if not (folder / name).is_file()
    }
    tables = {}
    for table in (t for t in TABLES if t.unit == LSOA):
        nomis.ready(table, _FIRST)
        name = f"{'jobs' if table.measure == 'jobs' else 'estimates'}-{nomis.newest(table)}.csv"
        tables[name] = table
    layers = {}
    for layer in catalogues.layers(web, [*catalogues.SMALL_AREAS], catalogues.SMALL_AREAS):
        layers[catalogues.file_of(layer)] = layer
    here = [name for name in (*FILES, *tables, *layers) if (folder / name).is_file()]
    left = {name: layer for name, layer in layers.items() if name not in here}
    return Plan(
        web, folder, remote, {n: t for n, t in tables.items() if n not in here}, [*left.values()], nomis, here
    )


def _remote(web: Web, url: str, name: str) -> RemoteFile:
    first: list[Part] = []

    def ask(start: int, length: int) -> Part:
        like = first[0] if first else None
        part = web.part(url, start, length, what=name, service=SERVICE, like=like)
        first[:] = first or [part._replace(body=b"")]
        return part

    return RemoteFile(ask)


def _take(file: RemoteFile, target: Path, progress: Progress) -> None:
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as out:
            file.plan([(0, file.size)])
            file.seek(0)
            while chunk := file.read(PIECE):
                out.write(chunk)
                progress(target.name, file.tell(), file.size)
        synced(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
