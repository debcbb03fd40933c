"""The page in one paragraph: sentences built from this place's own numbers. No geometry.

Rules R1 to R9 and R18 of the method. A small place, a place partly covered and a place without
months read differently from a large one; what the numbers cannot carry is not said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb import cautions, comparing, phrases, words
from crimenb.judged import asb_sentence, change_sentences, crime_sentence
from crimenb.sparse import LEAST_RANKED, is_small, small_sentences
from crimenb.sums import counts, deciding, only, scope
from crimenb.supply import (
    btp_at_once,
    btp_sentence,
    named_months,
    no_file_sentence,
    part_sentence,
    published_sentence,
    swing_sentence,
    whole,
)
from crimenb.tables import ASB, CATEGORIES, CRIME_CATEGORIES, remembered

if TYPE_CHECKING:
    from crimenb.sums import Scope
    from crimenb.tables import Data

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
    first = ["This is an invented place with invented records."] if words.is_demo(data) else []
    if within.kind == "none":
        return (*first, *_nothing(data))
    said = small_sentences(data) if is_small(data) else _large(data, within)
    return (*first, *_area_once(data, said))


def _area_once(data: Data, said: list[str]) -> list[str]:
    """Call the rest of the force a police area where it is first named: the county is another."""
    short, long = phrases.rest_of(deciding(data)), phrases.rest_of_area([*deciding(data)])
    first = next((i for i, s in enumerate(said) if short in s), None)
    return [s.replace(short, long, 1) if i == first else s for i, s in enumerate(said)]


def _large(data: Data, within: Scope) -> list[str]:
    said = [crime_sentence(data), asb_sentence(data)]
    if within.kind == "part":
        said.append(part_sentence(within))
    elif not cautions.comparable(data):
        said.append(swing_sentence(data))
    else:
        said += change_sentences(data)
    said += [*_commonest(data, within), *_shares(data), _period(data, within)]
    said.append(btp_sentence(data) if btp_at_once(data) else "")
    return [s for s in [*said, published_sentence(data)] if s]


def _commonest(data: Data, within: Scope) -> list[str]:
    """Give the three largest categories of the newest month with their sum (R18)."""
    month = within.latest
    row = counts(data).loc[month, CRIME_CATEGORIES].sort_values(ascending=False, kind="stable")
    total = int(row.sum())
    if total < LEAST_RANKED:
        listed = [f"{words.count(int(n))} {phrases.category(str(c))}" for c, n in row.items() if n]
        name = words.month(month).split()[0]
        return [f"{name}'s crimes were {words.listing(listed)}."] if listed else []
    top = row.iloc[:3]
    named = [f"{phrases.category(str(c))} ({int(n):,})" for c, n in top.items()]
    said = [
        f"The commonest in {words.month(month).split()[0]} were {words.listing(named)}, "
        f"together {int(top.sum()):,} of the {total:,}."
    ]
    place = int((row > row["violent-crime"]).sum()) + 1
    if place > 1:
        nth = {2: "second", 3: "third"}.get(place, f"number {words.count(place)}")
        said.append(
            "Violence and sexual offences, the largest category almost everywhere, "
            f"came {nth} here ({int(row['violent-crime']):,})."
        )
    return said


def _shares(data: Data) -> list[str]:
    beside = comparing.with_rest_of_force(data)
    rest = phrases.rest_of(beside.forces)
    more = [phrases.category(c) for c in beside.named("more")]
    if not more:
        return []
    larger = f"larger share of crime here than in {rest}"
    first = words.listing(more[:MOST_NAMED])
    if len(more) > MOST_NAMED:
        return [f"{phrases.opening(len(more))} categories take a clearly {larger}, above all {first}."]
    return [f"{phrases.capital(first)} {'take' if len(more) > 1 else 'takes'} a {larger}."]


def _period(data: Data, within: Scope) -> str:
    table = counts(data).reindex(within.months)
    crime, asb = int(table["crime"].sum()), int(table["asb"].sum())
    found = cautions.points(data)
    name = phrases.capital(named_months(within))
    hold = "holds" if whole(within) in ("the year", "the month") else "hold"
    there = " there" if within.kind == "part" else ""
    half = f"half sit at {words.count(found.half)} of {words.count(found.points)} map points"
    if found.points == 1:
        half = "all sit at one map point"
    return (
        f"{name}{there} {hold} {words.counted(crime, 'crime')} and "
        f"{words.counted(asb, 'report')} of anti-social behaviour; {half}."
    )


# -------------------------------------------------------------------- nothing to count


def _nothing(data: Data) -> list[str]:
    found = len(data.crimes)
    no_file = no_file_sentence(data)
    whys = [why for why in dict.fromkeys(data.months["why"]) if why]
    said = [no_file or f"Nothing can be counted for {words.place_name(data)}."]
    if not no_file:
        said.append(whys[0] if len(whys) == 1 else published_sentence(data))
    names = phrases.forces_named(deciding(data))
    if found:
        said.append(
            f"The {words.counted(found, 'record')} found there came from other forces, not from "
            f"{names}; they are not the crime of {phrases.this_place(data)} and are not shown as it."
        )
    return said if no_file else [*said, "No record here does not mean no crime."]


# -------------------------------------------------------------------- to paste


def summary_md(data: Data) -> str:
    """Return the text, one table, the source line and the release, to paste into a paper."""
    data = only(data)
    within = scope(data)
    place = words.where(data) if within.months else words.place_name(data)
    title = phrases.capital(place)
    parts = [f"# Recorded crime: {title}", " ".join(at_a_glance(data))]
    if within.months:
        parts.append(_table(data, within))
    source = data.source
    retrieved = source.get("retrieved", "")[:10]
    origin = "invented demonstration data" if words.is_demo(data) else "data.police.uk"
    licence = (
        ""
        if words.is_demo(data)
        else (" Contains public sector information licensed under the Open Government Licence v3.0.")
    )
    asked = words.period(data.query.start, data.query.end)
    parts.append(f"Source: {origin}, street-level crime, {asked}, {place}.{licence}")
    parts.append(
        f"As at release {source.get('release', 'unknown')}"
        + (f", retrieved {retrieved}" if retrieved else "")
        + "; police.uk revises past months with each release."
    )
    return "\n\n".join(parts) + "\n"


def _table(data: Data, within: Scope) -> str:
    """Return the category totals as a Markdown table, anti-social behaviour last."""
    table = counts(data).reindex(within.months)[list(CATEGORIES)]
    total = table[CRIME_CATEGORIES].sum().sort_values(ascending=False, kind="stable")
    newest = words.month(within.latest)
    rows = [f"| Category | {newest} | {phrases.capital(whole(within))} |", "|---|---:|---:|"]
    last = table.iloc[-1]
    rows += [f"| {CATEGORIES[str(c)]} | {int(last[c]):,} | {int(n):,} |" for c, n in total.items()]
    rows.append(f"| All crime | {int(last[CRIME_CATEGORIES].sum()):,} | {int(total.sum()):,} |")
    asb = f"| {int(last[ASB]):,} | {int(table[ASB].sum()):,} |"
    rows.append(f"| Anti-social behaviour (reports) {asb}")
    return "\n".join(rows)
