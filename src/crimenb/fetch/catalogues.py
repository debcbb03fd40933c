"""Postcodes, areas and roads, as the catalogues of Ordnance Survey and of the ONS offer them today.

Names and addresses change with each edition, so each is looked up by what stays the same in it. Every
edition gets a file or folder of its name, which appears whole.
"""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from crimenb.errors import QueryError, SourceError, SourceUnavailable
from crimenb.fetch.police import appear, need_room, part_of
from crimenb.fetch.remote_zip import Cost, RemoteZip, Wanted, absent, same
from crimenb.files import locked, write_whole
from crimenb.geo import to_metres
from crimenb.plurals import counted
from crimenb.progress import Progress, silent
from crimenb.sources import kept_streets, zips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd

    from crimenb.sources.http import Web

OS_URL = "https://api.os.uk/downloads/v1"
ONS_URL = "https://www.arcgis.com"
_ONS_AREAS_URL = "https://services1.arcgis.com"
_ONS_FOLDER = "ESMARspQHYMw9BZ9/arcgis/rest/services"
_OS, _ONS = "Ordnance Survey", "the ONS's catalogue"
_A_DAY = 86_400.0
_NEAR_M = 2000.0
_RECORD = "crimenb-edition.json"

_MONTHS = {m: i for i, m in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_DATED = r"(?P<month>[A-Za-z]{3,9})_(?P<year>20\d\d)"

SHAPES_A_PAGE, NAMES_A_PAGE = 500, 2000
"""Rows of one answer. The service gives 2,000 at most, and outlines of so many can pass our own limit."""

AREAS = {
    "forces": rf"Police_Force_Areas_{_DATED}_EW_BGC(_V\d+)?",
    "wards": rf"(WD|Wards)_{_DATED}(_Boundaries)?_UK_BGC(_V\d+)?",
    "parishes": rf"PARNCP_{_DATED}_EW_BGC(_V\d+)?",
    "districts": rf"(LAD|Local_Authority_Districts)_{_DATED}(_Boundaries)?_UK_BGC(_V\d+)?",
}
"""What the services of outlines are called, beside their date."""

OA_POINTS, LSOA_POINTS, CLASSES = "oa-points", "lsoa-points", "rural-urban"
SMALL_AREAS = {
    OA_POINTS: rf"OA_{_DATED}_EW_PWC(_V\d+)?",
    LSOA_POINTS: r"LSOA_PopCentroids_EW_(?P<year>20\d\d)(?P<month>)(_V\d+)?",
    CLASSES: r"LSOA21_RUC(?P<year>21)(?P<month>)_EW_LU(_V\d+)?",
}
"""The same of the points where people live in output areas and LSOAs, and of the classes of LSOAs."""


class Product(msgspec.Struct):
    """A product of the OS downloads service."""

    id: str
    version: str


class Download(msgspec.Struct):
    """One of its files."""

    url: str
    format: str
    size: int
    area: str = "GB"


class _Told(msgspec.Struct):
    """An answer of the ONS; what went wrong stands in it, with HTTP 200."""

    error: dict[str, Any] | None = None


class _Item(msgspec.Struct):
    id: str
    name: str | None = None
    title: str | None = None


class _Found(_Told):
    results: list[_Item] = []


class _Service(msgspec.Struct):
    name: str
    type: str = ""


class _Services(_Told):
    services: list[_Service] = []


class _Count(_Told):
    count: int = -1


class _Page(_Told):
    features: list[dict[str, Any]] = []


class _Edition(NamedTuple):
    """A dated thing of a catalogue."""

    date: str
    name: str
    id: str = ""


@dataclass
class Edition:
    """An edition of postcodes or roads: the members of a zip that become a folder."""

    source: RemoteZip
    folder: Path
    shown: str
    wanted: list[Wanted]
    cost: Cost
    extra: Callable[[Path], None] = lambda _: None
    """Puts more files into the folder, before it appears."""

    @property
    def here(self) -> bool:
        """Whether all of it was fetched before."""
        names = _recorded(self.folder)
        return {w.name for w in self.wanted} <= names

    def lines(self) -> Iterator[str]:
        """Yield what will be taken, a line each."""
        if self.here:
            yield f"{self.shown}: here already, in {self.folder}."
        else:
            yield (
                f"{self.shown}: {counted(len(self.wanted), 'file')}, {self.cost.wire:,} bytes to fetch in "
                f"{counted(self.cost.requests, 'request')}, {self.cost.disk:,} bytes on the disk."
            )

    def take(self, progress: Progress = silent) -> Path:
        """Fetch it and return its folder."""
        if self.here:
            return self.folder
        need_room(self.folder.parent, self.cost.disk)
        with locked(self.folder.parent / f".{self.folder.name}.lock"):
            work = part_of(self.folder)
            had = _recorded(self.folder)
            wanted = [w for w in self.wanted if w.name not in had]
            self.source.take(wanted, work, progress, self.shown)
            self.extra(work)
            names = sorted(had | {p.relative_to(work).as_posix() for p in work.rglob("*") if p.is_file()})
            record = json.dumps({"edition": self.shown, "from": self.source.url, "files": names}, indent=1)
            write_whole(work / _RECORD, record + "\n")
            appear(work, self.folder, [n for n in names if n not in had], _RECORD)
            write_whole(self.folder / _RECORD, record + "\n")
        return self.folder


def _recorded(folder: Path) -> set[str]:
    try:
        return {*json.loads((folder / _RECORD).read_text("utf-8"))["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()


# ------------------------------------------------------------------------ Ordnance Survey


def _os_url() -> tuple[str, list[str]]:
    """Return the downloads service, and where else it keeps its files."""
    home, *also = [a.rstrip("/") for a in os.environ.get("CRIMENB_OS_URL", "").split()] or [OS_URL]
    return home, also


def _os_zip(web: Web, product: str, form: str, stack: ExitStack) -> tuple[RemoteZip, str]:
    """Return the zip of a product in a format, opened, and its version."""
    home, also = _os_url()
    url = f"{home}/products/{product}"
    version = web.ask(url, Product, what=product, service=_OS, ttl=_A_DAY).value.version
    listed = web.ask(
        f"{url}/downloads", list[Download], what=f"the files of {product}", service=_OS, ttl=_A_DAY
    )
    fits = [d for d in listed.value if form in d.format.lower() and d.area == "GB"]
    if not fits:
        there = ", ".join(sorted({f"{d.format} of {d.area}" for d in listed.value})) or "nothing"
        msg = f"{_OS} offers {product} {version} as {there[:200]}, not as {form.upper()} of GB, which is read here."
        raise SourceError(msg)
    if not fits[0].url.startswith(f"{home}/"):
        msg = f"{_OS} says that {product} is at {fits[0].url[:100]!r}, which is no host of its own; it is not asked."
        raise SourceError(msg)
    source = RemoteZip(web, fits[0].url, f"{product} {version}", _OS, also)
    stack.enter_context(source)
    if source.file.size != fits[0].size:
        msg = (
            f"The file of {product} {version} has {source.file.size:,} bytes, where {_OS} lists {fits[0].size:,}; "
            "try again later."
        )
        raise SourceError(msg)
    return source, version


def code_point(web: Web, into: Path, stack: ExitStack) -> Edition:
    """Return the newest Code-Point Open: postcodes of Great Britain, with the names of wards and districts."""
    source, version = _os_zip(web, "CodePointOpen", "csv", stack)
    wanted = [
        Wanted(m, name)
        for m in source.members
        if re.fullmatch(r"[a-z]{1,2}\.csv|licence\.txt|metadata\.txt", name := _base(m).lower())
    ]
    edition = _edition(source, into / f"code-point-open-{version}", f"Code-Point Open {version}", wanted)
    edition.extra = lambda work: _names(web, work)
    return edition


def open_roads(
    web: Web,
    into: Path | None,
    stack: ExitStack,
    *,
    squares: Sequence[str] = (),
    archive: Path | None = None,
    near: Sequence[gpd.GeoDataFrame] = (),
) -> Edition:
    """Return the newest OS Open Roads: of 100 km squares of the National Grid, those of an archive, or all.

    Parameters
    ----------
    into
        The folder that gets a folder of the edition; None: the cache, for live reports.
    squares
        By their letters.
    archive
        The squares that its records lie in.
    near
        The squares around these places, rows of `places`.

    Raises
    ------
    QueryError
        There are no roads of a square.
    """
    source, version = _os_zip(web, "OpenRoads", "shape", stack)
    by_square: dict[str, list[Wanted]] = {}
    for member in source.members:
        if match := re.fullmatch(r"([A-Z]{2})_RoadLink\.(shp|shx|dbf|prj|cpg)", name := _base(member)):
            by_square.setdefault(match[1], []).append(Wanted(member, name))
    named = [s.strip().upper() for s in squares]
    british = [place for place in near if place["force"].iloc[0] != "northern-ireland"]
    around = [s for place in british for s in kept_streets.squares_of(place)]
    around += squares_of(archive) if archive is not None else []
    chosen = [*named, *(s for s in around if s in by_square)]  # some are all sea
    if not (named or near or archive):
        chosen = [*by_square]
    if unknown := [s for s in named if s not in by_square]:
        there = ", ".join(sorted(by_square)) or "none"
        msg = f"OS Open Roads {version} has no square {unknown[0][:20]!r}; its squares are {there}."
        raise QueryError(msg)
    if near and not chosen:
        msg = f"OS Open Roads has no streets around {near[0]['postcode'].iloc[0]!r}: it covers Great Britain."
        raise QueryError(msg)
    chosen, shown = [*dict.fromkeys(chosen)], f"OS Open Roads {version}"
    if into is not None:
        wanted = [w for s in chosen for w in by_square[s]]
        return _edition(source, into / f"open-roads-{version}", shown, wanted)
    from crimenb.sources.streets_build import keep_squares

    folder = kept_streets.folder() / version
    new = [s for s in chosen if not (folder / f"{s}.parquet").is_file()]
    if not new:
        return Edition(source, folder, shown, [], source.cost([]))
    edition = _edition(source, folder, shown, [w for s in new for w in by_square[s]])
    edition.extra = functools.partial(keep_squares, squares=new, offered=[*by_square], edition=version)
    return edition


def _edition(source: RemoteZip, folder: Path, shown: str, wanted: list[Wanted]) -> Edition:
    if not wanted:
        msg = f"The zip of {source.what} holds none of the files that are known here; this version cannot read it."
        raise SourceError(msg)
    part, had = folder.with_name(f".{folder.name}.part"), _recorded(folder)
    left = [w.member for w in wanted if w.name not in had and not same(part / w.name, w.member)]
    return Edition(source, folder, shown, wanted, source.cost(left))


def _base(member: Any) -> str:
    return zips.plain(member).rpartition("/")[2]


def squares_of(archive: Path) -> list[str]:
    """Return the 100 km squares of the National Grid that an archive's records lie in, or within 2 km of."""
    from crimenb.sources.archive import Archive

    held = Archive(archive)
    try:
        cells = held.cells()
    finally:
        held.close()
    x, y = to_metres(cells["x"].to_numpy(), cells["y"].to_numpy())
    near = {
        (int((e + i) // 100_000), int((n + j) // 100_000))
        for e, n in zip(x, y, strict=True)
        for i in (-_NEAR_M, _NEAR_M)
        for j in (-_NEAR_M, _NEAR_M)
    }
    return sorted(kept_streets.letters(e, n) for e, n in near if 0 <= e < 7 and 0 <= n < 13)


# ------------------------------------------------------------------------ ONS


def _ons_url() -> tuple[str, str, list[str]]:
    """Return the catalogue, the services of areas, and where else the catalogue keeps its files."""
    named = [a.rstrip("/") for a in os.environ.get("CRIMENB_ONS_URL", "").split()]
    home, *also = named or [ONS_URL]
    return home, f"{named[0] if named else _ONS_AREAS_URL}/{_ONS_FOLDER}", also


def _no_error(answer: _Told) -> None:
    """Raise ValueError where an answer says that it is none."""
    if answer.error is not None:
        msg = f"it says {str(answer.error.get('message') or answer.error)[:120]!r}"
        raise ValueError(msg)


def onspd(web: Web, into: Path, stack: ExitStack, notice: Callable[[str], None] = lambda _: None) -> Edition:
    """Return the newest ONS Postcode Directory: also closed postcodes, wards and Northern Ireland.

    The catalogue gives each edition another id, and its user guides the same title. An edition that the
    catalogue lists and does not have is passed over, with a notice.
    """
    home, _, also = _ons_url()
    query = {
        "q": 'title:"ONS Postcode Directory"', "f": "json", "num": "50", "sortField": "created",
        "sortOrder": "desc",
    }  # fmt: skip
    found = web.ask(
        f"{home}/sharing/rest/search", _Found, params=query, what="the ONS Postcode Directory", service=_ONS,
        ttl=3600.0, check=_no_error,
    )  # fmt: skip
    editions = _dated(rf"ONSPD_{_DATED}\.zip", [(i.name or "", i.id) for i in found.value.results])
    for edition in editions[:3]:
        source = RemoteZip(
            web,
            f"{home}/sharing/rest/content/items/{edition.id}/data",
            edition.name,
            _ONS,
            also,
            lasting=False,
        )
        try:
            stack.enter_context(source)
        except SourceUnavailable as error:
            if not absent(error):
                raise
            notice(f"{edition.name} is listed but cannot be had ({error}) The edition before it is tried.")
            continue
        members = [m for m in source.members if _base(m).lower().endswith(".csv")]
        data = [m for m in members if "multi_csv/" in zips.plain(m)]
        names = [m for m in members if "documents/" in zips.plain(m).lower()]
        whole = [m for m in members if re.fullmatch(r"ONSPD_.*_UK\.csv", _base(m))]
        wanted = [Wanted(m, _base(m)) for m in (data or whole)] + [Wanted(m, _base(m)) for m in names]
        return _edition(source, into / f"onspd-{edition.date}", f"ONSPD of {edition.date}", wanted)
    tried = ", ".join(e.name for e in editions[:3])
    msg = (
        f"{_ONS} lists {tried}, and gives none of them; try again later."
        if tried
        else f"{_ONS} lists no ONSPD_MONTH_YEAR.zip under that title now; download it by hand, or take Code-Point Open."
    )
    raise SourceError(msg)


def _dated(pattern: str, named: Sequence[tuple[str, str]]) -> list[_Edition]:
    """Return what has such a name with its date, the newest first; of one date the last name."""
    found = []
    for name, key in named:
        match = re.fullmatch(pattern, name)
        if match and not match["month"]:
            found.append(_Edition(f"20{match['year'][-2:]}", name, key))
        elif match and (month := _MONTHS.get(match["month"][:3].lower())):
            found.append(_Edition(f"{match['year']}-{month:02d}", name, key))
    return sorted(found, reverse=True)


class Layer(NamedTuple):
    """A service of outlines: what it shows, its date, its name."""

    kind: str
    date: str
    name: str


def layers(web: Web, kinds: Sequence[str], among: Mapping[str, str] = AREAS) -> list[Layer]:
    """Return the newest service of each kind of area, by what they are called.

    Raises
    ------
    QueryError
        There is no such kind.
    SourceError
        The ONS offers none.
    """
    if unknown := [k for k in kinds if k not in among]:
        msg = f"There are no areas of the kind {unknown[0][:40]!r}; choose from {', '.join(among)}."
        raise QueryError(msg)
    listed = web.ask(
        _ons_url()[1],
        _Services,
        params={"f": "json"},
        what="its services",
        service=_ONS,
        ttl=_A_DAY,
        check=_no_error,
    ).value.services
    names = [(s.name.rpartition("/")[2], "") for s in listed if s.type in {"", "FeatureServer"}]
    found = []
    for kind in dict.fromkeys(kinds):
        dated = _dated(among[kind], names)
        if not dated:
            msg = (
                f"{_ONS} offers no outlines of {kind} under a name that is known here; download them by hand."
            )
            raise SourceError(msg)
        found.append(Layer(kind, dated[0].date, dated[0].name))
    return found


def fetch_area(web: Web, layer: Layer, into: Path, progress: Progress = silent) -> Path:
    """Fetch the outlines of one service, all pages of it, and return the GeoJSON file."""
    path = into / file_of(layer)
    if path.is_file():
        return path
    page = NAMES_A_PAGE if layer.kind in SMALL_AREAS else SHAPES_A_PAGE
    asked = {"f": "geojson", "outSR": "4326", "geometryPrecision": "6"}
    rows = _rows(web, layer, asked, page, progress)
    into.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"type": "FeatureCollection", "name": layer.name, "features": rows}))
    return path


def file_of(layer: Layer) -> str:
    """Return the name of the file that a service becomes."""
    called = "police-force-areas" if layer.kind == "forces" else layer.kind
    return f"{called}-{layer.date}.{'csv' if layer.kind == CLASSES else 'geojson'}"


def fetch_classes(web: Web, layer: Layer, into: Path, progress: Progress = silent) -> Path:
    """Fetch the rural-urban class of each LSOA, and return the CSV file."""
    path = into / file_of(layer)
    if path.is_file():
        return path
    rows = _rows(web, layer, {"f": "geojson", "returnGeometry": "false"}, NAMES_A_PAGE, progress)
    columns = ["LSOA21CD", "RUC21CD", "RUC21NM"]
    if not rows or not {*columns} <= {*rows[0].get("properties", {})}:
        msg = f"{_ONS} gives {layer.name} without the classes of LSOAs; try again later."
        raise SourceError(msg)
    into.mkdir(parents=True, exist_ok=True)
    write_whole(path, _table(columns, rows))
    return path


def _table(columns: list[str], rows: list[dict[str, Any]]) -> str:
    """Return some columns of a service's rows as CSV."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(columns)
    table.writerows([r["properties"].get(c) for c in columns] for r in rows)
    return out.getvalue()


def _rows(
    web: Web, layer: Layer, params: dict[str, str], page: int, progress: Progress = silent
) -> list[dict[str, Any]]:
    """Return every row of a service, in pages; as many as it counts."""
    url = f"{_ons_url()[1]}/{layer.name}/FeatureServer/0/query"
    asked = {"where": "1=1", "outFields": "*"} | params
    common: dict[str, Any] = {"service": _ONS, "release": layer.name, "ttl": 30 * _A_DAY}
    what = f"{layer.kind} ({layer.name})"
    number = {"where": "1=1", "returnCountOnly": "true", "f": "json"}
    total = web.ask(
        url, _Count, params=number, what=f"the number of {what}", check=_counted, **common
    ).value.count
    rows: list[dict[str, Any]] = []
    while len(rows) < total:
        progress(layer.kind, len(rows), total)

        def check(answer: _Page, at: int = len(rows)) -> None:
            _no_error(answer)
            if not answer.features:
                msg = f"it counts {total:,} rows and gives none after the first {at:,}"
                raise ValueError(msg)

        some = {"resultOffset": str(len(rows)), "resultRecordCount": str(page)}
        rows += web.ask(url, _Page, params=asked | some, what=what, check=check, **common).value.features
    progress(layer.kind, total, total)
    different = len({r["id"] for r in rows if "id" in r}) or len(rows)
    if len(rows) != total or different != total:
        msg = f"{_ONS} counts {total:,} rows of {what} and gave {different:,}; try again later."
        raise SourceError(msg)
    return rows


def _counted(answer: _Count) -> None:
    _no_error(answer)
    if answer.count < 1:
        msg = f"it counts {answer.count:,} rows"
        raise ValueError(msg)


def _names(web: Web, work: Path) -> None:
    """Write the names of wards and districts beside postcodes that have their codes alone."""
    for layer in layers(web, ["wards", "districts"]):
        rows = _rows(web, layer, {"f": "geojson", "returnGeometry": "false"}, NAMES_A_PAGE)
        first = {str(k): v for k, v in rows[0].get("properties", {}).items()} if rows else {}
        code = next((k for k in first if re.fullmatch(r"(WD|LAD)\d\dCD", k)), "")
        name = code[:-2] + "NM"
        if not code or name not in first:
            msg = f"{_ONS} gives {layer.kind} ({layer.name}) without their codes and names; try again later."
            raise SourceError(msg)
        write_whole(work / f"names-of-{layer.kind}-{layer.date}.csv", _table([code, name], rows))
