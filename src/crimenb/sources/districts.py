"""Which district a map point is in: that of the nearest postcode; and the records of each district."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from crimenb.geo import to_metres
from crimenb.schema import BTP

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "district_counts.parquet"
"""Located records of territorial forces by district, month and category."""

NEAR_M = 3_000.0
"""What is farther from any postcode than this is in no district."""


def nearest(
    codes: pd.DataFrame, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Return for each point the row of the postcode nearest to it, -1 where none is within 3 km.

    Parameters
    ----------
    codes
        Postcodes with `longitude` and `latitude`; of several in one spot the first counts.
    longitude, latitude
        The points.
    """
    row = np.full(len(longitude), -1)
    if len(codes) and len(longitude):
        spots = codes[["longitude", "latitude"]].reset_index(drop=True).drop_duplicates()
        tree = cKDTree(
            np.column_stack(to_metres(spots["longitude"].to_numpy(), spots["latitude"].to_numpy()))
        )
        away, at = tree.query(np.column_stack(to_metres(longitude, latitude)), distance_upper_bound=NEAR_M)
        near = np.isfinite(away)
        row[near] = spots.index.to_numpy()[at[near]]
    return row


def postcodes(db: duckdb.DuckDBPyConnection, folder: Path) -> pd.DataFrame:
    """Return the placed postcodes of an archive's version, in their order."""
    return db.execute(
        "SELECT postcode, longitude, latitude, district, district_name, lsoa, force FROM read_parquet(?) "
        "WHERE refused = '' ORDER BY postcode",
        [str(folder / "postcodes.parquet")],
    ).df()


def count(db: duckdb.DuckDBPyConnection, folder: Path, codes: pd.DataFrame) -> None:
    """Write the counts of a version's records by district, month and category beside them."""
    points = db.execute(
        "SELECT DISTINCT longitude, latitude FROM read_parquet(?)", [str(folder / "street.parquet")]
    ).df()
    row = nearest(codes, points["longitude"].to_numpy(), points["latitude"].to_numpy())
    placed = points[row >= 0].assign(district=codes["district"].to_numpy()[row[row >= 0]])
    (folder / FILE).unlink(missing_ok=True)  # it may be shared with the version before
    db.register("placed", placed)
    db.execute(
        "COPY (SELECT district, month, category, count(*)::BIGINT AS located FROM read_parquet($street) "
        "JOIN placed USING (longitude, latitude) WHERE force <> $btp AND district <> '' GROUP BY ALL "
        "ORDER BY ALL) TO $path (FORMAT parquet, COMPRESSION zstd)",
        {"street": str(folder / "street.parquet"), "btp": BTP, "path": str(folder / FILE)},
    )
    db.unregister("placed")
