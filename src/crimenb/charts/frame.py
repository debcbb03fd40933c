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
    """A square in metres (EPSG:27700): its centre, half its side, and the area inside."""

    x: float
    y: float
    reach: float
    outline: BaseGeometry
    kind: str

    def metres(self, table: Any) -> pd.DataFrame:
        """Return the table's points (EPSG:4326) in whole metres from the centre."""
        if not len(table):
            return pd.DataFrame({"x": [], "y": []})
        xs, ys = to_metres(table.geometry.x.to_numpy(), table.geometry.y.to_numpy())
        return pd.DataFrame({"x": np.round(xs - self.x), "y": np.round(ys - self.y)}).astype(int)

    def axes(self) -> dict[str, Any]:
        """Return the encodings that put metres on two equal axes."""
        scale = alt.Scale(domain=[-round(self.reach), round(self.reach)], nice=False, zero=False)
        return {"x": alt.X("x:Q", scale=scale, axis=None), "y": alt.Y("y:Q", scale=scale, axis=None)}


def frame_of(data: Data) -> Frame:
    """Return the frame of the main place's map."""
    places = data.main.places
    return Frame(*map_square(places), in_metres(places.geometry.iloc[0]), str(places["kind"].iloc[0]))
