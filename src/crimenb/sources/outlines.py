"""Outlines from files of other people: GeoJSON, GeoPackage, Shapefile, KML, and zips of these.

A file is read by what it holds, never by its name, and nothing that it points to is opened. So only
the one format of binary outlines, the Shapefile, is left to GDAL, whose drivers for other formats
open further files and addresses, and which one it takes is the file's choice.
"""

from __future__ import annotations

import json
import re
import sqlite3
import struct
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import geopandas as gpd
import pandas as pd
import pyproj
import shapely
from shapely.geometry import shape

from crimenb.errors import QueryError, SourceError
from crimenb.files import bounded_memory, regular, scratch
from crimenb.geo import LONLAT, from_wkb
from crimenb.sources import zips

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FORMATS = "GeoJSON, GeoPackage, Shapefile or KML"
LARGEST = 100 * 1024**2
"""Bytes: all wards of the country, generalised, take half of that."""

_SHAPEFILE, _DATABASE, _ZIP = b"\0\0\x27\x0a", b"SQLite format 3\0", b"PK\x03\x04"
_BESIDE = (".shp", ".shx", ".dbf", ".prj", ".cpg")
ENDINGS = (".shp", ".gpkg", ".geojson", ".json", ".kml")
_OTHER_JSON = {
    "Topology": "TopoJSON, which keeps outlines as shared arcs; save it as GeoJSON, for example at mapshaper.org",
    "Esri": "Esri JSON; ask for it as GeoJSON (f=geojson in the address)",
}
_LAYERS = """
SELECT g.table_name, g.column_name, s.organization, s.organization_coordsys_id, s.definition
FROM gpkg_geometry_columns AS g JOIN sqlite_master AS m ON m.name = g.table_name AND m.type = 'table'
LEFT JOIN gpkg_spatial_ref_sys AS s ON s.srs_id = g.srs_id ORDER BY g.table_name
"""
MOST_ROWS = 500_000
"""Rows of a layer: the country has 190,000 output areas, the smallest that it is divided into."""

_LONGEST_S = 60.0
_ENVELOPES = (0, 32, 48, 48, 64)
"""Bytes of the box that a GeoPackage writes before a shape, by the number in its head."""


def read_outlines(path: Path) -> dict[str, gpd.GeoDataFrame]:
    """Return the layers of a file by name, with whatever shapes and columns they have.

    Parameters
    ----------
    path
        A regular file; a Shapefile's other parts are looked for beside it.

    Raises
    ------
    QueryError
        No such file, too large in bytes, rows or memory, or none of the formats.
    """
    if not regular(path, QueryError).is_file():
        but = ", but a folder; give the one file in it:" if path.is_dir() else "; give"
        msg = f"There is no file {str(path)!r}{but} {FORMATS}."
        raise QueryError(msg)
    try:
        with bounded_memory():
            if path.suffix.lower() in _BESIDE:
                files = [p for p in path.parent.iterdir() if p.stem.lower() == path.stem.lower()]
                return _layers({p.suffix.lower(): _bytes(p) for p in files if p.is_file()}, path.name)
            return _layers({"": _bytes(path)}, path.name)
    except MemoryError as error:
        msg = f"{str(path)!r} needs more than the limit of 4 GB of memory; export only the outlines that you need."
        raise QueryError(msg) from error
    except OSError as error:
        msg = f"{str(path)!r} cannot be read: {error.strerror}."
        raise QueryError(msg) from error
    except (
        LookupError, TypeError, ValueError, AttributeError, RecursionError, RuntimeError, SyntaxError,
        OverflowError, sqlite3.Error, struct.error, shapely.errors.ShapelyError,
    ) as error:  # fmt: skip
        if isinstance(error, QueryError):
            raise
        msg = f"{str(path)!r} cannot be read as {FORMATS}; export it anew."
        raise QueryError(msg) from error


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        raw = stream.read(LARGEST + 1)
    _check_size(len(raw), path.name)
    return raw


def _check_size(size: int, name: str) -> None:
    if size > LARGEST:
        megabytes = LARGEST // 1024**2
        msg = f"{name!r} is larger than {megabytes} MB; export only the outlines that you need, or simpler ones."
        raise QueryError(msg)


def _layers(parts: Mapping[str, bytes], name: str) -> dict[str, gpd.GeoDataFrame]:
    """Read one file, given as its bytes or as the parts of a Shapefile by ending."""
    if parts.get(".shp", b"").startswith(_SHAPEFILE):
        return {name: _shapefile(parts)}
    raw = parts.get("") or parts.get(".shp") or b""
    if raw.startswith(_ZIP):
        return _zipped(raw, name)
    if raw.startswith(_DATABASE):
        return dict(_geopackage(raw))
    if not raw and "" in parts:
        msg = f"{name!r} is empty; export it anew."
        raise QueryError(msg)
    if raw.startswith(_SHAPEFILE) or "" not in parts:
        msg = f"{name!r} is not a whole Shapefile; give the .shp, with the .shx, .dbf and .prj beside it."
        raise QueryError(msg)
    try:
        text = raw.decode("utf-16" if raw[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig").strip()
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
    return {name: _kml(raw, name) if text.startswith("<") else _json(text, name)}


def _zipped(raw: bytes, name: str) -> dict[str, gpd.GeoDataFrame]:
    """Read the one file of outlines in a zip, in whatever folder of it."""
    files: dict[Path, bytes] = {}
    with scratch() as tmp:
        copy = tmp / "outlines.zip"
        copy.write_bytes(raw)
        try:
            with zips.opened(copy, name) as archive:
                wanted = {Path(zips.plain(m)): m for m in zips.members(archive)}
                wanted = {f: m for f, m in wanted.items() if f.suffix.lower() in {*_BESIDE, *ENDINGS}}
                _check_size(sum(m.file_size for m in wanted.values()), name)
                for inside, member in wanted.items():
                    files[inside] = b"".join(zips.chunks(archive, member, f"{name}!{inside}"))
        except SourceError as error:
            raise QueryError(str(error)) from error
    outlines = [f for f in files if f.suffix.lower() in ENDINGS]
    if len(outlines) != 1:
        names = ", ".join(map(str, outlines[:5]))
        msg = f"{name!r} holds {len(outlines) or 'no'} files of outlines{f' ({names})' if names else ''}"
        msg += "; unzip it and give the one you mean." if names else f"; give {FORMATS}."
        raise QueryError(msg)
    one = outlines[0]
    if one.suffix.lower() != ".shp":
        return _layers({"": files[one]}, one.name)
    beside = {f.suffix.lower(): b for f, b in files.items() if f.with_suffix("") == one.with_suffix("")}
    return _layers(beside, one.name)


def _shapefile(parts: Mapping[str, bytes]) -> gpd.GeoDataFrame:
    """Read a Shapefile from its parts alone, under a name that no driver takes for another format."""
    with scratch() as tmp:
        for ending in _BESIDE:
            if ending in parts:
                (tmp / f"outlines{ending}").write_bytes(parts[ending])
        return gpd.read_file(tmp / "outlines.shp")


def _geopackage(raw: bytes) -> Iterable[tuple[str, gpd.GeoDataFrame]]:
    """Yield the layers that have shapes; styles and other tables are none."""
    with closing(sqlite3.connect(":memory:")) as db:
        # Bytes 18 and 19 tell of a journal beside the file, which a database in memory has not.
        db.deserialize(raw[:18] + b"\1\1" + raw[20:])
        until = time.monotonic() + _LONGEST_S
        db.set_progress_handler(lambda: time.monotonic() > until, 1_000_000)
        db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
        db.set_authorizer(only_stored)
        for system in ("gpkg_geometry_columns", "gpkg_spatial_ref_sys"):
            refuse_computed(db, system)
        for layer, column, authority, code, definition in db.execute(_LAYERS).fetchall():
            refuse_computed(db, layer)
            found = db.execute(f"SELECT * FROM {quoted(layer)} LIMIT {MOST_ROWS + 1}")
            rows = found.fetchall()
            if len(rows) > MOST_ROWS:
                msg = (
                    f"The layer {layer!r} has more than {MOST_ROWS:,} rows; export only those that you need."
                )
                raise QueryError(msg)
            names = [name for name, *_ in found.description]
            table = pd.DataFrame.from_records(rows, columns=names, coerce_float=True)
            shapes = from_wkb(map(plain, table.pop(column)))
            crs = f"EPSG:{code}" if str(authority).upper() == "EPSG" else _from_wkt(definition)
            yield str(layer), gpd.GeoDataFrame(table, geometry=shapes, crs=crs)


def only_stored(action: int, _: str | None, __: str | None, ___: str | None, view: str | None) -> int:
    """Let a database answer from its tables alone: what a view says is computed, and may have no end."""
    allowed = action in {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_PRAGMA} and view is None
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def quoted(name: str) -> str:
    """Return a name as SQL has it."""
    return '"{}"'.format(name.replace('"', '""'))


def refuse_computed(db: sqlite3.Connection, table: str) -> None:
    """Refuse a table with columns that are computed when they are read."""
    if any(hidden for *_, hidden in db.execute(f"PRAGMA table_xinfo({quoted(table)})")):
        msg = f"The table {table!r} has columns that are computed; export it anew, for example from QGIS."
        raise QueryError(msg)


def plain(blob: bytes | None) -> bytes | None:
    """Return a shape of a GeoPackage without the head that comes before it."""
    return None if blob is None else blob[8 + _ENVELOPES[blob[3] >> 1 & 7] :]


def _from_wkt(definition: str | None) -> pyproj.CRS | None:
    try:
        return pyproj.CRS.from_wkt(definition or "")
    except pyproj.exceptions.CRSError:
        return None


def _json(text: str, name: str) -> gpd.GeoDataFrame:
    found = json.loads(text)
    if isinstance(found, list) and found and all("latitude" in point for point in found):
        ring = shapely.Polygon([(float(p["longitude"]), float(p["latitude"])) for p in found])
        return gpd.GeoDataFrame(geometry=[ring], crs=LONLAT)  # the boundary of police.uk's own service
    kind = "Esri" if "rings" in found or str(found.get("geometryType")).startswith("esri") else found["type"]
    if kind in _OTHER_JSON:
        msg = f"{name!r} is {_OTHER_JSON[kind]}."
        raise QueryError(msg)
    features = found["features"] if kind == "FeatureCollection" else [found]
    if kind not in {"FeatureCollection", "Feature"}:
        features = [{"geometry": found}]
    shapes = [shape(f["geometry"]) if f.get("geometry") else None for f in features]
    table = pd.DataFrame([f.get("properties") or {} for f in features], index=range(len(shapes)))
    table = table.drop(columns="geometry", errors="ignore")
    return gpd.GeoDataFrame(table, geometry=shapes, crs=_named_system(found.get("crs")))


def _named_system(crs: Any) -> str | None:
    """Return the coordinate system that a GeoJSON names; degrees where it names none."""
    if crs is None:
        return LONLAT
    named = str(crs["properties"]["name"])
    if named.upper().endswith("CRS84"):
        return LONLAT
    code = re.fullmatch(r"(?:urn:ogc:def:crs:)?EPSG:[\d.]*:?(\d{4,6})", named, re.IGNORECASE)
    return f"EPSG:{code[1]}" if code else None


def _kml(raw: bytes, name: str) -> gpd.GeoDataFrame:
    root = ElementTree.fromstring(raw)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    kind = root.tag
    if kind != "kml":
        what = (
            "a virtual file, which only points to others"
            if "VRT" in kind
            else f"XML of the kind {kind[:40]!r}"
        )
        msg = f"{name!r} is {what}; give {FORMATS}."
        raise QueryError(msg)
    if root.find(".//NetworkLink") is not None and root.find(".//Placemark") is None:
        msg = (
            f"{name!r} holds no outline but a link to a map on the network; export the map again as KML, with its data "
            "(My Maps: without 'Keep data up to date')."
        )
        raise QueryError(msg)
    rows, shapes = [], []
    for placemark in root.iter("Placemark"):
        row = {"name": placemark.findtext("name")}
        row |= {str(d.get("name")): d.text for d in placemark.iter("SimpleData")}
        row |= {str(d.get("name")): d.findtext("value") for d in placemark.iter("Data")}
        rows.append(row)
        polygons = [
            shapely.Polygon(
                _ring(polygon.find("outerBoundaryIs")),
                [_ring(r) for r in polygon.iterfind("innerBoundaryIs")],
            )
            for polygon in placemark.iter("Polygon")
        ]
        shapes.append(shapely.MultiPolygon(polygons) if polygons else shapely.Point(0, 0))
    return gpd.GeoDataFrame(pd.DataFrame(rows, index=range(len(rows))), geometry=shapes, crs=LONLAT)


def _ring(boundary: ElementTree.Element | None) -> list[tuple[float, float]]:
    text = "" if boundary is None else boundary.findtext("LinearRing/coordinates") or ""
    corners = [corner.split(",") for corner in text.split()]
    return [(float(c[0]), float(c[1])) for c in corners]
