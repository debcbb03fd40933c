"""What has changed between two periods, from a place's own months. No geometry.

Rules R7, R8, R17 and R20 of docs/method.md. A change is one frozen value; the words are in
wording.verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crimenb.data import once, remembered
from crimenb.errors import QueryError
from crimenb.measures.counts import (
    LEAST_ACROSS,
    checked_month,
    checked_series,
    crime_categories_of,
    is_across,
    key_of,
    located_share,
    monthly_counts,
    rest_of_force,
    scope,
)
from crimenb.measures.counts import name_of as name_of  # noqa: PLC0414
from crimenb.measures.months import TIMES_THE_PLACE, YEAR, rest_in
from crimenb.query import days_in, month_before
from crimenb.schema import ASB
from crimenb.usual_range import SPREAD, shrunk, t_value

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.months import Floats
    from crimenb.query import Month

RECENT, BEFORE_RECENT = 3, 9
LEAST_PAIRS = 10
LEAST_COUNT = 50
"""Below this count in either period no change is called."""

LEAST_CHANGE = 0.10
LEAST_FOR_PERCENT = 20
"""Below this count in either period no percentage of change is printed: one record would move it (R21)."""

SAME_WAY = 0.75
"""Nine of twelve month pairs, or as large a part of fewer, must move the same way (R8)."""

Z_RECENT = 3.0
LEVEL, CATEGORY_LEVEL = 0.99, 0.998


class ChangeVerdict(StrEnum):
    """What a difference between two periods may be called."""

    RISE = "rise"
    FALL = "fall"
    NONE = "no change"
    AS_LOCATED = "as located"
    """A change of the counts as located, not once the records without a location are allowed for."""

    TOO_FEW = "too few"
    TOO_FEW_MONTHS = "too few months"
    NO_CONTROL = "no control"
    """There is no rest of the force to tell season from change by (R7)."""

    MAP_CHANGED = "map changed"
    """The map points were replaced between the periods, and the counts are small (R20)."""


@dataclass(frozen=True)
class Change:
    """Two periods compared, later against earlier, per day (R7, R8).

    ratio: later rate / earlier rate; rest_ratio: the same of the rest of the force.
    low, high: the interval of what is judged (R7: ratio / rest_ratio; R8: ratio).
    same_way, pairs: month pairs that moved in the ratio's direction, of all pairs.
    missing: months of the later year that have no pair.
    """

    kind: ChangeVerdict
    series: str = ""
    later: tuple[str, ...] = ()
    earlier: tuple[str, ...] = ()
    count_later: int = 0
    count_earlier: int = 0
    ratio: float = float("nan")
    rest_ratio: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    phi: float = float("nan")
    same_way: int = 0
    pairs: int = 0
    missing: tuple[str, ...] = ()

    @property
    def called(self) -> bool:
        """Whether a change is called."""
        return self.kind in (ChangeVerdict.RISE, ChangeVerdict.FALL)

    @property
    def compared(self) -> bool:
        """Whether the two periods may be set against each other at all."""
        return self.kind not in (ChangeVerdict.TOO_FEW_MONTHS, ChangeVerdict.MAP_CHANGED)

    @property
    def force_explains(self) -> bool:
        """Whether the rest of the force moved the same way, at least half as far (R7)."""
        here, there = np.log(self.ratio), np.log(self.rest_ratio)
        return bool(np.isfinite(here + there) and here * there > 0 and abs(there) >= abs(here) / 2)


# ------------------------------------------------------------------------- last three months


@remembered
def recent_against_earlier(data: Data) -> Change:
    """Compare the crimes of the last three months with the nine before, beside the force (R7).

    The window is fixed, never searched. Judged is only the place's ratio divided by that of
    the rest of the force: without the latter season and change cannot be told apart.
    """
    steady = scope(data).steady
    later = steady[-RECENT:]
    earlier = steady[-RECENT - BEFORE_RECENT : -RECENT]
    whole = len(earlier) == BEFORE_RECENT and later[0] == month_before(later[-1], RECENT - 1)
    if not whole or later[-1] != scope(data).latest:
        return Change(ChangeVerdict.TOO_FEW_MONTHS, "crime", tuple(later), tuple(earlier))
    months = [*earlier, *later]
    y = monthly_counts(data).loc[months, "crime"].to_numpy(dtype="float64")
    if is_across(months) and y.mean() < LEAST_ACROSS:
        return Change(ChangeVerdict.MAP_CHANGED, "crime", tuple(later), tuple(earlier))
    days = np.array([days_in(m) for m in months], float)
    found = weigh_recent(y, days, rest_in(data, "crime", months))
    return replace(found, series="crime", later=tuple(later), earlier=tuple(earlier))


def weigh_recent(y: Floats, days: Floats, rest: Floats | None) -> Change:
    """Compare the last three of `y` with those before; see `recent_against_earlier`."""
    late, early = slice(-RECENT, None), slice(None, -RECENT)
    a, b = float(y[late].sum()), float(y[early].sum())
    change = Change(ChangeVerdict.NO_CONTROL, count_later=int(a), count_earlier=int(b))
    if b == 0:
        return replace(change, kind=ChangeVerdict.TOO_FEW)
    change = replace(change, ratio=float(a / days[late].sum() / (b / days[early].sum())))
    if min(a, b) < LEAST_COUNT:
        change = replace(change, kind=ChangeVerdict.TOO_FEW)
    if rest is None or not (rest > 0).all() or rest[early].sum() < TIMES_THE_PLACE * b:
        return change
    beside = float(rest[late].sum() / days[late].sum() / (rest[early].sum() / days[early].sum()))
    change = replace(change, rest_ratio=beside)
    if change.kind == ChangeVerdict.TOO_FEW:
        return change
    # Exposed to the rest of the force, the dispersion is that of the place against the force.
    squares, freedom = 0.0, 0
    for part in (early, late):
        mu = y[part].sum() / rest[part].sum() * rest[part]
        squares += float(((y[part] - mu) ** 2 / mu).sum()) if (mu > 0).all() else 0.0
        freedom += len(mu) - 1
    phi = shrunk(squares, freedom, (a + b) / len(y), spread=SPREAD)
    half = Z_RECENT * np.sqrt(phi * (1 / a + 1 / b))
    return _bounded(change, change.ratio / beside, phi, half)


# ---------------------------------------------------------------------------- year on year


@remembered
def clear_change(data: Data, series: str = "crime") -> Change:
    """Compare the latest twelve months with the same months a year before (R8).

    A change is clear when its interval leaves out 1, it is a tenth or more, and three quarters
    of the month pairs moved the same way; both years hold 50 records or more.
    """
    steady = scope(data).steady_in(series)
    later, earlier, missing = _pairs(steady)
    bare = Change(
        ChangeVerdict.TOO_FEW_MONTHS, series, tuple(later), tuple(earlier), pairs=len(later),
        missing=tuple(missing),
    )  # fmt: skip
    if len(later) < LEAST_PAIRS:
        return bare
    counts = monthly_counts(data)[series]
    y, x = (counts.loc[m].to_numpy(dtype="float64") for m in (later, earlier))
    days, before = (np.array([days_in(m) for m in ms], float) for ms in (later, earlier))
    found = replace(
        weigh_years(y, x, days / before, series=series),
        series=series, later=bare.later, earlier=bare.earlier, missing=bare.missing,
    )  # fmt: skip
    if is_across([*earlier, *later]) and (y.sum() + x.sum()) / (2 * len(later)) < LEAST_ACROSS:
        return replace(found, kind=ChangeVerdict.MAP_CHANGED)
    rest = rest_in(data, series, [*earlier, *later])
    if rest is not None and min(rest[: len(earlier)].sum(), rest[len(earlier) :].sum()) >= LEAST_FOR_PERCENT:
        then, now = rest[: len(earlier)].sum() / before.sum(), rest[len(earlier) :].sum() / days.sum()
        found = replace(found, rest_ratio=float(now / then))
    share = located_share(data)
    if found.called and series in share and {*later, *earlier} <= set(share.index):
        with_share = (
            days / before * (share.loc[later, series].to_numpy() / share.loc[earlier, series].to_numpy())
        )
        if weigh_years(y, x, with_share, series=series).kind != found.kind:
            return replace(found, kind=ChangeVerdict.AS_LOCATED)
    return found


def _pairs(steady: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Return the months of the latest year whose month a year before is there too, those, and the rest."""
    if not steady:
        return [], [], []
    window = [month_before(steady[-1], k) for k in range(YEAR - 1, -1, -1)]
    later = [m for m in window if m in steady and month_before(m, YEAR) in steady]
    return later, [month_before(m, YEAR) for m in later], [m for m in window if m not in later]


def weigh_years(y: Floats, x: Floats, g: Floats, *, series: str = "crime") -> Change:
    """Compare the months `y` with the same months of the year before `x`; see `clear_change`.

    Parameters
    ----------
    y, x
        Counts of the later and the earlier months, pair by pair.
    g
        Later exposure by earlier exposure, pair by pair.
    """
    a, b, m = float(y.sum()), float(x.sum()), len(y)
    change = Change(ChangeVerdict.TOO_FEW, count_later=int(a), count_earlier=int(b), pairs=m)
    if b == 0:
        return change
    rho = float(a / (x * g).sum())
    step = y - x * g
    same = int((step > 0).sum() if rho > 1 else (step < 0).sum())
    change = replace(change, ratio=rho, same_way=same)
    if min(a, b) < LEAST_COUNT:
        return change
    n, p = y + x, rho * g / (1 + rho * g)
    some = n > 0
    squares = float(((y - n * p) ** 2 / (n * p * (1 - p)))[some].sum())
    phi = shrunk(squares, m - 1, (a + b) / (2 * m), spread=0.30 if series in ("asb", ASB) else 0.18)
    is_total = series in ("crime", "asb", "btp")
    half = t_value(LEVEL if is_total else CATEGORY_LEVEL, m) * np.sqrt(phi * (1 / a + 1 / b))
    found = _bounded(change, rho, phi, half)
    if found.called and same < int(np.ceil(SAME_WAY * m)):
        return replace(found, kind=ChangeVerdict.NONE)
    return found


def _bounded(change: Change, ratio: float, phi: float, half: float) -> Change:
    low, high = float(ratio * np.exp(-half)), float(ratio * np.exp(half))
    kind = ChangeVerdict.NONE
    if not low <= 1 <= high and abs(ratio - 1) >= LEAST_CHANGE:
        kind = ChangeVerdict.RISE if ratio > 1 else ChangeVerdict.FALL
    return replace(change, kind=kind, low=low, high=high, phi=phi)


@remembered
def changes(data: Data) -> tuple[Change, ...]:
    """Return `clear_change` of crime, anti-social behaviour, and each category by its count."""
    found = [clear_change(data, s) for s in ("crime", "asb", *crime_categories_of(data))]
    return (*found[:2], *sorted(found[2:], key=lambda c: -(c.count_later + c.count_earlier)))


@once
def change_by_category(data: Data, *, place: str = "") -> pd.DataFrame:
    """Return the latest twelve months against the same months a year before, a row a category (R8).

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        Crime first, then anti-social behaviour, then the categories by their count: `place`,
        `category` ("crime", "asb" or a slug), `label`, `is_crime`,
        `before`, `after` (records), `change` (missing under 20), `low`, `high` (its interval,
        as changes), `same_way` and `pairs` (months), `kind` (a `ChangeVerdict`). Empty unless ten
        pairs of months are there. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> len(cn.change_by_category(data))  # two months are no two years
    0
    """
    data = data.of(place)
    columns = [
        "place",
        "category",
        "label",
        "is_crime",
        "before",
        "after",
        "change",
        "low",
        "high",
        "same_way",
    ]
    rows = []
    for found in changes(data):
        if not found.compared:
            continue
        few = min(found.count_earlier, found.count_later) < LEAST_FOR_PERCENT
        size = float("nan") if few else found.ratio - 1
        rows.append((
            key_of(data), found.series, name_of(found.series), found.series != "asb",
            found.count_earlier, found.count_later, size, found.low - 1,
            found.high - 1, found.same_way, found.pairs, str(found.kind),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=[*columns, "pairs", "kind"]).astype({"change": "float64"})


@once
def before_and_after(
    data: Data, *, month: Month, place: str = "", category: str = "crime", months: int = 12
) -> pd.DataFrame:
    """Set the whole months before a month against those from it on, here and in the rest of the force.

    It shows no cause. Something else may have changed at the same time, a high month falls by itself,
    and a month chosen after looking at the counts proves nothing. A change that the rest of the force
    shows too is not one of this place.

    Parameters
    ----------
    month
        The first month "after".
    place
        A place of the data; the report's own by default.
    category
        "crime", "asb", or a category by its slug or its name.
    months
        Months on each side at most. Twelve hold every season once; of fewer the rest of the force,
        which has the same seasons, is the only measure.

    Returns
    -------
    DataFrame
        Two rows, `where` "here" and "rest of the force" (archive only, else without numbers):
        `place`, `category`, `label`, `month`, `where`, `months_before`, `months_after`, `before` and
        `after` (records), `a_day_before`, `a_day_after`, `change` (of the records a day, as a share;
        missing where either side has under 20, or map points were replaced between them, R20).
        Months that may not be compared (R1, R10) are on neither side. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place or month, there is no such category, or nothing lies on one side.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2024-07", "2025-12")
    >>> cn.before_and_after(data, month="2025-07")[["where", "months_before", "months_after"]]
                   where  months_before  months_after
    0               here  ...             6
    1  rest of the force  ...             6
    """
    data = data.of(place)
    series, first = checked_series(data, category), checked_month(data, month)
    steady = scope(data).steady_in(series)
    earlier = [m for m in steady if m < first][-months:]
    later = [m for m in steady if m >= first][:months]
    if not earlier or not later:
        side = "before" if not earlier else "from"
        may = f"choose one of {steady[1]} to {steady[-1]}" if len(steady) > 1 else "ask for more months"
        msg = f"No whole month lies {side} {first}; {may}."
        raise QueryError(msg)
    here = monthly_counts(data)[series]
    rest = rest_of_force(data).reindex(columns=[series])[series]
    days = [sum(map(days_in, side)) for side in (earlier, later)]
    rows = []
    for where, counts in (("here", here), ("rest of the force", rest)):
        known = {*earlier, *later} <= set(counts.index)
        before, after = (float(counts[side].sum()) if known else np.nan for side in (earlier, later))
        few = not min(before, after) >= LEAST_FOR_PERCENT
        moved = is_across([*earlier, *later]) and here[[*earlier, *later]].mean() < LEAST_ACROSS
        change = np.nan if few or moved else after / days[1] / (before / days[0]) - 1
        rows.append((key_of(data), series, name_of(series), first, where, len(earlier), len(later),
                     before, after, before / days[0], after / days[1], change))  # fmt: skip
    columns = [
        "place",
        "category",
        "label",
        "month",
        "where",
        "months_before",
        "months_after",
        "before",
        "after",
    ]
    table = pd.DataFrame(rows, columns=[*columns, "a_day_before", "a_day_after", "change"])
    return table.astype({"before": "Int64", "after": "Int64"})
