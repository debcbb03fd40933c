"""What has changed between two periods, from a place's own months. No geometry.

Rules R7 and R8 of the method. A change is numbers and a kind; the words are elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crimenb.measures.counts import monthly_counts, rest_of_force, scope
from crimenb.measures.months import YEAR
from crimenb.query import days_in, month_before
from crimenb.schema import CATEGORIES, CRIME_CATEGORIES
from crimenb.usual_range import PRIOR_MONTHS

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.months import Floats

RECENT = 3
LEAST_PAIRS = 10
LEAST_COUNT = 50
"""Below this count in either period no change is called (R8)."""

LEAST_CHANGE = 0.10
SAME_WAY = 0.75
"""Nine of twelve month pairs, or as large a part of fewer, must move the same way (R8)."""

Z_CHANGE = 2.58


class Change(NamedTuple):
    """Two periods compared (R7, R8): later against earlier, per day.

    kind: R7 "local rise", "local fall", "no local change", "no verdict" (no rest of the force
        to compare with, or under 50 records); R8 "clear rise", "clear fall", "no clear
        change", "too few"; either "too few months".
    ratio: later rate / earlier rate; rest_ratio: the same of the rest of the force.
    low, high: 99 % interval of what is judged (R7 ratio / rest_ratio, R8 ratio).
    same_way, pairs: month pairs that moved in the ratio's direction, of all pairs.
    """

    kind: str
    series: str
    later: list[str]
    earlier: list[str]
    count_later: int = 0
    count_earlier: int = 0
    ratio: float = float("nan")
    rest_ratio: float = float("nan")
    low: float = float("nan")
    high: float = float("nan")
    phi: float = float("nan")
    same_way: int = 0
    pairs: int = 0

    @property
    def called(self) -> bool:
        """Whether a change is called."""
        return self.kind.startswith(("clear", "local"))


def recent_against_earlier(data: Data, series: str = "crime") -> Change:
    """Compare the last three months with all before them, beside the rest of the force (R7).

    The window is fixed, never searched. Judged is only the place's ratio divided by that of
    the rest of the force: without the latter season and change cannot be told apart.
    """
    within = scope(data)
    later = [month_before(within.latest, k) for k in (2, 1, 0)] if within.steady else []
    earlier = [m for m in within.steady if later and m < later[0]]
    if len(within.steady) < YEAR or not set(later) <= set(within.steady):
        return Change("too few months", series, later, earlier)
    months = [*earlier, *later]
    y = monthly_counts(data)[series].loc[months].to_numpy(dtype="float64")
    days = np.array([days_in(m) for m in months], float)
    rest = None
    if series != "btp":
        known = rest_of_force(data)[series].reindex(months)
        rest = known.to_numpy() if known.notna().all() else None
    return weigh_recent(y, days, rest)._replace(series=series, later=later, earlier=earlier)


def weigh_recent(y: Floats, days: Floats, rest: Floats | None) -> Change:
    """Compare the last three of `y` with those before; see `recent_against_earlier`."""
    late, early = slice(-RECENT, None), slice(None, -RECENT)
    a, b = float(y[late].sum()), float(y[early].sum())
    said = Change("no verdict", "", [], [], int(a), int(b))
    if b == 0:
        return said
    said = said._replace(ratio=float(a / days[late].sum() / (b / days[early].sum())))
    if rest is None or not (rest > 0).all() or rest.sum() < 3 * y.sum():
        return said
    beside = float(rest[late].sum() / days[late].sum() / (rest[early].sum() / days[early].sum()))
    said = said._replace(rest_ratio=beside)
    if min(a, b) < LEAST_COUNT:
        return said
    # Exposed to the rest of the force, the dispersion is that of the place against the force.
    phi = _pooled_phi([(y[early], rest[early]), (y[late], rest[late])])
    return _bounded(said, said.ratio / beside, phi, "local")


def clear_change(data: Data, series: str = "crime") -> Change:
    """Compare the latest twelve months with the twelve before, month by month (R8).

    A change is clear when its 99 % interval leaves out 1, it is a tenth or more, and three
    quarters of the month pairs moved the same way; both years hold 50 records or more.
    """
    within = scope(data)
    steady = set(within.steady)
    later, earlier = _pairs(within.steady)
    if len(steady) < 2 * YEAR or len(later) < LEAST_PAIRS:
        return Change("too few months", series, later, earlier, pairs=len(later))
    table = monthly_counts(data)[series]
    y, x = (table.loc[m].to_numpy(dtype="float64") for m in (later, earlier))
    days, before = (np.array([days_in(m) for m in ms], float) for ms in (later, earlier))
    said = weigh_years(y, x, days, before)._replace(series=series, later=later, earlier=earlier)
    if series == "btp":
        return said
    rest = rest_of_force(data)[series].reindex([*later, *earlier])
    if rest.notna().all() and rest.loc[earlier].sum() > 0:
        now, then = rest.loc[later].sum() / days.sum(), rest.loc[earlier].sum() / before.sum()
        said = said._replace(rest_ratio=float(now / then))
    return said


def _pairs(steady: list[str]) -> tuple[list[str], list[str]]:
    """Return the months of the latest year whose month a year before is held too, and those."""
    if not steady:
        return [], []
    window = [month_before(steady[-1], k) for k in range(YEAR - 1, -1, -1)]
    later = [m for m in window if m in steady and month_before(m, YEAR) in steady]
    return later, [month_before(m, YEAR) for m in later]


def weigh_years(y: Floats, x: Floats, days: Floats, before: Floats) -> Change:
    """Compare the months `y` with the same months of the year before `x`; see `clear_change`."""
    a, b = float(y.sum()), float(x.sum())
    said = Change("too few", "", [], [], int(a), int(b), pairs=len(y))
    if b == 0:
        return said
    ratio = float(a / days.sum() / (b / before.sum()))
    step = y / days - x / before
    same = int((step > 0).sum() if ratio > 1 else (step < 0).sum())
    said = said._replace(ratio=ratio, same_way=same)
    if min(a, b) < LEAST_COUNT:
        return said
    # Each year has its own mean, so that a true change does not pass for dispersion.
    phi = _pooled_phi([(x, before), (y, days)])
    said = _bounded(said, ratio, phi, "clear")
    if said.called and same < int(np.ceil(SAME_WAY * len(y))):
        return said._replace(kind="no clear change")
    return said


def _pooled_phi(periods: list[tuple[Floats, Floats]]) -> float:
    """Return R3's dispersion of several periods, each about its own mean rate."""
    squares, freedom, total, months = 0.0, 0, 0.0, 0
    for y, e in periods:
        mu = y.sum() / e.sum() * e
        squares += float(((y - mu) ** 2 / mu).sum())
        freedom += len(y) - 1
        total, months = total + float(y.sum()), months + len(y)
    usual = 1 + 0.12 * np.sqrt(total / months)
    return float(max(1.0, (squares + PRIOR_MONTHS * usual) / (freedom + PRIOR_MONTHS)))


def _bounded(said: Change, ratio: float, phi: float, word: str) -> Change:
    half = Z_CHANGE * np.sqrt(phi * (1 / said.count_later + 1 / said.count_earlier))
    low, high = float(ratio * np.exp(-half)), float(ratio * np.exp(half))
    kind = f"no {word} change"
    if not low <= 1 <= high and abs(ratio - 1) >= LEAST_CHANGE:
        kind = f"{word} rise" if ratio > 1 else f"{word} fall"
    return said._replace(kind=kind, low=low, high=high, phi=phi)


def changes(data: Data) -> pd.DataFrame:
    """Return `clear_change` of the total, anti-social behaviour and each category.

    Returns
    -------
    DataFrame
        One row a series, crime first, then anti-social behaviour, then categories by
        their count: `series`, `kind`, `count_later`, `count_earlier`, `ratio`, `low`, `high`,
        `same_way`, `pairs`; ratio and its bounds are NaN where no such number may be given.
    """
    found = [clear_change(data, s) for s in ("crime", "asb", *CRIME_CATEGORIES)]
    ordered = found[:2] + sorted(found[2:], key=lambda c: -(c.count_later + c.count_earlier))
    table = pd.DataFrame([c._asdict() for c in ordered])
    return table.drop(columns=["later", "earlier", "rest_ratio", "phi"])


def change_by_category(data: Data) -> pd.DataFrame:
    """Return the latest twelve months against the twelve before, a row a category (R8).

    Returns
    -------
    DataFrame
        Crime first, then anti-social behaviour, then the categories by their count: `label`,
        `before`, `after` (records), `change` (missing under 20), `pairs` (words: "lower in 10 of
        12 months"), `verdict`. Empty unless 24 months are held: nothing that needs two years is
        drawn on one. No geometry.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> len(cn.change_by_category(data))  # two months are no two years
    0
    """
    rows = []
    for found in changes(data).itertuples():
        if found.kind == "too few months":
            continue
        way = "lower" if found.ratio < 1 else "higher"
        small = min(found.count_earlier, found.count_later) < 20
        rows.append({
            "label": {"crime": "All crime", "asb": CATEGORIES["anti-social-behaviour"]}.get(
                found.series, CATEGORIES.get(found.series, found.series)),
            "before": found.count_earlier, "after": found.count_later,
            "change": None if small else found.ratio - 1,
            "pairs": f"{way} in {found.same_way} of {found.pairs} months",
            "verdict": "too few to call" if found.kind == "too few" else found.kind,
        })  # fmt: skip
    columns = ["label", "before", "after", "change", "pairs", "verdict"]
    return pd.DataFrame(rows, columns=columns).astype({"change": "float64"})
