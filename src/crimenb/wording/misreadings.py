"""The sentences a hurried reader would write from this page, and what one may write instead.

Both are filled with this place's own numbers, so that the warning is about them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crimenb.measures.changes import LEAST_FOR_PERCENT, ChangeVerdict
from crimenb.measures.comparisons import MORE
from crimenb.measures.months import MonthVerdict
from crimenb.measures.outcomes import CHARGED
from crimenb.measures.rates import BOTH, RESIDENTS, Side
from crimenb.query import month_before
from crimenb.wording import format as write
from crimenb.wording import rates
from crimenb.wording.how_to_read import outcome_sentence
from crimenb.wording.verdicts import NOTICEABLE, describe, recent_sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crimenb.measures.place import Place

HOW_MANY = 2


class Misreading(NamedTuple):
    """A sentence that these numbers do not carry, and one that they do."""

    sentence: str
    instead: str


def do_not_say(place: Place) -> list[Misreading]:
    """Return the two likeliest wrong sentences for this place, the most misleading first."""
    listed: list[Misreading] = []
    for misreading in _candidates(place):
        listed.append(misreading)
        if len(listed) == HOW_MANY:
            break
    return listed


def _candidates(place: Place) -> Iterator[Misreading]:
    yield from _supply(place)
    if place.scope.kind == "none":
        return
    if place.is_small:
        yield from _record_month(place)
    else:
        yield from [*_month_before(place), *_reports(place)][:1]  # twins: one of them teaches both
        yield from _rate(place)
        yield from _recent(place)
    yield from _times(place)
    yield from _point(place)
    yield from _solved(place)
    yield _safe(place)


def _supply(place: Place) -> Iterator[Misreading]:
    """Parts and gaps read as the whole and as zero."""
    within, area = place.scope, write.place_name(place)
    if within.kind == "part" and within.absent:
        n, month = write.counted(place.latest("crime"), "crime"), write.month(within.latest)
        were = write.plural(place.latest("crime"), "was", "were")
        rest = "rest" if "" in within.absent else f"{write.forces_named(within.absent)} part"
        yield Misreading(
            f"There {were} {n} in {area} in {month}.",
            f"There {were} {n} in {write.where(place)} in {month}. The {rest} is not in these data.",
        )
    gaps = [m for m in place.status if m not in within.months and m not in within.apart]
    if gaps:
        asked = gaps if within.kind == "none" else gaps[-1:]
        yield Misreading(
            f"There was no crime in {area} in {write.span(asked)}.",
            f"The figures of {write.forces_named(place.forces)} for {write.span(asked)} are not available in this "
            "report.",
        )
    if within.kind == "none" and place.records:
        n = write.counted(place.records, "record")
        yield Misreading(
            f"There were only {write.counted(place.records, 'crime')} in {area}.",
            f"The {n} found there came from other forces. The figures of {write.forces_named(place.forces)}, which "
            "polices the area, are not available in this report.",
        )


def _record_month(place: Place) -> Iterator[Misreading]:
    months, crime = place.scope.months, place.counts["crime"]
    if len(months) < 2 or not crime.max():
        return
    highest = [m for m in months if crime[m] == crime.max()]
    if len(highest) > 1:
        return
    yield Misreading(
        f"{write.month(highest[0])} was the worst month.",
        f"{write.month(highest[0])} had {write.counted(int(crime.max()), 'crime')}, which is too few to judge.",
    )


def _month_before(place: Place) -> Iterator[Misreading]:
    """Make a headline of the newest month and the one before."""
    within, crime = place.scope, place.counts["crime"]
    before = month_before(within.latest)
    if before not in within.months or not crime[before] or crime[before] == crime[within.latest]:
        return
    now, then = int(crime[within.latest]), int(crime[before])
    move = f"rose {now / then - 1:.0%}" if now > then else f"fell {1 - now / then:.0%}"
    if min(now, then) < LEAST_FOR_PERCENT or "0%" in move.split():
        move = "rose" if now > then else "fell"
    name = write.month_alone(within.latest)
    if place.crime.range is not None:
        instead = f"{name} was {describe(place.crime)}."
    else:
        where = f" in {write.where(place)}" if within.kind == "part" else ""
        instead = (
            f"Police recorded {write.counted(now, 'crime')}{where} in {name}. Two months cannot show a trend."
        )
    yield Misreading(f"Crime {move} in {name}.", instead)


def _reports(place: Place) -> Iterator[Misreading]:
    verdict = place.asb
    small = min(verdict.records, verdict.expected) < LEAST_FOR_PERCENT
    if verdict.kind != MonthVerdict.WITHIN or small or abs(verdict.change) < NOTICEABLE:
        return
    side = "below" if verdict.change < 0 else "above"
    yield Misreading(
        f"Anti-social behaviour is {abs(verdict.change):.0%} {side} its earlier average here.",
        f"Reports of anti-social behaviour in {write.month_alone(verdict.month)} were {describe(verdict)}.",
    )


def _recent(place: Place) -> Iterator[Misreading]:
    found = place.recent
    shown = place.year.kind == ChangeVerdict.TOO_FEW_MONTHS and recent_sentence(place)
    if not shown or found.kind != ChangeVerdict.NONE or abs(found.ratio - 1) < NOTICEABLE / 2:
        return
    move = "down" if found.ratio < 1 else "up"
    yield Misreading(f"Crime here is {move} {abs(found.ratio - 1):.0%}.", recent_sentence(place))


def _rate(place: Place) -> Iterator[Misreading]:
    """One rate beside the rest of the force, read as the risk of a person."""
    found = place.rates
    if found.beside_force(RESIDENTS) != Side.ABOVE:
        return
    rows = found.table.set_index(["per", "where"])["rate"]
    here, rest, by_both, rest_by_both = (
        rows[per, where] for per in (RESIDENTS, BOTH) for where in ("here", "force")
    )  # fmt: skip
    if here / rest < MORE:
        return
    yield Misreading(
        f"People here are {_times_as(here / rest)} likely to be victims of crime.",
        f"For every 1,000 residents police recorded about {rates.rounded(here)} crimes {rates.when(place)} "
        f"({rates.rounded(rest)} in {write.rest_of(place.forces)}), and for every 1,000 residents and jobs about "
        f"{rates.rounded(by_both)} ({rates.rounded(rest_by_both)}). Neither counts visitors.",
    )


def _times(place: Place) -> Iterator[Misreading]:
    beside = place.comparisons[0]
    for category in beside.named("more")[:1]:
        rows = beside.table.set_index("category")
        name = write.category(category)
        here = write.percent_of(float(rows["share_here"][category]), beside.here)
        there = write.percent_of(float(rows["share_there"][category]), beside.there)
        yield Misreading(
            f"You are {_times_as(float(rows['quotient'][category]))} likely to be a victim of {name} here.",
            f"{write.capital(name)} is {here} of crime here and {there} in {write.rest_of(beside.forces)}.",
        )


def _times_as(quotient: float) -> str:
    """Write a ratio of 1.5 or more as a headline does, never more than it is."""
    whole = int(quotient)
    if whole < 2:
        return "far more"
    return "more than twice as" if whole == 2 else f"more than {whole} times as"


def _point(place: Place) -> Iterator[Misreading]:
    busiest = place.points.busiest
    if busiest is None:
        return
    name = busiest.snapped_to or "the busiest point"
    n = write.counted(busiest.crimes, "crime")
    yield Misreading(
        f"{write.capital(name)} is the worst spot here.",
        f"{n} {write.plural(busiest.crimes, 'was', 'were')} mapped to one point ({name}). It stands for the streets "
        "and buildings around it.",
    )


def _solved(place: Place) -> Iterator[Misreading]:
    found = place.outcomes
    rows = found.table[found.table["group"] == CHARGED]
    if not outcome_sentence(place) or found.none or rows.empty or rows["share"].isna().all():
        return
    yield Misreading(
        f"Only {write.percent(float(rows['share'].iloc[0]))} of crimes are solved.", outcome_sentence(place)
    )


def _safe(place: Place) -> Misreading:
    crimes = write.counted(place.total("crime"), "crime")
    when = write.in_period(place.scope.months)
    return Misreading(
        "This is a safe place.",
        f"Police recorded {crimes} in {write.where(place)} {when}. The figures do not measure safety.",
    )
