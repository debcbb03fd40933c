"""A custom area from a file: a ward, a partnership, a campus, drawn by whoever asks."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from crimenb.errors import QueryError
from crimenb.geo import LONLAT, in_metres
from crimenb.query import Area
from crimenb.snapshot import MANIFEST, kept_query

if TYPE_CHECKING:
    import pandas as pd
    from shapely.geometry.base import BaseGeometry

MOST_KM2 = 500.0
"""Larger than any ward and most districts of a town: no longer a place, and slow to ask for."""

LEAST_KM2 = 0.01
"""Snapped points stand some 100 metres apart; a smaller area holds one or none by accident."""

COVERED = (-8.7, 49.8, 2.1, 55.9)
"""West, south, east and north of England, Wales and Northern Ireland, in degrees."""

_GRID = 1e-7  # degrees, about a centimetre: the same outline from two formats is one area
_NAMES = re.compile(r"name|.*[_ ]name|name[_ ].*|[a-z]{2,8}\d{2}nm|nm|label|title", re.IGNORECASE)


def read_area(file: Path | str, name: str = "") -> Area | None:
    """Read a custom area: the one polygon of a GeoJSON, GeoPackage or Shapefile.

    Parameters
    ----------
    file
        The file, in any coordinate system that it names; or the data folder of a
        report on a custom area, which holds its area; or "" for none.
    name
        What to call the area. Where the file holds several, the one so named is read.
        By default the file's column of names (`name`, `WD24NM` and the like), else the
        file's own name.

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
        return _kept(path)
    table = _features(path)
    row = _chosen(table, name, path)
    called = _clean(name) or _clean(_names(table).get(row, "")) or _clean(path.stem) or "area"
    shape = table.geometry.loc[row]
    return Area(called, _checked(shape, table.crs, f"The area {called!r} of {path.name!r}"))


def _kept(folder: Path) -> Area:
    area = kept_query(folder).area
    if area is None:
        msg = f"The snapshot {str(folder)!r} is of a postcode and holds no custom area."
        raise QueryError(msg)
    return area


def _features(path: Path) -> gpd.GeoDataFrame:
    if not path.is_file():
        msg = f"There is no file {str(path)!r}; give a GeoJSON, GeoPackage or Shapefile."
        raise QueryError(msg)
    try:
        layers = gpd.list_layers(path)["name"].tolist()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what a driver grumbles at is judged below
            table = gpd.read_file(path, layer=layers[0]) if layers else gpd.GeoDataFrame()
    except (RuntimeError, ValueError, shapely.GEOSException) as error:
        msg = f"{str(path)!r} cannot be read as GeoJSON, GeoPackage or Shapefile; export it anew."
        raise QueryError(msg) from error
    if len(layers) > 1:
        msg = f"{str(path)!r} holds {len(layers)} layers ({', '.join(layers[:5])}); give a file with one."
        raise QueryError(msg)
    if not isinstance(table, gpd.GeoDataFrame) or table.empty or table.active_geometry_name is None:
        msg = f"{str(path)!r} holds no outline at all; give a file with one polygon."
        raise QueryError(msg)
    return table.reset_index(drop=True)


def _names(table: pd.DataFrame) -> dict[int, str]:
    """Return the features' names by row, from the column that looks most like a name."""
    columns = sorted(
        (c for c in table.columns if _NAMES.fullmatch(str(c))), key=lambda c: str(c).lower() != "name"
    )
    for column in columns:
        found = {i: v for i, v in enumerate(table[column].tolist()) if isinstance(v, str) and v.strip()}
        if found:
            return found
    return {}


def _chosen(table: gpd.GeoDataFrame, name: str, path: Path) -> int:
    if len(table) == 1:
        return 0
    names = _names(table)
    found = [i for i, n in names.items() if n.strip().casefold() == name.strip().casefold()]
    if len(found) == 1:
        return found[0]
    known = ", ".join(repr(_clean(n)) for n in list(names.values())[:5])
    say = f"name one of them ({known}{', …' if len(names) > 5 else ''})" if names else "give a file with one"
    msg = f"{str(path)!r} holds {len(table)} outlines; {say}."
    raise QueryError(msg)


def _clean(name: str) -> str:
    return re.sub(r"[\s\x00-\x1f\x7f]+", " ", name).strip()[:80]


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
