"""The streets of live reports: squares of OS Open Roads that `crimenb fetch streets` has put into the cache.

An edition is a folder there, and a square of 100 km a file of it, in the form of an archive's streets.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd
import pyarrow.parquet as pq

from crimenb.errors import SourceError
from crimenb.files import cache_folder, read_regular, regular
from crimenb.sources import streets

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

EDITION = "streets.json"
"""Name of the file that says which squares there are of an edition, and who is named below a map of it."""

_SIDE_M = 100_000


class Kept(NamedTuple):
    """The streets in the square of a map, as an archive has them, and where they are from."""

    rows: pd.DataFrame
    edition: str
    attribution: str


def folder() -> Path:
    """Return the cache's folder of editions."""
    return cache_folder() / "streets"


def squares_of(place: gpd.GeoDataFrame) -> list[str]:
    """Return the 100 km squares of the National Grid that a place's map touches."""
    west, south, east, north = (int(metres // _SIDE_M) for metres in streets.square(place))
    return [letters(e, n) for e in range(west, east + 1) for n in range(south, north + 1)]


def letters(e: int, n: int) -> str:
    """Return the letters of a square, so many hundred kilometres east and north.

    >>> letters(4, 3), letters(5, 1), letters(0, 0)
    ('SK', 'TQ', 'SV')
    """
    names = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
    return names[(19 - n) // 5 * 5 + (e + 10) // 5] + names[(19 - n) % 5 * 5 + e % 5]


def read(place: gpd.GeoDataFrame) -> Kept | None:
    """Return the streets around a place, of the newest edition that has all its squares; None of none.

    Raises
    ------
    SourceError
        A file is damaged.
    """
    wanted = squares_of(place)
    for file in sorted(folder().glob(f"*/{EDITION}"), reverse=True):
        try:
            known = json.loads(read_regular(file, error=SourceError))
            offered, attribution = {*known["squares"]}, str(known["attribution"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SourceError(_damaged(file, "")) from error
        paths = [file.with_name(f"{s}.parquet") for s in wanted if s in offered]
        if paths and all(regular(p, SourceError).is_file() for p in paths):
            parts = [_in(path, *streets.square(place)) for path in paths]
            # What lies across the border of two squares is in both.
            rows = pd.concat(parts, ignore_index=True).drop_duplicates(ignore_index=True)
            return Kept(rows, str(known["edition"]), attribution)
    return None


def _in(path: Path, west: float, south: float, east: float, north: float) -> pd.DataFrame:
    inside = [("x1", ">=", west), ("x0", "<=", east), ("y1", ">=", south), ("y0", "<=", north)]
    try:
        found: pd.DataFrame = pq.read_table(path, filters=inside, partitioning=None).to_pandas()
    except Exception as error:  # whatever a library makes of a damaged file
        raise SourceError(_damaged(path, f" --squares {path.stem}")) from error
    return found


def _damaged(path: Path, which: str) -> str:
    return f"{str(path)!r} is damaged; delete it, and run 'crimenb fetch streets{which}' again."
