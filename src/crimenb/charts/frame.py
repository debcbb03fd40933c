"""The square of a map: metres from its centre, on two equal axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import altair as alt
import numpy as np
import pandas as pd

from crimenb.geo import in_metres, map_square, to_metres

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from crimenb.data import Data


class Frame(NamedTuple):
    """A square in metres (EPSG:27700): its centre, half its side, and the area it shows."""

    x: float
    y: float
    reach: float
    outline: BaseGeometry
    kind: str
    east: float = 0
    north: float = 0
    """Where its middle is from that centre: only of a part that is drawn larger."""

    def metres(self, table: Any) -> pd.DataFrame:
        """Return the table's points (EPSG:4326) in whole metres from the centre."""
        if not len(table):
            return pd.DataFrame({"x": [], "y": []})
        xs, ys = to_metres(table.geometry.x.to_numpy(), table.geometry.y.to_numpy())
        return pd.DataFrame({"x": np.round(xs - self.x), "y": np.round(ys - self.y)}).astype(int)

    def axes(self, x: str = "x", y: str = "y") -> dict[str, Any]:
        """Return the encodings that put metres, in these fields, on two equal axes."""
        east, north = (
            alt.Scale(domain=[middle - round(self.reach), middle + round(self.reach)], nice=False, zero=False)
            for middle in (self.east, self.north)
        )
        return {"x": alt.X(f"{x}:Q", scale=east, axis=None), "y": alt.Y(f"{y}:Q", scale=north, axis=None)}

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, south, east, north in metres from the centre."""
        east, north, reach = self.east, self.north, self.reach
        return (east - reach, north - reach, east + reach, north + reach)

    @property
    def bar(self) -> int:
        """Metres that the bar of its scale is long."""
        return 500 if self.reach > 1000 else 100


def frame_of(data: Data) -> Frame:
    """Return the frame of the main place's map."""
    places = data.main.places
    return Frame(*map_square(places), in_metres(places.geometry.iloc[0]), str(places["kind"].iloc[0]))
