"""Which records a map draws as streets and which as circles (R23). Distances in metres (EPSG:27700)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import remembered
from crimenb.geo import map_square, to_metres
from crimenb.measures.counts import by_point, count_by_point, records
from crimenb.schema import ASB

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crimenb.data import Data

OWN, NEAREST = "name", "nearest"
"""How a point's street is known: it bears its name; or it bears none, and the street is within 5 m."""

CLASSES = (
    (1, 2, 5, 10, 25),
    (1, 5, 10, 25, 50),
    (1, 10, 25, 50, 100),
    (1, 25, 50, 100, 250),
    (1, 50, 100, 250, 500),
)
"""Where the five classes of streets may begin, in records."""

_HIGHEST = 0.08
"""The highest class holds no more than this share of the streets, where any of these classes does."""

STREETS_NUMBERED, PLACES_NUMBERED = 8, 5
"""So many at most bear a number or a letter on one map."""

ENLARGED_M, _GRID_M = 600, 50
"""Side of the square that is drawn larger, and the steps in which it is looked for."""

_CROWDED, _LARGER = 20, 3
"""A square with fewer points is legible as it is; one that would become less than three times as large too."""


class Square(NamedTuple):
    """A square on the map: its middle in metres from the map's own, and half its side."""

    x: int
    y: int
    half: int


class Drawn(NamedTuple):
    """The crimes that the map draws as streets and as circles, and those it does not draw."""

    streets: int
    circles: int
    off: int


def has_streets(data: Data) -> bool:
    """Whether the main place's map has streets."""
    return bool(len(data.main.streets))


def with_streets(data: Data, table: pd.DataFrame) -> pd.DataFrame:
    """Return a table of map points with how each is drawn, and the street that names it: `how`, `street`.

    Parameters
    ----------
    table
        What `count_by_point` returns.
    """
    known = data.stretches
    told = zip(known["how"].tolist(), known["street"].tolist(), strict=True)
    by_point = dict(zip(_points(known["longitude"], known["latitude"]), told, strict=True))
    found = [by_point.get(point, ("", "")) for point in _points(table.geometry.x, table.geometry.y)]
    return table.assign(
        **{c: pd.array([f[i] for f in found], dtype="str") for i, c in enumerate(("how", "street"))}
    )


def _points(longitude: pd.Series, latitude: pd.Series) -> Iterator[tuple[float, float]]:
    return zip(longitude.tolist(), latitude.tolist(), strict=True)


@remembered
def crimes_drawn(data: Data) -> pd.DataFrame:
    """Return the main place's points with crimes, most first, and how each is drawn."""
    table = with_streets(data.main, count_by_point(data))
    return table[table["n"] > 0]


@remembered
def drawn(data: Data) -> Drawn:
    """Count the crimes on the map by how they are drawn."""
    data = data.main
    table = by_point(data)
    known = data.stretches[data.stretches["how"] == OWN]
    own = table.index.isin(list(zip(known["longitude"], known["latitude"], strict=True)))
    streets, on_map = int(table.loc[own, "crime"].sum()), int(table["crime"].sum())
    crimes = int((records(data)["category"] != ASB).sum())
    return Drawn(streets, on_map - streets, crimes - on_map)


def classes(counts: pd.Series) -> list[int]:
    """Return where the classes of streets begin: five, or as many as reach to the largest count."""
    fits = (c for c in CLASSES if (counts >= c[-1]).mean() <= _HIGHEST)
    chosen = next(fits, CLASSES[-1])
    return [low for low in chosen if low <= max([1, *counts])]


def enlarged(data: Data, table: pd.DataFrame) -> Square | None:
    """Return the square in which the points are closest together, where it needs a map of its own.

    Parameters
    ----------
    table
        The points on the map of the place that `data` is of. The records of each do not matter.
    """
    x, y, reach = map_square(data.main.places)
    half = ENLARGED_M // 2
    steps = int((reach - half) // _GRID_M)
    if reach < half * _LARGER or len(table) < _CROWDED:
        return None
    edges = np.arange(-steps * _GRID_M - half, steps * _GRID_M + half + 1, _GRID_M)
    xs, ys = _from(x, y, table)
    cells, _, _ = np.histogram2d(xs, ys, [edges, edges])
    wide = ENLARGED_M // _GRID_M
    within = np.lib.stride_tricks.sliding_window_view(cells, (wide, wide)).sum(axis=(2, 3))
    east, north = (v.ravel() for v in np.indices(within.shape))
    east, north = (east - steps) * _GRID_M, (north - steps) * _GRID_M
    best = np.lexsort((np.hypot(east, north), -within.ravel()))[0]
    return Square(int(east[best]), int(north[best]), half) if within.max() >= _CROWDED else None


def is_within(data: Data, table: pd.DataFrame, square: Square | None) -> np.ndarray:
    """Whether each point is in the square that is drawn larger; none is where there is no such square."""
    if square is None:
        return np.zeros(len(table), dtype=bool)
    x, y, _ = map_square(data.main.places)
    xs, ys = _from(x + square.x, y + square.y, table)
    inside: np.ndarray = np.maximum(abs(xs), abs(ys)) <= square.half
    return inside


def _from(x: float, y: float, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the points in metres from a place (EPSG:27700)."""
    xs, ys = to_metres(table.geometry.x.to_numpy(), table.geometry.y.to_numpy())
    return xs - x, ys - y


def numbered(data: Data, table: pd.DataFrame) -> pd.DataFrame:
    """Return the points that bear a number or a letter, ordered by distance from the centre on each map.

    Parameters
    ----------
    table
        What `with_streets` returned. Of streets and places those with the most records are chosen;
        the order says nothing of that.

    Returns
    -------
    DataFrame
        `mark`, `name`, `street`, `is_street`, `is_enlarged`, `away` (metres) and `towards` (degrees from
        north). Numbers and letters begin on the map of the whole area and go on on the enlarged one.
    """
    inside = is_within(data, table, enlarged(data, table))
    is_street, named = (table["how"] == OWN).to_numpy(), (table["snapped_to"] != "").to_numpy()
    row = data.main.places.iloc[0]
    x, y = to_metres(row["longitude"], row["latitude"])
    east, north = _from(float(x), float(y), table)
    away, name = np.hypot(east, north), table["snapped_to"].to_numpy()
    chosen, marks = [], []
    for kind, most, first in (
        (is_street, STREETS_NUMBERED, 1),
        (~is_street & named, PLACES_NUMBERED, ord("A")),
    ):
        maps = [np.flatnonzero(kind & where)[:most] for where in (~inside, inside)]
        some = [i for rows in maps for i in sorted(rows, key=lambda i: (away[i], name[i]))]
        chosen += some
        marks += [str(i) if first == 1 else chr(i) for i in range(first, first + len(some))]
    return table.iloc[chosen].assign(
        mark=marks, is_street=is_street[chosen], is_enlarged=inside[chosen], away=away[chosen],
        towards=np.degrees(np.arctan2(east, north))[chosen] % 360,
    )  # fmt: skip
