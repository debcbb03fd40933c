"""What every source makes of a place: its row, and the map points around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from crimenb.data import frame
from crimenb.geo import LONLAT, circle
from crimenb.schema import CATEGORIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crimenb.query import Area

ORDER = ["month", "category", "longitude", "latitude", "snapped_to", "crime_id", "outcome"]
"""How records are sorted; who reported them comes last, as only one source knows it."""


def place_row(row: Mapping[Any, Any], area: Area | None = None) -> gpd.GeoDataFrame:
    """Return the row of `places` (EPSG:4326) of a postcode's mile, or of a custom area.

    Parameters
    ----------
    row
        `postcode`, `longitude`, `latitude`, and any other column that is known.
    area
        The custom area; without it, the circle of one mile.
    """
    x, y = float(row["longitude"]), float(row["latitude"])
    known = {c: row.get(c, "") for c in ("district", "ward", "parish", "lsoa", "force", "remark")}
    shape = area.geometry if area is not None else circle(x, y)
    kind = "area" if area is not None else "circle"
    one = known | {
        "postcode": row["postcode"], "longitude": x, "latitude": y,
        "role": "main", "kind": kind, "geometry": shape,
    }  # fmt: skip
    return frame("places", pd.DataFrame([one]))


def nearby(known: pd.DataFrame, asked: pd.DataFrame) -> gpd.GeoDataFrame:
    """Count the records of the period at every point that the source knows.

    Parameters
    ----------
    known
        Records of any month, with `postcode`, `longitude`, `latitude`, `snapped_to`,
        `distance_m`.
    asked
        Those of the months asked for, with `category`.
    """
    key = ["postcode", "longitude", "latitude"]
    points = known.groupby(key, sort=True).agg(
        snapped_to=("snapped_to", "max"), distance_m=("distance_m", "first")
    )
    mix = asked.groupby([*key, "category"]).size().unstack(fill_value=0)
    mix = mix.reindex(index=points.index, columns=list(CATEGORIES), fill_value=0).astype("int64")
    records = asked.groupby(key).size().reindex(points.index, fill_value=0)
    table = points.join(mix).assign(records=records.astype("int64")).reset_index()
    table["geometry"] = gpd.points_from_xy(table["longitude"], table["latitude"])
    return gpd.GeoDataFrame(frame("nearby", table), geometry="geometry", crs=LONLAT)
