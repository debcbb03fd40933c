"""Postcode files (OS Code-Point Open, ONSPD, NSPL) and force areas -> an archive's gazetteer."""

from __future__ import annotations

import csv
import functools
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from crimenb.errors import PlaceNotFound, QueryError, SourceError
from crimenb.files import bounded_memory, regular
from crimenb.geo import LONLAT, MILE_M, in_degrees, in_metres, to_lonlat, to_metres
from crimenb.query import postcode_areas
from crimenb.schema import data_file, forces
from crimenb.sources import zips
from crimenb.sources.clean_text import tidy as clean
from crimenb.sources.official_files import reporting_names
from crimenb.sources.outlines import ENDINGS, read_outlines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shapely.geometry.base import BaseGeometry

_CODE_POINT_ROW = re.compile(r'"[A-Z]{1,2}[0-9][^"]*",\d+,\d+,\d+,')
_WHOLE = re.compile(r"(ONSPD|NSPL).*_UK\.csv", re.IGNORECASE)
_ONE_AREA = re.compile(r"(ONSPD|NSPL).*_[A-Z]{1,2}\.csv", re.IGNORECASE)
_NOWHERE, _ROUGH = 9, 5
"""Quality grades of the ONS from which a position is unknown, or only rough."""

_COUNTRIES = {
    "E92000001": "England", "W92000004": "Wales", "N92000002": "Northern Ireland", "S92000003": "Scotland",
}  # fmt: skip
_CODELIST, _LARGEST_CODELIST = "codelist.xlsx", 64 * 1024**2
_CHUNK = 200_000
_LONGEST_LINE = 100_000
_STAGE = """
CREATE TABLE staged (postcode VARCHAR, longitude DOUBLE, latitude DOUBLE, quality DOUBLE,
    grade VARCHAR, country VARCHAR, district VARCHAR, ward VARCHAR, parish VARCHAR, lsoa VARCHAR, area VARCHAR,
    closed VARCHAR);
CREATE TABLE named (code VARCHAR, name VARCHAR);
CREATE TABLE policed (code VARCHAR, force VARCHAR);
"""
_FINISH = r"""
COPY (
SELECT compact[:-4] || ' ' || compact[-3:] AS postcode, longitude, latitude, district, ward, lsoa,
    coalesce(nullif(a.force, ''), d.force, CASE WHEN district LIKE 'N09%' THEN 'northern-ireland' END, '')
      AS force,
    CASE WHEN country LIKE 'S%' THEN 'in Scotland'
         WHEN regexp_matches(country, '^[LM]') THEN 'in the Crown dependencies'
         WHEN nowhere THEN 'quality ' || grade || ', no coordinates' ELSE '' END AS refused,
    CASE WHEN closed <> '' THEN 'The postcode was closed in ' || closed || '; its last position is used.'
         WHEN quality >= $rough AND NOT nowhere THEN 'The position of this postcode is only rough (quality '
           || grade || ' of the postcode file): the centre may be off by more than the circle''s radius.'
         ELSE '' END AS remark,
    closed, coalesce(dn.name, '') AS district_name, coalesce(wn.name, '') AS ward_name,
    coalesce(cn.name, '') AS country, parish,
    CASE WHEN parish LIKE 'E43%' THEN '' ELSE coalesce(pn.name, '') END AS parish_name
FROM (
  SELECT *, quality >= $nowhere OR latitude IS NULL OR longitude IS NULL OR latitude > 90 AS nowhere,
    row_number() OVER (PARTITION BY compact ORDER BY closed <> '', place) AS nth
  FROM (SELECT *, rowid AS place, upper(regexp_replace(postcode, '\s+', '', 'g')) AS compact FROM staged)
) AS s
LEFT JOIN policed AS a ON a.code = s.area
LEFT JOIN policed AS d ON d.code = s.district
LEFT JOIN named AS dn ON dn.code = s.district
LEFT JOIN named AS wn ON wn.code = s.ward
LEFT JOIN named AS cn ON cn.code = s.country
LEFT JOIN named AS pn ON pn.code = s.parish
WHERE nth = 1 AND length(compact) > 4
ORDER BY 1
) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 65536)
"""

_SCOTLAND = frozenset("AB DD EH FK G HS IV KA KW KY ML PA PH ZE".split())
_NO_PLACE = {"BF": "of the British Forces", "BX": "of banks and tax offices"}
_ISLANDS = {"JE": "Jersey", "GY": "Guernsey", "IM": "the Isle of Man"}


def refuse_outside(postcode: str, country: str = "") -> None:
    """Raise PlaceNotFound for a postcode that police.uk does not cover, saying why.

    Its street-level data covers England, Wales and Northern Ireland.
    """
    area = re.match(r"[A-Z]+", postcode)
    letters = area[0] if area else ""
    if letters in _NO_PLACE:
        msg = (
            f"{postcode!r} is real, but without a place: it is one {_NO_PLACE[letters]}; "
            "choose the postcode of a building."
        )
        raise PlaceNotFound(msg)
    if letters in _ISLANDS:
        msg = (
            f"{postcode!r} is in {_ISLANDS[letters]}, which police.uk does not cover; "
            "choose a postcode in England, Wales or Northern Ireland."
        )
        raise PlaceNotFound(msg)
    if letters in _SCOTLAND or country.startswith("S") or country == "Scotland":
        msg = (
            f"{postcode!r} is in Scotland, where police.uk holds only British Transport Police "
            "records; choose a postcode in England, Wales or Northern Ireland."
        )
        raise PlaceNotFound(msg)


@functools.cache
def _districts() -> dict[str, str]:
    rows = csv.DictReader(data_file("districts.csv").splitlines())
    return {r["district"]: r["force"] for r in rows}


@functools.cache
def force_of_area_code() -> dict[str, str]:
    """Return ONS police force area codes (E23000034) and their police.uk ids."""
    rows = csv.DictReader(data_file("forces.csv").splitlines())
    return {r["area_code"]: r["id"] for r in rows if r["area_code"]}


def build(sources: list[Path], target: Path, tmp: Path, db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Write the gazetteer of postcode files, folders or zips; return what was read and refused.

    Parameters
    ----------
    sources
        OS Code-Point Open, ONSPD or NSPL; of a postcode in several, the first row counts.
    target
        The Parquet file to write.
    tmp
        Folder for what is in zips.
    db
        Database to work in: it bounds the memory.

    Raises
    ------
    QueryError
        A path does not exist or holds no postcode file.
    SourceError
        A file is damaged.
    """
    db.execute(_STAGE)
    for number, source in enumerate(sources):
        read = [_stage(db, path) for path in _files(source, tmp / f"postcodes-{number}")]
        if not any(read):
            msg = (
                f"{str(source)!r} holds no postcodes in the form of Code-Point Open, ONSPD or NSPL "
                "(with commas between the columns, of the ONS's files pcds, lat and long among them)."
            )
            raise QueryError(msg)
    if db.execute("SELECT count(*) FROM staged").fetchall() == [(0,)]:
        msg = "These files hold names of areas and no postcode; name Code-Point Open, ONSPD or NSPL too."
        raise QueryError(msg)
    _add_names(db, pd.DataFrame([*_COUNTRIES.items()], columns=["code", "name"]))
    policed = {**force_of_area_code(), **_districts()}
    db.executemany("INSERT INTO policed VALUES (?, ?)", [*policed.items()])
    db.execute(_FINISH, {"path": str(target), "rough": _ROUGH, "nowhere": _NOWHERE})
    rows = db.execute(
        "SELECT refused, count(*) FROM read_parquet(?) GROUP BY 1 ORDER BY 1", [str(target)]
    ).fetchall()
    areas = db.execute(
        "SELECT DISTINCT regexp_extract(postcode, '^[A-Z]+') FROM read_parquet(?) ORDER BY 1", [str(target)]
    ).fetchall()
    for table in ("staged", "named", "policed"):
        db.execute(f"DROP TABLE {table}")
    return {
        "postcodes": sum(n for _, n in rows),
        "refused": {why: n for why, n in rows if why},
        "areas": [a for (a,) in areas],
        "complete": postcode_areas() - _SCOTLAND - {*_ISLANDS, *_NO_PLACE, "BT", "ZZ"}
        <= {a for (a,) in areas},
    }


def _files(source: Path, tmp: Path) -> list[Path]:
    """Return the CSVs of a source, and Code-Point Open's list of names.

    Without the per-area copies that the ONS ships beside its one file.
    """
    if not source.exists():
        msg = f"{str(source)!r} does not exist; name a Code-Point Open, ONSPD or NSPL file or folder."
        raise QueryError(msg)
    if not source.is_dir() and not zips.is_zip(source.name):
        return [source]
    if source.is_dir():
        found = sorted(p for p in source.rglob("*") if p.name.lower().endswith((".csv", _CODELIST)))
        return [p for p in found if _wanted(p.name, [f.name for f in found])]
    files = []
    tmp.mkdir(parents=True)
    with zips.opened(source) as archive:
        members = [m for m in zips.members(archive) if m.filename.lower().endswith((".csv", _CODELIST))]
        names = [Path(zips.plain(m)).name for m in members]
        for n, (member, name) in enumerate(zip(members, names, strict=True)):
            if _wanted(name, names):
                files.append(tmp / f"{n}-{name}")
                with files[-1].open("wb") as out:
                    for chunk in zips.chunks(archive, member, f"{source}!{zips.plain(member)}"):
                        out.write(chunk)
    return files


def _wanted(name: str, beside: list[str]) -> bool:
    return bool(_WHOLE.fullmatch(name)) or not (
        _ONE_AREA.fullmatch(name) and any(_WHOLE.fullmatch(b) for b in beside)
    )


def _stage(db: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Read one CSV into the tables; return whether it holds postcodes, or names of areas."""
    try:
        if path.name.lower().endswith(_CODELIST):
            return _codelist(db, path)
        with regular(path, SourceError).open(encoding="utf-8-sig", errors="replace") as stream:
            first = stream.readline(_LONGEST_LINE)
        if _CODE_POINT_ROW.match(first):
            _code_point(db, path)
            return True
        header = [c.strip('"\r\n ').lower() for c in first.split(",")]
        if {"pcds", "lat", "long"} <= set(header):
            _ons(db, path, header)
            return True
        return _names(db, path, header)
    except (
        OSError, ValueError, KeyError, zipfile.BadZipFile, duckdb.InvalidInputException, duckdb.ConversionException,
    ) as error:  # fmt: skip
        why = str(error).splitlines()[0]
        msg = f"{path.name!r} is not a whole postcode file ({why}); download it again."
        raise SourceError(msg) from error


def _code_point(db: duckdb.DuckDBPyConnection, path: Path) -> None:
    names = ["postcode", "quality", "e", "n", "country", "rh", "lh", "cc", "district", "ward"]
    types = dict.fromkeys(names, "str") | {"quality": "int64", "e": "float64", "n": "float64"}
    for raw in pd.read_csv(
        path, header=None, names=names, dtype=types, keep_default_na=False, chunksize=_CHUNK
    ):
        x, y = to_lonlat(raw["e"].to_numpy(), raw["n"].to_numpy())
        nowhere = (raw["e"] == 0) | (raw["n"] == 0)
        part = pd.DataFrame(
            {
                "postcode": raw["postcode"], "longitude": x.round(6), "latitude": y.round(6),
                # Code-Point's grades are the ONS's, times ten.
                "quality": np.where(nowhere, _NOWHERE, raw["quality"] / 10),
                "grade": raw["quality"].astype("str"), "country": raw["country"],
                "district": raw["district"], "ward": raw["ward"],
            }
        )  # fmt: skip
        db.register("part", part)
        db.execute(
            "INSERT INTO staged BY NAME SELECT *, '' AS parish, '' AS lsoa, '' AS area, '' AS closed FROM part"
        )
        db.unregister("part")


def _ons(db: duckdb.DuckDBPyConnection, path: Path, header: list[str]) -> None:
    def column(pattern: str) -> str:
        name = next((c for c in header if re.fullmatch(pattern, c)), "")
        return f'trim("{name}")' if name else "''"

    closed = column("doterm")
    grade = column(r"osgrdind|gridind|osgr?q?ind")
    db.execute(
        f"INSERT INTO staged SELECT {column('pcds')}, try_cast({column('long')} AS DOUBLE), "
        f"try_cast({column('lat')} AS DOUBLE), coalesce(try_cast({grade} AS DOUBLE), 1), {grade}, "
        f"{column('ctry(..cd)?')}, {column(r'oslaua|laua|lad..cd')}, {column(r'osward|ward|wd..cd')}, "
        f"{column(r'parish|par(ncp)?..cd')}, "
        f"{column('lsoa21(cd)?')}, {column('pfa(..cd)?')}, "
        f"CASE WHEN {closed} <> '' THEN {closed}[:4] || '-' || {closed}[5:6] ELSE '' END "
        "FROM read_csv($path, header = true, delim = ',', quote = '\"', escape = '\"', auto_detect = false, "
        "nullstr = '', columns = $columns, force_not_null = $names)",
        {"path": str(path), "columns": dict.fromkeys(header, "VARCHAR"), "names": header},
    )


def _names(db: duckdb.DuckDBPyConnection, path: Path, header: list[str]) -> bool:
    """Read the names of wards, districts, parishes or countries, if that is what a file lists."""
    for kind in ("wd", "lad", "parncp", "par", "ctry"):
        code = next((i for i, c in enumerate(header) if re.fullmatch(kind + r"\d\dcd", c)), None)
        name = next((i for i, c in enumerate(header) if re.fullmatch(kind + r"\d\dnm", c)), None)
        if code is None or name is None:
            continue
        raw = path.read_bytes()
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", "replace")
        rows = [r for r in csv.reader(text.splitlines()[1:]) if len(r) > max(code, name)]
        listed = pd.DataFrame([[r[code].strip(), clean(r[name])] for r in rows], columns=["code", "name"])
        _add_names(db, listed[listed["name"] != ""].drop_duplicates("code"))
        return True
    return False  # column headers beside the data


def _codelist(db: duckdb.DuckDBPyConnection, path: Path) -> bool:
    """Read the names of wards from the workbook that Code-Point Open has beside its postcodes: name, code."""
    import openpyxl

    with zipfile.ZipFile(regular(path, SourceError)) as parts:
        if sum(p.file_size for p in parts.infolist()) > _LARGEST_CODELIST:
            msg = "it unpacks to more than any list of wards"
            raise ValueError(msg)
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    rows = (
        row
        for sheet in book.worksheets
        for row in sheet.iter_rows(max_col=2, values_only=True)
        if len(row) == 2
    )
    # Districts have names of ours, without "(B)" and the like. A part that lies apart is marked "(DET)".
    found = [
        [code.strip(), clean(re.sub(" Ward$", "", name.strip()))]
        for name, code in rows
        if isinstance(name, str) and isinstance(code, str)
        and re.fullmatch(r"(E05|W05)\d{6}", code.strip()) and "(DET)" not in name
    ]  # fmt: skip
    book.close()
    _add_names(db, pd.DataFrame(found, columns=["code", "name"]).drop_duplicates("code"))
    return bool(found)


def _add_names(db: duckdb.DuckDBPyConnection, listed: pd.DataFrame) -> None:
    db.register("listed", listed)
    db.execute("INSERT INTO named SELECT code, name FROM listed ANTI JOIN named USING (code)")
    db.unregister("listed")


# ------------------------------------------------------------------------ force areas


def build_force_areas(source: Path, target: Path, tmp: Path) -> None:
    """Write force areas (GeoParquet, EPSG:4326) with their police.uk ids.

    Parameters
    ----------
    source
        A file of a form that `read_outlines` takes, with a column of codes, ids or names of police
        forces; or police.uk's KML, a file (or a folder or zip of files) named by the force.
    target
        The Parquet file to write.
    tmp
        Folder for what is in a zip.

    Raises
    ------
    QueryError
        Not readable, not in the United Kingdom, or it tells no police force.
    """
    shapes: dict[str, list[BaseGeometry]] = {}
    try:
        with bounded_memory():
            for file in _shape_files(source, tmp):
                for areas in read_outlines(file).values():
                    outlines = areas[areas.geom_type.isin(["Polygon", "MultiPolygon", "GeometryCollection"])]
                    shapes_of = placed(outlines, source)
                    for force, geometry in zip(_force_ids(outlines, file), shapes_of, strict=True):
                        polygons = [g for g in shapely.get_parts(geometry) if g.geom_type.endswith("Polygon")]
                        if force and polygons:
                            shapes.setdefault(force, []).extend(polygons)
    except (MemoryError, shapely.errors.GEOSException) as error:
        msg = f"{str(source)!r} cannot be mended within 4 GB of memory; simplify it, for example in QGIS."
        raise QueryError(msg) from error
    if not shapes:
        msg = (
            f"{str(source)!r} has no column of police force area codes (E23000034), police.uk ids or names "
            "of forces, and is not named after a force (staffordshire.kml)."
        )
        raise QueryError(msg)
    known = {
        f: shapely.union_all(parts) if len(parts) > 1 else parts[0] for f, parts in sorted(shapes.items())
    }
    out = gpd.GeoDataFrame({"force": [*known]}, geometry=[*known.values()], crs=LONLAT)
    out.to_parquet(target, index=False, compression="zstd")


def placed(areas: gpd.GeoDataFrame, source: Path) -> list[BaseGeometry]:
    """Return the shapes in degrees, each valid."""
    if areas.crs is None:
        msg = (
            f"{str(source)!r} names no coordinate system; save it with one (a Shapefile's is its .prj file)."
        )
        raise QueryError(msg)
    placed = areas.to_crs(LONLAT)
    west, south, east, north = placed.total_bounds
    if west < -9.5 or south < 49 or east > 2.5 or north > 61.5:
        msg = (
            f"{str(source)!r} holds areas outside the United Kingdom ({west:,.1f}, {south:,.1f} to "
            f"{east:,.1f}, {north:,.1f}); save it with its coordinate system, or in EPSG:4326."
        )
        raise QueryError(msg)
    return [shapely.make_valid(shape) for shape in placed.geometry]


def _shape_files(source: Path, tmp: Path) -> list[Path]:
    if source.is_dir():
        return sorted(p for p in source.rglob("*") if p.suffix.lower() in ENDINGS)
    if not zips.is_zip(source.name):
        return [source]
    files = []
    with zips.opened(source) as archive:
        for member in zips.members(archive):
            name = Path(zips.plain(member)).name
            if name.lower().endswith(".kml"):
                (tmp / "areas").mkdir(exist_ok=True)
                files.append(tmp / "areas" / name)
                with files[-1].open("wb") as out:
                    for chunk in zips.chunks(archive, member, f"{source}!{name}"):
                        out.write(chunk)
    return files or [source]  # a zipped shapefile is read as it is


def _force_ids(areas: gpd.GeoDataFrame, file: Path) -> list[str]:
    """Return the force of each row: by a column of codes, ids or names, else by the file's name."""
    codes = {k.lower(): v for k, v in force_of_area_code().items()} | reporting_names()
    for column in areas.columns.drop("geometry"):
        ids = [codes.get(str(v).strip().lower().replace("&", "and"), "") for v in areas[column]]
        if ids and sum(map(bool, ids)) > 0.9 * len(ids):
            return ids
    return [file.stem.lower() if file.stem.lower() in forces() else ""] * len(areas)


# ------------------------------------------------------------------------ a force's own records

_NEAR_M = 3_000.0
"""A record further from any postcode than this is in nobody's area, as far as postcodes can tell."""


def own_records(db: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, dict[str, int]]:
    """Count the records of the table `street` that lie in their own force's area, by force and month.

    Where an archive has force areas, they decide; else the force of the nearest postcode does.
    A force of which neither is known is not in the answer.
    """
    points = db.execute(
        "SELECT DISTINCT longitude, latitude FROM street WHERE longitude IS NOT NULL"
    ).fetchnumpy()
    x, y = (np.asarray(points[c], float) for c in ("longitude", "latitude"))
    force = np.full(len(x), "", object)
    known: set[str] = set()
    if (folder / "forces.parquet").is_file():
        areas = gpd.read_parquet(folder / "forces.parquet")
        for name, shape in zip(areas["force"], areas.geometry, strict=True):
            shapely.prepare(shape)
            force[shapely.contains_xy(shape, x, y)] = name
        known |= set(areas["force"])
    if (folder / "postcodes.parquet").is_file():
        codes = db.execute(
            "SELECT DISTINCT longitude, latitude, force FROM read_parquet(?) "
            "WHERE refused = '' AND force <> '' AND NOT list_contains(?, force)",
            [str(folder / "postcodes.parquet"), sorted(known)],
        ).fetchnumpy()
        known |= set(codes["force"])
        open_ = np.flatnonzero(force == "")
        if len(codes["force"]) and len(open_):
            tree = cKDTree(
                np.column_stack(to_metres(*(np.asarray(codes[c], float) for c in ("longitude", "latitude"))))
            )
            away, nearest = tree.query(
                np.column_stack(to_metres(x[open_], y[open_])), distance_upper_bound=_NEAR_M
            )
            near = np.isfinite(away)
            force[open_[near]] = np.asarray(codes["force"])[nearest[near]]
    db.register("placed", pd.DataFrame({"longitude": x, "latitude": y, "home": force.astype("str")}))
    counts = db.execute(
        "SELECT force, month, count(*) FROM street JOIN placed USING (longitude, latitude) "
        "WHERE force = home GROUP BY ALL"
    ).fetchall()
    db.unregister("placed")
    own: dict[str, dict[str, int]] = {f: {} for f in known}
    for name, month, n in counts:
        own[name][month] = n
    return own


# ------------------------------------------------------------------------ one place


def check_row(row: Mapping[str, Any] | None, postcode: str, held: Iterable[str], *, closed_ok: bool) -> None:
    """Raise PlaceNotFound where a postcode has no position; the message says why.

    Parameters
    ----------
    row
        The gazetteer's row of the postcode, if it has one.
    postcode
        As Royal Mail writes it.
    held
        The letters that the gazetteer's postcodes begin with.
    closed_ok
        Use the last position of a postcode that was closed.
    """
    refuse_outside(postcode)
    if row is None:
        letters = sorted(held)
        if re.match(r"[A-Z]+", postcode)[0] in letters or not letters:  # type: ignore[index]
            advice = "; check it."
        else:
            some = ", ".join(letters[:12]) + (f" and {len(letters) - 12} more" if len(letters) > 12 else "")
            advice = f", which has those of {some}; choose one of these, or build the archive with more."
        msg = f"The postcode {postcode!r} is not in this archive's postcode file{advice}"
        raise PlaceNotFound(msg)
    if row["refused"]:
        if row["refused"] == "in Scotland":
            refuse_outside(postcode, "S")
        msg = (
            f"The postcode {postcode!r} cannot be placed on a map ({row['refused']}); "
            "choose another one nearby."
        )
        raise PlaceNotFound(msg)
    if row["closed"] and not closed_ok:
        msg = (
            f"The postcode {postcode!r} was closed in {row['closed']}; choose another one nearby, "
            "or ask for its last position (--closed-ok)."
        )
        raise PlaceNotFound(msg)


_LEAST = 0.0005
"""Share of an area below which a force's part is a sliver of two maps that do not fit."""

VOID_M, VOID_IN_TOWN_M = 2_000.0, {800: 1_000.0, 600: 1_200.0}
"""A circle of this radius holds a postcode everywhere on land but on moors; a smaller one does where a
mile's circle holds so many. Well inside the areas of whole Code-Point files none of 2,185 places had
an empty one in its mile, 673 rural ones among them (at 1,500 m 40 had), and none of 2,500 in towns;
chosen on these same files, so the real rate is higher."""

BESIDE_M = 250.0
"""A spot so near to a postcode is of its force, wherever the file ends."""

UNKNOWN = ""
"""The force of a part where the postcode file has a gap."""

_CIRCLE_M2 = np.pi * MILE_M**2
_STEP_M, _MOST_STEPS = 100.0, 400


def parts_of(
    area: BaseGeometry, areas: gpd.GeoDataFrame | None, near: pd.DataFrame, *, complete: bool
) -> dict[str, BaseGeometry]:
    """Return the part of an area by force (EPSG:4326), `UNKNOWN` where the files have a gap.

    Parameters
    ----------
    area
        The area.
    areas
        Force areas, if there are any; they decide as far as they reach.
    near
        Gazetteer rows around the area, to twice `VOID_M`.
    complete
        Whether the postcode file is of the whole country: then what is without postcodes is sea
        or moor, and no gap.
    """
    if areas is None:
        rest, parts = area, {}
    else:
        parts = parts_by_area(area, areas)
        if complete or are_all(areas["force"]):
            return parts  # what no force has is sea
        inside = areas[areas.intersects(area)]
        rest = area.difference(shapely.union_all(inside.geometry.to_numpy()))
    void = shapely.Point() if complete else _void(rest, near)
    if not void.is_empty:
        rest = rest.difference(void)
    # A spot outside the areas given and nearest to a postcode of one of their forces is sea, or a
    # sliver of a simplified boundary.
    bounded = set() if areas is None else set(areas["force"])
    parts |= {f: part for f, part in parts_by_nearest(rest, near).items() if f not in bounded}
    if in_metres(void).area > _LEAST * in_metres(area).area:
        parts[UNKNOWN] = void
    return parts


_NOT_EVERYWHERE = {"northern-ireland", "demo-vale", "demo-moor"}
"""Forces that a file of the areas of England and Wales does not hold."""


def are_all(forces: Iterable[str]) -> bool:
    """Whether these are the forces of the whole of England and Wales."""
    return set(forces) >= set(force_of_area_code().values()) - _NOT_EVERYWHERE


def gap_share(area: BaseGeometry, near: pd.DataFrame) -> float:
    """Return the share of an area in which the postcode file has a gap (see `parts_of`)."""
    return float(in_metres(_void(area, near)).area / in_metres(area).area)


def _void(area: BaseGeometry, near: pd.DataFrame) -> BaseGeometry:
    """Return the part of an area inside large circles without any postcode (EPSG:4326)."""
    shape = in_metres(area)
    if shape.area == 0:
        return shapely.Point()
    xy = np.column_stack(to_metres(near["longitude"].to_numpy(), near["latitude"].to_numpy()))
    among = int(shapely.contains_xy(shape, xy[:, 0], xy[:, 1]).sum()) if len(xy) else 0
    town = (r for n, r in VOID_IN_TOWN_M.items() if among * _CIRCLE_M2 >= n * shape.area)
    radius = next(town, VOID_M)
    west, south, east, north = shape.bounds
    step = max(_STEP_M, (max(east - west, north - south) + 4 * radius) / _MOST_STEPS)
    x, y = np.meshgrid(
        np.arange(west - 2 * radius, east + 2 * radius + step, step),
        np.arange(south - 2 * radius, north + 2 * radius + step, step),
    )
    grid = np.column_stack([x.ravel(), y.ravel()])
    if len(xy):
        away, _ = cKDTree(xy).query(grid, distance_upper_bound=radius)
        centres = grid[np.isinf(away)]
    else:
        centres = grid
    if not len(centres):
        return shapely.Point()
    inside = grid[shapely.intersects_xy(shape.buffer(step), grid[:, 0], grid[:, 1])]
    away, _ = cKDTree(centres).query(inside, distance_upper_bound=radius)
    inside = inside[np.isfinite(away)]
    from_code = cKDTree(xy).query(inside)[0] if len(xy) else np.full(len(inside), np.inf)
    spots = inside[from_code > BESIDE_M]
    half = step / 2
    cells = shapely.box(spots[:, 0] - half, spots[:, 1] - half, spots[:, 0] + half, spots[:, 1] + half)
    return in_degrees(shapely.union_all(cells).intersection(shape))


def parts_by_nearest(area: BaseGeometry, near: pd.DataFrame) -> dict[str, BaseGeometry]:
    """Return the part of an area by force (EPSG:4326), where no boundaries are known (R19).

    Each spot belongs to the force of its nearest postcode (Voronoi cells). On 3,400 real places the
    same rule, then applied to a 40 m grid, gave shares within 0.035 of the true ones in 95 % of them
    (the plain share of postcodes: 0.075).

    Parameters
    ----------
    near
        Gazetteer rows around the area with `longitude`, `latitude`, `force`.
    """
    known = near[near["force"] != ""].drop_duplicates(["longitude", "latitude"])
    forces_near = sorted(set(known["force"]))
    if len(forces_near) < 2:
        return dict.fromkeys(forces_near, area)
    shape = in_metres(area)
    points = shapely.points(*to_metres(known["longitude"].to_numpy(), known["latitude"].to_numpy()))
    cells = shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shape, ordered=True)
    force = known["force"].to_numpy()
    parts = {
        f: shapely.coverage_union_all(shapely.get_parts(cells)[force == f]).intersection(shape)
        for f in forces_near
    }
    return {f: in_degrees(part) for f, part in parts.items() if part.area > _LEAST * shape.area}


def parts_by_area(area: BaseGeometry, areas: gpd.GeoDataFrame) -> dict[str, BaseGeometry]:
    """Return the part of an area inside each force area (EPSG:4326)."""
    shape = in_metres(area)
    touching = areas[areas.intersects(area)].sort_values("force")
    parts = {
        f: in_metres(g).intersection(shape) for f, g in zip(touching["force"], touching.geometry, strict=True)
    }
    return {f: in_degrees(part) for f, part in parts.items() if part.area > _LEAST * shape.area}
