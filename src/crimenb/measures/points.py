"""What to be careful with at this place: its edge, its map points, bursts, records without location.

Rules R13 to R15, R17 and R20 of docs/method.md. Distances in metres (EPSG:27700).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from crimenb.data import remembered
from crimenb.geo import MILE_M, to_metres
from crimenb.measures.counts import (
    by_point,
    by_point_and_month,
    crime_categories_of,
    deciding,
    records_by_force,
    scope,
)
from crimenb.schema import ASB

if TYPE_CHECKING:
    import pandas as pd

    from crimenb.data import Data

NEAR_M = 100.0
"""A point so near to the edge, on either side, is looked at (R13)."""

EDGE_SHARE = 0.02
"""It is named from this share of the period's crimes (R13)."""

LEAST_EDGE = 10
LEAST_POINT = 100
INCIDENT_MIX = [
    "violent-crime", "public-order", "drugs", "criminal-damage-arson", "possession-of-weapons",
]  # fmt: skip
NEARLY_ALL = 0.95
"""Where nearly every crime is one of these, incidents are often logged rather than happen (R14)."""

# The place types of police.uk stand alone; "Hospital Way" is a street.
_INSTITUTION = re.compile(r"^(?:Hospital|Police Station|Prison)$")
BURST, TIMES, OF_MONTH = 10, 5, 0.20


class EdgePoint(NamedTuple):
    """A busy map point near the edge; `outside_m` is negative inside the area."""

    snapped_to: str
    crimes: int
    outside_m: float


class Edge(NamedTuple):
    """How far the totals hang on the edge (R13): crimes with 100 m less and 100 m more.

    outside_known: whether the source gives the map points outside the area at all.
    """

    crimes: int
    fewer: int
    more: int
    points: list[EdgePoint]
    outside_known: bool


class Point(NamedTuple):
    """A map point inside the area: its crimes, and its most common category."""

    snapped_to: str
    crimes: int
    top: str


class Institution(NamedTuple):
    """The map points that are named as one kind of institution, taken together."""

    name: str
    points: int
    crimes: int


class Points(NamedTuple):
    """How the crimes are spread over the map points (R14): half of them at `half` of `points`.

    institutions: points named Hospital, Police Station or Prison, by name.
    incident_mix: other busy points whose mix of crimes often marks a place where incidents are logged.
    """

    points: int
    crimes: int
    half: int
    busiest: Point | None
    institutions: list[Institution]
    incident_mix: list[Point]


class Burst(NamedTuple):
    """Many records of one category in one month at one point (R15)."""

    month: str
    category: str
    snapped_to: str
    records: int
    elsewhen: int
    of_month: int


class Unlocated(NamedTuple):
    """A force's records without location (R17): their share, and its smallest and largest month."""

    force: str
    share: float
    low: float
    high: float


@remembered
def edge(data: Data) -> Edge:
    """Return what a hundred metres less or more would change, and the busy points at the edge.

    Counts every crime the source has at the points around (British Transport Police too, and
    months that are not summed), because that is what the frame `nearby` holds.
    """
    data = data.main
    near = data.nearby
    crimes = near["records"] - near[ASB]  # those of a category new to this version have no column
    radius = MILE_M if data.places["kind"].iloc[0] == "circle" else 0.0
    outside = near["distance_m"] - radius
    within = int(crimes[outside <= 0].sum())
    busy = (outside.abs() <= NEAR_M) & (crimes >= max(EDGE_SHARE * within, LEAST_EDGE))
    rows = near.assign(crimes=crimes, outside=outside)[busy]
    points = [
        EdgePoint(row["snapped_to"], int(row["crimes"]), round(float(row["outside"]), 3))
        for _, row in rows.sort_values("crimes", ascending=False, kind="stable").iterrows()
    ]
    fewer, more = (int(crimes[outside <= reach].sum()) for reach in (-NEAR_M, NEAR_M))
    return Edge(within, fewer, more, points, bool((outside > 0).any()))


def _mix(row: pd.Series, categories: list[str]) -> list[tuple[str, int]]:
    counts = [(slug, int(row[slug])) for slug in categories if row[slug]]
    return sorted(counts, key=lambda pair: -pair[1])


@remembered
def points(data: Data) -> Points:
    """Describe how the crimes are spread over the map points (R14).

    How few points hold half of the crimes, which is busiest, and which to read as places where
    incidents are logged.
    """
    table = by_point(data)
    table = table[table["crime"] > 0]
    total = int(table["crime"].sum())
    if not total:
        return Points(0, 0, 0, None, [], [])
    half = int((table["crime"].cumsum() < total / 2).sum()) + 1
    categories = crime_categories_of(data)
    named = table["snapped_to"].str.match(_INSTITUTION)
    institutions = [
        Institution(str(name), len(rows), int(rows["crime"].sum()))
        for name, rows in table[named].groupby("snapped_to")
    ]
    institutions.sort(key=lambda i: (-i.crimes, i.name))
    mixed = table[INCIDENT_MIX].sum(axis=1) >= NEARLY_ALL * table["crime"]
    mixes = table[~named & mixed & (table["crime"] >= LEAST_POINT)]
    return Points(
        len(table),
        total,
        half,
        _point(table.iloc[0], categories),
        institutions,
        [_point(row, categories) for _, row in mixes.iterrows()],
    )


def _point(row: pd.Series, categories: list[str]) -> Point:
    top = next((category for category, _ in _mix(row, categories)), "")
    return Point(str(row["snapped_to"]), int(row["crime"]), top)


def apart_m(data: Data) -> float:
    """Return the distance from a map point to the next, in metres (median); nan of fewer than three."""
    table = by_point(data)
    if len(table) < 3:
        return float("nan")
    x, y = (table.index.get_level_values(k).to_numpy() for k in ("x", "y"))
    metres = np.column_stack(to_metres(x, y))
    return float(np.median(cKDTree(metres).query(metres, k=2)[0][:, 1]))


@remembered
def bursts(data: Data) -> list[Burst]:
    """Find months in which one point holds a fifth of a category, five times its usual (R15).

    Oldest first.
    """
    months = scope(data).point_months
    cells = by_point_and_month(data)
    if len(months) < 2 or cells.empty:
        return []
    key = ["category", "x", "y"]
    cells["elsewhen"] = cells.groupby(key)["n"].transform("sum") - cells["n"]
    cells["of_month"] = cells.groupby(["category", "month"])["n"].transform("sum")
    usual = cells["elsewhen"] / (len(months) - 1)
    large = (cells["n"] >= BURST) & (cells["n"] >= OF_MONTH * cells["of_month"])
    rows = cells[large & (cells["n"] >= TIMES * usual)]
    rows = rows.sort_values(["month", "n", "category", "x", "y"], kind="stable")
    columns = ["month", "category", "snapped_to", "n", "elsewhen", "of_month"]
    return [Burst(*row) for row in rows[columns].to_dict("split", index=False)["data"]]


@remembered
def unlocated(data: Data) -> list[Unlocated]:
    """Return each deciding force's share of records without location (R17, archive only)."""
    data = data.main
    months = scope(data).months
    rows = data.surroundings[data.surroundings["month"].isin(months)]
    inside = records_by_force(data).reindex(months, fill_value=0)
    found = []
    for force in deciding(data):
        mine = rows[rows["force"] == force].groupby("month")[["rest", "unlocated"]].sum()
        if mine.empty:
            continue
        total = mine.sum(axis=1)
        if force in inside:
            total = total + inside[force].reindex(mine.index, fill_value=0)
        share = mine["unlocated"] / total.clip(lower=1)
        whole = float(mine["unlocated"].sum() / max(int(total.sum()), 1))
        found.append(Unlocated(force, whole, float(share.min()), float(share.max())))
    return found
