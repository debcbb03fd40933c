"""What is normal for a month, from the place's own earlier months. No geometry.

Rules R3 to R6, R9 and R17 of docs/method.md. A verdict is one frozen value, worked out once and
kept with its data; headline, sentence, table, chart, summary and index page all read it, and
wording.verdicts alone puts it into words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import once, remembered
from crimenb.measures.counts import (
    LEAST_ACROSS,
    by_month,
    checked_month,
    checked_series,
    is_across,
    located_share,
    monthly_counts,
    rest_of_force,
    scope,
    summed_counts,
)
from crimenb.query import days_in
from crimenb.usual_range import LONGEST_BASELINE, SPREAD, Position, Range, dispersion, usual_range

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from crimenb.data import Data
    from crimenb.query import Month

    Floats = NDArray[np.float64]

LEAST_EXPECTED = 10
"""Below this many a month no month is judged (R6)."""

LEAST_MONTHS = 6
YEAR = 12
TIMES_THE_PLACE = 3
"""The rest of the force is a control where it holds so many times the place's records (R5)."""

LEVEL, CATEGORY_LEVEL = 0.98, 0.998
"""Thirteen categories are looked at together, so each is judged more strictly (R4)."""

UNCONTROLLED_SPREAD = 0.16


def spread_of(series: str) -> float:
    """Return how fast the dispersion of a series grows beside the rest of the force (R5)."""
    return {"crime": SPREAD, "btp": SPREAD, "asb": 0.20}.get(series, 0.17)


class MonthVerdict(StrEnum):
    """What one month may be called."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"
    AS_LOCATED = "as located"
    """Outside the range, but not once the records without a location are allowed for (R17)."""

    TOO_FEW = "too few"
    TOO_FEW_MONTHS = "too few months"
    NO_CONTROL = "no control"
    """Reports of anti-social behaviour, and categories, follow the season: without the rest of the
    force beside them nothing is called."""

    NOT_JUDGED = "not judged"
    """The month counts a part of the area, or is suspiciously low."""


_BY_POSITION = {
    Position.BELOW: MonthVerdict.BELOW,
    Position.WITHIN: MonthVerdict.WITHIN,
    Position.ABOVE: MonthVerdict.ABOVE,
}


@dataclass(frozen=True)
class Verdict:
    """What one month's count may be called beside the place's earlier months (R3 to R6).

    records, expected: the count, and what the earlier months give for that month's days.
    range: the one normal range, or None where none may be given.
    adjusted: whether the rest of the force stood beside it, which takes out the season (R5).
    change, rest_change: the count and the rest of the force, per day, against their earlier months.
    months, first, last, least, most: how many earlier months, the first and the last of them, their
        smallest and largest count.
    """

    kind: MonthVerdict
    series: str
    month: str
    records: int
    expected: float = float("nan")
    range: Range | None = None
    adjusted: bool = False
    change: float = float("nan")
    rest_change: float = float("nan")
    months: int = 0
    first: str = ""
    last: str = ""
    least: int = 0
    most: int = 0

    @property
    def called(self) -> bool:
        """Whether the month is called unusual."""
        return self.kind in (MonthVerdict.BELOW, MonthVerdict.ABOVE)


class Small(NamedTuple):
    """A place too small to judge a month (R6): its period, and the level it fits.

    low, high: 95 % interval of the underlying level of the whole period, not a forecast.
    """

    total: int
    least: int
    most: int
    months_without: list[str]
    low: int
    high: int
    phi: float


@remembered
def verdict_of(data: Data, series: str = "crime", month: str = "") -> Verdict:
    """Judge one month of a series beside the place's earlier months (R3 to R6, R9).

    Parameters
    ----------
    series
        "crime", "asb", "btp" or a category's slug.
    month
        The month judged; the newest summed one by default.
    """
    within = scope(data)
    month = month or within.latest
    counts = monthly_counts(data)[checked_series(data, series)]
    count = int(counts.get(month, 0))
    steady = within.steady_in(series)
    if month not in steady:
        return Verdict(MonthVerdict.NOT_JUDGED, series, month, count)
    earlier = [m for m in steady if m < month][-LONGEST_BASELINE:]
    if is_across([*earlier, month]) and counts[earlier].mean() < LEAST_ACROSS:
        earlier = [m for m in earlier if not is_across([m, month])]
    if len(earlier) < LEAST_MONTHS:
        return Verdict(MonthVerdict.TOO_FEW_MONTHS, series, month, count, months=len(earlier))
    months = [*earlier, month]
    y = counts.loc[months].to_numpy(dtype="float64")
    days = np.array([days_in(m) for m in months], float)
    found = weigh(y, days, rest_in(data, series, months), series=series)
    found = replace(found, month=month, first=earlier[0], last=earlier[-1])
    return found if found.adjusted or not found.called else _with_unlocated(data, found, y, days, months)


def rest_in(data: Data, series: str, months: list[str]) -> Floats | None:
    """Return the rest of the force's counts in the months, None where one is not known."""
    rest = rest_of_force(data)
    if series not in rest or not set(months) <= set(rest.index):
        return None
    return np.asarray(rest.loc[months, series], float)


def is_control(y: Floats, rest: Floats | None) -> bool:
    """Whether the rest of the force may stand beside a place's earlier months `y` (R5)."""
    return rest is not None and bool((rest > 0).all()) and rest[:-1].sum() >= TIMES_THE_PLACE * y[:-1].sum()


def weigh(y: Floats, days: Floats, rest: Floats | None, *, series: str = "crime") -> Verdict:
    """Judge the last of `y` beside the ones before it; see `verdict_of`.

    Parameters
    ----------
    y
        Counts, the month judged last.
    days
        Days of the same months.
    rest
        Counts of the rest of the force in the same months, or None.
    """
    count = int(y[-1])
    expected = float(y[:-1].sum() / days[:-1].sum() * days[-1])
    adjusted = is_control(y, rest)
    verdict = Verdict(
        MonthVerdict.TOO_FEW, series, "", count, expected, adjusted=adjusted, months=len(y) - 1,
        least=int(y[:-1].min()), most=int(y[:-1].max()),
        change=count / expected - 1 if expected > 0 else float("nan"),
    )  # fmt: skip
    if adjusted and rest is not None:
        before = rest[:-1].sum() / days[:-1].sum()
        verdict = replace(verdict, rest_change=float(rest[-1] / days[-1] / before - 1))
    if expected < LEAST_EXPECTED:
        return verdict
    is_category = series not in ("crime", "asb", "btp")
    if not adjusted and (is_category or series == "asb"):
        return replace(verdict, kind=MonthVerdict.NO_CONTROL)
    exposure = rest if adjusted and rest is not None else days
    normal = usual_range(
        y[:-1], exposure[:-1], float(exposure[-1]),
        level=CATEGORY_LEVEL if is_category else LEVEL,
        spread=spread_of(series) if adjusted else UNCONTROLLED_SPREAD,
    )  # fmt: skip
    return replace(verdict, kind=_BY_POSITION[normal.position(count)], range=normal)


def _with_unlocated(data: Data, verdict: Verdict, y: Floats, days: Floats, months: list[str]) -> Verdict:
    """Keep a call made on days alone only if the share with a location does not explain it (R17)."""
    share = located_share(data)
    if verdict.series not in share or not set(months) <= set(share.index):
        return verdict
    exposure = days * share.loc[months, verdict.series].to_numpy(dtype="float64")
    other = usual_range(y[:-1], exposure[:-1], float(exposure[-1]), level=LEVEL, spread=UNCONTROLLED_SPREAD)
    if _BY_POSITION[other.position(verdict.records)] == verdict.kind:
        return verdict
    return replace(verdict, kind=MonthVerdict.AS_LOCATED)


@once
def months_with_range(
    data: Data, *, category: str = "crime", place: str = "", month: Month = ""
) -> pd.DataFrame:
    """Return `count_by_month` of one series with the range that the month chart draws.

    Parameters
    ----------
    category
        "crime", "asb", "btp", or a category by its slug or its name.
    place
        A place of the data; the report's own by default.
    month
        The month judged; the newest summed one by default. Choose it before looking: of many
        months some lie outside their range by chance.

    Returns
    -------
    DataFrame
        Its columns, with `n` the counts of the series (of a month `partly supplied` those of the part,
        which no sum includes); `low` and `high`: the normal range of the month judged (R5), missing
        in all others and where it may not be judged; and, beside that range, `elsewhere`: the rest
        of the force at this place's scale (archive only). No geometry.

    Raises
    ------
    QueryError
        There is no such category, place or month; the message says what there is.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ9 9ZZ", "2025-11", "2025-12")
    >>> cn.months_with_range(data, category="asb")["month"].tolist()
    ['2025-11', '2025-12']
    """
    data = data.of(place)
    series = checked_series(data, category)
    within = scope(data)
    table = by_month(data, series, [*within.months, *within.apart])
    verdict = verdict_of(data, series, month=checked_month(data, month) if month else "")
    if verdict.range is None:
        return table.assign(low=np.nan, high=np.nan)
    judged = table["month"] == verdict.month
    table = table.assign(
        low=np.where(judged, float(verdict.range.low), np.nan),
        high=np.where(judged, float(verdict.range.high), np.nan),
    )
    if not verdict.adjusted:
        return table
    earlier = [m for m in scope(data).steady_in(series) if m < verdict.month][-LONGEST_BASELINE:]
    rest = rest_of_force(data)[series]
    scale = monthly_counts(data).loc[earlier, series].sum() / rest[earlier].sum()
    return table.assign(elsewhere=(rest.reindex(table["month"]) * scale).round(1).to_numpy())


def small_place(data: Data, series: str = "crime") -> Small:
    """Describe a place with under ten records a month, without judging any (R6)."""
    months = scope(data).months
    y = summed_counts(data)[series]
    total = int(y.sum())
    if not months:
        return Small(0, 0, 0, [], 0, 0, 1.0)
    phi = dispersion_of_level(y, months)
    low, high = level_interval(total, phi)
    without = [m for m in months if y[m] == 0]
    return Small(total, int(y.min()), int(y.max()), without, low, high, phi)


def dispersion_of_level(counts: ArrayLike, months: Sequence[str], *, spread: float = SPREAD) -> float:
    """Return R3's dispersion of a period's months: of the earlier ones as seen from the latest (R6)."""
    y, days = np.asarray(counts, float), np.asarray([days_in(m) for m in months], float)
    if len(y) < 2:
        return dispersion(y, days, float(y.sum()), spread=spread)
    return dispersion(y[:-1], days[:-1], float(y[:-1].sum() / days[:-1].sum() * days[-1]), spread=spread)


def level_bounds(total: float, phi: float, t: float = 1.96) -> tuple[float, float]:
    """Return (sqrt(N) +- t * sqrt(phi) / 2)^2, an interval of the level that a count fits (R6), by default of 95 %."""
    half = t * np.sqrt(phi) / 2
    return max(0.0, float(np.sqrt(total) - half)) ** 2, float(np.sqrt(total) + half) ** 2


def level_interval(total: int, phi: float) -> tuple[int, int]:
    """Return `level_bounds` as whole numbers."""
    low, high = level_bounds(total, phi)
    return round(low), round(high)


@remembered
def is_small(data: Data) -> bool:
    """Whether the place has under ten crimes a month, so that no month may be judged."""
    counts = summed_counts(data)
    return len(counts) > 0 and int(counts["crime"].sum()) / len(counts) < LEAST_EXPECTED
