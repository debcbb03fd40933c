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

from crimenb.data import frame
from crimenb.geo import METRES, MILE_M, to_metres
from crimenb.month_status import LEAST_SHARE
from crimenb.schema import ASB, BTP, CATEGORIES
from crimenb.sources import gazetteer, residents
from crimenb.sources.people_files import JOBS, POSTCODE, RESIDENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
    """Pick the candidates of a version of an archive and count what is in them; write both beside its records.

    Parameters
    ----------
    db
        A database to work in.
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
    columns = "longitude, latitude, force, district"
    codes = db.execute(f"SELECT {columns} FROM {_CODES} ORDER BY nth", [path]).fetchnumpy()
    xy = np.column_stack(to_metres(codes["longitude"], codes["latitude"]))
    tree = cKDTree(xy)
    chosen = _picked(xy, tree)
    gaps = np.zeros(len(chosen), bool) if complete else _beside_a_gap(xy[chosen], tree)
    forces = _forces(xy[chosen], _areas(folder), tree, np.asarray(codes["force"]), gaps)
    street = str(folder / "street.parquet")
    held = {f for (f,) in db.execute("SELECT DISTINCT force FROM read_parquet(?)", [street]).fetchall()}
    whole = np.array([bool(f) and set(f.split()) <= held for f in forces], bool)
    rows = db.execute(
        f"SELECT postcode, longitude, latitude, district, district_name, ward_name FROM {_CODES} "
        "WHERE nth IN (SELECT unnest(?)) ORDER BY nth",
        [path, chosen[whole].tolist()],
    ).df()
    near = _Near(xy[chosen][whole])
    rows = rows.assign(name=_names(rows), force=[f for f, is_so in zip(forces, whole, strict=True) if is_so])
    rows = rows.assign(**_people(db, folder, near, near.of(xy), np.asarray(codes["district"]), gaps[whole]))
    for file in (FILE, COUNTS):
        (folder / file).unlink(missing_ok=True)  # it may be shared with the version before
    texts = dict.fromkeys(["postcode", "name", "force", "rural_urban"], "str")
    db.register("picked", rows.astype(texts | {"residents": "int64", "jobs": "int64"}))
    db.execute(
        "COPY (SELECT postcode, name, force, longitude, latitude, rural_urban, residents, jobs FROM picked) "
        "TO $path (FORMAT parquet, COMPRESSION zstd)",
        {"path": str(folder / FILE)},
    )
    db.unregister("picked")
    _count(db, street, folder / COUNTS, rows["postcode"].to_numpy(), near)
    return len(rows)


class _Near:
    """The candidates, asked which of them a point is in: one at most, as they do not overlap."""

    def __init__(self, centres: np.ndarray) -> None:
        self.centres = centres
        self._tree = cKDTree(centres) if len(centres) else None

    def of(self, xy: np.ndarray) -> np.ndarray:
        """Return the number of the candidate that each point (metres) is in, -1 where it is in none."""
        if self._tree is None or not len(xy):
            return np.full(len(xy), -1)
        limit = np.nextafter(MILE_M, np.inf)  # the query leaves out what lies at the limit itself
        found = self._tree.query(xy, distance_upper_bound=limit)[1]
        return np.where(found < len(self.centres), found, -1)


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
    parts = zip(rows["ward_name"], rows["district"], rows["district_name"], strict=True)
    return [", ".join(filter(None, (ward, residents.district_name(*of)))) for ward, *of in parts]


def _count(
    db: duckdb.DuckDBPyConnection, street: str, target: Path, postcodes: np.ndarray, near: _Near
) -> None:
    """Count the records of each candidate."""
    points = db.execute("SELECT DISTINCT longitude, latitude FROM read_parquet(?)", [street]).fetchnumpy()
    x, y = (np.asarray(points[c], float) for c in ("longitude", "latitude"))
    of = near.of(np.column_stack(to_metres(x, y)))
    inside = of >= 0
    placed = {"longitude": x[inside], "latitude": y[inside], "candidate": postcodes[of[inside]]}
    db.register("placed", pd.DataFrame(placed).astype({"candidate": "str"}))
    db.execute(
        "COPY (SELECT candidate, month, category, count(*)::INTEGER AS records FROM read_parquet($street) "
        "JOIN placed USING (longitude, latitude) WHERE force <> $btp GROUP BY ALL ORDER BY ALL) "
        "TO $path (FORMAT parquet, COMPRESSION zstd)",
        {"street": street, "btp": BTP, "path": str(target)},
    )
    db.unregister("placed")


# ------------------------------------------------------------------------ who lives and works there


def _people(
    db: duckdb.DuckDBPyConnection,
    folder: Path,
    near: _Near,
    of_code: np.ndarray,
    district_of_code: np.ndarray,
    gaps: np.ndarray,
) -> dict[str, Any]:
    """Return the residents, jobs and rural-urban class of each candidate, by the rule for any place; 0 or "" unknown.

    Parameters
    ----------
    of_code, district_of_code
        The candidate that each postcode is in, and its district.
    gaps
        Which candidates lack some of their postcodes.
    """
    n = len(near.centres)
    found = {RESIDENTS: np.zeros(n, int), JOBS: np.zeros(n, int)}
    if (folder / residents.FILE).is_file():
        whole = residents.Sums(pd.read_parquet(folder / residents.TOTALS)).whole
        within = pd.DataFrame({"of": of_code, "district": district_of_code})
        share = within[within["of"] >= 0].groupby("of")["district"].value_counts(normalize=True)
        touched = share[share >= LEAST_SHARE].index
        for measure, values in found.items():
            known = gaps.copy()
            for unit in residents.PREFERRED[measure]:
                rows = db.execute(
                    "SELECT longitude, latitude, coalesce(value, 0) AS value, value IS NULL AS lost "
                    "FROM read_parquet(?) WHERE measure = ? AND unit = ?",
                    [str(folder / residents.FILE), measure, unit],
                ).fetchnumpy()
                of = near.of(np.column_stack(to_metres(rows["longitude"], rows["latitude"])))
                inside = of >= 0
                count, total, lost = (
                    np.bincount(of[inside], weights=w, minlength=n)
                    for w in (None, rows["value"][inside], rows["lost"][inside])
                )
                fit = ~known & (count >= residents.LEAST[unit]) & (lost == 0)
                if unit != POSTCODE:  # postcodes are known as far as their file goes
                    fit[[of for of, district in touched if (unit, district) not in whole]] = False
                values[fit] = total[fit]
                known |= fit
    return found | {"rural_urban": _classes(folder, near)}


def _classes(folder: Path, near: _Near) -> list[str]:
    """Return the rural-urban class of each candidate: of most LSOAs whose centre is in it, else of the nearest."""
    if not (folder / residents.CLASSES).is_file():
        return [""] * len(near.centres)
    table = pd.read_parquet(folder / residents.CLASSES, columns=["name", "longitude", "latitude"])
    xy = np.column_stack(to_metres(table["longitude"], table["latitude"]))
    nearest = table["name"].to_numpy()[cKDTree(xy).query(near.centres)[1]] if len(table) else []
    inside = table["name"].groupby(near.of(xy)).agg(commonest)
    return [str(inside.get(i, name)) for i, name in enumerate(nearest)]


def commonest(names: pd.Series) -> str:
    """Return the commonest of some names, of several the first in order."""
    return str(names.mode().iloc[0])


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


def counted(
    places: pd.DataFrame, counts: pd.DataFrame, months: Sequence[str], thin: set[tuple[str, str]], key: str
) -> pd.DataFrame:
    """Return the frame `like_places`: a row for every month and category, so that none is a zero by accident.

    Parameters
    ----------
    places
        The candidates that are like a place.
    counts
        Their records by month and category, where there are any.
    months
        The months.
    thin
        The forces and months without enough reports of anti-social behaviour to be whole: these have no row.
    key
        The place's key.
    """
    rows = places.rename(columns={"postcode": "candidate"})
    categories = [*CATEGORIES, *sorted(set(counts["category"]) - set(CATEGORIES))]
    for column, values in (("month", [*months]), ("category", categories)):
        rows = rows.merge(pd.DataFrame({column: values}, dtype="str"), how="cross")
    of_thin = [pair in thin for pair in zip(rows["force"], rows["month"], strict=True)]
    rows = rows[(rows["category"] != ASB) | ~np.array(of_thin, bool)]
    rows = rows.merge(counts, how="left", on=["candidate", "month", "category"])
    return frame("like_places", rows.assign(postcode=key, records=rows["records"].fillna(0)))


# ------------------------------------------------------------------------ whose area


def _areas(folder: Path) -> dict[str, Any]:
    """Return the force areas of an archive, in metres; none where it has none."""
    file = folder / "forces.parquet"
    if not file.is_file():
        return {}
    areas = gpd.read_parquet(file).to_crs(METRES)
    return dict(zip(areas["force"], areas.geometry, strict=True))


def _forces(
    centres: np.ndarray, areas: Mapping[str, Any], tree: cKDTree, force_of_code: np.ndarray, gaps: np.ndarray
) -> list[str]:
    """Return the forces with 2 % or more of each mile, separated by spaces; "" where not all of it is known.

    Force areas decide as far as they reach, then the nearest postcode of each of some 150 spots (R19), unless a gap
    in the postcode file is near.
    """
    found = np.full(len(centres), "", object)
    circles = shapely.buffer(shapely.points(centres), MILE_M)
    for force, area in areas.items():
        shapely.prepare(area)
        found[shapely.contains(area, circles)] = force
    rest = np.flatnonzero((found == "") & (gazetteer.are_all(areas) | ~gaps))
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
