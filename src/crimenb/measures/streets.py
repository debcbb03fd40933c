"""Which records a map draws as streets and which as circles (R23). Distances in metres (EPSG:27700)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import remembered
from crimenb.geo import to_metres
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


def numbered(data: Data, table: pd.DataFrame) -> pd.DataFrame:
    """Return the points that bear a number or a letter on the map, ordered by distance from the centre.

    Parameters
    ----------
    table
        What `with_streets` returned. Of streets and places those with the most records are chosen;
        the order says nothing of that.

    Returns
    -------
    DataFrame
        `mark`, `name`, `street`, `is_street`, `away` (metres) and `towards` (degrees from north).
    """
    is_street = table["how"] == OWN
    named = table["snapped_to"] != ""
    chosen = table[is_street].head(STREETS_NUMBERED), table[~is_street & named].head(PLACES_NUMBERED)
    row = data.main.places.iloc[0]
    cx, cy = to_metres(row["longitude"], row["latitude"])
    parts = []
    for some, first in zip(chosen, "1A", strict=True):
        x, y = to_metres(some.geometry.x.to_numpy(), some.geometry.y.to_numpy())
        towards = np.degrees(np.arctan2(x - cx, y - cy)) % 360
        rows = some.assign(
            away=np.hypot(x - cx, y - cy), towards=towards, is_street=first == "1"
        ).sort_values(["away", "snapped_to"], kind="stable")
        parts.append(rows.assign(mark=[chr(ord(first) + i) for i in range(len(rows))]))
    return pd.concat(parts)
