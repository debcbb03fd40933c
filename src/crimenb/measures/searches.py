"""Searches by the police (stop and search): which months are counted, and the searches by what they were (R26)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd

from crimenb.data import once, remembered
from crimenb.errors import QueryError
from crimenb.measures.counts import deciding, key_of
from crimenb.schema import NEW_POINTS, SUMMED, VIEWS, MonthStatus

if TYPE_CHECKING:
    from crimenb.data import Data

LEAST_SEARCHES = 50
"""Searches from which a share of them is given (R21)."""

MOST_MIDNIGHT = 0.05
"""Share at midnight from which the times of day are not counted: some forces give the day only."""

UNRECORDED, NOT_STATED = "Not recorded", "Not stated"
VEHICLE = "Vehicle search"
SECTION_60 = "section 60"
BY = ("object", "power", "outcome", "hour", "kind", "self_defined", "officer_defined")
_ETHNICITY = ("self_defined", "officer_defined")
_BLOCK = 3
"""Hours of a group of the times of day."""


class Unplaced(NamedTuple):
    """A force's searches without a place in the months counted; `of` all of them, -1 where that is not known."""

    force: str
    searches: int
    of: int


class Searches(NamedTuple):
    """The searches of a place.

    months: those counted; every: each month asked for with its status and reason.
    rows: the searches counted; forces: those whose files are counted; absent: the others of the area.
    """

    months: list[str]
    every: pd.DataFrame
    rows: pd.DataFrame
    forces: list[str]
    absent: list[str]
    unplaced: list[Unplaced]

    @property
    def total(self) -> int:
        """How many searches are counted."""
        return len(self.rows)

    @property
    def twice(self) -> int:
        """How many are identical to an earlier one: several people stopped together, or a copy."""
        return int(self.rows.duplicated().sum())

    @property
    def vehicles(self) -> int:
        """How many were of a vehicle and nobody in it."""
        return int((self.rows["kind"] == VEHICLE).sum())

    @property
    def section_60(self) -> int:
        """How many were made under section 60, which needs no suspicion."""
        return int(self.rows["power"].str.contains(SECTION_60, regex=False).sum())

    @property
    def by_others(self) -> int:
        """How many are known to be by a force that polices less than 2 % of the area."""
        return int((~self.rows["reported_by"].isin(["", *self.forces, *self.absent])).sum())

    @property
    def at_midnight(self) -> int:
        """How many have the time that stands for none: midnight, or 01:00 in summer."""
        utc = _times(self.rows)
        local = utc.dt.tz_convert("Europe/London")
        return int(((utc == utc.dt.floor("D")) | (local.dt.strftime("%H%M%S") == "000000")).sum())

    @property
    def has_times(self) -> bool:
        """Whether the times of day can be counted."""
        return self.total > 0 and self.at_midnight < MOST_MIDNIGHT * self.total

    @property
    def points_changed(self) -> bool:
        """Whether the months counted lie on both sides of July 2022 (R20)."""
        return bool(self.months) and self.months[0] < NEW_POINTS <= self.months[-1]


@remembered
def searches_of(data: Data) -> Searches:
    """Return the searches of the report's own place, in the months that its forces supplied (R26).

    A month counts where every force with 2 % or more of the area supplied it, but for those that supplied none.
    """
    data = data.main
    supply = data.searches_months
    keys = [*zip(supply["force"], supply["month"], strict=True)]
    states = dict(zip(keys, map(MonthStatus, supply["status"]), strict=True))
    reasons = dict(zip(keys, supply["why"], strict=True))
    every = [f for f in deciding(data) if f in {*supply["force"]}]
    forces = [f for f in every if any(states[f, m] in SUMMED for m in data.query.months)]
    absent = [f for f in every if f not in forces]
    table = []
    for month in data.query.months if every else []:
        found = {f: states[f, month] for f in every}
        counted = bool(forces) and all(found[f] in SUMMED for f in forces)
        why = " ".join(r for f in every if (r := reasons[f, month]))
        if len({*found.values()}) == 1 or not (absent or len(every) > 1):
            status = found[every[0]]
        elif counted and not absent:
            status = MonthStatus.LOW if MonthStatus.LOW in found.values() else MonthStatus.PARTLY
        else:
            status = MonthStatus.PARTLY
        table.append({"month": month, "status": status, "why": why, "counted": counted})
    months = pd.DataFrame(table, columns=["month", "status", "why", "counted"]).astype({"counted": bool})
    listed = months.loc[months["counted"], "month"].tolist()
    rows = pd.DataFrame(data.searches.drop(columns="geometry"))
    points = data.searches.geometry
    rows = rows.assign(longitude=points.x, latitude=points.y)
    rows = rows[rows["month"].isin(listed)].reset_index(drop=True)
    known = supply[supply["month"].isin(listed) & (supply["unplaced"] >= 0)]
    unplaced = [
        Unplaced(f, int(own["unplaced"].sum()), int(own["searches"].sum()) if (own["searches"] >= 0).all() else -1)
        for f in forces if len(own := known[known["force"] == f])
    ]  # fmt: skip
    return Searches(listed, months, rows, forces, absent, unplaced)


def _times(rows: pd.DataFrame) -> pd.Series:
    times: pd.Series = pd.to_datetime(rows["time"], utc=True, format="ISO8601", errors="coerce")
    return times


@once
def searches_by_month(data: Data, *, place: str = "") -> pd.DataFrame:
    """Count the searches by month, the months asked for each with what may be said of it.

    Parameters
    ----------
    place
        A place of the data; the report's own by default, which alone has searches.

    Returns
    -------
    DataFrame
        One row a month: `place`, `month`, `status`, `why`, `category` ("searches") and `n`, missing where the
        month is not counted. No row where searches were not asked for (`stops=True`).

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-11", "2025-12", stops=True)
    >>> cn.searches_by_month(data)[["month", "status"]]
         month     status
    0  2025-11  published
    1  2025-12  published
    """
    data = data.of(place)
    found = searches_of(data)
    counts = found.rows.groupby("month").size().reindex(found.months, fill_value=0)
    table = found.every.assign(place=key_of(data), category="searches", n=found.every["month"].map(counts))
    columns = VIEWS["searches_by_month"]
    return table[[*columns]].astype(columns)


@once
def count_searches(data: Data, *, by: str = "object", place: str = "") -> pd.DataFrame:
    """Count the searches of all months counted by what they were.

    Parameters
    ----------
    by
        "object" (what was looked for), "power" (the law), "outcome", "hour" (of the day, in the United Kingdom),
        "kind", or the ethnicity of those searched: "self_defined" or "officer_defined", which have different
        categories and stand in for each other nowhere. Searches of a vehicle alone have no ethnicity.
    place
        A place of the data; the report's own by default, which alone has searches.

    Returns
    -------
    DataFrame
        One row a group, most searches first, what is not known last: `place`, `by`, `group`, `searches`, `share`
        (missing under 50 searches), and of outcomes `linked` and `not_linked`. No row of `by="hour"` where 5 % or more
        of the times are midnight.

    Raises
    ------
    QueryError
        `by` is none of these, or the data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12", stops=True)
    >>> cn.count_searches(data, by="object")["group"].iloc[0]
    'Controlled drugs'
    """
    if by not in BY:
        msg = f"There is no by={by!r} for searches; choose one of {', '.join(BY)}."
        raise QueryError(msg)
    data = data.of(place)
    found = searches_of(data)
    rows = found.rows[found.rows["kind"] != VEHICLE] if by in _ETHNICITY else found.rows
    groups = _groups(rows, by) if by != "hour" or found.has_times else pd.Series(dtype="str")
    sizes = groups.value_counts()
    if by == "hour":
        order = [g for g in _HOURS if len(groups)]
    else:
        order = sorted(sizes.index, key=lambda g: (g == UNRECORDED, g == NOT_STATED, -sizes[g], g))
    whole, linked = int(sizes.sum()), rows["linked"].groupby(groups).value_counts()

    def link(group: str, says: str) -> Any:
        return int(linked.get((group, says), 0)) if by == "outcome" else pd.NA

    table = [
        {"place": key_of(data), "by": by, "group": g, "searches": int(sizes.get(g, 0)),
         "share": sizes.get(g, 0) / whole if whole >= LEAST_SEARCHES else float("nan"),
         "linked": link(g, "yes"), "not_linked": link(g, "no")}
        for g in order
    ]  # fmt: skip
    columns = VIEWS["count_searches"]
    return pd.DataFrame(table, columns=[*columns]).astype(columns)


_HOURS = [f"{h:02}:00 to {h + _BLOCK - 1:02}:59" for h in range(0, 24, _BLOCK)]


def _groups(rows: pd.DataFrame, by: str) -> pd.Series:
    """Return the group of each search, in the source's words."""
    if by == "hour":
        hours = _times(rows).dt.tz_convert("Europe/London").dt.hour // _BLOCK
        groups: pd.Series = hours.map(dict(enumerate(_HOURS))).fillna(UNRECORDED)
        return groups
    words = rows[by]
    if by == "self_defined":  # the source's own broader groups: what stands before the dash
        stated = ~words.str.contains("not stated", case=False)
        words = words.str.split(" - ").str[0].where(stated, NOT_STATED)
    return words.where(words != "", UNRECORDED)
