"""What may be summed, and under which name: months as numbers. No geometry.

Rules R1 and R2 of the method. A month that may not be summed is <NA> and never a zero; rows
are counted, never de-duplicated; crime, anti-social behaviour and British Transport Police
are three numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import pandas as pd

from crimenb.months import LEAST_SHARE, known_gaps
from crimenb.query import days_in
from crimenb.tables import ASB, BTP, CATEGORIES, CRIME_CATEGORIES, SUMMED, once, remembered

if TYPE_CHECKING:
    import geopandas as gpd

    from crimenb.tables import Data

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
def counts(data: Data) -> pd.DataFrame:
    """Count the records of every month and series, whatever the month's status.

    Returns: index `month` (every month asked for), columns `SERIES`: "crime" is the thirteen
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

    Returns: one row a month asked for, oldest first: `month`, `status`, `records` (Int64, <NA>
    where the month may not be summed), `days`, `per_day` (Float64). A partly supplied month
    holds the part's records, to be shown under the part's name only.
    """
    data = only(data)
    table = data.months[["month", "status"]].sort_values("month", ignore_index=True)
    found = counts(data)[series].reindex(table["month"]).array
    records = pd.Series(found, dtype="Int64").where(table["status"].isin(SUMMED))
    days = table["month"].map(days_in).astype("int64")
    per_day = (records / days).astype("Float64")
    return table.assign(records=records, days=days, per_day=per_day)


@remembered
def rest_of_force(data: Data) -> pd.DataFrame:
    """Count the rest of the place's forces by month and series (archive only).

    Returns: index `month`, columns `SERIES` without "btp", float; a month that one of the
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

    Returns: rows of the frame `crimes`, in their order, with a new index; EPSG:4326.
    """
    return _records(only(data), tuple(scope(data).months if months is None else months))


@once
def _records(data: Data, months: tuple[str, ...]) -> gpd.GeoDataFrame:
    kept = data.crimes["month"].isin(months) & (data.crimes["reported_by"] != BTP)
    return data.crimes[kept].reset_index(drop=True)
