"""Counts of recorded crime: by category, by month, by snapped point. Frames in, frames out.

Rules that hold throughout: records are counted, never de-duplicated; anti-social behaviour
and British Transport Police are counted apart; a month that may not be summed contributes
nothing and appears as missing, never as zero.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from crimenb.query import days_in
from crimenb.sums import records, scope
from crimenb.tables import (
    ASB,
    BTP,
    CATEGORIES,
    CRIME_CATEGORIES,
    LONLAT,
    SUMMED,
    once,
    remembered,
)

if TYPE_CHECKING:
    from crimenb.tables import Data


def summed_months(data: Data) -> list[str]:
    """Return the months that totals are made of, oldest first (see `sums.scope`)."""
    return scope(data).months


@once
def count_by_category(data: Data) -> pd.DataFrame:
    """Count the main place's records by category, in the latest summed month and the period.

    Returns: One row a category, the thirteen of crime by their count and anti-social behaviour
    last; columns `category` (slug), `label`, `latest`, `period`, `a_month` (mean of the summed
    months) and `share` (0-1 of the period's crime; missing for anti-social behaviour, which
    is no crime). British Transport Police records are left out. No geometry.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-01", "2025-12"), "demo")
        >>> cn.count_by_category(data)[["category", "latest", "period"]].tail(1)
                         category  latest  period
        13  anti-social-behaviour ...
    """
    kept, months = records(data), summed_months(data)
    period = kept.groupby("category").size().reindex(list(CATEGORIES), fill_value=0)
    newest = kept[kept["month"] == months[-1]] if months else kept
    latest = newest.groupby("category").size().reindex(list(CATEGORIES), fill_value=0)
    crime = period[CRIME_CATEGORIES].sum()
    table = pd.DataFrame({"latest": latest, "period": period}).rename_axis("category").reset_index()
    if not months:  # nothing was counted, which is not the same as nothing
        nothing = pd.array([pd.NA] * len(table), dtype="Int64")
        table = table.assign(latest=nothing, period=nothing)
    table.insert(1, "label", table["category"].map(CATEGORIES))
    table["a_month"] = table["period"] / max(len(months), 1)
    is_crime = table["category"] != ASB
    table["share"] = (table["period"] / crime if crime else table["period"] * np.nan).where(is_crime)
    table = table.assign(last=~is_crime).sort_values(
        ["last", "period", "label"], ascending=[True, False, True], ignore_index=True
    )
    return table.drop(columns="last")


def count_by_month_and_category(data: Data) -> pd.DataFrame:
    """Count the main place's records by month and category, as a table across.

    Returns: One row a month asked for, oldest first: `month` and a column of whole numbers for
    each category, named by its label, missing in months that may not be summed. British
    Transport Police is left out. No geometry.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.count_by_month_and_category(data)["month"].tolist()
        ['2025-11', '2025-12']
    """
    counts = records(data).groupby(["month", "category"]).size().unstack(fill_value=0)
    across = counts.reindex(index=summed_months(data), columns=list(CATEGORIES), fill_value=0)
    across = across.astype("Int64").reindex(list(data.query.months))
    return across.rename(columns=CATEGORIES).rename_axis(index="month", columns=None).reset_index()


@once
def count_by_month(data: Data, postcode: str = "") -> pd.DataFrame:
    """Count a place's crimes and anti-social behaviour reports by month.

    Returns: One row a month asked for, oldest first: `month`, `status`, `why`, `days`, `crime`,
    `asb`, `btp` (whole numbers, missing where the month may not be summed). BTP is missing
    too in months that BTP's file is not held for, as far as the source tells. No geometry.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.count_by_month(data)[["month", "status", "days"]]
             month     status  days
        0  2025-11  published    30
        1  2025-12  published    31
    """
    place = data.of(postcode)
    table = place.months.drop(columns="postcode")
    crimes = place.crimes
    is_btp, is_asb = crimes["reported_by"] == BTP, crimes["category"] == ASB
    table["days"] = [days_in(m) for m in table["month"]]
    summable = table["status"].isin(SUMMED)
    for name, chosen in (
        ("crime", ~is_btp & ~is_asb),
        ("asb", ~is_btp & is_asb),
        ("btp", is_btp),
    ):
        counts = crimes[chosen].groupby("month").size().reindex(table["month"], fill_value=0)
        table[name] = pd.array(counts.to_numpy(), dtype="Int64")
        table.loc[~summable, name] = pd.NA
    held = btp_months(data, postcode)
    if held is not None:
        table.loc[~table["month"].isin(held), "btp"] = pd.NA
    return table


def btp_months(data: Data, postcode: str = "") -> list[str] | None:
    """Return the months British Transport Police supplied, None where the source cannot tell."""
    place = data.of(postcode)
    rows = place.coverage[place.coverage["force"] == BTP]
    return rows["months"].iloc[0].split() if len(rows) else None


@once
def count_by_point(data: Data) -> gpd.GeoDataFrame:
    """Count the main place's records by snapped point over the summed months.

    Returns: GeoDataFrame, one row a snapped point inside the area, sorted by `records`
    descending: `snapped_to` (words, "" where the source gives none), `records`, `crime`, `asb`,
    `share` (0-1 of the records), `cumulative` (0-1), `top` (label of its commonest category);
    EPSG:4326. A point stands for a street or a place around it, not for where a crime was.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ1 1AA", "2025-01", "2025-12"), "demo")
        >>> cn.count_by_point(data)[["snapped_to", "records"]].head(1)
              snapped_to  records
        0  Shopping Area ...
    """
    kept = records(data)
    xy = kept.geometry.get_coordinates() if len(kept) else pd.DataFrame(columns=["x", "y"])
    table = kept.assign(x=xy["x"], y=xy["y"], is_asb=kept["category"] == ASB)
    grouped = table.groupby(["x", "y"], sort=True)
    points = grouped.agg(
        snapped_to=("snapped_to", "max"), records=("month", "size"), asb=("is_asb", "sum")
    ).reset_index()
    mix = table.groupby(["x", "y", "category"]).size().unstack(fill_value=0)
    mix = mix.reindex(columns=list(CATEGORIES), fill_value=0)
    points["top"] = mix.idxmax(axis=1).map(CATEGORIES).to_numpy() if len(mix) else ""
    points["crime"] = points["records"] - points["asb"]
    points = points.sort_values(["records", "x", "y"], ascending=[False, True, True])
    total = max(len(kept), 1)
    points["share"] = points["records"] / total
    points["cumulative"] = points["records"].cumsum() / total
    columns = ["snapped_to", "records", "crime", "asb", "share", "cumulative", "top"]
    geometry = gpd.points_from_xy(points["x"].astype(float), points["y"].astype(float))
    return gpd.GeoDataFrame(points[columns].reset_index(drop=True), geometry=geometry, crs=LONLAT)


class Totals(NamedTuple):
    """The headline numbers of the main place over its summed months."""

    crime: int
    asb: int
    btp: int
    latest_month: str
    latest_crime: int
    latest_asb: int
    points: int
    half_at: int
    busiest: int
    busiest_name: str
    months_summed: int
    months_asked: int


@remembered
def totals(data: Data) -> Totals:
    """Return the headline numbers: crime, anti-social behaviour, BTP; points; months."""
    categories, points = count_by_category(data), count_by_point(data)
    months = summed_months(data)
    is_asb = categories["category"] == ASB
    place = data.of()
    btp = place.crimes["reported_by"] == BTP
    half = int((points["cumulative"] < 0.5).sum()) + 1 if len(points) else 0
    return Totals(
        crime=int(categories.loc[~is_asb, "period"].sum()),
        asb=int(categories.loc[is_asb, "period"].sum()),
        btp=int((btp & place.crimes["month"].isin(months)).sum()),
        latest_month=months[-1] if months else "",
        latest_crime=int(categories.loc[~is_asb, "latest"].sum()),
        latest_asb=int(categories.loc[is_asb, "latest"].sum()),
        points=len(points),
        half_at=half,
        busiest=int(points["records"].iloc[0]) if len(points) else 0,
        busiest_name=str(points["snapped_to"].iloc[0]) if len(points) else "",
        months_summed=len(months),
        months_asked=len(data.query.months),
    )
