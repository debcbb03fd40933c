"""The page in one paragraph: sentences built from this place's own numbers. No geometry.

Rules R1 to R9 and R18 of the method. A small place, a place partly covered and a place without
months read differently from a large one; what the numbers cannot carry is not said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from crimenb.data import remembered
from crimenb.geo import to_metres
from crimenb.measures import comparisons
from crimenb.measures import points as map_points
from crimenb.measures.counts import deciding, monthly_counts, only, scope
from crimenb.measures.months import YEAR, Small, is_small, small_place
from crimenb.schema import ASB, CATEGORIES, CRIME_CATEGORIES
from crimenb.wording import format as write
from crimenb.wording.availability import (
    btp_at_once,
    btp_sentence,
    named_months,
    no_file_sentence,
    part_sentence,
    published_sentence,
    swing_sentence,
    whole,
)
from crimenb.wording.verdicts import asb_sentence, change_sentences, crime_sentence

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.counts import Scope

FAR_M = 300
LEAST_RANKED = 20
LEAST_NAMED = 5


def small_sentences(data: Data) -> list[str]:
    """Describe a place of under ten crimes a month without judging or ranking (R6, R18)."""
    data = only(data)
    within = scope(data)
    place = small_place(data)
    asb = int(monthly_counts(data)["asb"].reindex(within.months).sum())
    n = len(within.months)
    period = f"in {write.span(within.months)}"
    if whole(within) == "the year" and within.months[0].endswith("-01"):
        period = f"in the whole of {within.latest[:4]}"
    text = (
        f"Police recorded {write.counted(place.total, 'crime')} and "
        f"{write.counted(asb, 'report')} of anti-social behaviour in {write.where_in_full(data)} {period}"
    )
    if n == 1 or not place.total:
        said = [f"{text}."]
    else:
        said = [f"{text}: {_spread(place, n)}.", *_last(data, within, place)]
    said += _categories(data, within, place.total)
    if place.total and n > 1:
        rate = " a year" if n == YEAR else f" in {write.spelt(n)} months"
        low = f"a usual {write.count(place.low)}" if place.low else "next to none"
        said.append(
            f"Chance alone could turn {low} or a usual {write.count(place.high)}{rate} into "
            f"{write.count(place.total)}."
        )
    if within.kind == "part":
        said.append(part_sentence(within))
    said += [_rough(data), btp_sentence(data), published_sentence(data, limit=False)]
    return [*(s for s in said if s), "No percentages are given: the numbers are too small."]


def _spread(place: Small, n: int) -> str:
    most = f"at most {write.count(place.most)} in any month"
    if not place.months_without:
        return f"at least {write.count(place.least)} and {most}"
    if len(place.months_without) > n / 2:
        none = write.spelt(len(place.months_without))
        return f"none in {none} of {write.spelt(n)} months, and {most}"
    years = {m[:4] for m in place.months_without}
    names = [write.month(m) for m in place.months_without]
    names = names if len(years) > 1 else [name.split()[0] for name in names]
    listed = f"{', '.join(names[:-1])} or {names[-1]}" if len(names) > 1 else names[0]
    return f"no crime recorded in {listed}, and {most}"


def _last(data: Data, within: Scope, place: Small) -> list[str]:
    months = monthly_counts(data)["crime"].reindex(within.months)
    last, before = int(months.iloc[-1]), months.iloc[:-1]
    name = write.month(within.latest).split()[0]
    mean = max(round(place.total / len(months)), 0)
    usual = f"at {write.count(mean)} a month" if mean else "at less than one a month"
    subject = f"{name}'s {write.counted(last, 'crime')} {'was' if last == 1 else 'were'}"
    if last > before.max():
        return [f"{subject} the most of any month, but {usual} that is too few to call a change."]
    if not last:
        return [f"{name} had none; {usual} no month can be called high or low."]
    return [f"{subject} one month's count; {usual} no month can be called high or low."]


def _categories(data: Data, within: Scope, total: int) -> list[str]:
    row = monthly_counts(data).reindex(within.months)[CRIME_CATEGORIES].sum()
    row = row[row > 0].sort_values(ascending=False, kind="stable")
    if not total:
        return []
    if total < LEAST_RANKED:
        listed = [f"{write.count(int(n))} {write.category(str(c))}" for c, n in row.items()]
        return [f"They were {write.listing(listed)}."]
    large = row[row >= LEAST_NAMED]
    if large.empty:
        return ["No category reached five."]
    first = f"{write.opening(int(large.iloc[0]))} of the {write.count(total)} were "
    first += write.category(str(large.index[0]))
    rest = [f"{write.count(int(n))} {write.category(str(c))}" for c, n in large.iloc[1:].items()]
    ending = "; no other category reached five" if len(large) < len(row) else ""
    named = write.listing([first, *rest]) if len(rest) > 1 else ", ".join([first, *rest])
    return [f"{named}{ending}."]


def _rough(data: Data) -> str:
    table = map_points.by_point(data)
    if len(table) < 3:
        return ""
    found = map_points.points(data)
    x, y = (table.index.get_level_values(k).to_numpy() for k in ("x", "y"))
    xy = np.column_stack(to_metres(x, y))
    away, _ = cKDTree(xy).query(xy, k=2)
    farthest = float(np.sort(away[:, 1])[-2])  # "some": two points or more
    rough = ""
    if farthest >= FAR_M:
        rough = f", some over {int(farthest // 100) * 100:,} m from the next, so locations are rough"
    return (
        f"Half of all records sit at {write.count(found.half)} of {write.count(found.points)} "
        f"map points{rough}."
    )


MOST_NAMED = 3
"""So many categories are named; how many more there are is said."""


def at_a_glance(data: Data) -> list[str]:
    """Return the at-a-glance text as sentences, plain text without markup.

    The order is the reader's: the newest month, its anti-social behaviour, what changed, which
    categories, the whole period, and which months were published.
    """
    return list(_sentences(only(data)))


@remembered
def _sentences(data: Data) -> tuple[str, ...]:
    within = scope(data)
    first = ["This is an invented place with invented records."] if write.is_demo(data) else []
    if within.kind == "none":
        return (*first, *_nothing(data))
    said = small_sentences(data) if is_small(data) else _large(data, within)
    return (*first, *_area_once(data, said))


def _area_once(data: Data, said: list[str]) -> list[str]:
    """Call the rest of the force a police area where it is first named: the county is another."""
    short, long = write.rest_of(deciding(data)), write.rest_of_area([*deciding(data)])
    first = next((i for i, s in enumerate(said) if short in s), None)
    return [s.replace(short, long, 1) if i == first else s for i, s in enumerate(said)]


def _large(data: Data, within: Scope) -> list[str]:
    said = [crime_sentence(data), asb_sentence(data)]
    if within.kind == "part":
        said.append(part_sentence(within))
    elif not map_points.comparable(data):
        said.append(swing_sentence(data))
    else:
        said += change_sentences(data)
    said += [*_commonest(data, within), *_shares(data), _period(data, within)]
    said.append(btp_sentence(data) if btp_at_once(data) else "")
    return [s for s in [*said, published_sentence(data)] if s]


def _commonest(data: Data, within: Scope) -> list[str]:
    """Give the three largest categories of the newest month with their sum (R18)."""
    month = within.latest
    row = monthly_counts(data).loc[month, CRIME_CATEGORIES].sort_values(ascending=False, kind="stable")
    total = int(row.sum())
    if total < LEAST_RANKED:
        listed = [f"{write.count(int(n))} {write.category(str(c))}" for c, n in row.items() if n]
        name = write.month(month).split()[0]
        return [f"{name}'s crimes were {write.listing(listed)}."] if listed else []
    top = row.iloc[:3]
    named = [f"{write.category(str(c))} ({int(n):,})" for c, n in top.items()]
    said = [
        f"The commonest in {write.month(month).split()[0]} were {write.listing(named)}, "
        f"together {int(top.sum()):,} of the {total:,}."
    ]
    place = int((row > row["violent-crime"]).sum()) + 1
    if place > 1:
        nth = {2: "second", 3: "third"}.get(place, f"number {write.count(place)}")
        said.append(
            "Violence and sexual offences, the largest category almost everywhere, "
            f"came {nth} here ({int(row['violent-crime']):,})."
        )
    return said


def _shares(data: Data) -> list[str]:
    beside = comparisons.with_rest_of_force(data)
    rest = write.rest_of(beside.forces)
    more = [write.category(c) for c in beside.named("more")]
    if not more:
        return []
    larger = f"larger share of crime here than in {rest}"
    first = write.listing(more[:MOST_NAMED])
    if len(more) > MOST_NAMED:
        return [f"{write.opening(len(more))} categories take a clearly {larger}, above all {first}."]
    return [f"{write.capital(first)} {'take' if len(more) > 1 else 'takes'} a {larger}."]


def _period(data: Data, within: Scope) -> str:
    table = monthly_counts(data).reindex(within.months)
    crime, asb = int(table["crime"].sum()), int(table["asb"].sum())
    found = map_points.points(data)
    name = write.capital(named_months(within))
    hold = "holds" if whole(within) in ("the year", "the month") else "hold"
    there = " there" if within.kind == "part" else ""
    half = f"half sit at {write.count(found.half)} of {write.count(found.points)} map points"
    if found.points == 1:
        half = "all sit at one map point"
    return (
        f"{name}{there} {hold} {write.counted(crime, 'crime')} and "
        f"{write.counted(asb, 'report')} of anti-social behaviour; {half}."
    )


# -------------------------------------------------------------------- nothing to count


def _nothing(data: Data) -> list[str]:
    found = len(data.crimes)
    no_file = no_file_sentence(data)
    whys = [why for why in dict.fromkeys(data.months["why"]) if why]
    said = [no_file or f"Nothing can be counted for {write.place_name(data)}."]
    if not no_file:
        said.append(whys[0] if len(whys) == 1 else published_sentence(data))
    names = write.forces_named(deciding(data))
    if found:
        said.append(
            f"The {write.counted(found, 'record')} found there came from other forces, not from "
            f"{names}; they are not the crime of {write.this_place(data)} and are not shown as it."
        )
    return said if no_file else [*said, "No record here does not mean no crime."]


# -------------------------------------------------------------------- to paste


def summary_md(data: Data) -> str:
    """Return the text, one table, the source line and the release, to paste into a paper."""
    data = only(data)
    within = scope(data)
    place = write.where(data) if within.months else write.place_name(data)
    title = write.capital(place)
    parts = [f"# Recorded crime: {title}", " ".join(at_a_glance(data))]
    if within.months:
        parts.append(_table(data, within))
    source = data.source
    retrieved = source.get("retrieved", "")[:10]
    origin = "invented demonstration data" if write.is_demo(data) else "data.police.uk"
    licence = (
        ""
        if write.is_demo(data)
        else (" Contains public sector information licensed under the Open Government Licence v3.0.")
    )
    asked = write.period(data.query.start, data.query.end)
    parts.append(f"Source: {origin}, street-level crime, {asked}, {place}.{licence}")
    parts.append(
        f"As at release {source.get('release', 'unknown')}"
        + (f", retrieved {retrieved}" if retrieved else "")
        + "; police.uk revises past months with each release."
    )
    return "\n\n".join(parts) + "\n"


def _table(data: Data, within: Scope) -> str:
    """Return the category totals as a Markdown table, anti-social behaviour last."""
    table = monthly_counts(data).reindex(within.months)[list(CATEGORIES)]
    total = table[CRIME_CATEGORIES].sum().sort_values(ascending=False, kind="stable")
    newest = write.month(within.latest)
    rows = [f"| Category | {newest} | {write.capital(whole(within))} |", "|---|---:|---:|"]
    last = table.iloc[-1]
    rows += [f"| {CATEGORIES[str(c)]} | {int(last[c]):,} | {int(n):,} |" for c, n in total.items()]
    rows.append(f"| All crime | {int(last[CRIME_CATEGORIES].sum()):,} | {int(total.sum()):,} |")
    asb = f"| {int(last[ASB]):,} | {int(table[ASB].sum()):,} |"
    rows.append(f"| Anti-social behaviour (reports) {asb}")
    return "\n".join(rows)
