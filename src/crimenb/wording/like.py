"""Places like this one in words: the rule, the position, and what it does not mean (R25)."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from crimenb.measures.comparisons import Refusal
from crimenb.measures.like import LEAST_PLACES, Position, Standing, ordered
from crimenb.schema import ASB
from crimenb.wording import format as write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crimenb.measures.place import Place

IN_WORDS = {
    Standing.MORE: "more than in nine of ten",
    Standing.LESS: "fewer than in nine of ten",
    Standing.WITHIN: "among the middle eight of ten",
    Standing.CHANCE: "chance could explain it",
    Standing.UNNAMED: "never named as few",
    Standing.FEW: "too few to place",
}
MOST_NAMED = 3

_REASONS = {
    Refusal.PARTLY: "only part of the area is counted",
    Refusal.NOTHING: "none of its months can be counted",
    Refusal.FEW_MONTHS: "fewer than 6 months can be compared",
}

SIGNS = "Each dot is one of them, the large dot is this area, and the line is their median."
MEANS = (
    "A position is named only beyond nine of ten of them, and only if chance is an unlikely cause. It does not show "
    "that this area is safe or unsafe, or why."
)


def headline(place: Place) -> str:
    """Say which records are more or fewer than in nine of ten places like this one, or why none is named."""
    like = place.like
    if like.refused == Refusal.FEW_PLACES:
        held = f"only {len(like.places)}" if len(like.places) else "none"
        return (
            f"Not compared with places like this one: this archive has {held}, and {LEAST_PLACES} are needed"
        )
    if like.refused:
        return f"Not compared with places like this one, because {_REASONS[like.refused]}"
    if all(p.kind == Standing.FEW for p in like.positions):
        return f"Too few records here to compare with {len(like.places)} places like this one"
    said: list[str] = []
    named = sorted(
        (p for p in like.positions if p.named), key=lambda p: (-len(p.others), p.kind == Standing.LESS)
    )
    for (places, kind), group in groupby(named, key=lambda p: (len(p.others), p.kind)):
        whose = f"{places} places like this one"
        if said:
            whose = (
                "them"
                if places == len(like.places)
                else f"the {places} in {write.forces_named(place.forces)}"
            )
        said.append(f"{_names(group)}: {kind} than in nine of ten of {whose}")
    if not said:
        return f"Nothing stands out among {len(like.places)} places like this one"
    return write.capital("; ".join(said))


def _names(positions: Iterable[Position]) -> str:
    """List series in order of name: nothing here is ranked."""
    names = [_name(p.series) for p in ordered(tuple(positions))]
    if len(names) <= MOST_NAMED:
        return write.listing(names)
    return f"{write.opening(len(names)).lower()} categories, among them {write.listing(names[:MOST_NAMED])}"


def _name(series: str) -> str:
    return "all crime" if series == "crime" else write.category(series)


def rule(place: Place) -> str:
    """Say which places are like this one."""
    like = place.like
    said = "Places like this one are miles in this archive that overlap neither this area nor each other, "
    if not like.by_residents:
        own = "with two thirds to one and a half times as many crimes as here"
        return f"{said}{own}. This archive has no residents to go by."
    named = f" ({like.rural_urban})" if like.rural_urban else ""
    parts = [f"of the same rural-urban class{named}" if named or like.places.empty else ""]
    if like.residents:
        parts.append(
            f"with about {_people(0.75 * like.residents)} to {_people(1.25 * like.residents)} residents"
        )
    else:
        parts.append("with residents within 25% of those here")
    if like.jobs:
        jobs = like.jobs / like.residents
        parts.append(f"with {0.75 * jobs:.2g} to {1.25 * jobs:.2g} jobs for each resident")
    return f"{said}{write.listing([p for p in parts if p])}."


def _people(number: float) -> str:
    """Write a number of people to two figures, which is what it can bear."""
    return f"{float(f'{number:.2g}'):,.0f}"


def within_force(place: Place) -> str:
    """Say whose public order and anti-social behaviour is set beside that of this place."""
    like = place.like
    why = "because forces record them in different ways"
    force = write.forces_named(place.forces)
    if any(p.series == ASB for p in like.positions):
        among = f"the {like.within_force} of these places that are in {force}"
        return f"Public order and anti-social behaviour are compared with {among} only, {why}."
    held = f"{like.within_force} of these places {write.plural(like.within_force, 'is', 'are')} in {force}"
    return f"Public order and anti-social behaviour are not compared, {why}: {held}, and {LEAST_PLACES} are needed."


def listed(place: Place) -> str:
    """List the places in order of name."""
    rows = place.like.places
    named = [
        f"{name} ({code})" if name else code
        for name, code in zip(rows["name"], rows["candidate"], strict=True)
    ]
    return f"The {len(named)} places, in order of name: {'; '.join(named)}."


def sentences(place: Place) -> list[str]:
    """Say the rule, what the signs are and what a position does not mean; then what belongs below."""
    like = place.like
    if like.refused == Refusal.FEW_PLACES:
        return [rule(place)]
    if like.refused:
        return []
    signs = [SIGNS] if any(p.kind != Standing.FEW for p in like.positions) else []
    return [" ".join([rule(place), *signs, MEANS]), within_force(place), listed(place)]
