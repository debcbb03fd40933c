"""What takes a larger or smaller share of crime here than elsewhere; what two places share.

Rules R11 and R12 of the method. A location quotient compares shares, never amounts: a category
may be rare here and still have a large share. Distances in metres (EPSG:27700).
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from crimenb.data import remembered
from crimenb.geo import to_metres
from crimenb.measures.counts import (
    TOTALS,
    crime_categories_of,
    deciding,
    key_of,
    monthly_counts,
    records,
    rest_of_force,
    scope,
    tally,
)
from crimenb.measures.months import LEAST_MONTHS
from crimenb.query import days_in
from crimenb.schema import ASB
from crimenb.usual_range import dispersion

if TYPE_CHECKING:
    import geopandas as gpd

    from crimenb.data import Data

LEAST = 20
"""A share is shown where the place holds so many records and as many are expected."""

MORE, LESS = 1.5, 0.67
T, SPREAD = float(stdtrit(11, 0.995)), 0.17
NEVER_LOW = "violent-crime"
"""A small share of violence says that something else is large, and would be read as "safe"."""

MOST_SHARED = 0.25
COLUMNS = ["category", "here", "there", "share_here", "share_there", "quotient", "low", "high"]


class Refusal(StrEnum):
    """Why two places are not compared."""

    NONE = ""
    PARTLY = "partly"
    NOTHING = "nothing"
    FEW_MONTHS = "few months"
    NO_REST = "no rest"
    OVERLAP = "overlap"
    FEW_HERE = "few here"
    FEW_THERE = "few there"
    FEW_PLACES = "few places"


class Comparison(NamedTuple):
    """Shares of crime here and elsewhere, or why they are not compared.

    other: the other postcode, or "" for the rest of the force(s).
    forces: the forces of the rest, else [].
    refused: why nothing is compared, if so.
    months: those both places hold whole; shared: records in both areas (territorial forces,
        these months), left out on both sides; smaller: the smaller place's records.
    here, there: crimes of all categories compared.
    table: see `shares`; empty where refused.
    """

    other: str
    forces: list[str]
    refused: Refusal
    months: list[str]
    distance_m: float
    shared: int
    smaller: int
    here: int
    there: int
    table: pd.DataFrame

    def named(self, side: str) -> list[str]:
        """Return the categories that pass as "more" or "less" here, largest quotient first."""
        rows = self.table[self.table["named"] == side]
        ordered = rows.sort_values("quotient", ascending=side == "less", kind="stable")
        return [str(category) for category in ordered["category"]]


LEAST_TOTAL = 100


@remembered
def with_rest_of_force(data: Data) -> Comparison:
    """Compare the shares of crime here with those in the rest of the force (R11, archive only)."""
    data = data.main
    within, forces = scope(data), list(deciding(data))
    rest = rest_of_force(data)
    months = [m for m in within.steady if m in rest.index]
    why = _unfit(data)
    if not why and not months:
        why = Refusal.NO_REST
    elif not why and len(months) < LEAST_MONTHS:
        why = Refusal.FEW_MONTHS
    if why:
        return _refused("", forces, why, months)
    categories = [c for c in rest.columns if c not in (*TOTALS, ASB)]
    a = monthly_counts(data).reindex(index=months, columns=categories, fill_value=0)
    b = rest.loc[months, categories]
    return _compared("", forces, months, a, b)


def with_place(data: Data, other: Data) -> Comparison:
    """Compare the shares of crime in two places, without the records they share (R11, R12).

    Parameters
    ----------
    data
        The place itself.
    other
        The place it is compared with, `data.of(postcode)`.
    """
    data = data.main
    name = key_of(other)
    months = [m for m in scope(data).steady if m in scope(other).steady]
    why = _unfit(data) or _unfit(other)
    if not why and len(months) < LEAST_MONTHS:
        why = Refusal.FEW_MONTHS
    far = distance(data, other)
    ours, theirs = records(data, months), records(other, months)
    common, mine, yours = split_shared(ours, theirs)
    smaller = min(len(ours), len(theirs))
    if not why and common > MOST_SHARED * smaller:
        why = Refusal.OVERLAP
    if why:
        comparison = _refused(name, [], why, months)
    else:
        categories = list(dict.fromkeys(crime_categories_of(data) + crime_categories_of(other)))
        a, b = (_by_month(records, months, categories) for records in (mine, yours))
        comparison = _compared(name, [], months, a, b)
    return comparison._replace(distance_m=far, shared=common, smaller=smaller)


def distance(data: Data, other: Data) -> float:
    """Return the metres between the centres of two places (EPSG:27700)."""
    places = [p.places.iloc[0] for p in (data, other)]
    (x, u), (y, v) = to_metres(
        np.array([p["longitude"] for p in places]), np.array([p["latitude"] for p in places])
    )
    return float(np.hypot(x - u, y - v))


def split_shared(
    ours: gpd.GeoDataFrame, theirs: gpd.GeoDataFrame
) -> tuple[int, gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Return how many records are in both frames, and each frame without them (R12).

    Records have no key that can be trusted, so rows are matched on all their columns and the
    snapped point; identical rows are matched one to one.
    """
    mine, yours = _rows(ours), _rows(theirs)
    both = pd.MultiIndex.from_frame(mine).isin(pd.MultiIndex.from_frame(yours))
    also = pd.MultiIndex.from_frame(yours).isin(pd.MultiIndex.from_frame(mine))
    return int(both.sum()), ours[~both], theirs[~also]


def _rows(crimes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the rows as plain columns, identical ones numbered."""
    plain = pd.DataFrame(crimes.drop(columns=["postcode", "geometry"]))
    plain = plain.assign(x=crimes.geometry.x, y=crimes.geometry.y)
    return plain.assign(copy=plain.groupby(list(plain.columns), dropna=False).cumcount())


def _unfit(data: Data) -> Refusal:
    kind = scope(data).kind
    return {"whole": Refusal.NONE, "part": Refusal.PARTLY, "none": Refusal.NOTHING}[kind]


def _refused(other: str, forces: list[str], why: Refusal, months: list[str]) -> Comparison:
    empty = pd.DataFrame(columns=[*COLUMNS, "named"])
    return Comparison(other, forces, why, months, float("nan"), 0, 0, 0, 0, empty)


def _by_month(crimes: gpd.GeoDataFrame, months: list[str], categories: list[str]) -> pd.DataFrame:
    table = tally(crimes, ["month"], "category")
    return table.reindex(index=months, columns=categories, fill_value=0)


def _compared(
    other: str, forces: list[str], months: list[str], a: pd.DataFrame, b: pd.DataFrame
) -> Comparison:
    here, there = int(a.to_numpy().sum()), int(b.to_numpy().sum())
    if min(here, there) < LEAST_TOTAL:
        why = Refusal.FEW_HERE if here < LEAST_TOTAL else Refusal.FEW_THERE
        return _refused(other, forces, why, months)
    table = shares(a, b, months)
    return Comparison(other, forces, Refusal.NONE, months, float("nan"), 0, 0, here, there, table)


def shares(a: pd.DataFrame, b: pd.DataFrame, months: list[str]) -> pd.DataFrame:
    """Return location quotients of monthly counts by category (R11).

    quotient = (a / nA) / (b / nB), its interval exp(log +- t * se) with
    se = sqrt(phi_a * (1/a - 1/nA) + phi_b * (1/b - 1/nB)), phi R3's dispersion of each series with
    the spread of categories, t = 3.106 (the 99.5 % point at eleven degrees of freedom).

    Parameters
    ----------
    a, b
        Counts here and elsewhere, one row a month and one column a category.
    months
        The months of the rows.

    Returns
    -------
    DataFrame
        One row a category, in the order of `a`'s columns: `COLUMNS`, and `named` "more",
        "less" or "". Quotient and interval are NaN where either place holds too few records.
    """
    days = np.array([days_in(m) for m in months], float)
    total_a, total_b = float(a.to_numpy().sum()), float(b.to_numpy().sum())
    rows = []
    for category in a.columns:
        y, x = a[category].to_numpy(float), b[category].to_numpy(float)
        here, there = float(y.sum()), float(x.sum())
        share_here, share_there = here / total_a, there / total_b
        quotient = low = high = float("nan")
        # Both the count and what the other place's share leads to expect must be large enough.
        if here >= LEAST and total_a * share_there >= LEAST and there >= LEAST:
            spread = _phi(y, days) * (1 / here - 1 / total_a)
            spread += _phi(x, days) * (1 / there - 1 / total_b)
            half = T * np.sqrt(spread)
            quotient = share_here / share_there
            low, high = quotient * np.exp(-half), quotient * np.exp(half)
        found = (category, int(here), int(there), share_here, share_there, quotient, low, high)
        rows.append((*found, _named(category, quotient, low, high)))
    return pd.DataFrame(rows, columns=[*COLUMNS, "named"])


def _phi(y: np.ndarray, days: np.ndarray) -> float:
    return dispersion(y, days, float(y.sum() / days.sum() * days[-1]), spread=SPREAD)


def _named(category: str, quotient: float, low: float, high: float) -> str:
    if low > 1 and quotient >= MORE:
        return "more"
    if high < 1 and quotient <= LESS and category != NEVER_LOW:
        return "less"
    return ""


@remembered
def all_comparisons(data: Data, *, place: str = "") -> list[Comparison]:
    """Return every comparison of a place: the rest of the force first, then each other place."""
    here = data.of(place)
    others = [p for p in data.places["postcode"] if p != key_of(here)]
    return [with_rest_of_force(here), *[with_place(here, data.of(p)) for p in others]]
