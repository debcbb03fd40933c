"""Places to compare a place with: miles around postcodes that do not overlap, and the records of each.

They are picked in one pass when an archive is built, in order of postcode: the first, then each whose centre
is two miles or more from every one before it. Another archive of the same postcodes has the same miles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from scipy.spatial import cKDTree

from crimenb.geo import METRES, MILE_M, to_metres
from crimenb.month_status import LEAST_SHARE
from crimenb.schema import BTP, district_names
from crimenb.sources import gazetteer

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import duckdb

FILE, COUNTS = "candidates.parquet", "candidate_counts.parquet"
"""The miles; and their located records of territorial forces by month and category, where there are any."""

_CODES = (
    "(SELECT *, row_number() OVER (ORDER BY postcode) - 1 AS nth FROM read_parquet(?) "
    "WHERE refused = '' AND remark = '' AND force <> '')"
)
"""The postcodes in use whose position is known well, numbered in their order."""

_APART_M = MILE_M / 7
"""Between the spots of a mile that are asked which force is theirs."""

_GAP_APART_M = 400.0


def write(db: duckdb.DuckDBPyConnection, folder: Path, *, complete: bool) -> int:
    """Pick the candidates of an archive that is being built, and count the records of its table `street` in them.

    Parameters
    ----------
    db
        The build's database.
    folder
        The version that is written; without postcodes it gets no candidates.
    complete
        Whether its postcodes are those of the whole country.

    Returns
    -------
    int
        How many there are: those that lie wholly in forces of which the archive has files.
    """
    if not (folder / "postcodes.parquet").is_file():
        return 0
    path = str(folder / "postcodes.parquet")
    codes = db.execute(f"SELECT longitude, latitude, force FROM {_CODES} ORDER BY nth", [path]).fetchnumpy()
    xy = np.column_stack(to_metres(codes["longitude"], codes["latitude"]))
    tree = cKDTree(xy)
    chosen = _picked(xy, tree)
    rows = db.execute(
        "SELECT postcode, longitude, latitude, district, district_name, ward_name "
        f"FROM {_CODES} WHERE nth IN (SELECT unnest(?)) ORDER BY nth",
        [path, chosen.tolist()],
    ).df()
    forces = _forces(xy[chosen], _areas(folder), tree, np.asarray(codes["force"]), complete=complete)
    held = {force for (force,) in db.execute("SELECT DISTINCT force FROM counts").fetchall()}
    whole = np.array([bool(f) and set(f.split()) <= held for f in forces], bool)
    rows = rows.assign(name=_names(rows), force=forces)[whole]
    db.register("picked", rows)
    db.execute(
        "COPY (SELECT postcode, name, force, longitude, latitude, '' AS rural_urban, 0::BIGINT AS residents, "
        "0::BIGINT AS jobs FROM picked) TO $path (FORMAT parquet, COMPRESSION zstd)",
        {"path": str(folder / FILE)},
    )
    db.unregister("picked")
    _count(db, folder / COUNTS, rows["postcode"].to_numpy(), xy[chosen][whole])
    return len(rows)


def _picked(xy: np.ndarray, tree: cKDTree) -> np.ndarray:
    """Return which postcodes are centres, in their order."""
    free, chosen = np.ones(len(xy), bool), []
    for i in range(len(xy)):
        if free[i]:
            chosen.append(i)
            free[tree.query_ball_point(xy[i], 2 * MILE_M)] = False
    return np.array(chosen, int)


def _names(rows: pd.DataFrame) -> list[str]:
    """Return what each candidate is called: its ward and district, as far as their names are known."""
    known = district_names()
    parts = zip(rows["ward_name"], rows["district_name"], rows["district"], strict=True)
    return [", ".join(filter(None, (ward, name or known.get(code, "")))) for ward, name, code in parts]


def _count(db: duckdb.DuckDBPyConnection, target: Path, postcodes: np.ndarray, centres: np.ndarray) -> None:
    """Count the records of the table `street` in each candidate; a map point lies in one at most."""
    points = db.execute(
        "SELECT DISTINCT longitude, latitude FROM street WHERE longitude IS NOT NULL"
    ).fetchnumpy()
    x, y = (np.asarray(points[c], float) for c in ("longitude", "latitude"))
    nearest = np.full(len(x), len(centres))
    if len(x) and len(centres):
        limit = np.nextafter(MILE_M, np.inf)  # the query leaves out what lies at the limit itself
        _, nearest = cKDTree(centres).query(np.column_stack(to_metres(x, y)), distance_upper_bound=limit)
    inside = nearest < len(centres)
    placed = {"longitude": x[inside], "latitude": y[inside], "candidate": postcodes[nearest[inside]]}
    db.register("placed", pd.DataFrame(placed).astype({"candidate": "str"}))
    db.execute(
        "COPY (SELECT candidate, month, category, count(*)::INTEGER AS records FROM street "
        f"JOIN placed USING (longitude, latitude) WHERE force <> '{BTP}' GROUP BY ALL ORDER BY ALL) "
        "TO $path (FORMAT parquet, COMPRESSION zstd)",
        {"path": str(target)},
    )
    db.unregister("placed")


# ------------------------------------------------------------------------ which are like a place

WITHIN = 0.25
"""So far may residents, and jobs for each resident, differ from the place's own, as a share of them."""

FACTOR = 1.5
"""Where an archive has no residents: crime differs by this factor at most."""

MOST = 200
"""Of more like places those are taken that are nearest in residents (or crime)."""


class Size(NamedTuple):
    """What a place is like: its residents, its jobs, its rural-urban class (0 and "" where unknown), its crimes."""

    residents: int
    jobs: int
    rural_urban: str
    crime: int


def alike(table: pd.DataFrame, here: Size) -> pd.DataFrame:
    """Return the candidates that are like a place, in their order.

    Where any candidate has residents, they are of the same rural-urban class, with residents and jobs for each
    resident within 25 %; else with crimes within a factor of 1.5. What an archive has of no candidate (jobs,
    classes) is not asked for.

    Parameters
    ----------
    table
        A row a candidate that may be compared: `residents`, `jobs`, `rural_urban`, `crime`.
    here
        The place itself.
    """
    by = "residents" if (table["residents"] > 0).any() else "crime"
    size, own = table[by].astype("float64"), float(getattr(here, by))
    if own <= 0:
        return table.iloc[:0]
    if by == "crime":
        is_like = size.between(own / FACTOR, own * FACTOR)
    else:
        is_like = abs(size / own - 1) <= WITHIN
        if (table["rural_urban"] != "").any():
            is_like &= table["rural_urban"] == here.rural_urban
        if (table["jobs"] > 0).any():
            own_jobs = here.jobs / own
            is_like &= abs(table["jobs"] / size.where(size > 0) - own_jobs) <= WITHIN * own_jobs
    found = table[is_like]
    nearest = np.argsort(abs(np.log(size[is_like].to_numpy() / own)), kind="stable")[:MOST]
    return found.iloc[np.sort(nearest)]


# ------------------------------------------------------------------------ whose area


def _areas(folder: Path) -> dict[str, Any]:
    """Return the force areas of an archive, in metres; none where it has none."""
    file = folder / "forces.parquet"
    if not file.is_file():
        return {}
    areas = gpd.read_parquet(file).to_crs(METRES)
    return dict(zip(areas["force"], areas.geometry, strict=True))


def _forces(
    centres: np.ndarray, areas: Mapping[str, Any], tree: cKDTree, force_of_code: np.ndarray, *, complete: bool
) -> list[str]:
    """Return the forces with 2 % or more of each mile, separated by spaces; "" where not all of it is known.

    Force areas decide as far as they reach, then the nearest postcode of each of some 150 spots (R19).
    """
    found = np.full(len(centres), "", object)
    circles = shapely.buffer(shapely.points(centres), MILE_M)
    for force, area in areas.items():
        shapely.prepare(area)
        found[shapely.contains(area, circles)] = force
    rest = np.flatnonzero(found == "")
    bounded = complete or gazetteer.are_all(areas)
    if not bounded:
        rest = rest[~_beside_a_gap(centres[rest], tree)]
    around = _within(MILE_M, _APART_M)
    spots = (centres[rest][:, None] + around).reshape(-1, 2)
    home = np.full(len(spots), "", object)
    for force, area in areas.items():
        home[shapely.contains_xy(area, spots[:, 0], spots[:, 1])] = force
    if not gazetteer.are_all(areas):
        open_ = np.flatnonzero(home == "")
        nearest = force_of_code[tree.query(spots[open_])[1]] if len(open_) else np.array([], object)
        # Outside the areas given and nearest to a postcode of one of their forces is sea.
        home[open_] = np.where(np.isin(nearest, [*areas]), "", nearest)
    for i, homes in zip(rest, home.reshape(len(rest), len(around)), strict=True):
        names, counts = np.unique(homes[homes != ""].astype("str"), return_counts=True)
        found[i] = " ".join(names[counts >= LEAST_SHARE * len(around)])
    return found.tolist()


def _within(reach: float, apart: float) -> np.ndarray:
    """Return a grid of spots around 0, 0 as far as `reach`."""
    steps = np.arange(-np.floor(reach / apart), np.floor(reach / apart) + 1) * apart
    x, y = (a.ravel() for a in np.meshgrid(steps, steps))
    near = np.hypot(x, y) <= reach
    return np.column_stack([x[near], y[near]])


def _beside_a_gap(centres: np.ndarray, tree: cKDTree) -> np.ndarray:
    """Return whether a large circle without any postcode reaches into each mile: the file may end there."""
    around = _within(MILE_M + gazetteer.VOID_M, _GAP_APART_M)
    spots = (centres[:, None] + around).reshape(-1, 2)
    away, _ = tree.query(spots, distance_upper_bound=gazetteer.VOID_M)
    return np.asarray(np.isinf(away).reshape(len(centres), len(around)).any(axis=1))
