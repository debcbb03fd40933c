"""A custom area: from a file, drawn by whoever asks, or an official one by its name or code."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from crimenb.errors import QueryError
from crimenb.geo import LONLAT, in_metres, too_tangled
from crimenb.query import Area, Query
from crimenb.snapshot import MANIFEST, opened, stored_query
from crimenb.sources.named_areas import KINDS
from crimenb.sources.outlines import read_outlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shapely.geometry.base import BaseGeometry

    from crimenb.snapshot import Source
    from crimenb.sources.named_areas import Outline

MOST_KM2 = 500.0
"""Larger than any ward and most districts of a town: no longer a place, and slow to ask for."""

LEAST_KM2 = 0.01
"""Snapped points stand some 100 metres apart; a smaller area holds one or none by accident."""

COVERED = (-8.7, 49.8, 2.1, 55.9)
"""West, south, east and north of England, Wales and Northern Ireland, in degrees."""

MOST_CORNERS = 100_000
"""A coastal district in full detail has fewer; each corner is looked at for each record."""

_LEAST_LIKE = 0.99
"""A mended outline has the size of the drawn one but for this, or it is not what was meant."""

_GRID = 1e-7  # degrees, about a centimetre: the same outline from two formats is one area
_NAMES = re.compile(r"name|.*[_ ]name|name[_ ].*|[a-z]{2,8}\d{2}nm|nm|label|title", re.IGNORECASE)
_CODES = re.compile(r"code|.*[_ ]code|code[_ ].*|[a-z]{2,8}\d{2}cd|cd|gss.*", re.IGNORECASE)
_CODE = re.compile(r"[EWN]\d{8}")
_DISTRICTS = re.compile(
    r"(lad|ltla|utla|cty)\d{2}nm|.*(district|borough|council|local.?auth).*", re.IGNORECASE
)


def read_area(file: Path | str, name: str = "") -> Area | None:
    """Read a custom area: one polygon of a GeoJSON, GeoPackage, Shapefile or KML.

    Points and lines beside it are passed over, small faults of an outline are mended, and outlines
    of one name are joined, each with a warning that says so.

    Parameters
    ----------
    file
        The file or a zip of it, in any coordinate system that it names; a boundary as
        police.uk's service gives it; the data folder of a report on a custom area; or ""
        for none.
    name
        What to call the area. Where the file holds several, the one of that name or code is
        read. By default the file's column of names (`name`, `WD24NM` and the like), else
        the file's own name.

    Returns
    -------
    Area | None
        Area, a polygon or multipolygon in EPSG:4326 with its name; None for "".

    Raises
    ------
    QueryError
        No polygon, several, a broken outline, no coordinate system or a wrong one,
        too large, too small, or outside England, Wales and Northern Ireland.

    Examples
    --------
    >>> import crimenb as cn
    >>> ward = cn.read_area("notebooks/demo-ward.geojson")
    >>> ward.name
    'Market Ward'
    >>> query = cn.Query.parse(start="2025-10", end="2025-12", area=ward)
    >>> cn.collect(query, "demo")
    <Data Market Ward, 2025-10 to 2025-12: ... records>
    """
    if not str(file):
        return None
    path = Path(file)
    if (path / MANIFEST).is_file():
        return _of_a_report(path)
    return _area(path, _outlines(path), name)


def read_areas(file: Path | str) -> list[Area]:
    """Read every area of a file, such as all wards of a district, in the file's order.

    Parameters
    ----------
    file
        As for `read_area`; its outlines must have names or codes that tell them apart.

    Returns
    -------
    list of Area
        Each a polygon or multipolygon in EPSG:4326 with its name.

    Raises
    ------
    QueryError
        As `read_area`; or the outlines cannot be told apart.

    Examples
    --------
    >>> import crimenb as cn
    >>> [ward.name for ward in cn.read_areas("notebooks/demo-wards.geojson")]
    ['Harbour Ward', 'Market Ward', 'Quarry Ward']
    """
    path = Path(file)
    table = _outlines(path)
    (_, names), (_, codes) = _column(table, _NAMES), _column(table, _CODES)
    told_apart = names if len({*names.values()}) == len(table) else codes
    if len(told_apart) < len(table):
        msg = (
            f"{str(path)!r} holds {len(table)} outlines without a name or code for each; add a column 'name'."
        )
        raise QueryError(msg)
    return [_area(path, table, name) for name in dict.fromkeys(told_apart.values())]


def named_area(kind: str, words: str, *, source: Source | Path | str = "") -> Area:
    """Return a ward, parish, LSOA or police neighbourhood by its code or its name.

    Parameters
    ----------
    kind
        "ward", "parish", "lsoa" or "neighbourhood".
    words
        A code (`E05001935`); a name, with its district where several have it ("Abbey, Bath and North East
        Somerset"); of a neighbourhood the force's id and its own, as police.uk has them
        (`leicestershire/NC04`).
    source
        As for `collect`: an archive gives the outlines it was given, the live services those of ONS Open
        Geography and of police.uk.

    Returns
    -------
    Area
        The outline with its title as name, for `Query.parse` or `collect`.

    Raises
    ------
    QueryError
        Nothing is called so, or several are, with code and district of each.
    SourceUnavailable
        A service did not answer.

    Examples
    --------
    >>> import crimenb as cn
    >>> cn.named_area("ward", "Market", source="demo").name
    'Market ward, Fablemouth'
    """
    with opened(source or "live", Query("")) as held:
        return official(held.named(_known_kind(kind), words))


def named_areas(kind: str, of: str, *, source: Source | Path | str = "") -> list[Area]:
    """Return every ward or parish of a district, by the district's name or code.

    Parameters
    ----------
    kind
        "ward", "parish" or "lsoa".
    of
        The district.
    source
        As for `named_area`.

    Returns
    -------
    list of Area
        In the order of their names. What is only no parish is not among them.

    Raises
    ------
    QueryError
        There is no such district, or it has none.
    SourceUnavailable
        A service did not answer.

    Examples
    --------
    >>> import crimenb as cn
    >>> [ward.name for ward in cn.named_areas("ward", of="Fablemouth", source="demo")]
    ['Harbour ward, Fablemouth', 'Market ward, Fablemouth', 'Quarry ward, Fablemouth']
    """
    with opened(source or "live", Query("")) as held:
        return [official(outline) for outline in held.named_in(_known_kind(kind), of)]


def _known_kind(kind: str) -> str:
    if kind not in KINDS:
        msg = f"There is no kind of area {kind!r}; choose one of {', '.join(KINDS)}."
        raise QueryError(msg)
    return kind


def official(outline: Outline) -> Area:
    """Return the area of an official outline, under its title, after the checks of any custom area."""
    what = f"The {KINDS[outline.kind][0]} {outline.code}"
    drawn = _mended(_polygons(outline.geometry), what) if outline.geometry is not None else None
    name = _clean(outline.title)
    return Area(name, _checked(drawn, gpd.GeoSeries(crs=LONLAT).crs, what), outline.drawn)


def _area(path: Path, table: gpd.GeoDataFrame, name: str) -> Area:
    rows, called = _chosen(table, _clean(name), path)
    called = called or _clean(path.stem) or "area"
    what = f"The area {called!r} of {path.name!r}"
    polygons = [p for row in rows for p in _polygons(table.geometry[row])]
    drawn = _mended(polygons, what) if polygons else table.geometry[rows[0]]
    return Area(called, _checked(drawn, table.crs, what))


def _of_a_report(folder: Path) -> Area:
    area = stored_query(folder).area
    if area is None:
        msg = f"The snapshot {str(folder)!r} is of a postcode and holds no custom area."
        raise QueryError(msg)
    # It stays as it is: the report's name and its data go by it.
    what = f"The area of the snapshot {str(folder)!r}"
    _check_corners(area.geometry, what)
    _checked(area.geometry, gpd.GeoSeries(crs=LONLAT).crs, what)
    return area


def _outlines(path: Path) -> gpd.GeoDataFrame:
    """Return the features that enclose something; of a file without any, all it has."""
    layers = {layer: table for layer, table in read_outlines(path).items() if len(table)}
    enclosing = {n: t[[bool(_polygons(g)) for g in t.geometry]] for n, t in layers.items()}
    if not layers:
        msg = f"{str(path)!r} holds no outline at all; give a file with one polygon."
        raise QueryError(msg)
    if not any(map(len, enclosing.values())):
        return next(iter(layers.values()))
    # A row without a shape is nothing that is passed over.
    passed_over = sum(int(t.geometry.notna().sum()) for t in layers.values())
    passed_over -= sum(map(len, enclosing.values()))
    enclosing = {name: table for name, table in enclosing.items() if len(table)}
    if len(enclosing) > 1:
        names = ", ".join([*enclosing][:5])
        msg = f"{str(path)!r} holds {len(enclosing)} layers of outlines ({names}); give a file with one."
        raise QueryError(msg)
    (table,) = enclosing.values()
    passed_over += sum(g.geom_type == "GeometryCollection" for g in table.geometry)
    if passed_over:
        _say(f"{path.name!r} holds points or lines beside its outlines; only the outlines are used.")
    return table.reset_index(drop=True)


def _polygons(shape: BaseGeometry | None) -> list[shapely.Polygon]:
    """Return the polygons of a shape of any kind."""
    if shape is None or shape.is_empty:
        return []
    if isinstance(shape, shapely.Polygon):
        return [shape]
    return [p for part in getattr(shape, "geoms", []) for p in _polygons(part)]


def _column(table: gpd.GeoDataFrame, pattern: re.Pattern[str], but: str = "") -> tuple[str, dict[int, str]]:
    """Return the column that is most likely meant, and its texts by row."""
    columns = [str(c) for c in table.columns.drop(table.geometry.name) if pattern.fullmatch(str(c))]
    # The finer of two tells more rows apart: a ward's name rather than its district's.
    columns.sort(key=lambda c: (c.lower() != "name", -table[c].astype("str").nunique()))
    for column in columns:
        cells = enumerate(table[column])
        texts = {i: _clean(str(v)) for i, v in cells if isinstance(v, str | int) and str(v).strip()}
        if texts and column != but:
            return column, texts
    return "", {}


def _chosen(table: gpd.GeoDataFrame, name: str, path: Path) -> tuple[list[int], str]:
    """Return the rows that make the area, more than one only if they are parts of one, and its name."""
    column, names = _column(table, _NAMES)
    _, codes = _column(table, _CODES)
    _, districts = _column(table, _DISTRICTS, but=column)
    every = list(range(len(table)))
    asked = name.casefold()
    rows = [i for i in every if asked and asked in (names.get(i, "").casefold(), codes.get(i, "").casefold())]
    called = names.get(rows[0], name) if rows else name
    if not rows and (not name or (len(table) == 1 and not (codes and _CODE.fullmatch(name)))):
        rows, called = every, name or names.get(0, "")
    alike = {(names.get(i), codes.get(i), districts.get(i)) for i in rows}
    if len(rows) == 1 or (len(alike) == 1 and (names or codes)):
        if len(rows) > 1:
            _say(f"The {len(rows)} outlines called {called!r} in {path.name!r} are joined to one area.")
        return rows, called
    found = "1 outline" if len(table) == 1 else f"{len(rows or every)} outlines"
    found += "" if not name else f" called {name!r}" if rows else f", none called {name!r}"
    msg = f"{str(path)!r} holds {found}; {_how_to_choose(rows or every, names, codes, districts)}."
    raise QueryError(msg)


def _how_to_choose(
    rows: Sequence[int], names: dict[int, str], codes: dict[int, str], districts: dict[int, str]
) -> str:
    some, more = rows[:5], ", …" if len(rows) > 5 else ""
    if not names and not codes:
        return "give a file with one"
    if len({names.get(i) for i in rows}) == len(rows):
        return f"name one of them ({', '.join(repr(names.get(i, '')) for i in some)}{more})"
    words = [", ".join(filter(None, (names.get(i), districts.get(i)))) for i in some]
    if not codes:
        return f"give a file with one, for they are not told apart by name ({'; '.join(words)}{more})"
    known = [
        f"{codes.get(i, '')!r}: {said}" if said else repr(codes.get(i))
        for i, said in zip(some, words, strict=True)
    ]
    return f"name one of them by its code ({'; '.join(known)}{more})"


def _say(words: str) -> None:
    warnings.warn(words, stacklevel=2)


def _clean(name: str) -> str:
    text = name.encode("utf-8", "replace").decode()  # what is no text (half a character) is a question mark
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", text).strip()[:80]


def _mended(polygons: Sequence[shapely.Polygon], what: str) -> BaseGeometry:
    """Return the polygons as one shape; where an outline touches or crosses itself a little, mended."""
    _check_corners(polygons, what)
    if not shapely.is_valid(polygons).all():
        polygons = [whole for p in polygons for whole in _polygons(_mended_one(p, what))]
        _say(f"{what} touches or crosses itself; it was mended.")
    if len(polygons) == 1:
        return polygons[0]
    apart = shapely.MultiPolygon(polygons)
    return apart if apart.is_valid else shapely.union_all(polygons)


def _check_corners(shapes: Any, what: str) -> None:
    corners = int(np.sum(shapely.get_num_coordinates(shapes)))
    if corners > MOST_CORNERS:
        msg = f"{what} has {corners:,} corners, more than {MOST_CORNERS:,}; simplify it, for example in QGIS."
        raise QueryError(msg)
    if not np.isfinite(shapely.get_coordinates(shapes)).all():
        msg = f"{what} has corners that are no numbers; draw it and save it again."
        raise QueryError(msg)


def _mended_one(polygon: shapely.Polygon, what: str) -> BaseGeometry:
    if polygon.is_valid:
        return polygon
    mended = polygon
    if not too_tangled(polygon):
        mended = shapely.make_valid(polygon, method="structure", keep_collapsed=False)
    if not mended.is_valid or abs(polygon.area) < _LEAST_LIKE * mended.area or mended.is_empty:
        msg = (
            f"{what} has a broken outline ({shapely.is_valid_reason(polygon)}); mend it, for example in QGIS."
        )
        raise QueryError(msg)
    return mended


def _checked(shape: BaseGeometry | None, crs: Any, what: str) -> BaseGeometry:
    """Return the outline in EPSG:4326 after every check, in the order a user can mend them."""
    if shape is None or shape.is_empty:
        msg = f"{what} is empty; draw it and save it again."
        raise QueryError(msg)
    if shape.geom_type not in ("Polygon", "MultiPolygon"):
        msg = f"{what} is a {shape.geom_type} and encloses nothing; give one polygon or multipolygon."
        raise QueryError(msg)
    if not shape.is_valid:
        msg = f"{what} has a broken outline ({shapely.is_valid_reason(shape)}); mend it, for example in QGIS."
        raise QueryError(msg)
    placed = _in_degrees(shapely.force_2d(shape), crs, what)
    _check_place(placed, what)
    km2 = in_metres(placed).area / 1e6
    if km2 > MOST_KM2:
        msg = f"{what} has {km2:,.0f} km², which is too large; give at most {MOST_KM2:,.0f} km²."
        raise QueryError(msg)
    if km2 < LEAST_KM2:
        msg = f"{what} has {km2 * 1e6:,.0f} m², less than the distance of two map points; give a larger one."
        raise QueryError(msg)
    return shapely.normalize(shapely.set_precision(placed, _GRID))


def _in_degrees(shape: BaseGeometry, crs: Any, what: str) -> BaseGeometry:
    west, south, east, north = shape.bounds
    like_degrees = max(-west, east) <= 180 and max(-south, north) <= 90
    if crs is None:
        msg = f"{what} names no coordinate system; save it with one (a Shapefile's is its .prj file)."
        raise QueryError(msg)
    if crs.is_geographic and not like_degrees:
        msg = (
            f"{what} says degrees but holds {west:,.0f}, {south:,.0f}, which look like metres of the "
            "National Grid; save it with its coordinate system (EPSG:27700), or in EPSG:4326."
        )
        raise QueryError(msg)
    if crs.is_projected and like_degrees:
        msg = (
            f"{what} says {crs.to_string()} but holds {west:.2f}, {south:.2f}, which look like degrees; "
            "save it in EPSG:4326."
        )
        raise QueryError(msg)
    moved: BaseGeometry = gpd.GeoSeries([shape], crs=crs).to_crs(LONLAT).iloc[0]
    if not np.isfinite(moved.bounds).all():
        msg = f"{what} cannot be brought from {crs.to_string()} to degrees; save it in EPSG:4326."
        raise QueryError(msg)
    return moved


def _check_place(shape: BaseGeometry, what: str) -> None:
    west, south, east, north = shape.bounds
    if COVERED[0] <= west and COVERED[1] <= south and east <= COVERED[2] and north <= COVERED[3]:
        return
    if COVERED[1] <= west <= east <= 61 and COVERED[0] <= south <= north <= COVERED[2]:
        msg = f"{what} lies at {west:.2f}° east, {south:.2f}° north: longitude and latitude look swapped."
        raise QueryError(msg)
    msg = (
        f"{what} lies at longitude {west:.2f} to {east:.2f}, latitude {south:.2f} to {north:.2f}, not "
        "within England, Wales and Northern Ireland, which police.uk covers."
    )
    raise QueryError(msg)
