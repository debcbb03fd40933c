"""What is usual for a month, from the place's own earlier months. No geometry.

Rules R3 to R6 and R9 of the method, calibrated on 646 places of one mile and eight forces of 2025.
A verdict is numbers and a kind; the words for it are elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import once, remembered
from crimenb.measures.counts import count_by_month, monthly_counts, only, rest_of_force, scope
from crimenb.measures.points import comparable
from crimenb.query import days_in, month_before
from crimenb.usual_range import LONGEST_BASELINE, Range, usual_range

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from crimenb.data import Data

if TYPE_CHECKING:
    Floats = NDArray[np.float64]


LEAST_EXPECTED = 10
"""Below this many a month no month is judged (R6)."""

LEAST_MONTHS = 6
YEAR = 12
TOTALS = ("crime", "asb", "btp")


class Verdict(NamedTuple):
    """What one month's count may be called beside the place's other months (R3 to R6).

    kind: "inside", "below", "above" the range; "with the force" (outside its own range, but
        inside it once the rest of the force is taken into account); "lowest", "highest" (a
        category outside its 95 % range only: a fact, no call); "season" (anti-social behaviour
        outside its own range where nothing shows what the season does: no call); "too few" (under ten a month);
        "too few months"; "not judged" (partly supplied, suspiciously low or not summed).
    records, expected: the count, and what the other months give for that month's days.
    own, controlled: ranges by days and by the rest of the force, None where invalid.
    change, rest_change: count and the rest of the force against what their other months give.
    n, least, most: the other months, their smallest and largest count.
    """

    kind: str
    series: str
    month: str
    records: int
    expected: float = float("nan")
    own: Range | None = None
    controlled: Range | None = None
    change: float = float("nan")
    rest_change: float = float("nan")
    n: int = 0
    least: int = 0
    most: int = 0

    @property
    def called(self) -> bool:
        """Whether the month is called unusual."""
        return self.kind in ("below", "above")


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
def range_of(data: Data, series: str = "crime", month: str = "") -> Verdict:
    """Judge one month of a series beside the place's earlier months (R3 to R6, R9).

    The total and anti-social behaviour are judged at 95 %, a category at 99.8 %, because
    thirteen of them are looked at together. Where the source is an archive the rest of the
    force stands beside it as a control for season (R5), and only a month outside both ranges
    is called.

    Parameters
    ----------
    series
        "crime", "asb", "btp" or a category's slug.
    month
        The month judged; the newest summed one by default.
    """
    within = scope(data)
    month = month or within.latest
    table = monthly_counts(data)[series]
    count = int(table.get(month, 0))
    if month not in within.steady:
        return Verdict("not judged", series, month, count)
    earlier = [m for m in within.steady if m < month][-LONGEST_BASELINE:]
    if len(earlier) + 1 < LEAST_MONTHS:
        return Verdict("too few months", series, month, count, n=len(earlier))
    rest = None
    if series != "btp":
        known = rest_of_force(data)[series].reindex([*earlier, month])
        rest = known.to_numpy() if known.notna().all() else None
    y = table.loc[[*earlier, month]].to_numpy(dtype="float64")
    days = np.array([days_in(m) for m in [*earlier, month]], float)
    return weigh(y, days, rest, series=series, month=month)


def weigh(y: Floats, days: Floats, rest: Floats | None, *, series: str = "crime", month: str = "") -> Verdict:
    """Judge the last of `y` beside the ones before it; see `range_of`.

    Parameters
    ----------
    y
        Counts, the month judged last.
    days
        Days of the same months.
    rest
        Counts of the rest of the force in the same months, or None.
    """
    count, n = int(y[-1]), len(y) - 1
    expected = float(y[:-1].sum() / days[:-1].sum() * days[-1])
    said = Verdict("too few", series, month, count, expected, n=n)
    said = said._replace(least=int(y[:-1].min()), most=int(y[:-1].max()))
    if expected > 0:
        said = said._replace(change=count / expected - 1)
    valid = rest is not None and bool((rest > 0).all()) and rest[:-1].sum() >= 3 * y[:-1].sum()
    if rest is not None and valid:
        said = said._replace(rest_change=float(rest[-1] / days[-1] / (rest[:-1].sum() / days[:-1].sum()) - 1))
    if expected < LEAST_EXPECTED:
        return said
    control = rest if valid else None
    own, controlled = _ranges(y, days, control, 0.95)
    kind = _call(count, own, controlled)
    if kind in ("below", "above") and series not in TOTALS:
        strict = _call(count, *_ranges(y, days, control, 0.998))
        if strict != kind:
            fact = {"below": count < said.least, "above": count > said.most}[kind]
            kind = {"below": "lowest", "above": "highest"}[kind] if fact else "inside"
    if series == "asb" and controlled is None and kind in ("below", "above"):
        # Reports swing by half with the season: without the control 8 to 10 % of the large
        # places had one called by chance alone, so none is called (benchmarks/false_alarms.py).
        kind = "season"
    return said._replace(kind=kind, own=own, controlled=controlled)


def _ranges(y: Floats, days: Floats, rest: Floats | None, level: float) -> tuple[Range, Range | None]:
    own = usual_range(y[:-1], days[:-1], float(days[-1]), level=level)
    if rest is None:
        return own, None
    return own, usual_range(y[:-1], rest[:-1], float(rest[-1]), level=level)


def _call(count: int, own: Range, controlled: Range | None) -> str:
    kind = own.place(count)
    if kind == "inside" or controlled is None or controlled.place(count) == kind:
        return kind
    return "with the force"


def same_season_range(data: Data, series: str = "crime", month: str = "") -> Range | None:
    """Return the range from the same season of earlier years, with 36 months or more (R9).

    The baseline is the same calendar month of the two years before and its neighbours; None
    where fewer than six such months are held.
    """
    within = scope(data)
    month = month or within.latest
    if len(within.steady) < 3 * YEAR or month not in within.steady:
        return None
    wanted = {month_before(month, YEAR * k + d) for k in (1, 2) for d in (-1, 0, 1)}
    held = [m for m in within.steady if m in wanted and m < month]
    if len(held) < LEAST_MONTHS:
        return None
    y = monthly_counts(data)[series].loc[held].to_numpy(dtype="float64")
    return usual_range(y, [days_in(m) for m in held], days_in(month))


@once
def months_with_range(data: Data, series: str = "crime") -> pd.DataFrame:
    """Return `count_by_month` with the band that the month chart draws.

    Returns
    -------
    DataFrame
        Its columns and, where the newest month may be judged, `low` and `high`: the range
        (R3) that the months before the newest give for a month of that length, for anti-social
        behaviour for a month in which the rest of the force records as much as it did (R5);
        `elsewhere`: the rest of the force at this place's scale (archive only). No geometry.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.months_with_range(data, "asb")["month"].tolist()
    ['2025-11', '2025-12']
    """
    data = only(data)
    table = count_by_month(data)
    verdict, within = range_of(data, series), scope(data)
    if verdict.own is None or not comparable(data):
        return table
    earlier = [m for m in within.steady if m < verdict.month][-LONGEST_BASELINE:]
    y = monthly_counts(data)[series]
    exposure = pd.Series(table["days"].to_numpy(dtype="float64"), index=table["month"])
    rest = rest_of_force(data).reindex(table["month"])
    rest = rest[series] if series in rest else pd.Series(np.nan, index=table["month"])
    if series == "asb" and verdict.controlled is not None:
        exposure = rest
    steady = exposure.index.isin(within.steady) & exposure.notna()
    bands = [
        usual_range(y[earlier], exposure[earlier], e) if ok else None
        for e, ok in zip(exposure, steady, strict=True)
    ]
    scale = y[earlier].sum() / rest[earlier].sum() if rest[earlier].notna().all() else np.nan
    return table.assign(
        low=[b.low if b else np.nan for b in bands],
        high=[b.high if b else np.nan for b in bands],
        elsewhere=(rest * scale).round(1).to_numpy(),
    )


def small_place(data: Data, series: str = "crime") -> Small:
    """Describe a place with under ten records a month, without judging any (R6)."""
    within = scope(data)
    months = within.months
    y = monthly_counts(data)[series].reindex(months, fill_value=0)
    total = int(y.sum())
    if not months:
        return Small(0, 0, 0, [], 0, 0, 1.0)
    # The dispersion is R3's, of the earlier months as seen from the latest.
    days = [days_in(m) for m in months]
    phi = usual_range(y[:-1], days[:-1], days[-1]).phi if len(months) > 1 else 1.0
    low, high = level_interval(total, phi)
    without = [m for m in months if y[m] == 0]
    return Small(total, int(y.min()), int(y.max()), without, low, high, phi)


def level_interval(total: int, phi: float) -> tuple[int, int]:
    """Return (sqrt(N) +- 1.96 * sqrt(phi) / 2)^2, the level that a count fits, rounded (R6)."""
    half = 1.96 * np.sqrt(phi) / 2
    low = max(0.0, np.sqrt(total) - half) ** 2
    return round(float(low)), round(float((np.sqrt(total) + half) ** 2))


def held(data: Data) -> str:
    """Name what the months held allow (R9).

    Returns
    -------
    str
        "list only" (under six whole months), "other months" (6 to 11: ranges, season not
        removed), "one year" (12 to 23: also recent against earlier; season and trend cannot be
        told apart), "two years" (24 to 35: also clear changes) or "three years" (36 and more: also
        the range of the same season).
    """
    n = len(scope(data).steady)
    steps = ((36, "three years"), (24, "two years"), (12, "one year"), (6, "other months"))
    return next((name for least, name in steps if n >= least), "list only")


def is_small(data: Data) -> bool:
    """Whether the place has under ten crimes a month, so that no month may be judged."""
    within = scope(data)
    total = int(monthly_counts(data)["crime"].reindex(within.months).sum())
    return bool(within.months) and total / len(within.months) < LEAST_EXPECTED
