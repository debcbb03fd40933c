"""What happened next: outcomes of recorded crime, by month and in groups (R16). No geometry.

Court results since June 2019 are not published, and "Awaiting court outcome" turns into "Court
result unavailable" with age; either alone measures age. Their sum with "charged in another
case" is steady, so that is one group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from crimenb.data import once, remembered
from crimenb.measures.counts import by_outcome, key_of, rest_by_outcome
from crimenb.schema import UNDER_INVESTIGATION, VIEWS, label_of

if TYPE_CHECKING:
    from crimenb.data import Data


CHARGED = "Charged or sent to court (result not published)"
NO_UPDATE = "Status update unavailable"
NO_SUSPECT = "Investigation complete; no suspect identified"
UNABLE = "Unable to prosecute suspect"
OUT_OF_COURT = "Dealt with out of court"
NOT_IN_INTEREST = "Action not in the public interest"
NO_OUTCOME = "No outcome given"

_OUT = "Local resolution|Offender given a caution|Offender given a drugs possession warning"
_OUT += "|Offender given a penalty notice|Action to be taken by another organisation"
_PUBLIC = "Formal action|Further action|Further investigation"
GROUPS: dict[str, str] = {
    "Awaiting court outcome": CHARGED,
    "Court result unavailable": CHARGED,
    "Suspect charged as part of another case": CHARGED,
    "Suspect charged": CHARGED,
    UNDER_INVESTIGATION: UNDER_INVESTIGATION,
    NO_UPDATE: NO_UPDATE,
    NO_SUSPECT: NO_SUSPECT,
    UNABLE: UNABLE,
    "": NO_OUTCOME,
    **dict.fromkeys(_OUT.split("|"), OUT_OF_COURT),
    **{f"{a} is not in the public interest": NOT_IN_INTEREST for a in _PUBLIC.split("|")},
}
"""The source's outcome to the group shown; any other outcome is shown under its own name."""

ORDER = [NO_SUSPECT, UNABLE, CHARGED, OUT_OF_COURT, NOT_IN_INTEREST, UNDER_INVESTIGATION]
ORDER += [NO_UPDATE, NO_OUTCOME]
SETTLED = 0.05
FAULTY, FAULTY_TIMES = 0.25, 3.0
LEAST_CRIMES = 50
"""Below this no share of outcomes is given (R16)."""

LEAST_MONTH = 20
"""A month of fewer crimes shows nothing of the supply: one record would make it faulty."""


class Outcomes(NamedTuple):
    """Outcomes of the crimes of the settled months.

    table: one row a group, largest first: `group`, `crimes`, `share` (0-1, NaN under 50 crimes) and `rest`,
        the share in the rest of the force in the same months (NaN where that is not known).
    settled, unsettled, faulty: months; faulty ones have far too many "status update
        unavailable" and are left out, as unsettled ones are. Each summed month is in one.
    crimes: crimes of the settled months. none: whether the source gives no outcome at all.
    """

    table: pd.DataFrame
    settled: list[str]
    unsettled: list[str]
    faulty: list[str]
    crimes: int
    none: bool


@once
def by_month(data: Data) -> pd.DataFrame:
    """Count crimes by month and outcome group.

    Returns
    -------
    DataFrame
        Index `month` (those summed, oldest first), one column a group, in `ORDER` with
        unknown outcomes after it; anti-social behaviour and BTP have no outcomes and are left out.
    """
    return _grouped(by_outcome(data))


def _grouped(table: pd.DataFrame) -> pd.DataFrame:
    table = table.T.groupby(lambda outcome: GROUPS.get(outcome, outcome)).sum().T
    known = [*ORDER, *sorted(set(table.columns) - set(ORDER))]
    table = table.reindex(columns=known, fill_value=0)
    return table.astype("int64").rename_axis(index="month", columns=None)


def _faulty(table: pd.DataFrame) -> pd.Series:
    """Tell the months of which far too many updates are missing."""
    total = table.sum(axis=1)
    no_update = (table[NO_UPDATE] / total.where(total > 0)).fillna(0.0)
    usual = float(no_update[total > 0].median()) if (total > 0).any() else 0.0
    faulty = (no_update > FAULTY) | (no_update > max(FAULTY_TIMES * usual, SETTLED))
    return faulty & (total >= LEAST_MONTH)


def _rest(data: Data, months: list[str]) -> pd.Series:
    """Return the share of each group in the rest of the force, of the same months; empty where unknown."""
    table = _grouped(rest_by_outcome(data))
    if not months or not set(months) <= set(table.index) or _faulty(table)[months].any():
        return pd.Series(dtype="float64")
    summed = table.loc[months].sum()
    return summed / summed.sum() if summed.sum() >= LEAST_CRIMES else pd.Series(dtype="float64")


@remembered
def outcomes(data: Data) -> Outcomes:
    """Sum the outcomes of settled months, leaving out months whose outcomes are faulty (R16).

    A month is settled when at most 5 % of its crimes are under investigation: measured, not
    counted off the calendar. It is faulty when "status update unavailable" is above 25 %, or
    above three times the median month (and 5 %), in a month of 20 crimes or more.
    """
    table = by_month(data)
    total = table.sum(axis=1)
    some = total > 0
    faulty = _faulty(table)
    open_share = (table[UNDER_INVESTIGATION] / total.where(some)).fillna(0.0)
    none = bool(some.any()) and int((total - table[NO_OUTCOME]).sum()) == 0
    settled = ~faulty & (open_share <= SETTLED)
    kept = table[settled]
    crimes = int(kept.to_numpy().sum())
    summed = kept.sum().rename("crimes").rename_axis("group").reset_index()
    share = summed["crimes"] / crimes if crimes >= LEAST_CRIMES else float("nan")
    months = table.index.to_series()
    rest = _rest(data, months[settled].tolist()) if crimes >= LEAST_CRIMES else pd.Series(dtype="float64")
    elsewhere = rest.reindex(summed["group"], fill_value=0.0 if len(rest) else float("nan"))
    rows = summed.assign(share=share, rest=elsewhere.to_numpy())[summed["crimes"] > 0]
    return Outcomes(
        rows.sort_values("crimes", ascending=False, kind="stable", ignore_index=True),
        months[settled].tolist(),
        months[~settled & ~faulty].tolist(),
        months[faulty].tolist(),
        crimes,
        none,
    )


@once
def outcome_shares(data: Data, *, place: str = "") -> pd.DataFrame:
    """Return what happened next, for the crimes of the settled months (R16).

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        One row a group of outcomes, largest first: `place`, `group`, `crimes`, `share` (0-1, missing
        under 50 crimes), `rest` (the share in the rest of the force, missing where it is not known).
        Empty where the source gives no outcomes. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.outcome_shares(data).columns.tolist()
    ['place', 'group', 'crimes', 'share', 'rest']
    """
    data = data.of(place)
    found = outcomes(data)
    table = found.table.iloc[:0] if found.none else found.table
    return pd.DataFrame({"place": key_of(data), **table})


FOLLOWED = 3
"""So many months of outcomes files after a month before its crimes are timed."""


@once
def outcome_times(data: Data, *, place: str = "") -> pd.DataFrame:
    """Return how long crimes waited for their first outcome, of the settled months (R16).

    Known only from an archive with outcomes files, of months followed for three months or more.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        All crime, then one row a category, most crimes first: `place`, `category`, `label`, `crimes`,
        `decided` (those with an outcome), `same_month` and `in_three` (shares, 0-1, with one in the month
        recorded and within three months), `median` (months until half had one). Shares and medians are
        missing under 50 crimes. Empty where nothing is known. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> len(cn.outcome_times(data))
    0
    """
    data = data.of(place)
    rows = data.decided[data.decided["month"].isin(timed_months(data))]
    rows = pd.concat([rows.assign(category="crime"), rows])
    table = rows.pivot_table(index="category", columns="later", values="crimes", aggfunc="sum", fill_value=0)
    crimes = table.sum(axis=1)
    had = table[[later for later in table if int(str(later)) >= 0]].cumsum(axis=1)  # so many had one by then
    enough, half = crimes >= LEAST_CRIMES, had.ge(crimes / 2, axis=0)
    found = pd.DataFrame({"crimes": crimes, "decided": had.max(axis="columns").fillna(0).astype("int64")})
    for name, most in (("same_month", 0), ("in_three", FOLLOWED)):
        by_then = had[[later for later in had if int(str(later)) <= most]]
        found[name] = (by_then.max(axis="columns") / crimes).fillna(0.0).where(enough)
    found["median"] = (
        half.idxmax(axis=1).where(half.any(axis=1) & enough).astype("float64") if len(found) else 0.0
    )
    found = found.rename_axis("category").reset_index()
    found["label"] = found["category"].map(lambda c: "All crime" if c == "crime" else label_of(c))
    found = found.sort_values(["crimes", "category"], ascending=[False, True], ignore_index=True)
    columns = VIEWS["outcome_times"]
    return found.assign(place=key_of(data))[[*columns]].astype(columns)


def timed_months(data: Data) -> list[str]:
    """Return the settled months whose crimes have been followed long enough to be timed."""
    followed = data.decided[data.decided["followed"] >= FOLLOWED]["month"]
    return sorted(set(outcomes(data).settled) & set(followed))
