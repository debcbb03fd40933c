"""Counts of recorded crime by month, category and map point. Frames in, frames out.

The only module that groups records. Rules that hold throughout: records are counted, never
de-duplicated (R2); crime, anti-social behaviour and British Transport Police are three numbers
that are never added; a month that may not be summed contributes nothing and appears as missing,
never as zero (R1); map points are counted on one side of their replacement in July 2022 (R20).
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from crimenb.data import once, remembered
from crimenb.errors import QueryError
from crimenb.geo import LONLAT
from crimenb.month_status import LEAST_SHARE, known_gaps
from crimenb.query import days_in, parse_month
from crimenb.schema import (
    ASB,
    BTP,
    CATEGORIES,
    COUNCIL_GROUPS,
    CRIME_CATEGORIES,
    NEW_CATEGORIES,
    NEW_POINTS,
    NOT_SPLIT,
    SUMMED,
    MonthStatus,
    label_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crimenb.data import Data
    from crimenb.query import Month

TOTALS = ("crime", "asb", "btp")
SERIES = (*TOTALS, *CATEGORIES)
"""What can be counted by month: three totals that are never added, and each category's slug."""


LEAST_ACROSS = 60
"""Circle totals are compared across July 2022 only at so many a month (R20)."""


def is_across(months: Sequence[str]) -> bool:
    """Whether months lie on both sides of the change of map points in July 2022 (R20)."""
    return bool(months) and min(months) < NEW_POINTS <= max(months)


class Scope(NamedTuple):
    """What a total of a place may be called.

    kind: "whole" (the area asked for), "part" (only some of its forces supplied) or "none".
    months: the months summed; thin: those of them that are suspiciously low.
    forces: the forces that supplied them; share: of the area (0-1); absent: the other forces, "" one
    that is not known.
    apart: partly supplied months, left out because whole months are there.
    left_out: whole months kept out of ranges and changes, by series: "all" and "asb".
    """

    kind: Literal["whole", "part", "none"]
    months: list[str]
    thin: list[str]
    forces: list[str]
    absent: list[str]
    share: float
    apart: list[str]
    left_out: dict[str, list[str]]

    @property
    def steady(self) -> list[str]:
        """Whole months in their usual number, fit for ranges and changes of crime."""
        return self.steady_in("crime")

    def steady_in(self, series: str) -> list[str]:
        """Return the whole months in which a series came in its usual number, oldest first."""
        if self.kind != "whole":
            return []
        out = {*self.thin, *self.left_out["all"], *(self.left_out["asb"] if series in ("asb", ASB) else [])}
        # A category of before a break is another thing of the same name; totals are not.
        since = (
            ""
            if series in ("crime", "asb", ASB)
            else max((c for c in NEW_CATEGORIES if c <= self.latest), default="")
        )
        return [m for m in self.months if m not in out and m >= since]

    @property
    def category_breaks(self) -> list[str]:
        """The months from which the categories are others, among those summed."""
        return [c for c in NEW_CATEGORIES if self.months and self.months[0] < c <= self.latest]

    @property
    def latest(self) -> str:
        """The newest month that is summed, or ""."""
        return self.months[-1] if self.months else ""

    @property
    def point_months(self) -> list[str]:
        """The months whose map points may be counted together: the newer side of July 2022."""
        newer = [m for m in self.months if m >= NEW_POINTS]
        return newer or self.months

    @property
    def points_changed(self) -> bool:
        """Whether the months summed lie on both sides of July 2022."""
        return self.point_months != self.months


@remembered
def scope(data: Data) -> Scope:
    """Return which months of a place are summed, and under which name (R1)."""
    data = data.main
    status = dict(zip(data.months["month"], data.months["status"], strict=True))
    months = [m for m in sorted(status) if status[m] in SUMMED]
    thin = [m for m in months if status[m] == MonthStatus.LOW]
    parts = [m for m in months if status[m] == MonthStatus.PARTLY]
    whole = [m for m in months if m not in parts]
    shares = _shares(data)
    left_out: dict[str, list[str]] = {"all": [], "asb": []}
    if "left_out" in data.months:
        for month, series in zip(data.months["month"], data.months["left_out"], strict=True):
            left_out.setdefault(series, []).append(month)
    if whole:
        return Scope("whole", whole, thin, list(shares), [], 1.0, parts, left_out)
    if not parts:
        return Scope("none", [], [], [], list(shares), 0.0, [], left_out)
    forces = _supplied(data, parts[-1])
    same = [m for m in parts if _supplied(data, m) == forces]
    absent = [f for f in shares if f not in forces]
    share = sum(shares[f] for f in forces)
    return Scope("part", same, [], forces, absent, share, [m for m in parts if m not in same], left_out)


@remembered
def deciding(data: Data) -> dict[str, float]:
    """Return the forces with 2 % or more of the area, and their shares (0-1), largest first.

    A part of which the force is not known is none of them, unless there is no other.
    """
    shares = _shares(data)
    return {f: share for f, share in shares.items() if f} or shares


def _shares(data: Data) -> dict[str, float]:
    """Return what `deciding` does, and last the share of which the force is not known ("")."""
    rows = data.main.coverage
    rows = rows[(rows["share"] >= LEAST_SHARE) & (rows["force"] != BTP)]
    rows = rows.sort_values("force", key=lambda forces: forces == "", kind="stable")
    return dict(zip(rows["force"], rows["share"], strict=True))


def _supplied(data: Data, month: str) -> list[str]:
    """Name the forces that supplied a partly supplied month."""
    shares = _shares(data)
    months = dict(zip(data.coverage["force"], data.coverage["months"].str.split(), strict=True))
    supplied = [f for f in shares if month in months[f]]
    if len(supplied) < len(shares):
        return supplied
    # The API answers for all forces alike; there the table of known gaps names the absent one.
    gaps = {g.force for g in known_gaps() if g.holds(month)}
    return [f for f in shares if f not in gaps]


# ------------------------------------------------------------------ by month and category


def categories_of(data: Data) -> list[str]:
    """Return the slugs of all categories, those that are new to this version last but one.

    Anti-social behaviour, which is no crime, stands last.
    """
    return [*crime_categories_of(data), ASB]


@remembered
def crime_categories_of(data: Data) -> list[str]:
    """Return the slugs of the thirteen categories of crime, and of those new to this version."""
    return CRIME_CATEGORIES + sorted(set(data.main.crimes["category"].unique()) - set(CATEGORIES))


@remembered
def monthly_counts(data: Data) -> pd.DataFrame:
    """Count the records of every month and series, whatever the month's status.

    Returns
    -------
    DataFrame
        Index `month` (every month asked for), columns `SERIES` and the slugs of categories that
        are new to this version: "crime" is everything but "asb", the reports of anti-social
        behaviour; both are of territorial forces, and so is each category. "btp" is all of
        British Transport Police. Rows are counted, duplicates too (R2).
    """
    data = data.main
    crimes = data.crimes
    is_btp = crimes["reported_by"] == BTP
    index = pd.Index(sorted(data.months["month"]), name="month")
    table = tally(crimes[~is_btp], ["month"], "category")
    table = table.reindex(index=index, columns=categories_of(data), fill_value=0)
    table["crime"] = table[crime_categories_of(data)].sum(axis=1)
    table["asb"] = table[ASB]
    table["btp"] = crimes.loc[is_btp, "month"].value_counts().reindex(index, fill_value=0)
    return table[[*TOTALS, *categories_of(data)]].astype("int64").rename_axis(columns=None)


@remembered
def records_by_force(data: Data) -> pd.DataFrame:
    """Count the located records of every month by the force that reported them.

    Returns
    -------
    DataFrame
        Index `month`, a column a police.uk force id (or "territorial", "btp").
    """
    return pd.crosstab(data.main.crimes["month"], data.main.crimes["reported_by"]).rename_axis(columns=None)


def summed_counts(data: Data) -> pd.DataFrame:
    """Return `monthly_counts` of the months summed, oldest first."""
    return monthly_counts(data).reindex(scope(data).months)


def tally(rows: pd.DataFrame, by: list[str], across: str) -> pd.DataFrame:
    """Count rows by the columns `by` (the index) and by the values of `across` (the columns)."""
    plain = pd.DataFrame(rows[[*by, across]])
    return plain.groupby([*by, across]).size().unstack(fill_value=0)


@remembered
def rest_of_force(data: Data) -> pd.DataFrame:
    """Count the rest of the place's forces by month and series (archive only).

    Returns
    -------
    DataFrame
        Index `month`, columns `SERIES` without "btp" and categories new to this version, float; a
        month that one of the forces did not supply is absent. Empty where the source is not an
        archive.
    """
    data = data.main
    forces = list(deciding(data))
    rows = data.surroundings[data.surroundings["force"].isin(forces)]
    names = [s for s in SERIES if s != "btp"] + sorted(set(rows["category"]) - set(CATEGORIES))
    if rows.empty:
        return pd.DataFrame(columns=names, index=pd.Index([], name="month"), dtype="float64")
    table = _rest_by(rows, "category", forces)
    table["crime"] = table.drop(columns=ASB, errors="ignore").sum(axis=1)
    table["asb"] = table.get(ASB, 0)
    return table.reindex(columns=names, fill_value=0).astype("float64").rename_axis(columns=None)


@remembered
def located_share(data: Data) -> pd.DataFrame:
    """Return the share of the forces' records that have a location, by month (R17, archive only).

    Returns
    -------
    DataFrame
        Index `month`, columns "crime", "asb" and each category's slug, 0-1; crime's own share
        stands for a category of which the forces hold under 100 records in the month.
    """
    data = data.main
    rows = data.surroundings[data.surroundings["force"].isin(list(deciding(data)))]
    if rows.empty:
        return pd.DataFrame(index=pd.Index([], name="month"))
    inside = monthly_counts(data)
    located = rows.pivot_table(index="month", columns="category", values="rest", aggfunc="sum", fill_value=0)
    without = rows.pivot_table(
        index="month", columns="category", values="unlocated", aggfunc="sum", fill_value=0
    )
    for table in (located, without):
        table["crime"] = table.drop(columns=ASB, errors="ignore").sum(axis=1)
        table["asb"] = table.get(ASB, 0)
    located = located + inside.reindex(index=located.index, columns=located.columns, fill_value=0)
    total = located + without
    share = (located / total.where(total > 0)).fillna(1.0)
    for category in set(share.columns) - set(TOTALS):
        share[category] = share[category].where(total[category] >= LEAST_LOCATED, share["crime"])
    return share.rename_axis(columns=None)


LEAST_LOCATED = 100


def records(data: Data, months: list[str] | None = None) -> gpd.GeoDataFrame:
    """Return the place's records of territorial forces in the months summed (or in `months`).

    Returns
    -------
    GeoDataFrame
        Rows of the frame `crimes`, in their order, with a new index; EPSG:4326.
    """
    return _records(data.main, tuple(scope(data).months if months is None else months))


@once
def _records(data: Data, months: tuple[str, ...]) -> gpd.GeoDataFrame:
    chosen = data.crimes["month"].isin(months) & (data.crimes["reported_by"] != BTP)
    return data.crimes[chosen].reset_index(drop=True)


def summed_months(data: Data, *, place: str = "") -> list[str]:
    """Return the months that a place's totals are made of, oldest first (see `scope`).

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.summed_months(data)
    ['2025-11', '2025-12']
    """
    return list(scope(data.of(place)).months)


@once
def count_by_category(data: Data, *, place: str = "") -> pd.DataFrame:
    """Count a place's records by category, in the latest summed month and the period.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        One row a category, those of crime by their count and anti-social behaviour last; columns
        `place`, `category` (slug), `label`, `is_crime`, `latest`, `period` (records, missing where no
        month may be counted), `a_month` (mean of the summed months) and `share` (0-1 of the
        period's crime; missing for anti-social behaviour, which is no crime). British Transport
        Police records are left out. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-01", "2025-12"), "demo")
    >>> cn.count_by_category(data)[["category", "latest", "period"]].tail(1)
                     category  latest  period
    13  anti-social-behaviour ...
    """
    data = data.of(place)
    counts, order = summed_counts(data), categories_of(data)
    period = counts[order].sum()
    latest = counts[order].iloc[-1] if len(counts) else period
    crime = int(counts["crime"].sum())
    table = pd.DataFrame({"latest": latest, "period": period}).rename_axis("category").reset_index()
    if not len(counts):  # nothing was counted, which is not the same as nothing
        nothing = pd.array([pd.NA] * len(table), dtype="Int64")
        table = table.assign(latest=nothing, period=nothing)
    is_crime = table["category"] != ASB
    table.insert(0, "place", key_of(data))
    table.insert(2, "label", table["category"].map(label_of))
    table.insert(3, "is_crime", is_crime)
    table["a_month"] = table["period"] / max(len(counts), 1)
    table["share"] = (table["period"] / crime if crime else table["period"] * np.nan).where(is_crime)
    table = table.assign(last=~is_crime).sort_values(
        ["last", "period", "label"], ascending=[True, False, True], ignore_index=True
    )
    return table.drop(columns="last")


@once
def count_by_month_and_category(data: Data, *, place: str = "") -> pd.DataFrame:
    """Count a place's records by month and category, as a table across.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        One row a month asked for, oldest first: `month` and a column of whole numbers for
        each category, named by its label, missing in months that may not be summed. British
        Transport Police is left out. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ9 9ZZ", "2025-11", "2025-12")
    >>> cn.count_by_month_and_category(data)["month"].tolist()
    ['2025-11', '2025-12']
    """
    data = data.of(place)
    across = summed_counts(data)[categories_of(data)].astype("Int64").reindex(list(data.query.months))
    return across.rename(columns=label_of).rename_axis(index="month", columns=None).reset_index()


@once
def count_by_month(data: Data, *, place: str = "", category: str = "") -> pd.DataFrame:
    """Count a place's crimes and anti-social behaviour reports by month.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.
    category
        "crime", "asb", "btp", or a category by its slug or its name: adds the columns `category`,
        `label`, `is_crime` and, with its counts, `n`.

    Returns
    -------
    DataFrame
        One row a month asked for, oldest first: `place`, `month`, `month_start` (its first day),
        `status`, `why`, `left_out`, `days`, `crime`, `asb`, `btp` (whole numbers, missing where the
        month is in no sum of the report). BTP is missing too in months that BTP's file is not held for, as
        far as the source tells. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place or there is no such category.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ9 9ZZ", "2025-11", "2025-12")
    >>> cn.count_by_month(data)[["month", "status", "days"]]
         month     status  days
    0  2025-11  published    30
    1  2025-12  published    31
    >>> cn.count_by_month(data, category="Shoplifting")[["month", "n"]]
         month  n
    0  2025-11  0
    1  2025-12  ...
    """
    data = data.of(place)
    return by_month(data, category, scope(data).months)


def by_month(data: Data, category: str, counted: list[str]) -> pd.DataFrame:
    """Return `count_by_month` with counts in these months only: the charts draw months of a part too."""
    table = data.months.drop(columns="postcode").sort_values("month", ignore_index=True)
    table.insert(0, "place", key_of(data))
    table.insert(2, "month_start", first_days(table["month"]))
    table[["why", "left_out"]] = table[["why", "left_out"]].mask(table[["why", "left_out"]] == "")
    table["days"] = [days_in(m) for m in table["month"]]
    counts = monthly_counts(data).loc[table["month"]].astype("Int64").reset_index(drop=True)
    counts = counts.where(table["month"].isin(counted))
    btp = btp_months(data)
    if btp is not None:
        counts.loc[~table["month"].isin(btp), "btp"] = pd.NA
    table[list(TOTALS)] = counts[list(TOTALS)]
    if category:
        series = checked_series(data, category)
        table = table.assign(
            category=series,
            label=name_of(series),
            is_crime=series not in ("asb", ASB, "btp"),
            n=counts[series],
        )
    return table


def key_of(data: Data) -> str:
    """Return the postcode, or the area's name, of data of one place."""
    return str(data.places["postcode"].iloc[0])


def first_days(months: pd.Series) -> pd.Series:
    """Return the first day of each month, as a timestamp that pandas and Altair count with."""
    return pd.to_datetime(months, format="%Y-%m").astype("datetime64[s]")


_NAMES = {"crime": "All crime", "asb": label_of(ASB), "btp": "British Transport Police"}


def name_of(series: str) -> str:
    """Return the name of a series in a table: "All crime", "Anti-social behaviour", a category's."""
    return _NAMES.get(series, label_of(series))


def checked_series(data: Data, series: str) -> str:
    """Return a series, named by its slug or its label, after checking that it can be counted.

    Raises
    ------
    QueryError
        It cannot; the message lists those that can.
    """
    known = [str(c) for c in monthly_counts(data)]
    if series in known:
        return series
    by_name = {name.casefold(): s for s in known for name in (name_of(s), s)}
    if (found := by_name.get(str(series).strip().casefold())) is None:
        msg = f"There is no category {repr(series)[:60]}; choose one of {', '.join(known)}."
        raise QueryError(msg)
    return found


def checked_month(data: Data, month: Month) -> str:
    """Return a month of the data as "YYYY-MM".

    Raises
    ------
    QueryError
        It is no month, or none of those asked for; the message says which those are.
    """
    query, found = data.query, str(month)[:40]
    with contextlib.suppress(QueryError):
        found = parse_month(month)
    if found not in query.months:
        msg = f"Month {found!r} is not in the data; choose one of {query.start} to {query.end}."
        raise QueryError(msg)
    return found


def btp_months(data: Data) -> list[str] | None:
    """Return the months British Transport Police supplied, None where the source cannot tell."""
    rows = data.main.coverage
    rows = rows[rows["force"] == BTP]
    return rows["months"].iloc[0].split() if len(rows) else None


# ------------------------------------------------------------------------------ by map point


@remembered
def by_point(data: Data) -> pd.DataFrame:
    """Count records by map point and category, on one side of July 2022 (R20).

    Returns
    -------
    DataFrame
        Index `x`, `y` (longitude, latitude, EPSG:4326); columns `snapped_to`, `crime` and each
        category's slug; most crimes first. A point is keyed by its coordinates, because names
        are blank or shared.
    """
    crimes = _with_points(records(data, scope(data).point_months))
    mix = tally(crimes, ["x", "y"], "category")
    mix = mix.reindex(columns=categories_of(data), fill_value=0)
    mix.insert(0, "crime", mix[crime_categories_of(data)].sum(axis=1))
    mix.insert(0, "snapped_to", crimes.groupby(["x", "y"])["snapped_to"].max().reindex(mix.index))
    order = mix.reset_index().sort_values(["crime", ASB, "x", "y"], ascending=[False, False, True, True])
    return order.set_index(["x", "y"]).rename_axis(columns=None)


def by_point_and_month(data: Data) -> pd.DataFrame:
    """Count records by map point, category and month, on one side of July 2022 (R20).

    Returns
    -------
    DataFrame
        One row a category, point and month with a record: `category`, `x`, `y`, `month`, `n`,
        `snapped_to`.
    """
    crimes = _with_points(records(data, scope(data).point_months))
    return crimes.groupby(["category", "x", "y", "month"], as_index=False).agg(
        n=("snapped_to", "size"), snapped_to=("snapped_to", "max")
    )


def _with_points(crimes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Return the records as plain columns with their point; those without a location have none."""
    plain = pd.DataFrame(crimes[["month", "category", "snapped_to"]])
    plain = plain.assign(x=crimes.geometry.x, y=crimes.geometry.y)
    return plain[plain["x"].notna()]


@once
def count_by_point(data: Data, *, place: str = "", category: str = "crime") -> gpd.GeoDataFrame:
    """Count a place's records by map point over the summed months.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.
    category
        "crime", "asb", or a category by its slug or its name: what `n` counts.

    Returns
    -------
    GeoDataFrame
        One row a map point inside the area, the largest `n` first: `place`, `snapped_to` (words, ""
        where the source gives none), `crime`, `asb`, `share` and `cumulative` (0-1 of all `n`), `top`
        (label of its most common category of crime, "" where it has no crime), `category`, `label`
        and `n` (records of that category); EPSG:4326. A point stands for a street or a place around
        it, not for where a crime was. Where the months lie on both sides of July 2022, only those
        from then on are counted (R20). British Transport Police is left out.

    Raises
    ------
    QueryError
        The data hold no such place, or there is no such category.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12")
    >>> cn.count_by_point(data)[["snapped_to", "crime"]].head(1)
          snapped_to  crime
    0  Shopping Area ...
    """
    data = data.of(place)
    series = checked_series(data, category)
    if series == "btp":
        msg = "Records of British Transport Police are on no map; choose 'crime', 'asb' or a category."
        raise QueryError(msg)
    table = by_point(data)
    number = table[ASB if series == "asb" else series]
    if series != "crime":
        number = number.sort_values(ascending=False, kind="stable")
        table = table.loc[number.index]
    mix = table[crime_categories_of(data)]
    points = table[["snapped_to", "crime"]].assign(asb=table[ASB], n=number).reset_index()
    total = max(int(points["n"].sum()), 1)
    points["share"] = points["n"] / total
    points["cumulative"] = points["n"].cumsum() / total
    top = [label_of(str(row.idxmax())) if row.sum() else "" for _, row in mix.iterrows()]
    points["top"] = np.asarray(top, dtype=object)
    points = points.assign(place=key_of(data), category=series, label=name_of(series))
    columns = ["place", "snapped_to", "crime", "asb", "share", "cumulative", "top", "category", "label", "n"]
    geometry = gpd.points_from_xy(points["x"].astype(float), points["y"].astype(float))
    return gpd.GeoDataFrame(points[columns], geometry=geometry, crs=LONLAT)


# --------------------------------------------------------------------------------- by outcome


def by_outcome(data: Data) -> pd.DataFrame:
    """Count crimes by month and latest outcome; anti-social behaviour and BTP have none.

    Returns
    -------
    DataFrame
        Index `month` (those summed, oldest first), one column an outcome as the source writes it.
    """
    crimes = records(data)
    table = tally(crimes[crimes["category"] != ASB], ["month"], "outcome")
    return table.reindex(index=scope(data).months, fill_value=0).astype("int64").rename_axis(columns=None)


def rest_by_outcome(data: Data) -> pd.DataFrame:
    """Count the crimes of the rest of the place's forces by month and latest outcome (archive only).

    Returns
    -------
    DataFrame
        Index `month` (those that every force supplied whole), one column an outcome. Empty where the
        source is not an archive.
    """
    data, forces = data.main, list(deciding(data))
    rows = data.force_outcomes[data.force_outcomes["force"].isin(forces)]
    return _rest_by(rows, "outcome", forces).astype("int64").rename_axis(columns=None)


@remembered
def rest_of_district(data: Data) -> pd.DataFrame:
    """Count the rest of the place's district by month and series (archives with residents only).

    Returns
    -------
    DataFrame
        Index `month`, columns as `rest_of_force`. Empty where the source does not count districts.
    """
    rows = data.main.district_counts
    table = rows.pivot_table(index="month", columns="category", values="rest", aggfunc="sum", fill_value=0)
    table = table.reindex(columns=sorted({*CATEGORIES, *table}), fill_value=0).astype("float64")
    return table.assign(crime=table.drop(columns=ASB).sum(axis=1), asb=table[ASB]).rename_axis(columns=None)


@once
def count_by_group(data: Data, *, place: str = "") -> pd.DataFrame:
    """Count a place's crimes in the groups that councils use, which overlap.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        One row a group: `place`, `group`, `made_of` (the names of its categories, in words), `latest` and
        `period` (records, missing where no month may be counted). Last come the groups that police.uk's
        categories cannot give, with `made_of` saying so and counts missing. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ9 9ZZ", "2025-11", "2025-12")
    >>> cn.count_by_group(data)[["group", "made_of"]].head(1)
              group      made_of
    0  Retail crime  Shoplifting
    """
    data = data.of(place)
    counts = summed_counts(data)
    latest, period = (counts.iloc[-1].to_dict(), counts.sum().to_dict()) if len(counts) else ({}, {})
    rows = [
        [
            group,
            ", ".join(map(label_of, of)),
            *(sum(n[c] for c in of) if n else None for n in (latest, period)),
        ]
        for group, of in COUNCIL_GROUPS.items()
    ]
    who = "not published" if "northern-ireland" in deciding(data) else "published by the Home Office"
    rows += [
        [group, f"Part of {label_of(whole).lower()}, {who}", None, None] for group, whole in NOT_SPLIT.items()
    ]
    table = pd.DataFrame(rows, columns=["group", "made_of", "latest", "period"])
    table.insert(0, "place", key_of(data))
    return table.astype({"latest": "Int64", "period": "Int64"})


def _rest_by(rows: pd.DataFrame, column: str, forces: list[str]) -> pd.DataFrame:
    """Sum what is outside the place by month, of the months that every force supplied whole."""
    complete = rows.groupby("month")["force"].nunique() == len(forces)
    table = rows.pivot_table(index="month", columns=column, values="rest", aggfunc="sum", fill_value=0)
    return table.loc[complete[complete].index]


class Duplicates(NamedTuple):
    """Rows that are exact copies of an earlier row, all of them counted."""

    crime: int
    asb: int
    asb_records: int


@remembered
def duplicates(data: Data) -> Duplicates:
    """Count rows that copy an earlier one in every column; they are counted as the others (R2)."""
    crimes = records(data)
    plain = pd.DataFrame(crimes.drop(columns=["postcode", "geometry"]))
    copied = plain.assign(x=crimes.geometry.x, y=crimes.geometry.y).duplicated()
    asb = plain["category"] == ASB
    return Duplicates(int((copied & ~asb).sum()), int((copied & asb).sum()), int(asb.sum()))
