"""Streets, water and railways of the Ordnance Survey -> a new version of an archive that has them.

OS Open Roads (GeoPackage, its zip, or the Shapefile or GML zip by 100 km square) and, of OS OpenMap Local,
water and railway tracks. A file is read in batches, and sorted by DuckDB within its memory limit.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import re
import shutil
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyproj
import shapely

from crimenb.errors import CrimenbError, QueryError, SourceError
from crimenb.files import regular, write_whole
from crimenb.geo import METRES, from_wkb
from crimenb.plurals import counted
from crimenb.sources import kept_streets, outlines, zips
from crimenb.sources.archive_add import revised
from crimenb.sources.versions import STREETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

STREET, WATER, RAILWAY = "street", "water", "railway"

_BATCH = 65_536
_CREDIT = "Contains OS data © Crown copyright and database right {}"
_NAMES = {
    "id": ("id", "identifier"),
    "name": ("name_1", "name1", "distname"),
    "other_name": ("name_2", "name2"),
    "number": ("road_classification_number", "roadclassificationnumber", "roadnumber"),
    "road_class": ("road_classification", "roadclassification", "class", "classifica"),
}
"""Our columns, and what they are called in the GeoPackage, the Shapefile and OS OpenMap Local."""

_LAYERS = {
    STREET: r"road_?link|^OSOpenRoads_|^roads?$",
    WATER: r"surface_?water_?area|tidal_?water|^water$",
    RAILWAY: r"railway_?track|^railways?$",
}
"""What the layers of each kind are called; a file's only layer may have any name."""

_FEATURES = {STREET: {"RoadLink"}, WATER: {"SurfaceWater_Area", "TidalWater"}, RAILWAY: {"RailwayTrack"}}
"""What the features of each kind are called in GML, where a file holds all kinds of a square."""

_ENDINGS = (".gpkg", ".shp", ".gml", ".geojson", ".json")
"""Of layers; in a folder a JSON file may be about the others, so there it is none."""

_SCHEMA = pa.schema(
    [*((n, pa.string()) for n in ("kind", *_NAMES)), *((n, pa.int32()) for n in ("x0", "y0", "x1", "y1")),
     ("geometry", pa.binary())]
)  # fmt: skip
_SORTED = """
COPY (SELECT * EXCLUDE (id, copy) FROM (
    SELECT *, row_number() OVER (PARTITION BY kind, CASE WHEN id = '' THEN md5(geometry) ELSE id END) AS copy
    FROM lines)
  WHERE copy = 1 ORDER BY floor(y0 / 20000), floor(x0 / 20000), floor(y0 / 2500), floor(x0 / 2500),
    y0, x0, y1, x1, kind, name, number, geometry)
TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 32768)
"""


def add_streets(
    sources: Sequence[Path | str],
    into: Path | str,
    *,
    water: Sequence[Path | str] = (),
    railway: Sequence[Path | str] = (),
    attribution: str = "",
    year: int = 0,
    memory_limit: str = "1GB",
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Give an archive streets: a new version, beside which the one before stays for who reads it.

    Parameters
    ----------
    sources
        OS Open Roads: the GeoPackage, its zip, or the zip or folder of Shapefiles or GML by 100 km square.
    into
        The archive's folder.
    water, railway
        Layers of OS OpenMap Local, in the same formats.
    attribution
        Who is named below a map; by default the Ordnance Survey, with the year of the data.
    year
        The year of the data, where the files do not say it.
    memory_limit
        DuckDB's bound for sorting; more spills to disk beside the archive.
    progress
        Called with a word on what is being read.

    Returns
    -------
    dict
        How many lines of each kind, and the attribution, as the inventory has them.

    Raises
    ------
    QueryError
        A source does not exist, or there is no such archive.
    SourceError
        A file has no streets or cannot be read.
    Busy
        Another build writes into the same folder.
    """
    given = {STREET: _files(sources), WATER: _files(water), RAILWAY: _files(railway)}
    with revised(into) as (work, inventory):
        (work / STREETS).unlink(missing_ok=True)  # shared with the version before
        found, newest = _write(work / STREETS, given, memory_limit, progress)
        found["attribution"] = attribution or _CREDIT.format(year or newest)
        inventory["streets"] = found
    return found


def keep_squares(work: Path, squares: Sequence[str], offered: Sequence[str], edition: str) -> None:
    """Turn the Shapefiles of some squares in a folder into what live reports read, and nothing else stays there.

    Parameters
    ----------
    work
        The folder, with SK_RoadLink.shp and the files beside it of each square.
    squares, offered
        Those to keep, and all that there are of the edition.
    edition
        Of OS Open Roads, such as 2026-04.

    Raises
    ------
    SourceError
        A file cannot be read.
    """
    for square in squares:
        _write(work / f"{square}.parquet", {STREET: [work / f"{square}_RoadLink.shp"]})
    for left in work.glob("*_RoadLink.*"):
        left.unlink()
    about = {"edition": edition, "attribution": _CREDIT.format(edition[:4]), "squares": [*offered]}
    write_whole(work / kept_streets.EDITION, json.dumps(about, indent=1) + "\n")


def _files(given: Sequence[Path | str]) -> list[Path]:
    """Return the files given; of a folder, such as `crimenb fetch streets` makes, those with streets."""
    paths: list[Path] = []
    for path in map(Path, given):
        inside = (
            [f for f in path.rglob("*") if f.suffix.lower() in (*_ENDINGS[:-1], ".zip")]
            if path.is_dir()
            else []
        )
        if path.is_dir() and not inside:
            msg = f"There is no file of streets in {str(path)!r}; give OS Open Roads as GeoPackage, Shapefiles or zip."
            raise QueryError(msg)
        paths += sorted(inside) or [path]
    return paths


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Yield what an archive has of streets, a line each."""
    water, railway = (
        counted(found[WATER], "piece of water", "pieces of water"),
        counted(found[RAILWAY], "line of railway", "lines of railway"),
    )
    yield f"Streets: {counted(found[STREET], 'line')}, {water}, {railway}. {found['attribution']}."


def _write(
    target: Path, given: dict[str, list[Path]], memory_limit: str = "1GB",
    progress: Callable[[str], None] = lambda _: None,
) -> tuple[dict[str, Any], int]:  # fmt: skip
    """Write the file of streets; return how many there are of each kind, and the year of the newest."""
    tmp = target.parent / "tmp"
    shutil.rmtree(tmp, ignore_errors=True)  # of a run that was killed
    tmp.mkdir()
    years = [2000]
    try:
        config: dict[str, Any] = {"memory_limit": memory_limit, "threads": 2, "temp_directory": str(tmp)}
        with duckdb.connect(str(tmp / "streets.duckdb"), config=config) as db:
            db.execute("SET enable_progress_bar = false")
            db.register("batch", _SCHEMA.empty_table())
            db.execute("CREATE TABLE lines AS FROM batch")
            for kind, paths in given.items():
                for path in paths:
                    progress(path.name)
                    for batch in _batches(path, kind, tmp, years):
                        db.register("batch", batch)
                        db.execute("INSERT INTO lines FROM batch")
            progress("sorting")
            db.execute(_SORTED, {"path": str(target)})
            kinds = db.execute("SELECT kind, count(*) FROM read_parquet(?) GROUP BY 1", [str(target)])
            counts = {str(kind): int(n) for kind, n in kinds.fetchall()}
    except duckdb.Error as error:
        msg = f"Cannot sort the streets of {target.name!r}: {str(error).splitlines()[0]}"
        raise SourceError(msg) from error
    finally:
        shutil.rmtree(tmp, ignore_errors=True)
    if not counts.get(STREET):
        msg = f"{' and '.join(p.name for p in given[STREET])} holds no street; give OS Open Roads."
        raise SourceError(msg)
    return {kind: counts.get(kind, 0) for kind in given}, max(years)


def _batches(path: Path, kind: str, tmp: Path, years: list[int]) -> Iterator[pa.Table]:
    """Yield a file's lines of a kind, whatever it is; note the year of its data."""
    if not regular(path, QueryError).is_file():
        msg = f"There is no file {str(path)!r}; give OS Open Roads as GeoPackage or zip."
        raise QueryError(msg)
    with path.open("rb") as stream:
        head = stream.read(16)
    try:
        if head.startswith(b"PK\x03\x04"):
            yield from _zipped(path, kind, tmp, years)
        elif head.startswith(b"SQLite format 3\0"):
            yield from _geopackage(path, kind, years)
        elif path.suffix.lower() == ".shp":
            years.append(_year_of(path))
            yield _shapefile(path, kind)
        elif path.suffix.lower() == ".gml":
            years.append(_year_of(path))
            yield from _gml(path, kind)
        else:
            years.append(_year_of(path))
            yield from (_of_frame(kind, layer) for layer in outlines.read_outlines(path).values())
    except (sqlite3.Error, RuntimeError, shapely.errors.ShapelyError, SyntaxError, ValueError) as error:
        if isinstance(error, CrimenbError):
            raise
        why = " ".join(str(error).split())[:120]
        msg = f"{path.name!r} cannot be read ({why}); download it again."
        raise SourceError(msg) from error


def _year_of(path: Path) -> int:
    return dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC).year


def _zipped(path: Path, kind: str, tmp: Path, years: list[int]) -> Iterator[pa.Table]:
    with zips.opened(path) as archive:
        members = {Path(zips.plain(m)): m for m in zips.members(archive)}
        files = [f for f in members if f.suffix.lower() in _ENDINGS]
        wanted = [
            f for f in files if re.search(_LAYERS[kind], re.sub(r"^[A-Z]{2}_", "", f.stem), re.IGNORECASE)
        ]
        for ending in (".gpkg", ".gml"):  # of all kinds in one
            wanted = wanted or [f for f in files if f.suffix.lower() == ending]
        wanted = wanted or files[:1] * (len(files) == 1)
        if not wanted:
            msg = f"{path.name!r} holds no file of the kind {kind!r}; give OS Open Roads as GeoPackage or Shapefiles."
            raise SourceError(msg)
        for file in wanted:
            parts = [f for f in members if f.with_suffix("") == file.with_suffix("")]
            for part in parts:
                with (tmp / f"layer{part.suffix.lower()}").open("wb") as out:
                    for chunk in zips.chunks(archive, members[part], f"{path.name}!{part}"):
                        out.write(chunk)
                years.append(members[part].date_time[0])
            yield from _batches(tmp / f"layer{file.suffix.lower()}", kind, tmp, [])
            for part in parts:
                (tmp / f"layer{part.suffix.lower()}").unlink()


def _shapefile(path: Path, kind: str) -> pa.Table:
    """Read a square's lines; the largest has some 300,000."""
    return _of_frame(kind, gpd.read_file(path))


def _of_frame(kind: str, frame: gpd.GeoDataFrame) -> pa.Table:
    columns = {str(c): frame[c].tolist() for c in frame.columns.drop("geometry")}
    return _table(kind, frame.geometry.array, columns, frame.crs or METRES)


def _gml(path: Path, kind: str) -> Iterator[pa.Table]:
    """Read Ordnance Survey's own GML, in which a file may hold all kinds; GDAL would ask the network for its schema."""
    rows: list[dict[str, str]] = []
    shapes: list[BaseGeometry] = []
    parsed = ElementTree.iterparse(path, ("start", "end"))
    _, root = next(parsed)
    for event, element in parsed:
        name = _local(element)
        if event == "end" and name in _FEATURES[kind]:
            found = {_local(part).lower(): part.text or "" for part in element.iter()}
            rows.append(found | {"id": next((v for k, v in element.items() if k.endswith("}id")), "")})
            shapes.append(_shape(element))
        elif event == "end" and name == "featureMember":
            root.clear()
            if len(rows) == _BATCH:
                yield _features(rows, shapes, kind)
                rows, shapes = [], []
    yield _features(rows, shapes, kind)


def _local(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _shape(feature: ElementTree.Element) -> BaseGeometry:
    """Return the surface or the line of a feature."""
    surfaces = [
        [_corners(ring) for part in ("exterior", "interior") for ring in patch.iterfind(f"{{*}}{part}")]
        for patch in feature.iter()
        if _local(patch) in ("PolygonPatch", "Polygon")
    ]
    if surfaces:
        return shapely.MultiPolygon([(first, rest) for first, *rest in surfaces])
    return shapely.LineString(_corners(feature))


def _corners(part: ElementTree.Element) -> np.ndarray:
    return np.array(part.findtext(".//{*}posList", "").split(), float).reshape(-1, 2)


def _features(rows: list[dict[str, str]], shapes: list[BaseGeometry], kind: str) -> pa.Table:
    there = {name for row in rows for name in row}
    return _table(kind, shapes, {name: [row.get(name, "") for row in rows] for name in there})


def _geopackage(path: Path, kind: str, years: list[int]) -> Iterator[pa.Table]:
    with contextlib.closing(
        sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    ) as db:
        db.set_authorizer(outlines.only_stored)
        layers = db.execute(
            "SELECT g.table_name, g.column_name, g.srs_id, c.last_change FROM gpkg_geometry_columns AS g "
            "JOIN gpkg_contents AS c USING (table_name) ORDER BY 1"
        ).fetchall()
        wanted = [row for row in layers if re.search(_LAYERS[kind], row[0], re.IGNORECASE)]
        wanted = wanted or layers[:1] * (len(layers) == 1)
        if not wanted:
            msg = f"{path.name!r} has no layer of the kind {kind!r} (it has {', '.join(r[0] for r in layers[:5])})."
            raise SourceError(msg)
        for layer, column, srs, changed in wanted:
            outlines.refuse_computed(db, layer)
            years.append(int(str(changed)[:4]))
            rows = db.execute(f"SELECT * FROM {outlines.quoted(layer)}")
            names = [name for name, *_ in rows.description]
            while some := rows.fetchmany(_BATCH):
                columns = dict(zip(names, zip(*some, strict=True), strict=True))
                blobs = columns.pop(column)
                yield _table(kind, from_wkb(map(outlines.plain, blobs)), columns, pyproj.CRS.from_epsg(srs))


def _table(kind: str, shapes: Any, columns: dict[str, Any], crs: Any = METRES) -> pa.Table:
    """Return lines with our columns, in whole metres; what has no shape is left out."""
    shapes = np.asarray(shapes, dtype=object)
    if crs != METRES and pyproj.CRS(crs).to_epsg() != 27700:
        change = pyproj.Transformer.from_crs(crs, METRES, always_xy=True)
        shapes = shapely.transform(shapes, lambda xy: np.column_stack(change.transform(xy[:, 0], xy[:, 1])))
    shapes = shapely.transform(shapely.force_2d(shapes), np.round)
    kept = np.flatnonzero(
        (shapely.get_dimensions(shapes) == (2 if kind == WATER else 1)) & ~shapely.is_empty(shapes)
    )
    known = {name.lower(): values for name, values in columns.items()}
    found: dict[str, Any] = {"kind": [kind] * len(kept)}
    for name, spellings in _NAMES.items():
        values = next((known[s] for s in spellings if s in known), None)
        found[name] = [""] * len(kept) if values is None else [_text(values[i]) for i in kept]
    bounds = shapely.bounds(shapes[kept]).astype("int32").reshape(-1, 4)
    found |= dict(zip(("x0", "y0", "x1", "y1"), bounds.T, strict=True))
    return pa.table(found | {"geometry": shapely.to_wkb(shapes[kept])}, schema=_SCHEMA)


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip()
