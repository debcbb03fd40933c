"""The page in one paragraph: sentences built from this place's own numbers.

Rules R1 to R9, R18 and R20 of docs/method.md. A small place, a place partly covered and a place
without months read differently from a large one; what the numbers cannot carry is not said.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from crimenb.measures.changes import ChangeVerdict
from crimenb.schema import ASB, label_of
from crimenb.wording import format as write
from crimenb.wording import rates
from crimenb.wording.availability import (
    btp_at_once,
    btp_sentence,
    nothing_sentences,
    part_sentence,
    published_sentence,
    source_sentence,
    unlocated_sentence,
)
from crimenb.wording.first_screen import place_in_words, three_numbers, what_matters
from crimenb.wording.how_to_read import STANDING, WHAT_THESE_ARE, chance_sentence
from crimenb.wording.verdicts import asb_sentence, category_sentence, change_sentences, crime_sentence

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from crimenb.measures.place import Place

FAR_M = 300
LEAST_RANKED = 20
MOST_NAMED = 3
MISSING_IS_NOT_ZERO = "A month that is missing is not a month without crime."


def at_a_glance(place: Place) -> list[str]:
    """Return the sentences that say what matters here, the most important first."""
    if place.scope.kind == "none":
        return nothing_sentences(place)
    sentences = _small(place) if place.is_small else _large(place)
    invented = ["This is an invented place with invented records."] if place.is_demo else []
    return [*invented, *(s for s in sentences if s)]


def _large(place: Place) -> list[str]:
    months = [crime_sentence(place), asb_sentence(place)]
    if place.scope.kind == "part":
        sentences = [*months, part_sentence(place)]
    elif place.year.kind == ChangeVerdict.TOO_FEW_MONTHS:
        sentences = [*months, category_sentence(place), *change_sentences(place)]
    else:  # two years are held: how they compare comes first
        sentences = [*change_sentences(place), *months, category_sentence(place)]
    return [
        *sentences, *_most_common(place), larger_shares(place), _period(place), _half(place),
        btp_sentence(place) if btp_at_once(place) else "", unlocated_sentence(place), published_sentence(place),
    ]  # fmt: skip


def leading(counts: pd.Series, most: int = MOST_NAMED) -> list[tuple[str, int]]:
    """Return the largest counts, so that a tie at the last place names all of them or none (R18)."""
    rows = [(str(slug), int(n)) for slug, n in counts.items() if n]
    if len(rows) <= most:
        return rows
    last = rows[most - 1][1]
    tied = [row for row in rows if row[1] == last]
    above = [row for row in rows if row[1] > last]
    return above + tied if len(above) + len(tied) <= most + 1 else above


def _most_common(place: Place) -> list[str]:
    """Give the largest categories of the newest month with their sum (R18)."""
    row, month = place.latest_by_category(), write.month_alone(place.scope.latest)
    total = int(row.sum())
    if total < LEAST_RANKED:
        listed = [f"{n:,} {write.category(str(c))}" for c, n in row.items() if n]
        return [f"The crimes of {month} were {write.listing(listed)}."] if listed else []
    top = leading(row)
    if len(top) < 2:
        return []
    together = sum(n for _, n in top)
    sentences = [
        f"The most common crimes in {month} were {write.with_counts(top)}, together {together:,} of {total:,}."
    ]
    before = int((row > row["violent-crime"]).sum())
    if before:
        nth = {1: "second", 2: "third"}.get(before, f"number {before + 1}")
        sentences.append(
            "Violence and sexual offences, the most common category almost everywhere, "
            f"came {nth} here ({int(row['violent-crime']):,})."
        )
    return sentences


def larger_shares(place: Place) -> str:
    """Name the categories that make up a clearly larger share of crime here than elsewhere, or ""."""
    beside = place.comparisons[0]
    larger = [write.category(c) for c in beside.named("more")]
    if not larger:
        return ""
    share = f"a clearly larger share of crime here than in {write.rest_of(beside.forces)}"
    first = write.listing(larger[:MOST_NAMED])
    if len(larger) > MOST_NAMED:
        return f"{write.opening(len(larger))} categories make up {share}, among them {first}."
    return f"{write.capital(first)} {write.plural(len(larger), 'makes', 'make')} up {share}."


def _period(place: Place) -> str:
    months = place.scope.months
    if len(months) == 1:
        return ""
    there = f" in {write.part_name(place)}" if place.scope.kind == "part" else ""
    return (
        f"{write.capital(write.in_period(months))} police recorded {write.counted(place.total('crime'), 'crime')} and "
        f"{write.counted(place.asb_total, 'report')} of anti-social behaviour{there}."
    )


def _half(place: Place) -> str:
    found = place.points
    since = " since July 2022" if place.scope.points_changed else ""
    if found.points == 1:
        return f"All of the crimes{since} were mapped to one point."
    if not found.points or found.half * 2 >= found.points:
        return ""
    just = "one" if found.half == 1 else f"just {found.half:,}"
    return f"Half of the crimes{since} were mapped to {just} of the {found.points:,} points in the area."


# ------------------------------------------------------------------------------- small places


def _small(place: Place) -> list[str]:
    """Describe a place of under ten crimes a month without judging or ranking (R6, R18)."""
    months, small = place.scope.months, place.small
    text = (
        f"Police recorded {write.counted(small.total, 'crime')} and "
        f"{write.counted(place.asb_total, 'report')} of anti-social behaviour in {write.where_in_full(place)} "
        f"{write.in_period(months)}"
    )
    sentences = [f"{text}."]
    if len(months) > 1 and small.total:
        most = write.counted(small.most, "crime")
        spread = most if small.least == small.most else f"{small.least:,} to {most}"
        sentences = [f"{text}: {spread} a month.", _without(place), _last(place)]
    sentences.append(_small_categories(place))
    if len(months) > 1 and small.total:
        sentences.append(chance_sentence(place))
    if place.scope.kind == "part":
        sentences.append(part_sentence(place))
    sentences += [_rough(place), btp_sentence(place), unlocated_sentence(place)]
    return [*sentences, published_sentence(place, limit=False)]


def _without(place: Place) -> str:
    """Name the supplied months without a crime: these are true zeros."""
    months = place.small.months_without
    if not months:
        return ""
    if len(months) > len(place.scope.months) / 2:
        return f"{write.opening(len(months))} of the {len(place.scope.months)} months had no crime."
    return f"No crime was recorded in {write.months(months)}."


def _last(place: Place) -> str:
    crime = place.counts["crime"]
    last, before = int(crime.iloc[-1]), int(crime.iloc[:-1].max())
    name = write.month(place.scope.latest)
    if last > before and last:
        return f"{name} had the most ({last:,}), but with under 10 crimes a month that is too few to call a change."
    return f"{name} had {write.counted(last, 'crime')}. With under 10 a month, no month can be called high or low."


def _small_categories(place: Place) -> str:
    rows, total = place.total_by_category(), place.small.total
    rows = rows[rows > 0]
    if not total:
        return ""
    if total < LEAST_RANKED:
        listed = [f"{int(n):,} {write.category(str(c))}" for c, n in rows.items()]
        return f"{write.plural(total, 'It was', 'They were')} {write.listing(listed)}."
    top = leading(rows)
    return f"The most common were {write.with_counts(top)}." if len(top) > 1 else ""


def _rough(place: Place) -> str:
    """Say how far apart the map points are, where they are far (in the country)."""
    apart = place.points_apart_m
    if not apart >= FAR_M:
        return ""
    far = f"{round(apart, -2):,.0f} m apart"
    return f"Map points here are typically {far}, so a point can stand for places far from it."


# ------------------------------------------------------------------------------------ to paste


def summary_md(place: Place) -> str:
    """Return the sentences, one table and the source in Markdown, to paste into a paper."""
    counted = bool(place.scope.months)
    where = write.where(place) if counted else write.place_name(place)
    words = place_in_words(place)
    named = f"{words}: {where}" if words else write.capital(where)
    parts = [f"# Recorded crime: {named}", " ".join(at_a_glance(place))]
    if counted:
        head, *rows = (f"| {' | '.join(row)} |" for row in summary_table(place))
        parts.append("\n".join([head, "|---|---:|---:|", *rows]))
    return "\n\n".join([*parts, *summary_source(place)]) + "\n"


def summary_source(place: Place) -> list[str]:
    """Return what belongs under figures that are quoted: what they are, the source and its licence."""
    where = write.where(place) if place.scope.months else write.place_name(place)
    asked = write.period(place.query.start, place.query.end)
    licence = (
        ""
        if place.is_demo
        else " Contains public sector information licensed under the Open Government Licence v3.0."
    )
    told = [f"Recorded crime in {where}, {asked}. {source_sentence(place)}{licence}"]
    return (
        told
        if place.is_demo
        else [*told, *_outline(place), "police.uk may revise any month with each release."]
    )


def _outline(place: Place) -> list[str]:
    """Return what the licence of an official outline asks to be said; police.uk's own falls under its records'."""
    drawn = place.query.area.drawn if place.query.area is not None else ""
    if not drawn or drawn.endswith("police.uk"):
        return []
    said = re.findall(r"(?<!\d)20\d\d(?!\d)", drawn.partition(" as drawn ")[2])
    return [
        "Outline: Office for National Statistics, licensed under the Open Government Licence v3.0. Contains OS data © "
        f"{' '.join(['Crown copyright and database right', *said[-1:]])}."
    ]


def summary_table(place: Place) -> list[tuple[str, str, str]]:
    """Return the category totals as rows of text: a head, crimes, all crime, and reports last."""
    last = place.counts.iloc[-1]
    return [
        ("Category", write.month(place.scope.latest), _period_name(place.scope.months)),
        *[
            (label_of(str(c)), f"{int(last[str(c)]):,}", f"{int(n):,}")
            for c, n in place.total_by_category().items()
        ],
        ("All crime", f"{int(last['crime']):,}", f"{place.total('crime'):,}"),
        (f"{label_of(ASB)} (reports)", f"{int(last[ASB]):,}", f"{place.asb_total:,}"),
    ]


SUMMARY_FORM = 1
"""The form of `summary.json`: a number that rises when a name in it is removed or means something else."""


def summary_values(place: Place) -> dict[str, Any]:
    """Return the first screen as values, for other programs: what `summary.json` holds, but for its links."""
    counted, query = place.scope.months, place.query
    return {
        "form": SUMMARY_FORM,
        "place": {
            "key": place.key,
            "name": place_in_words(place),
            "area": write.where(place) if counted else write.place_name(place),
            "forces": [name for name, _ in place.coverage],
            "invented": place.is_demo,
        },
        "period": {"from": query.start, "to": query.end, "words": write.period(query.start, query.end)},
        "numbers": [
            {
                "value": n.value,
                "what": n.what,
                "series": n.series,
                "verdict": {"kind": n.kind.name, "words": n.verdict, "detail": n.detail},
                "range": {"low": n.range.low, "high": n.range.high} if n.range else None,
            }
            for n in three_numbers(place)
        ],
        "sentence": " ".join(filter(None, what_matters(place) if counted else nothing_sentences(place))),
        "people": rates.values(place),
        "missing": [s for s in _missing(place) if s],
        "months": [
            _month_values(place, str(m), str(why))
            for m, why in zip(place.months["month"], place.months["why"], strict=True)
        ],
        "notes": [WHAT_THESE_ARE, STANDING, MISSING_IS_NOT_ZERO],
        "source": " ".join(summary_source(place)),
    }


def _missing(place: Place) -> list[str]:
    published = published_sentence(place, limit=False) if place.scope.months else ""
    return [published, btp_sentence(place), unlocated_sentence(place)]


def _month_values(place: Place, month: str, why: str) -> dict[str, Any]:
    """Return a month asked for: its status, and its counts, which are None where it may not be summed."""
    crimes, reports = (
        int(place.counts[s][month]) if month in place.counts.index else None for s in ("crime", ASB)
    )
    return {
        "month": month, "status": str(place.status[month]), "why": why, "crimes": crimes, "reports": reports,
    }  # fmt: skip


def _period_name(months: Sequence[str]) -> str:
    return write.capital(write.span(months))
