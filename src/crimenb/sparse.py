"""A place too small to judge a month of: counts, and the level they fit (R6, R14, R18)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from crimenb import cautions, phrases, words
from crimenb.sums import counts, only, scope
from crimenb.supply import btp_sentence, part_sentence, published_sentence, whole
from crimenb.tables import CRIME_CATEGORIES, to_metres
from crimenb.trends import LEAST_EXPECTED, YEAR, Small, small_place

if TYPE_CHECKING:
    from crimenb.sums import Scope
    from crimenb.tables import Data

FAR_M = 300
LEAST_RANKED = 20
LEAST_NAMED = 5


def is_small(data: Data) -> bool:
    """Whether the place has under ten crimes a month, so that no month may be judged."""
    within = scope(data)
    total = int(counts(data)["crime"].reindex(within.months).sum())
    return bool(within.months) and total / len(within.months) < LEAST_EXPECTED


def small_sentences(data: Data) -> list[str]:
    """Describe a place of under ten crimes a month without judging or ranking (R6, R18)."""
    data = only(data)
    within = scope(data)
    place = small_place(data)
    asb = int(counts(data)["asb"].reindex(within.months).sum())
    n = len(within.months)
    period = f"in {phrases.span(within.months)}"
    if whole(within) == "the year" and within.months[0].endswith("-01"):
        period = f"in the whole of {within.latest[:4]}"
    text = (
        f"Police recorded {words.counted(place.total, 'crime')} and "
        f"{words.counted(asb, 'report')} of anti-social behaviour in {words.where_in_full(data)} {period}"
    )
    if n == 1 or not place.total:
        said = [f"{text}."]
    else:
        said = [f"{text}: {_spread(place, n)}.", *_last(data, within, place)]
    said += _categories(data, within, place.total)
    if place.total and n > 1:
        rate = " a year" if n == YEAR else f" in {phrases.spelt(n)} months"
        low = f"a usual {words.count(place.low)}" if place.low else "next to none"
        said.append(
            f"Chance alone could turn {low} or a usual {words.count(place.high)}{rate} into "
            f"{words.count(place.total)}."
        )
    if within.kind == "part":
        said.append(part_sentence(within))
    said += [_rough(data), btp_sentence(data), published_sentence(data, limit=False)]
    return [*(s for s in said if s), "No percentages are given: the numbers are too small."]


def _spread(place: Small, n: int) -> str:
    most = f"at most {words.count(place.most)} in any month"
    if not place.months_without:
        return f"at least {words.count(place.least)} and {most}"
    if len(place.months_without) > n / 2:
        none = phrases.spelt(len(place.months_without))
        return f"none in {none} of {phrases.spelt(n)} months, and {most}"
    years = {m[:4] for m in place.months_without}
    names = [words.month(m) for m in place.months_without]
    names = names if len(years) > 1 else [name.split()[0] for name in names]
    listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    return f"no crime recorded in {listed}, and {most}"


def _last(data: Data, within: Scope, place: Small) -> list[str]:
    months = counts(data)["crime"].reindex(within.months)
    last, before = int(months.iloc[-1]), months.iloc[:-1]
    name = words.month(within.latest).split()[0]
    mean = max(round(place.total / len(months)), 0)
    usual = f"at {words.count(mean)} a month" if mean else "at less than one a month"
    subject = f"{name}'s {words.counted(last, 'crime')} {'was' if last == 1 else 'were'}"
    if last > before.max():
        return [f"{subject} the most of any month, but {usual} that is too few to call a change."]
    if not last:
        return [f"{name} had none; {usual} no month can be called high or low."]
    return [f"{subject} one month's count; {usual} no month can be called high or low."]


def _categories(data: Data, within: Scope, total: int) -> list[str]:
    row = counts(data).reindex(within.months)[CRIME_CATEGORIES].sum()
    row = row[row > 0].sort_values(ascending=False, kind="stable")
    if not total:
        return []
    if total < LEAST_RANKED:
        listed = [f"{words.count(int(n))} {phrases.category(str(c))}" for c, n in row.items()]
        return [f"They were {words.listing(listed)}."]
    large = row[row >= LEAST_NAMED]
    if large.empty:
        return ["No category reached five."]
    first = f"{phrases.opening(int(large.iloc[0]))} of the {words.count(total)} were "
    first += phrases.category(str(large.index[0]))
    rest = [f"{words.count(int(n))} {phrases.category(str(c))}" for c, n in large.iloc[1:].items()]
    ending = "; no other category reached five" if len(large) < len(row) else ""
    named = words.listing([first, *rest]) if len(rest) > 1 else ", ".join([first, *rest])
    return [f"{named}{ending}."]


def _rough(data: Data) -> str:
    table = cautions.by_point(data)
    if len(table) < 3:
        return ""
    found = cautions.points(data)
    x, y = (table.index.get_level_values(k).to_numpy() for k in ("x", "y"))
    xy = np.column_stack(to_metres(x, y))
    away, _ = cKDTree(xy).query(xy, k=2)
    farthest = float(np.sort(away[:, 1])[-2])  # "some": two points or more
    rough = ""
    if farthest >= FAR_M:
        rough = f", some over {int(farthest // 100) * 100:,} m from the next, so locations are rough"
    return (
        f"Half of all records sit at {words.count(found.half)} of {words.count(found.points)} "
        f"map points{rough}."
    )
