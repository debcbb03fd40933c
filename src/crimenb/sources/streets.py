"""The streets under a map: what of them a snapshot keeps, and which stretch stands for which map point.

A map point that a street of its name passes is drawn as its own stretch: that street, as far as no other
known map point is nearer, and no farther than 200 m. The whole street would claim places whose records
are moved to other points (R23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crimenb.data import frame
from crimenb.geo import distances, from_wkb, in_degrees, map_square, to_metres

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd

    _Words = Mapping[str, list[str]]

ON_M, NEAREST_M, GAP_M, LONGEST_M = 10.0, 5.0, 50.0, 200.0
"""Metres: to the street of a point's name, or of any name where it has none; between parts of one street;
and from a point to the end of its stretch."""

BEYOND_M = 2 * LONGEST_M
"""So far beyond an area a map point may be nearer to a part of a stretch than the area's own."""

_NEAR_M, _SIMPLER_M = 250.0, 4.0
_CALLED = ("name", "other_name", "number")


def square(place: gpd.GeoDataFrame) -> tuple[float, float, float, float]:
    """Return west, south, east and north (metres) of the streets that a place's map and stretches need."""
    x, y, reach = map_square(place)
    return x - reach - LONGEST_M, y - reach - LONGEST_M, x + reach + LONGEST_M, y + reach + LONGEST_M


def cut(
    rows: pd.DataFrame, place: gpd.GeoDataFrame, points: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the frames `streets` and `stretches` of a place.

    Parameters
    ----------
    rows
        The archive's streets, water and railways in the square, with their shapes as WKB in metres.
    points
        Every map point known since July 2022, in the area and around it: `longitude`, `latitude`,
        `snapped_to`.
    """
    shapes = np.asarray(from_wkb(map(bytes, rows["geometry"])), dtype=object)
    words = {name: rows[name].tolist() for name in ("kind", "road_class", *_CALLED)}
    stretches = _stretches(words, shapes, place, points)
    return frame("streets", _ground(words, shapes, place)), frame("stretches", stretches)


def _ground(words: _Words, shapes: np.ndarray, place: gpd.GeoDataFrame) -> dict[str, Any]:
    """Return the columns of what lies in the map's square, the links of a street as one line."""
    x, y, reach = map_square(place)
    inside = shapely.clip_by_rect(shapes, x - reach, y - reach, x + reach, y + reach)
    parts, at = shapely.get_parts(inside, return_index=True)
    columns = ["kind", "road_class", "name", "number"]
    called = [*zip(*(words[c] for c in columns), strict=True)]
    of_parts = [called[i] for i in at.tolist()]
    groups = sorted({*of_parts})
    numbers = {group: i for i, group in enumerate(groups)}
    joined = _joined(parts, np.array([numbers[c] for c in of_parts], int), len(groups))
    names = {c: [group[i] for group in groups] for i, c in enumerate(columns)}
    return {
        "postcode": [str(place["postcode"].iloc[0])] * len(groups),
        **names,
        "geometry": in_degrees(joined),
    }


def _joined(parts: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Return the lines of each group joined where two of them meet, and its areas, to four metres."""
    joined = np.full(groups, shapely.MultiLineString(), dtype=object)
    dimensions, there = shapely.get_dimensions(parts), ~shapely.is_empty(parts)
    for kind, together in ((1, shapely.multilinestrings), (2, shapely.multipolygons)):
        kept = np.flatnonzero((dimensions == kind) & there)
        kept = kept[np.argsort(group[kept], kind="stable")]
        if not len(kept):
            continue
        wanted, number = np.unique(group[kept], return_inverse=True)
        if kind == 2:
            joined[wanted] = together(shapely.simplify(parts[kept], _SIMPLER_M), indices=number)
        else:
            merged = shapely.line_merge(together(parts[kept], indices=number))
            joined[wanted] = shapely.simplify(merged, _SIMPLER_M, preserve_topology=False)
    return joined


def _stretches(
    words: _Words, shapes: np.ndarray, place: gpd.GeoDataFrame, points: pd.DataFrame
) -> dict[str, Any]:
    """Return columns with a row for each map point in the area: its street, how it is known, and its stretch."""
    known: dict[tuple[float, float], str] = {}
    for lon, lat, name in zip(
        *(points[c].tolist() for c in ("longitude", "latitude", "snapped_to")), strict=True
    ):
        known[lon, lat] = max(name, known.get((lon, lat), ""))
    lonlat = np.array(sorted(known), float).reshape(-1, 2)
    x, y = to_metres(*lonlat.T)
    inside = np.flatnonzero(distances(place, *lonlat.T)[1])
    lonlat = lonlat[inside]
    names = [known[lon, lat] for lon, lat in lonlat.tolist()]
    street, how = np.full(len(names), "", object), np.full(len(names), "", object)
    stretches = np.full(len(names), shapely.MultiLineString(), object)
    links = np.array([i for i, kind in enumerate(words["kind"]) if kind == "street"], int)
    if names and len(links):
        spots = shapely.points(x, y)[inside]
        calls, called, way = _named_alike(names, words, links)
        ways = shapes[way]
        part = _parts(called, ways)
        at, link = shapely.STRtree(ways).query(spots, predicate="dwithin", distance=ON_M)
        same = calls[at] == called[link]
        at, link = at[same], link[same]
        order = np.lexsort((link, shapely.distance(spots[at], ways[link]), at))
        at, first = np.unique(at[order], return_index=True)
        # Each of these points with all the lines of its part of the street.
        owner, line = _pairs(part[link[order][first]], part)
        fields = _fields(x, y, inside[at])
        pieces, pair = shapely.get_parts(shapely.intersection(ways[line], fields[owner]), return_index=True)
        stretches = _joined(pieces, at[owner][pair], len(names))
        how[~shapely.is_empty(stretches)] = "name"
        _name_streets(street, how, names, spots, [words["name"][i] for i in links.tolist()], shapes[links])
    return {
        "postcode": [str(place["postcode"].iloc[0])] * len(names), "snapped_to": names, "street": street.tolist(),
        "how": how.tolist(), "longitude": lonlat[:, 0], "latitude": lonlat[:, 1], "geometry": in_degrees(stretches),
    }  # fmt: skip


def _named_alike(
    names: Sequence[str], words: _Words, links: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the names of map points as numbers; then a street a row, once under each of its names that a point bears.

    Returns
    -------
    tuple of arrays
        The name of each point, -1 where it has none; of each row its name, and which shape it is.
    """
    plain = {name: plainly(name) for name in {*names}}
    numbers = {name: i for i, name in enumerate(dict.fromkeys(filter(None, plain.values())))}
    known = {name: numbers.get(plainly(name), -1) for c in _CALLED for name in {*words[c]}}
    of = np.array([[known[words[c][i]] for i in links.tolist()] for c in _CALLED], int).ravel()
    some = np.flatnonzero(of >= 0)
    calls = np.array([numbers.get(plain[name], -1) for name in names], int)
    return calls, of[some], np.tile(links, len(_CALLED))[some]


def _parts(called: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Give each line the number of its street: two streets far apart may share a name."""
    corners = shapely.bounds(lines).reshape(-1, 2, 2) + np.array([[-GAP_M], [GAP_M]])
    one, other = shapely.STRtree(lines).query(shapely.linestrings(corners))  # by their boxes
    same = (called[one] == called[other]) & (one < other)
    one, other = one[same], other[same]
    near = shapely.dwithin(lines[one], lines[other], GAP_M)
    ends = (np.ones(int(near.sum())), (one[near], other[near]))
    return np.asarray(connected_components(coo_array(ends, shape=(len(lines),) * 2), directed=False)[1])


def _pairs(wanted: np.ndarray, part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each place in `wanted` with each place in `part` that has the same number."""
    order = np.argsort(part, kind="stable")
    first, end = (np.searchsorted(part[order], wanted, side) for side in ("left", "right"))
    many = end - first
    step = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    return np.repeat(np.arange(len(wanted)), many), order[np.repeat(first, many) + step]


def plainly(name: str) -> str:
    """Return a name as it is compared: police.uk writes "St John'S Road"."""
    return name.casefold().replace("'", "").replace("’", "")


def _fields(x: np.ndarray, y: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return for the points wanted the field nearer to each than to any other, within 200 m."""
    discs: np.ndarray = shapely.buffer(shapely.points(x[wanted], y[wanted]), LONGEST_M)
    if len(x) == 1:
        return discs
    corners = shapely.MultiPoint(np.column_stack([x, y]))
    around = shapely.box(x.min() - BEYOND_M, y.min() - BEYOND_M, x.max() + BEYOND_M, y.max() + BEYOND_M)
    cells = shapely.get_parts(shapely.voronoi_polygons(corners, extend_to=around))
    at, cell = shapely.STRtree(cells).query(shapely.points(x[wanted], y[wanted]), predicate="intersects")
    own = np.empty(len(wanted), dtype=object)
    own[at] = cells[cell]
    beyond = ~shapely.contains_properly(discs, own)
    own[beyond] = shapely.intersection(own[beyond], discs[beyond])
    return own


def _name_streets(
    street: np.ndarray,
    how: np.ndarray,
    names: list[str],
    spots: np.ndarray,
    called: list[str],
    lines: np.ndarray,
) -> None:
    """Name the street nearest to each point that has none of its own name."""
    named, rows = np.array([i for i, name in enumerate(called) if name], int), np.flatnonzero(how == "")
    if not len(named) or not len(rows):
        return
    (at, link), away = shapely.STRtree(lines[named]).query_nearest(
        spots[rows], max_distance=_NEAR_M, return_distance=True, all_matches=False
    )
    for row, one, metres in zip(rows[at].tolist(), named[link].tolist(), away.tolist(), strict=True):
        street[row] = called[one]
        how[row] = "nearest" if not names[row] and metres <= NEAREST_M else "near"
