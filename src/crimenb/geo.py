"""Projections, the circle of one mile, and distances.

Distances are measured in EPSG:27700 (the British National Grid, metres); frames are stored and
drawn in EPSG:4326 (longitude, latitude).
"""

from __future__ import annotations

import functools
import struct
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pyproj
import shapely

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike
    from shapely.geometry.base import BaseGeometry

MILE_M = 1609.344
"""Radius of police.uk's street-level answer, in metres (one statute mile)."""

LONLAT = "EPSG:4326"
METRES = "EPSG:27700"


_UNITED_KINGDOM = (-8.7, 49.8, 1.8, 60.9)
"""West, south, east and north of it, with the sea between: from Scilly to Shetland."""


def in_the_united_kingdom(longitude: float, latitude: float) -> bool:
    """Whether a position may be one of a postcode: no farther out than the farthest of them.

    >>> in_the_united_kingdom(-1.13, 52.63), in_the_united_kingdom(2.35, 48.86)
    (True, False)
    """
    west, south, east, north = _UNITED_KINGDOM
    return west <= longitude <= east and south <= latitude <= north


@functools.cache
def _crs(name: str) -> pyproj.CRS:
    return pyproj.CRS(name)  # parsing a name takes three milliseconds, each time


@functools.cache
def _projection(source: str, target: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(source, target, always_xy=True)


def to_metres(longitude: ArrayLike, latitude: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return eastings and northings in metres (EPSG:27700) of longitudes and latitudes."""
    x, y = _projection(LONLAT, METRES).transform(np.asarray(longitude), np.asarray(latitude))
    return np.asarray(x), np.asarray(y)


def to_lonlat(easting: ArrayLike, northing: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return longitudes and latitudes (EPSG:4326) of eastings and northings in metres."""
    x, y = _projection(METRES, LONLAT).transform(np.asarray(easting), np.asarray(northing))
    return np.asarray(x), np.asarray(y)


def in_metres(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape of EPSG:4326 in metres (EPSG:27700)."""
    return shapely.transform(shape, lambda xy: np.column_stack(to_metres(xy[:, 0], xy[:, 1])))


def in_degrees(shape: BaseGeometry) -> BaseGeometry:
    """Return a shape of EPSG:27700 in degrees (EPSG:4326), to a centimetre."""
    return shapely.transform(shape, lambda xy: np.column_stack(to_lonlat(xy[:, 0], xy[:, 1])).round(7))


def circle(longitude: float, latitude: float, radius_m: float = MILE_M) -> BaseGeometry:
    """Return the circle around a point (EPSG:4326), a polygon of 256 corners on the ring."""
    x, y = to_metres(longitude, latitude)
    return in_degrees(shapely.Point(float(x), float(y)).buffer(radius_m, quad_segs=64))


_AROUND = 1.17
"""Half the side of a place's map by the distance from the centre to the farthest edge of the area."""


def map_square(place: gpd.GeoDataFrame) -> tuple[float, float, float]:
    """Return the middle of a place's map and half its side, in metres (EPSG:27700)."""
    row = place.iloc[0]
    x, y = (float(v) for v in to_metres(row["longitude"], row["latitude"]))
    west, south, east, north = in_metres(place.geometry.iloc[0]).bounds
    return x, y, max(x - west, east - x, y - south, north - y) * _AROUND


def distances(
    place: gpd.GeoDataFrame, longitude: np.ndarray, latitude: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return metres to the centre of a circle or the boundary of an area, and what is inside.

    Inside a custom area the distance to its boundary is negative.
    """
    row = place.iloc[0]
    x, y = to_metres(longitude, latitude)
    if row["kind"] == "circle":
        cx, cy = to_metres(float(row["longitude"]), float(row["latitude"]))
        away = np.hypot(x - cx, y - cy)
        return np.round(away, 1), away <= MILE_M
    metres = in_metres(place.geometry.iloc[0])
    inside = shapely.intersects_xy(metres, x, y)
    away = shapely.distance(metres.boundary, shapely.points(x, y))
    return np.round(np.where(inside, -away, away), 1), inside


_POINT_BYTES, _DEEPEST = 21, 5
_FLAT = {struct.pack(f"{order}BI", order == "<", kind) for order in "<>" for kind in (1, 2, 3)}
"""How WKB of a point, a line or a polygon begins: nothing is inside these."""

_Z, _M, _SRID = 0x80000000, 0x40000000, 0x20000000


def from_wkb(blobs: Iterable[bytes | None]) -> Any:
    """Return the shapes of WKB, whoever wrote it.

    Raises
    ------
    ValueError
        Shapes within shapes, deeper than any drawing: GEOS would follow them to the end of its stack,
        and the process with it.
    """
    blobs = [*blobs]
    for blob in blobs:
        if blob is not None and len(blob) > _POINT_BYTES and bytes(blob[:5]) not in _FLAT:
            _refuse_deep(blob)
    return shapely.from_wkb(blobs)


def _refuse_deep(blob: bytes) -> None:
    at, left = 0, [1]  # how many shapes are still to come, on each level
    while left:
        if left[-1] == 0:
            left.pop()
            continue
        left[-1] -= 1
        order = "<" if blob[at] == 1 else ">"
        (kind,) = struct.unpack_from(f"{order}I", blob, at + 1)
        at += 9 if kind & _SRID else 5
        more = bool(kind & _Z) + bool(kind & _M)
        dimensions, kind = divmod(kind & 0xFFFF, 1000)  # 0 to 3: plain, Z, M, both
        corner = 8 * (2 + (more or (dimensions > 0) + (dimensions > 2)))
        if kind == 1:
            at += corner
            continue
        (parts,) = struct.unpack_from(f"{order}I", blob, at)
        at += 4
        if kind == 2:
            at += parts * corner
        elif kind == 3:
            for _ in range(parts):
                (corners,) = struct.unpack_from(f"{order}I", blob, at)
                at += 4 + corners * corner
        else:
            left.append(parts)
        if len(left) > _DEEPEST:
            msg = f"a shape holds shapes deeper than {_DEEPEST} levels"
            raise ValueError(msg)


MOST_CROSSINGS = 200
"""Mending an outline that crosses itself takes a millisecond or more, and a megabyte, a crossing."""


def too_tangled(polygon: shapely.Polygon) -> bool:
    """Whether an outline crosses itself so often that to mend it would cost too much."""
    corners = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
    edges = np.concatenate([shapely.linestrings(np.stack([c[:-1], c[1:]], axis=1)) for c in corners])
    tree, met = shapely.STRtree(edges), 0
    for some in np.array_split(edges, len(edges) // 50 + 1):
        met += tree.query(some, predicate="crosses").shape[1]
        if met > 2 * MOST_CROSSINGS:  # each crossing is met from both sides
            return True
    return False
