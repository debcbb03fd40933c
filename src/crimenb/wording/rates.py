"""Who lives and works here in words, and what a rate says and does not say (R24)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from crimenb.measures.rates import BOTH, LEAST_RESIDENTS, PER, RESIDENTS, NoRate, Side
from crimenb.wording import format as write

if TYPE_CHECKING:
    from collections.abc import Callable

    from crimenb.measures.place import Place
    from crimenb.measures.rates import Number

NORTHERN_IRELAND = "northern-ireland"

_COUNTED = {"crime": "Crimes", "burglary": "Burglaries"}
_SIDES = {Side.ABOVE: "above", Side.BELOW: "below", Side.UNCLEAR: "not clearly above or below"}
_NAMES = {"residents": "residents", "households": "households", "jobs": "jobs"}


def two_figures(value: float, to: Callable[[float], float] = round) -> float:
    """Return a number to two figures, which is what residents and jobs of an area can bear.

    Parameters
    ----------
    to
        `math.floor` or `math.ceil` for the ends of an interval, which are rounded outward.

    >>> two_figures(40249), two_figures(412.01), two_figures(8.74), two_figures(0.62)
    (40000, 410, 8.7, 0.6)
    >>> two_figures(397.6, math.floor), two_figures(41.02, math.ceil)
    (390, 42)
    """
    if value < 10:
        return to(round(value * 10, 6)) / 10
    step = 10 ** (math.floor(math.log10(value)) - 1)
    return int(to(round(value / step, 6)) * step)


def rounded(value: float, to: Callable[[float], float] = round) -> str:
    """Write a number to two figures: "40,000", "410", "8.7"."""
    return f"{two_figures(value, to):,}"


def interval(low: float, high: float) -> str:
    """Write the interval of a rate, rounded outward: "390 to 430"."""
    return f"{rounded(low, math.floor)} to {rounded(high, math.ceil)}"


def whose(number: Number) -> str:
    """Write where a number is from, briefly: "Census 2021", "2024"."""
    return f"{'Census ' * number.is_census}{number.year}"


def who(place: Place) -> str:
    """Say how many live and work here: "About 40,000 residents (Census 2021) and 69,000 jobs (2024)"."""
    numbers = place.rates.numbers
    named = [
        f"{rounded(numbers[m].value)} {_NAMES[m]} ({whose(numbers[m])})"
        for m in ("residents", "jobs") if m in numbers
    ]  # fmt: skip
    return f"About {write.listing(named)}" if named else "How many people live and work here is not known"


def counted(place: Place, category: str, per: str) -> str:
    """Say what a rate counts: "Crimes a year for every 1,000 residents"."""
    return f"{_COUNTED[category]} {when(place)} for every {PER:,} {per}"


def when(place: Place) -> str:
    """Write the months of the rates: "a year", "in 11 months"."""
    found = place.rates
    return "a year" if found.is_year else f"in {write.counted(len(found.months), 'month')}"


def based_on(place: Place, per: str) -> str:
    """Say what the place's rate is divided by: "about 40,000 here (Census 2021)"."""
    numbers = place.rates.numbers
    made_of = [numbers[m] for m in {BOTH: ("residents", "jobs"), RESIDENTS: ("residents",)}.get(per, (per,))]
    years = write.listing(list(dict.fromkeys(map(whose, made_of))))
    return f"about {rounded(sum(n.value for n in made_of))} here ({years})"


def area(place: Place, where: str, name: str) -> str:
    """Name the area of a rate: "Here", "Rest of Leicestershire (police area)", "Rest of Leicester (district)"."""
    if where == "here":
        return "Here"
    if where == "force":
        return f"{write.capital(write.rest_of(place.forces).removeprefix('the '))} (police area)"
    return f"Rest of {name} (district)"


def guidance(place: Place) -> str:
    """Say where the two rates lie beside the rest of the force, what each is good for, and what neither says."""
    found = place.rates
    if found.refused:
        return why_none(place)
    by_residents, by_both = found.beside_force(RESIDENTS), found.beside_force(BOTH)
    rest = write.rest_of(place.forces)
    if Side.NO_OTHER in (by_residents, by_both):
        text = ""
    elif by_residents != by_both:
        text = (
            f"By residents the rate is {_SIDES[by_residents]} {rest}, by residents and jobs "
            f"{_SIDES[by_both]}{' it' if by_both != Side.UNCLEAR else ''}. That disagreement is the answer: it depends "
            "on who is counted. "
        )
    elif by_both == Side.UNCLEAR:
        text = f"Neither rate is clearly above or below {rest}. "
    else:
        text = f"Both crime rates are {by_both} {rest}. "
    return f"{text}Residents fit crimes at home; jobs add people at work. Neither counts visitors or measures safety."


def how_counted(place: Place) -> list[str]:
    """Say of each number what was summed, whose it is, and what it is a year later."""
    numbers = place.rates.numbers
    sentences = [
        f"{write.capital(_NAMES[m])}: {n.source}{'' if n.year in n.source else f', {n.year}'}, summed over "
        f"{write.counted(n.counted, n.unit.removesuffix('s'))} whose centre lies in the area."
        for m, n in numbers.items() if m in _NAMES
    ]  # fmt: skip
    if "estimate" in numbers:
        later = numbers["estimate"]
        about = f"By a later estimate there were about {rounded(later.value)} residents in {later.year}"
        sentences.append(f"{about} ({later.source}).")
    if "jobs" in numbers and numbers["jobs"].is_census:
        sentences.append(
            "The census counted places of work during a lockdown, when many people worked at home."
        )
    return [" ".join(sentences)] if sentences else []


def why_none(place: Place) -> str:
    """Say why no rate is given, and how to get one."""
    found = place.rates
    if found.refused == NoRate.PARTLY:
        return "Only a part of the area is counted, so no rate is given."
    if found.refused == NoRate.FEW_RESIDENTS:
        one = rounded(PER / max(found.numbers[RESIDENTS].value, 1))
        return f"No rate is given for fewer than {LEAST_RESIDENTS} residents: one crime more would add {one} to it."
    if found.refused == NoRate.FEW_CRIMES:
        if not found.crimes:
            return "No crime was counted, so no rate is given."
        are = write.plural(found.crimes, "crime is", "crimes are")
        return f"{write.opening(found.crimes)} {are} too few for a rate."
    if found.refused == NoRate.NO_MONTHS:
        return "No month can be counted, so no rate is given."
    if NORTHERN_IRELAND in place.forces:
        return _NORTHERN
    if found.refused == NoRate.NO_JOBS:
        return "The jobs here are not known, and a rate by residents alone would mislead, so none is given."
    return _NO_CENSUS.get(
        place.source.get("name", ""), "This source has no census figures here, so no rate is given."
    )


_NORTHERN = (
    "No rate is given. The census used here is that of England and Wales, and Northern Ireland has its own."
)
_NO_CENSUS = {
    "archive": "This archive has no census figures here, so no rate is given (crimenb archive people adds them).",
    "live": "The services gave no census figures here, so no rate is given. Try again later (--refresh).",
}
"""What is missing where residents are not known, and how to get them, by the source."""


def values(place: Place) -> list[dict[str, object]]:
    """Return residents, households and jobs as values, for other programs."""
    return [
        {"measure": m, "value": two_figures(n.value), "year": n.year, "source": n.source, "counted": n.counted,
         "unit": n.unit}
        for m, n in place.rates.numbers.items()
    ]  # fmt: skip
