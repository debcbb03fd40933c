"""How to read the page, with this place's own numbers: one paragraph. No geometry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.measures import points as map_points
from crimenb.measures.counts import monthly_counts, only, scope
from crimenb.measures.months import held, is_small, range_of
from crimenb.measures.outcomes import CHARGED, outcomes
from crimenb.query import days_in, month_before
from crimenb.schema import CRIME_CATEGORIES
from crimenb.wording import format as write
from crimenb.wording.availability import btp_at_once, btp_sentence

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.points import EdgePoint

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
THEFTS = ("shoplifting", "other-theft", "theft-from-the-person", "bicycle-theft")
SHORT = {
    "violent-crime": "violence and sexual offences",
    "criminal-damage-arson": "criminal damage",
    "anti-social-behaviour": "anti-social behaviour",
}


def how_to_read(data: Data) -> list[str]:
    """Return sentences on how these numbers may be read, each with the place's own figures."""
    data = only(data)
    if scope(data).kind == "none":
        return [f"No number here is the crime of {write.this_place(data)}, so none can be read as it."]
    said = [
        _not_safety(data),
        _compare(data),
        _longer_month(data),
        _points(data),
        _violence(data),
        _reports(data),
        outcome_sentence(data),
        # At a glance it is said of small places always, of others where there are many.
        "" if is_small(data) or btp_at_once(data) else btp_sentence(data),
    ]
    return [s for s in said if s]


def _not_safety(data: Data) -> str:
    text = "These are crimes recorded by police, not all that happened, and no measure of safety"
    table = map_points.by_point(data)
    big = table[table["records"] >= LEAST_DRAW]["snapped_to"]
    draws = list(dict.fromkeys(DRAWS[name] for name in DRAWS if (big == name).any()))[:3]
    if not draws:
        return f"{text}."
    return f"{text}: {write.this_place(data)} holds {write.listing(draws)} used by people from far beyond it."


def _compare(data: Data) -> str:
    if scope(data).kind != "whole":
        return ""
    if not map_points.comparable(data):
        return ""
    if is_small(data):
        n = len(scope(data).months)
        if n == 1:
            return ""
        return f"One month in {write.spelt(n)} is always the highest: that alone is no news."
    found = range_of(data)
    if found.own is None:
        return ""
    month = write.month(found.month).split()[0]
    before = scope(data).steady[-2]
    others = "other months" if held(data) == "other months" else "earlier months"
    return (
        f"Compare {month} with the {found.own.low:,} to {found.own.high:,} that {others} lead one to "
        f"expect, not with {write.month(before).split()[0]}."
    )


def _longer_month(data: Data) -> str:
    """Show that a month with fewer records may have more a day, where one does (February)."""
    within = scope(data)
    if is_small(data) or not map_points.comparable(data):
        return ""
    crime = monthly_counts(data)["crime"]
    rate = {m: int(crime[m]) / days_in(m) for m in within.steady}
    pairs = [(m, month_before(m)) for m in within.steady if month_before(m) in rate]
    found = [(m, b) for m, b in pairs if crime[m] < crime[b] and round(rate[m]) > round(rate[b])]
    if not found:
        return ""
    # The shortest month shows it best.
    month, before = max(found, key=lambda pair: (-days_in(pair[0]), rate[pair[0]] / rate[pair[1]]))
    name, other = (write.month(m).split()[0] for m in (month, before))
    return (
        f"{name} had fewer crimes than {other} ({crime[month]:,}; {crime[before]:,}) but more a day "
        f"({rate[month]:.0f}; {rate[before]:.0f})."
    )


def _points(data: Data) -> str:
    found = map_points.points(data)
    if found.busiest is None or found.points == found.records:
        return ""
    text = (
        f"Map points are stand-ins: {write.counted(found.records, 'record')} share "
        f"{write.counted(found.points, 'point')}"
    )
    if found.records >= map_points.LEAST_POINT:
        name = found.busiest.snapped_to or "an unnamed place"
        text += f", and the busiest, {name}, stands for {found.busiest.records:,}"
    return f"{text}."


def edge_sentences(data: Data) -> list[str]:
    """Say what 100 m more would add, and what the records at a busy edge point are (R13)."""
    if scope(data).kind != "whole":
        return []  # what lies outside was not supplied
    found = map_points.edge(data)
    more = found.more - found.records
    circle = data.places["kind"].iloc[0] == "circle"
    name = "The circle is arbitrary" if circle else "The boundary cuts between map points"
    if not more and not found.points:
        return []
    text = f"{name}: 100 m more would add {write.counted(more, 'record')}"
    outside = [p for p in found.points if p.outside_m > 0]
    inside = [p for p in found.points if p.outside_m <= 0]
    said = [f"{text}{_edge_point(outside[0])}." if outside else f"{text}."]
    for point in [*inside, *outside[1:]]:
        side = "inside" if point.outside_m <= 0 else "outside"
        said.append(
            f"{point.snapped_to or 'An unnamed point'}, {abs(point.outside_m):.0f} m {side} the edge, "
            f"holds {point.records:,}."
        )
    return said


def _edge_point(point: EdgePoint) -> str:
    """Name a point outside the edge with its mix, which sums to its records."""
    top, others = point.mix[:4], point.mix[4:]
    said = [f"{SHORT.get(c, write.category(c))} {n:,}" for c, n in top]
    thefts = sum(n for c, n in others if c in THEFTS)
    if others:
        told = any(c in THEFTS for c, _ in top) or not thefts
        said.append(
            f"others {sum(n for _, n in others):,}"
            + ("" if told else f" ({write.counted(thefts, 'theft')} among them)")
        )
    name = f" ({point.snapped_to})" if point.snapped_to else ""
    return (
        f", {point.records:,} of them at one point {point.outside_m:.0f} m outside{name}: "
        f"{write.listing(said)}"
    )


def _violence(data: Data) -> str:
    table = monthly_counts(data).reindex(scope(data).months)
    crime = int(table["crime"].sum())
    violence = int(table["violent-crime"].sum())
    if (
        min(crime, violence) < write.LEAST_PERCENT
        or table[CRIME_CATEGORIES].sum().idxmax() != "violent-crime"
    ):
        return "Violence and sexual offences runs from harassment to rape."
    share = "" if is_small(data) else f", {violence / crime:.0%} of crime,"
    return (
        f"Violence and sexual offences{share} runs from harassment to rape and is largest almost everywhere."
    )


def _reports(data: Data) -> str:
    found = map_points.duplicates(data)
    text = "Anti-social behaviour means reports"
    if not found.asb:
        return f"{text}, not crimes."
    are = "is an identical row" if found.asb == 1 else "are identical rows"
    return f"{text}; {write.count(found.asb)} of {write.count(found.asb_records)} {are}, all counted."


def outcome_sentence(data: Data) -> str:
    """Say what share of the settled months' crimes was charged or sent to court (R16).

    The months and the release are always named: the share holds for them only.
    """
    found = outcomes(data)
    if found.none:
        return "This source gives no outcomes for this place."
    rows = found.table[found.table["group"] == CHARGED]
    if rows["share"].isna().all() or int(rows["crimes"].iloc[0]) < write.LEAST_PERCENT:
        return ""
    share = write.opening(round(float(rows["share"].iloc[0]) * 100))
    release = data.source.get("release", "")
    as_of = f" as of the release of {write.month(release)}" if release else ""
    text = (
        f"{share} per cent of the crimes of {write.months(found.settled)} were charged or sent to "
        f"court{as_of}; results are not published"
    )
    if found.faulty:
        are = "is" if len(found.faulty) == 1 else "are"
        text += f"; {write.months(found.faulty)} {are} left out, because too many updates are missing"
    return f"{text}."
