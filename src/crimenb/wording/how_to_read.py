"""How to read the page, with this place's own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.measures.months import YEAR
from crimenb.measures.outcomes import CHARGED
from crimenb.measures.points import NEAR_M
from crimenb.wording import format as write
from crimenb.wording.availability import btp_sentence, unlocated_sentence

if TYPE_CHECKING:
    from crimenb.measures.place import Place
    from crimenb.measures.points import Burst, EdgePoint

# police.uk's names for kinds of places, and what draws people there from elsewhere.
DRAWS = {
    "Shopping Area": "shops",
    "Supermarket": "shops",
    "Hospital": "a hospital",
    "Nightclub": "nightclubs",
    "Further/Higher Educational Building": "colleges",
    "Theatre/Concert Hall": "theatres",
    "Bus/Coach Station": "a bus station",
}
LEAST_DRAW = 20
MOST_DRAWS = 3
THEFTS = ("shoplifting", "other-theft", "theft-from-the-person", "bicycle-theft")
MOST_LISTED = 3
STANDING = (
    "Police recorded crime is official statistics, but not accredited. The monthly figures on police.uk are "
    "management information. The Crime Survey for England and Wales also covers crimes that nobody reports."
)
WHAT_THESE_ARE = (
    "These are crimes recorded by the police and mapped to nearby points. They do not measure how "
    "safe an area is."
)


def how_to_read(place: Place) -> list[str]:
    """Return sentences on how these numbers may be read, each with the place's own figures."""
    if place.scope.kind == "none":
        return []
    sentences = [
        _not_safety(place), STANDING, _highest(place), _breaks(place), _reports(place),
        btp_sentence(place), unlocated_sentence(place),
    ]  # fmt: skip
    return [s for s in sentences if s]


OPEN_DATA = "www.gov.uk/government/statistics/police-recorded-crime-open-data-tables"


def group_sentences(place: Place) -> list[str]:
    """Say of the groups that councils use that they overlap, what cannot be split, and who publishes that."""
    sentences = [
        "Councils often report by groups of categories. A category can be in two, so groups do not add up. Police.uk "
        "publishes violence with and without injury as one category, and burglary of homes and of other buildings as "
        "one."
    ]
    if "northern-ireland" not in place.forces:
        sentences.append(
            "The Home Office publishes them apart for each community safety partnership, in its police recorded crime "
            f"open data tables ({OPEN_DATA})."
        )
    return sentences


def _breaks(place: Place) -> str:
    """Say when police.uk's categories became others, where a report has months of both sides (R20)."""
    if not (breaks := place.scope.category_breaks):
        return ""
    return (
        f"police.uk changed its categories in {write.listing([write.month(m) for m in breaks])}, "
        "so a category from before is not the one of that name after."
    )


def _not_safety(place: Place) -> str:
    text = "Recorded crime is not all crime."
    table = place.by_point
    big = table[table["crime"] >= LEAST_DRAW]["snapped_to"]
    draws = list(dict.fromkeys(DRAWS[name] for name in DRAWS if (big == name).any()))[:MOST_DRAWS]
    if not draws:
        return text
    return f"{text} {write.capital(write.this_place(place))} has {write.listing(draws)} that people from elsewhere use."


def _highest(place: Place) -> str:
    n = len(place.scope.months)
    if place.scope.kind != "whole" or not place.is_small or n < 2:
        return ""
    return f"One month in {n} is always the highest. That alone is not news."


def range_sentences(place: Place) -> list[str]:
    """Say what the normal range of the newest month is made of, and that it is what to compare with."""
    verdict = place.crime
    if not place.scope.months or verdict.range is None:
        return []
    force = f"{write.rest_of(place.forces)} and " if verdict.adjusted else ""
    return [
        f"The normal range comes from {verdict.months} earlier months, allowing for {force}"
        f"the length of each month."
    ]


def chance_sentence(place: Place) -> str:
    """Say between which numbers chance alone could have moved the total of a small place (R6)."""
    small, n = place.small, len(place.scope.months)
    span = "a year" if n == YEAR else f"{n} months"
    return f"Chance alone could make the crimes of {span} here anything from {small.low:,} to {small.high:,}."


def _reports(place: Place) -> str:
    found = place.duplicates
    text = "Anti-social behaviour means reports, not crimes."
    if not found.asb:
        return text
    one = found.asb == 1
    return (
        f"{text} {write.opening(found.asb)} of the {found.asb_records:,} reports {'is' if one else 'are'} identical to "
        f"another record. {'It' if one else 'They'} may be {'a separate call' if one else 'separate calls'}, so all "
        "are counted."
    )


def outcome_sentence(place: Place) -> str:
    """Say what share of the settled months' crimes led to a charge or a court case (R16, R21)."""
    found = place.outcomes
    rows = found.table[found.table["group"] == CHARGED]
    if found.none:
        return "The source gives no outcomes for this place."
    if found.crimes < write.LEAST_SHARE or rows.empty:
        return ""
    share = write.percent(float(rows["share"].iloc[0]))
    return (
        f"{share} of the crimes of {write.span(found.settled)} led to a charge or a court case so far. "
        "Court results are not published."
    )


# ------------------------------------------------------------------------------ be careful with


def careful_sentences(place: Place) -> list[str]:
    """Say what the figures hang on here: the edge, institutions, many records at one point at once."""
    if place.scope.kind == "none":
        return []
    return [*edge_sentences(place), *_institutions(place), *map(_burst, place.bursts[:MOST_LISTED])]


def edge_sentences(place: Place) -> list[str]:
    """Say what 100 m more would add, and what the crimes at a busy edge point are (R13)."""
    if place.scope.kind != "whole":
        return []  # what lies outside was not supplied
    found = place.edge
    more = found.more - found.crimes
    edge = "The edge of the area is arbitrary" if place.is_circle else "The boundary runs between map points"
    wider = f"{edge}. {NEAR_M:.0f} m more on every side would add {write.counted(more, 'crime')}."
    return [*([wider] if more else []), *(_edge_point(p) for p in found.points[:MOST_LISTED])]


def _edge_point(point: EdgePoint) -> str:
    """Name a busy point near the edge."""
    side = "inside" if point.outside_m <= 0 else "outside"
    name = f"One map point ({point.snapped_to})" if point.snapped_to else "One unnamed map point"
    counts = "counts in full" if side == "inside" else "is not counted"
    return (
        f"{name} {abs(point.outside_m):.0f} m {side} the edge stands for "
        f"{write.counted(point.crimes, 'crime')} and {counts}."
    )


def custom_edge_sentence(place: Place) -> str:
    """Say of a custom area whose outline it is, and what its edge does to counts of map points."""
    inside, outside = place.near_edge
    area = place.query.area
    official = area is not None and area.drawn
    what = f"This is {official}." if official else f"{place.key} is an area drawn for this report."
    return (
        f"{what} Crimes are mapped to points, so one near "
        f"the edge may be counted on the other side: {write.counted(inside, 'crime')} "
        f"{write.plural(inside, 'lies', 'lie')} within {NEAR_M:.0f} m inside the edge and {outside:,} within "
        f"{NEAR_M:.0f} m outside."
    )


def _institutions(place: Place) -> list[str]:
    named = place.points.institutions
    sentences = []
    if named:
        listed = [
            f"{write.counted(i.points, 'map point')} named {i.name} ({write.counted(i.crimes, 'crime')})"
            for i in named[:MOST_LISTED]
        ]
        sentences.append(
            f"The area has {write.listing(listed)}. Police often log crimes there that happened somewhere else."
        )
    for point in place.points.incident_mix[:MOST_LISTED]:
        sentences.append(
            f"{point.snapped_to or 'An unnamed point'} has {write.counted(point.crimes, 'crime')} in a mix that often "
            "marks a place where incidents are logged. The data do not say whether it is one."
        )
    return sentences


def _burst(burst: Burst) -> str:
    at = burst.snapped_to or "an unnamed place"
    text = (
        f"In {write.month(burst.month)}, {burst.records:,} of the {burst.of_month:,} records of "
        f"{write.category(burst.category)} were mapped to one point ({at}), which has {burst.elsewhen:,} in all "
        "other months combined."
    )
    if burst.category in THEFTS:
        return f"{text} They may be one batch of reports."
    return f"{text} The data do not say why."
