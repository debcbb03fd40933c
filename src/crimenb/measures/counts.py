"""Counts of recorded crime by month, category and map point. Frames in, frames out.

The only module that groups records. Rules that hold throughout: records are counted, never
de-duplicated (R2); anti-social behaviour and British Transport Police are counted apart; a month
that may not be summed contributes nothing and appears as missing, never as zero (R1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from crimenb.data import once, remembered
from crimenb.geo import LONLAT
from crimenb.month_status import LEAST_SHARE, known_gaps
from crimenb.query import days_in
from crimenb.schema import ASB, BTP, CATEGORIES, CRIME_CATEGORIES, SUMMED

if TYPE_CHECKING:
    from crimenb.data import Data

SERIES = ("crime", "asb", "btp", *CATEGORIES)
"""What can be counted by month: two totals, BTP apart, and each category's slug."""


class Scope(NamedTuple):
    """What a total of this place may be called.

    kind: "whole" (the area asked for), "part" (only some of its forces supplied) or "none".
    months: the months summed; thin: those of them that are suspiciously low.
    forces: the forces that supplied them; share: of the area (0-1); absent: the other forces.
    apart: partly supplied months, left out because whole months are there.
    """

    kind: Literal["whole", "part", "none"]
    months: list[str]
    thin: list[str]
    forces: list[str]
    absent: list[str]
    share: float
    apart: list[str]

    @property
    def steady(self) -> list[str]:
        """Whole months in their usual number, fit for ranges and changes."""
        return [m for m in self.months if m not in self.thin] if self.kind == "whole" else []

    @property
    def latest(self) -> str:
        """The newest month that is summed, or ""."""
        return self.months[-1] if self.months else ""


def only(data: Data) -> Data:
    """Return the data of one place: the main one where there are several."""
    return data if len(data.places) <= 1 else data.of()


@remembered
def scope(data: Data) -> Scope:
    """Say which months of a place are summed, and under which name (R1)."""
    data = only(data)
    status = dict(zip(data.months["month"], data.months["status"], strict=True))
    months = [m for m in sorted(status) if status[m] in SUMMED]
    thin = [m for m in months if status[m] == "suspiciously low"]
    parts = [m for m in months if status[m] == "partly supplied"]
    whole = [m for m in months if m not in parts]
    shares = deciding(data)
    if whole:
        return Scope("whole", whole, thin, list(shares), [], 1.0, parts)
    if not parts:
        return Scope("none", [], [], [], list(shares), 0.0, [])
    forces = _supplied(data, parts[-1])
    same = [m for m in parts if _supplied(data, m) == forces]
    absent = [f for f in shares if f not in forces]
    share = sum(shares[f] for f in forces)
    return Scope("part", same, [], forces, absent, share, [m for m in parts if m not in same])


@remembered
def deciding(data: Data) -> dict[str, float]:
    """Return the forces with 2 % or more of the area, and their shares (0-1), largest first."""
    rows = data.coverage[(data.coverage["share"] >= LEAST_SHARE) & (data.coverage["force"] != BTP)]
    return dict(zip(rows["force"], rows["share"], strict=True))


def _supplied(data: Data, month: str) -> list[str]:
    """Name the forces that supplied a partly supplied month."""
    shares = deciding(data)
    held = dict(zip(data.coverage["force"], data.coverage["months"].str.split(), strict=True))
    found = [f for f in shares if month in held[f]]
    if len(found) < len(shares):
        return found
    # The API answers for all forces alike; there the table of known gaps names the absent one.
    gaps = {g.force for g in known_gaps() if g.holds(month)}
    return [f for f in shares if f not in gaps]


@remembered
def monthly_counts(data: Data) -> pd.DataFrame:
    """Count the records of every month and series, whatever the month's status.

    Returns
    -------
    DataFrame
        Index `month` (every month asked for), columns `SERIES`: "crime" is the thirteen
        categories and "asb" the reports of territorial forces, "btp" all of British Transport
        Police, and each category's slug without BTP. Rows are counted, duplicates too (R2).
    """
    data = only(data)
    crimes = data.crimes
    btp = crimes["reported_by"] == BTP
    table = tally(crimes[~btp], ["month"], "category")
    index = pd.Index(sorted(data.months["month"]), name="month")
    table = table.reindex(index=index, columns=list(CATEGORIES), fill_value=0)
    table["crime"] = table[CRIME_CATEGORIES].sum(axis=1)
    table["asb"] = table[ASB]
    table["btp"] = crimes.loc[btp, "month"].value_counts().reindex(index, fill_value=0)
    return table[list(SERIES)].astype("int64").rename_axis(columns=None)


def tally(rows: pd.DataFrame, by: list[str], across: str) -> pd.DataFrame:
    """Count rows by the columns `by` (the index) and by the values of `across` (the columns)."""
    plain = pd.DataFrame(rows[[*by, across]])
    return plain.groupby([*by, across]).size().unstack(fill_value=0)


def monthly(data: Data, series: str = "crime") -> pd.DataFrame:
    """Return one series by month.

    Returns
    -------
    DataFrame
        One row a month asked for, oldest first: `month`, `status`, `records` (Int64, <NA>
        where the month may not be summed), `days`, `per_day` (Float64). A partly supplied month
        holds the part's records, to be shown under the part's name only.
    """
    data = only(data)
    table = data.months[["month", "status"]].sort_values("month", ignore_index=True)
    found = monthly_counts(data)[series].reindex(table["month"]).array
    records = pd.Series(found, dtype="Int64").where(table["status"].isin(SUMMED))
    days = table["month"].map(days_in).astype("int64")
    per_day = (records / days).astype("Float64")
    return table.assign(records=records, days=days, per_day=per_day)


@remembered
def rest_of_force(data: Data) -> pd.DataFrame:
    """Count the rest of the place's forces by month and series (archive only).

    Returns
    -------
    DataFrame
        Index `month`, columns `SERIES` without "btp", float; a month that one of the
        forces did not supply is absent. Empty where the source is not an archive.
    """
    data = only(data)
    forces = list(deciding(data))
    rows = data.surroundings[data.surroundings["force"].isin(forces)]
    names = [s for s in SERIES if s != "btp"]
    if rows.empty:
        return pd.DataFrame(columns=names, index=pd.Index([], name="month"), dtype="float64")
    complete = rows.groupby("month")["force"].nunique() == len(forces)
    table = rows.pivot_table(index="month", columns="category", values="rest", aggfunc="sum")
    table = table.reindex(columns=list(CATEGORIES), fill_value=0).loc[complete[complete].index]
    table["crime"] = table[CRIME_CATEGORIES].sum(axis=1)
    table["asb"] = table[ASB]
    return table[names].astype("float64").rename_axis(columns=None)


def records(data: Data, months: list[str] | None = None) -> gpd.GeoDataFrame:
    """Return the place's records of territorial forces in the months summed (or in `months`).

    Returns
    -------
    GeoDataFrame
        Rows of the frame `crimes`, in their order, with a new index; EPSG:4326.
    """
    return _records(only(data), tuple(scope(data).months if months is None else months))


@once
def _records(data: Data, months: tuple[str, ...]) -> gpd.GeoDataFrame:
    kept = data.crimes["month"].isin(months) & (data.crimes["reported_by"] != BTP)
    return data.crimes[kept].reset_index(drop=True)


def summed_months(data: Data) -> list[str]:
    """Return the months that totals are made of, oldest first (see `scope`).

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.summed_months(data)
    ['2025-11', '2025-12']
    """
    return scope(data).months


@once
def count_by_category(data: Data) -> pd.DataFrame:
    """Count the main place's records by category, in the latest summed month and the period.

    Returns
    -------
    DataFrame
        One row a category, the thirteen of crime by their count and anti-social behaviour
        last; columns `category` (slug), `label`, `latest`, `period`, `a_month` (mean of the summed
        months) and `share` (0-1 of the period's crime; missing for anti-social behaviour, which
        is no crime). British Transport Police records are left out. No geometry.

    Examples
    --------
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

    Returns
    -------
    DataFrame
        One row a month asked for, oldest first: `month` and a column of whole numbers for
        each category, named by its label, missing in months that may not be summed. British
        Transport Police is left out. No geometry.

    Examples
    --------
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

    Returns
    -------
    DataFrame
        One row a month asked for, oldest first: `month`, `status`, `why`, `days`, `crime`,
        `asb`, `btp` (whole numbers, missing where the month may not be summed). BTP is missing
        too in months that BTP's file is not held for, as far as the source tells. No geometry.

    Examples
    --------
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

    Returns
    -------
    GeoDataFrame
        GeoDataFrame, one row a snapped point inside the area, sorted by `records`
        descending: `snapped_to` (words, "" where the source gives none), `records`, `crime`, `asb`,
        `share` (0-1 of the records), `cumulative` (0-1), `top` (label of its commonest category);
        EPSG:4326. A point stands for a street or a place around it, not for where a crime was.

    Examples
    --------
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
