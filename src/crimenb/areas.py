"""How police.uk is asked about an area: points that tell the force, polygons, and quarters."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
import shapely

from crimenb.errors import PlaceNotFound
from crimenb.tables import BTP, MILE_M, force_name, frame, in_degrees, in_metres, to_lonlat, to_metres

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd

    from crimenb.answers import Beat

SPOTS = 17
DEEPEST = 8
"""How often an area is quartered at most: a cell is then a few streets."""

_MARGIN_DEG = 2e-5
"""About two metres: what lies on an edge is asked for and then judged by our own measure."""
_SEGMENT_M, _SEGMENT_DEG = 1000.0, 0.01
# The plastic number's sequence fills a square more evenly than chance, and needs no seed.
_R2 = (0.7548776662466927, 0.5698402909980532)


class Cell(NamedTuple):
    """A box in degrees that holds its west and south edges, not its east and north ones."""

    west: float
    south: float
    east: float
    north: float
    depth: int = 0

    def holds(self, longitude: float, latitude: float) -> bool:
        """Whether a position is this cell's; one without coordinates is anybody's."""
        if math.isnan(longitude):
            return True
        return self.west <= longitude < self.east and self.south <= latitude < self.north

    def quarters(self) -> list[Cell]:
        """Return four cells that share the box without gap or overlap."""
        x, y = (self.west + self.east) / 2, (self.south + self.north) / 2
        return [
            Cell(w, s, e, n, self.depth + 1)
            for w, e in ((self.west, x), (x, self.east))
            for s, n in ((self.south, y), (y, self.north))
        ]


def first_cell(place: gpd.GeoDataFrame) -> Cell:
    """Return the box around an area, with room on all sides."""
    west, south, east, north = place.geometry.iloc[0].bounds
    room = 10 * _MARGIN_DEG
    return Cell(west - room, south - room, east + room, north + room)


def polygons(place: gpd.GeoDataFrame, cell: Cell) -> Iterator[str]:
    """Yield what of the area lies in a cell, a little wider, as police.uk writes polygons.

    Holes are asked for too, and taken out later. Long edges are broken up, so that it does not
    matter whether the service draws them straight on the globe or on a map.
    """
    metres = shapely.segmentize(in_metres(place.geometry.iloc[0]), _SEGMENT_M)
    shape = in_degrees(metres)
    box = shapely.box(cell.west, cell.south, cell.east, cell.north)
    part = shapely.segmentize(shapely.make_valid(shape).intersection(box), _SEGMENT_DEG)
    wider = part.buffer(_MARGIN_DEG, join_style="mitre", cap_style="square")
    for polygon in shapely.get_parts(wider):
        ring = polygon.exterior.coords[:-1]
        yield ":".join(f"{y:.6f},{x:.6f}" for x, y in ring)


def spots(place: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    """Return points (longitude, latitude) that stand for equal parts of an area, centre first.

    In a circle: the centre, eight on a ring at 0.54 and eight at 0.87 of the radius, each in
    the middle of a seventeenth of the area.
    """
    row = place.iloc[0]
    centre = (float(row["longitude"]), float(row["latitude"]))
    if row["kind"] == "circle":
        turn = np.arange(8) * np.pi / 4
        angle = np.concatenate([turn, turn + np.pi / 8])
        away = MILE_M * np.repeat(np.sqrt([5 / SPOTS, 13 / SPOTS]), 8)
        cx, cy = to_metres(*centre)
        x, y = to_lonlat(cx + away * np.sin(angle), cy + away * np.cos(angle))
        return [centre, *zip(x.tolist(), y.tolist(), strict=True)]
    shape = place.geometry.iloc[0]
    west, south, east, north = shape.bounds
    steps = np.arange(1, 4000)
    x, y = (
        low + (high - low) * ((0.5 + steps * by) % 1)
        for low, high, by in ((west, east, _R2[0]), (south, north, _R2[1]))
    )
    inside = shapely.contains_xy(shape, x, y)
    return [centre, *zip(x[inside].tolist(), y[inside].tolist(), strict=True)][:SPOTS]


def coverage(postcode: str, beats: Sequence[Beat | None]) -> gpd.GeoDataFrame:
    """Return the frame `coverage`: shares by force from what police.uk said of each spot.

    A spot it does not know (sea, or another country) counts to no force. `months` stays empty:
    the service does not tell who supplied what; geometry is empty: nor where one force ends.

    Raises:
        PlaceNotFound: police.uk knows none of the spots.
    """
    known = Counter(b.force for b in beats if b is not None)
    if not known:
        msg = (
            f"police.uk knows no police force anywhere in {postcode!r}; "
            "choose a place in England, Wales or Northern Ireland."
        )
        raise PlaceNotFound(msg)
    method = f"estimated: police.uk named the force of {len(beats)} points spread evenly over the area"
    if outside := len(beats) - known.total():
        method += f"; {outside} lie outside its data (sea, or another country)"
    shares = [*sorted(known.items(), key=lambda item: (-item[1], item[0])), (BTP, 0)]
    rows = [
        {
            "postcode": postcode, "force": f, "force_name": force_name(f),
            "share": round(n / len(beats), 4), "method": method, "months": "",
            "geometry": shapely.Polygon(),
        }
        for f, n in shares
    ]  # fmt: skip
    return frame("coverage", pd.DataFrame(rows))


def shortened(value: str) -> str:
    """Return a parameter as the provenance shows it: a polygon by its hash."""
    if len(value) <= 40:
        return value
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
