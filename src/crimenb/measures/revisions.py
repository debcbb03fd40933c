"""What was revised: two snapshots of one question, from different releases. No geometry.

A crime's ID is no key: anti-social behaviour and BTP have none, some forces give one ID to
several rows, Northern Ireland uses them anew every month. So rows are matched as multisets:
first whole, then within one month, category and ID, then as many as are left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from crimenb.data import remembered
from crimenb.errors import QueryError
from crimenb.measures.counts import deciding, scope
from crimenb.schema import ASB, CATEGORIES

if TYPE_CHECKING:
    import geopandas as gpd

    from crimenb.data import Data


class Revised(NamedTuple):
    """What the newest release of an archive changed here, beside the release before.

    since: that release. new: months it did not have; earlier: the other months counted. crime and asb: by
    month, the records added and removed, for the earlier months with any. decided: crimes of the earlier months
    that have another outcome.
    """

    since: str
    new: list[str]
    earlier: list[str]
    crime: dict[str, tuple[int, int]]
    asb: dict[str, tuple[int, int]]
    decided: int


@remembered
def revised(data: Data) -> Revised | None:
    """Return what the newest release changed of the months counted; None where no release before is known."""
    since = data.source.get("compared with release")
    months = scope(data).months
    if not since or not months:
        return None
    parts = [part.partition(": ") for part in data.source.get("new months", "").split("; ")]
    brought = {month for force, _, listed in parts if force in deciding(data) for month in listed.split()}
    new = [m for m in months if m in brought]
    earlier = [m for m in months if m not in new]
    rows = data.main.revised
    rows = rows[rows["month"].isin(earlier)]
    changed = rows[rows["added"] + rows["removed"] > 0]
    crime, asb = (
        {
            str(m): (int(a), int(r))
            for m, a, r in part.groupby("month")[["added", "removed"]].sum().itertuples()
        }
        for part in (changed[changed["category"] != ASB], changed[changed["category"] == ASB])
    )
    return Revised(since, new, earlier, crime, asb, int(rows["decided"].sum()))


KEY = ["month", "category", "crime_id"]
COUNTS = ["before", "after", "added", "gone", "moved", "outcome_changed", "changed"]


def diff(a: Data, b: Data) -> pd.DataFrame:
    """Compare two snapshots of one question, the earlier release first.

    Rows without an ID (anti-social behaviour, BTP) are matched on all their columns; what is
    left over is counted as added or gone, because a moved one cannot be told from two others.

    Returns
    -------
    DataFrame
        One row a month and category with any record, by month and in the order of
        `CATEGORIES`: `month`, `category`, `before` and `after` (records), `added`, `gone`, `moved`
        (another point), `outcome_changed`, `changed` (both). Records of either are kept whatever
        the month's status, which is given as `status_before` and `status_after`.

    Raises
    ------
    QueryError
        The snapshots are of different places or share no month.
    """
    one, two = a.main, b.main
    if one.query.postcode != two.query.postcode:
        msg = (
            f"The snapshots are of {one.query.postcode!r} and {two.query.postcode!r}; "
            "compare two of the same place."
        )
        raise QueryError(msg)
    months = sorted(set(one.months["month"]) & set(two.months["month"]))
    if not months:
        msg = "The snapshots have no month in common; compare two of the same months."
        raise QueryError(msg)
    before, after = (_plain(d.crimes, months) for d in (one, two))
    table = _tally(before, after)
    for name, data in (("status_before", one), ("status_after", two)):
        table[name] = table["month"].map(data.months.set_index("month")["status"])
    return table


def _plain(crimes: gpd.GeoDataFrame, months: list[str]) -> pd.DataFrame:
    kept = crimes[crimes["month"].isin(months)]
    plain = pd.DataFrame(kept[[*KEY, "outcome", "reported_by", "snapped_to"]])
    return plain.assign(x=kept.geometry.x.round(6), y=kept.geometry.y.round(6)).reset_index(drop=True)


def _tally(before: pd.DataFrame, after: pd.DataFrame) -> pd.DataFrame:
    group = ["month", "category"]
    total = pd.DataFrame({"before": before.groupby(group).size(), "after": after.groupby(group).size()})
    left, right, _ = _matched(before, after, [*KEY, "outcome", "x", "y"])
    tallies = {}
    for name, on in (
        ("outcome_changed", [*KEY, "x", "y"]),
        ("moved", [*KEY, "outcome"]),
        ("changed", KEY),
    ):
        # Without an ID nothing ties a row to a row; those wait for the last step.
        named, other = left["crime_id"] != "", right["crime_id"] != ""
        rest_left, rest_right, found = _matched(left[named], right[other], on)
        tallies[name] = found.groupby(group).size()
        left, right = pd.concat([left[~named], rest_left]), pd.concat([right[~other], rest_right])
    tallies["added"], tallies["gone"] = right.groupby(group).size(), left.groupby(group).size()
    table = total.join(pd.DataFrame(tallies, index=total.index)).fillna(0).astype("int64")
    table = table[COUNTS].reset_index()
    order = table["category"].map({c: i for i, c in enumerate(CATEGORIES)})
    table = table.assign(order=order).sort_values(["month", "order"], ignore_index=True)
    return table.drop(columns="order")


def _matched(
    left: pd.DataFrame, right: pd.DataFrame, on: list[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Match rows one to one on the columns `on`; return what is left of each, and the matched.

    The unmatched keep their order; among equal ones the first are matched.
    """
    mine = left.assign(nth=left.groupby(on).cumcount())[[*on, "nth"]]
    yours = right.assign(nth=right.groupby(on).cumcount())[[*on, "nth"]]
    keys, other = pd.MultiIndex.from_frame(mine), pd.MultiIndex.from_frame(yours)
    both = keys.isin(other)
    return left[~both], right[~other.isin(keys)], left[both]
