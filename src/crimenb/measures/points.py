"""What to be careful with at this place: its edge, its points, bursts, records without location.

Rules R13 to R15 and R17 of the method, and duplicates. Distances in metres (EPSG:27700).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from crimenb.data import remembered
from crimenb.geo import MILE_M
from crimenb.measures.counts import deciding, only, records, scope, tally
from crimenb.schema import ASB, CATEGORIES, CRIME_CATEGORIES

if TYPE_CHECKING:
    from crimenb.data import Data

REACH_M = 100.0
NEAR_M = 50.0
EDGE_SHARE = 0.02
"""A point near the edge is named from this share of the period's records (R13)."""

LEAST_POINT = 100
LEAST_EDGE = 10
RECORDED_AT = [
    "violent-crime", "public-order", "drugs", "criminal-damage-arson", "possession-of-weapons",
]  # fmt: skip
"""Where nearly every record is one of these, incidents are recorded rather than happen (R14)."""

NEARLY_ALL = 0.95
# The place types of police.uk stand alone; "Hospital Way" is a street.
_INSTITUTION = re.compile(r"\b(?:Hospital|Police Station|Prison)$")
BURST, TIMES, OF_MONTH = 10, 5, 0.20
SWING = 0.03
"""A spread of the share without location from which months are not compared (R17)."""


class EdgePoint(NamedTuple):
    """A busy snapped point near the edge; `outside_m` is negative inside the area."""

    snapped_to: str
    records: int
    outside_m: float
    mix: list[tuple[str, int]]


class Edge(NamedTuple):
    """How far the totals hang on the edge (R13): records with 100 m less and 100 m more."""

    records: int
    fewer: int
    more: int
    points: list[EdgePoint]


class Point(NamedTuple):
    """A snapped point inside the area: its records, and its commonest category's count."""

    snapped_to: str
    records: int
    top: str
    top_count: int


class Points(NamedTuple):
    """How the records lie on the points (R14): half of them at `half` of `points`.

    institutions: points whose records are those of a place where incidents are recorded.
    """

    points: int
    records: int
    half: int
    busiest: Point | None
    institutions: list[Point]


class Burst(NamedTuple):
    """Many records of one category in one month at one point (R15)."""

    month: str
    category: str
    snapped_to: str
    records: int
    elsewhen: int
    of_month: int


class Unlocated(NamedTuple):
    """The forces' records without location (R17): smallest and largest share of a month."""

    force: str
    low: float
    high: float
    low_month: str
    high_month: str

    @property
    def swings(self) -> bool:
        """Whether the share moves so much that months are not to be compared here."""
        return self.high - self.low >= SWING


class Duplicates(NamedTuple):
    """Rows that are exact copies of an earlier row, all of them counted."""

    crime: int
    asb: int
    asb_records: int


def edge(data: Data) -> Edge:
    """Say what a hundred metres less or more would change, and name busy points at the edge.

    Counts every record the source has at the points around (BTP too, and months that are not
    summed), because that is what the frame `nearby` holds.
    """
    data = only(data)
    near = data.nearby
    radius = MILE_M if data.places["kind"].iloc[0] == "circle" else 0.0
    outside = near["distance_m"] - radius
    within = int(near.loc[outside <= 0, "records"].sum())
    large = near["records"] >= max(EDGE_SHARE * within, LEAST_EDGE)
    busy = near[(outside.abs() <= NEAR_M) & large]
    points = [
        EdgePoint(row["snapped_to"], int(row["records"]), round(float(outside[i]), 1), _mix(row))
        for i, row in busy.sort_values("records", ascending=False, kind="stable").iterrows()
    ]
    fewer = int(near.loc[outside <= -REACH_M, "records"].sum())
    more = int(near.loc[outside <= REACH_M, "records"].sum())
    return Edge(within, fewer, more, points)


def _mix(row: pd.Series) -> list[tuple[str, int]]:
    found = [(slug, int(row[slug])) for slug in CATEGORIES if row[slug]]
    return sorted(found, key=lambda pair: -pair[1])


@remembered
def by_point(data: Data) -> pd.DataFrame:
    """Count the summed months' records by snapped point and category.

    Returns
    -------
    DataFrame
        Index `x`, `y` (longitude, latitude, EPSG:4326); columns `snapped_to`, `records` and
        each category's slug; most records first. A point is keyed by its coordinates, because
        names are blank or shared.
    """
    crimes = records(data)
    plain = pd.DataFrame(crimes[["category", "snapped_to"]])
    plain = plain.assign(x=crimes.geometry.x, y=crimes.geometry.y)
    mix = tally(plain, ["x", "y"], "category")
    mix = mix.reindex(columns=list(CATEGORIES), fill_value=0)
    mix.insert(0, "records", mix.sum(axis=1))
    mix.insert(0, "snapped_to", plain.groupby(["x", "y"])["snapped_to"].max().reindex(mix.index))
    order = mix.reset_index().sort_values(["records", "x", "y"], ascending=[False, True, True])
    return order.set_index(["x", "y"]).rename_axis(columns=None)


@remembered
def points(data: Data) -> Points:
    """Describe how the records are spread over the map points (R14).

    How few points hold half of the records, which is busiest, and which to read as places where
    incidents are recorded.
    """
    table = by_point(data)
    total = int(table["records"].sum())
    if not total:
        return Points(0, 0, 0, None, [])
    half = int((table["records"].cumsum() < total / 2).sum()) + 1
    recorded = table[RECORDED_AT].sum(axis=1) >= NEARLY_ALL * table["records"]
    named = table["snapped_to"].str.contains(_INSTITUTION)
    found = table[named | (recorded & (table["records"] >= LEAST_POINT))]
    institutions = [_point(row) for _, row in found.iterrows()]
    return Points(len(table), total, half, _point(table.iloc[0]), institutions)


def _point(row: pd.Series) -> Point:
    top, count = _mix(row)[0]
    return Point(str(row["snapped_to"]), int(row["records"]), top, count)


@remembered
def bursts(data: Data) -> list[Burst]:
    """Find months in which one point holds a fifth of a category, five times its usual (R15).

    Such a batch is often one report of many thefts, not a wave. Oldest first.
    """
    crimes, months = records(data), scope(data).months
    if len(months) < 2 or crimes.empty:
        return []
    plain = pd.DataFrame(crimes[["month", "category", "snapped_to"]])
    plain = plain.assign(x=crimes.geometry.x, y=crimes.geometry.y)
    key = ["category", "x", "y"]
    cells = plain.groupby([*key, "month"], as_index=False).agg(
        n=("month", "size"), snapped_to=("snapped_to", "max")
    )
    cells["elsewhen"] = cells.groupby(key)["n"].transform("sum") - cells["n"]
    cells["of_month"] = cells.groupby(["category", "month"])["n"].transform("sum")
    usual = cells["elsewhen"] / (len(months) - 1)
    large = (cells["n"] >= BURST) & (cells["n"] >= OF_MONTH * cells["of_month"])
    found = cells[large & (cells["n"] >= TIMES * usual)]
    found = found.sort_values(["month", "n", "category", "x", "y"], kind="stable")
    columns = ["month", "category", "snapped_to", "n", "elsewhen", "of_month"]
    return [Burst(*row) for row in found[columns].to_dict("split", index=False)["data"]]


@remembered
def unlocated(data: Data) -> list[Unlocated]:
    """Return each deciding force's spread of the share without location (R17, archive only)."""
    data = only(data)
    months = scope(data).months
    rows = data.surroundings[data.surroundings["month"].isin(months)]
    here = data.crimes.groupby(["reported_by", "month"]).size()
    found = []
    for force in deciding(data):
        mine = rows[rows["force"] == force].groupby("month")[["rest", "unlocated"]].sum()
        if mine.empty:
            continue
        inside = here.get(force, pd.Series(dtype="int64")).reindex(mine.index, fill_value=0)
        share = mine["unlocated"] / (mine.sum(axis=1) + inside).clip(lower=1)
        low, high = str(share.idxmin()), str(share.idxmax())
        found.append(Unlocated(force, float(share.min()), float(share.max()), low, high))
    return found


def comparable(data: Data) -> bool:
    """Whether months may be compared with each other here, as far as location goes (R17)."""
    return not any(u.swings for u in unlocated(data))


@remembered
def duplicates(data: Data) -> Duplicates:
    """Count rows that copy an earlier one in every column; they are kept and counted (R2)."""
    crimes = records(data)
    plain = pd.DataFrame(crimes.drop(columns=["postcode", "geometry"]))
    plain = plain.assign(x=crimes.geometry.x, y=crimes.geometry.y)
    copied = plain.duplicated()
    asb = plain["category"] == ASB
    crime = plain["category"].isin(CRIME_CATEGORIES)
    return Duplicates(int((copied & crime).sum()), int((copied & asb).sum()), int(asb.sum()))
