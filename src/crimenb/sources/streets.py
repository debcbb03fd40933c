"""The streets under a map: what of them a snapshot keeps, and which stretch stands for which map point.

A map point that a street of its name passes is drawn as its own stretch: that street, as far as no other
known map point is nearer, and no farther than 200 m. The whole street would claim places whose records
are moved to other points (R23).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from crimenb.data import frame
from crimenb.geo import distances, from_wkb, in_degrees, map_square, to_metres

if TYPE_CHECKING:
    import geopandas as gpd

ON_M, NEAREST_M, GAP_M, LONGEST_M = 10.0, 5.0, 50.0, 200.0
"""Metres: to the street of a point's name, or of any name where it has none; between parts of one street;
and from a point to the end of its stretch."""

BEYOND_M = 2 * LONGEST_M
"""So far beyond an area a map point may be nearer to a part of a stretch than the area's own."""

_NEAR_M, _SIMPLER_M = 250.0, 4.0


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
    rows = rows.drop(columns="geometry")
    key = str(place["postcode"].iloc[0])
    is_street = (rows["kind"] == "street").to_numpy()
    stretches = _stretches(rows[is_street].reset_index(drop=True), shapes[is_street], place, points)
    ground = _ground(rows, shapes, place)
    return frame("streets", ground.assign(postcode=key)), frame("stretches", stretches.assign(postcode=key))


def _ground(rows: pd.DataFrame, shapes: np.ndarray, place: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return what lies in the map's square, the links of a street as one line."""
    x, y, reach = map_square(place)
    inside = shapely.clip_by_rect(shapes, x - reach, y - reach, x + reach, y + reach)
    parts, at = shapely.get_parts(inside, return_index=True)
    columns = ["kind", "road_class", "name", "number"]
    groups = rows.loc[at, columns].reset_index(drop=True).groupby(columns)
    found: pd.DataFrame = groups.size().index.to_frame(index=False)
    shapes = _joined(parts, groups.ngroup().to_numpy(), len(found))
    found["geometry"] = in_degrees(shapes)
    return found


def _joined(parts: np.ndarray, group: np.ndarray, groups: int) -> np.ndarray:
    """Return the lines of each group joined where two of them meet, and its areas, to four metres."""
    joined = np.full(groups, shapely.MultiLineString(), dtype=object)
    parts = np.where(shapely.get_dimensions(parts) == 2, shapely.simplify(parts, _SIMPLER_M), parts)
    for kind, together in ((1, shapely.multilinestrings), (2, shapely.multipolygons)):
        kept = np.flatnonzero((shapely.get_dimensions(parts) == kind) & ~shapely.is_empty(parts))
        kept = kept[np.argsort(group[kept], kind="stable")]
        if len(kept):
            wanted, number = np.unique(group[kept], return_inverse=True)
            joined[wanted] = together(parts[kept], indices=number)
    lines = shapely.get_dimensions(joined) == 1
    joined[lines] = shapely.simplify(shapely.line_merge(joined[lines]), _SIMPLER_M)
    return joined


def _stretches(
    links: pd.DataFrame, lines: np.ndarray, place: gpd.GeoDataFrame, points: pd.DataFrame
) -> pd.DataFrame:
    """Return a row for each map point in the area: its street, how it is known, and its stretch."""
    known = points.groupby(["longitude", "latitude"], sort=True)["snapped_to"].max().reset_index()
    lon, lat = known["longitude"].to_numpy(), known["latitude"].to_numpy()
    x, y = to_metres(lon, lat)
    inside = np.flatnonzero(distances(place, lon, lat)[1])
    table = known.loc[inside].reset_index(drop=True)
    table = table.assign(street="", how="", geometry=[shapely.MultiLineString()] * len(table))
    if not len(table) or not len(lines):
        return table
    spots = shapely.points(x, y)[inside]
    calls = plain(table["snapped_to"])
    # A street once under each of its names that a point bears.
    names = [plain(links[column]) for column in ("name", "other_name", "number")]
    called = np.concatenate(names)
    some = np.flatnonzero(np.isin(called, [*filter(None, calls)]))
    called, ways = called[some], np.tile(lines, len(names))[some]
    part = _parts(called, ways)
    at, link = shapely.STRtree(ways).query(spots, predicate="dwithin", distance=ON_M)
    same = calls[at] == called[link]
    at, link = at[same], link[same]
    order = np.lexsort((link, shapely.distance(spots[at], ways[link]), at))
    at, first = np.unique(at[order], return_index=True)
    own = pd.DataFrame({"at": at, "part": part[link[order][first]], "field": _fields(x, y, inside[at])})
    own = own.merge(pd.DataFrame({"part": part, "line": ways}), on="part")
    pieces, pair = shapely.get_parts(
        shapely.intersection(own["line"].to_numpy(), own["field"].to_numpy()), return_index=True
    )
    stretches = _joined(pieces, own["at"].to_numpy()[pair], len(table))
    drawn = ~shapely.is_empty(stretches)
    table = table.assign(how=np.where(drawn, "name", ""), geometry=in_degrees(stretches))
    _name_streets(table, spots, links, lines)
    return table


def _parts(called: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Give each line the number of its street: two streets far apart may share a name."""
    one, other = shapely.STRtree(lines).query(lines, predicate="dwithin", distance=GAP_M)
    same = called[one] == called[other]
    ends = (np.ones(int(same.sum())), (one[same], other[same]))
    return np.asarray(connected_components(coo_array(ends, shape=(len(lines),) * 2), directed=False)[1])


def plain(names: pd.Series) -> np.ndarray:
    """Return names as they are compared: police.uk writes "St John'S Road"."""
    return names.str.casefold().str.replace("['’]", "", regex=True).to_numpy(dtype=object)


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
    return np.asarray(shapely.intersection(own, discs))


def _name_streets(table: pd.DataFrame, spots: np.ndarray, links: pd.DataFrame, lines: np.ndarray) -> None:
    """Name the street nearest to each point that has none of its own name."""
    named = np.flatnonzero((links["name"] != "").to_numpy())
    rows = np.flatnonzero((table["how"] == "").to_numpy())
    if not len(named) or not len(rows):
        return
    (at, link), away = shapely.STRtree(lines[named]).query_nearest(
        spots[rows], max_distance=_NEAR_M, return_distance=True, all_matches=False
    )
    table.loc[rows[at], "street"] = links["name"].to_numpy()[named[link]]
    unnamed = (table["snapped_to"].to_numpy()[rows[at]] == "") & (away <= NEAREST_M)
    table.loc[rows[at], "how"] = np.where(unnamed, "nearest", "near")
