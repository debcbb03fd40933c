"""The sentences a hurried reader would write from this page, and why each is wrong.

They are filled with this place's own numbers, so that the warning is about them. No geometry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from crimenb.measures import comparisons
from crimenb.measures import points as map_points
from crimenb.measures.changes import recent_against_earlier
from crimenb.measures.counts import deciding, monthly_counts, only, scope
from crimenb.measures.months import is_small, range_of
from crimenb.measures.outcomes import CHARGED, outcomes
from crimenb.query import days_in, month_before
from crimenb.schema import force_name
from crimenb.wording import format as write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crimenb.data import Data

HOW_MANY = 3


class Claim(NamedTuple):
    """A sentence not to be said, and why it is wrong."""

    sentence: str
    why: str


def do_not_say(data: Data) -> list[Claim]:
    """Return the three likeliest wrong sentences for this place, the most misleading first."""
    data = only(data)
    found: list[Claim] = []
    for claim in _candidates(data):
        found.append(claim)
        if len(found) == HOW_MANY:
            break
    return found


def _candidates(data: Data) -> Iterator[Claim]:
    kind = scope(data).kind
    yield from _supply(data)
    if kind == "none":
        return
    if is_small(data):
        yield from _record_month(data)
    else:
        yield from _month_before(data)
        yield from _reports(data)
        yield from _recent(data)
    yield from _times(data)
    yield from _point(data)
    yield from _solved(data)
    yield _safe(data)


def _supply(data: Data) -> Iterator[Claim]:
    """Parts and gaps read as the whole and as zero."""
    within = scope(data)
    area = write.place_name(data)
    table = monthly_counts(data)
    if within.kind == "part":
        n = int(table.loc[within.latest, "crime"])
        absent = write.listing([force_name(f) for f in within.absent])
        yield Claim(
            f"There were {write.counted(n, 'crime')} in {area} in {write.month(within.latest)}.",
            f"The figure covers {within.share:.0%} of it; the {absent} part is not in these data.",
        )
    gaps = [m for m in table.index if m not in within.months and m not in within.apart]
    if gaps:
        asked = gaps if within.kind == "none" else gaps[-1:]
        those = "that month" if len(asked) == 1 else "those months"
        yield Claim(
            f"There was no crime in {area} in {write.months(asked)}.",
            f"No {write.forces_named(deciding(data))} records are held for {those}, which says nothing "
            "of what happened.",
        )
    if within.kind == "none" and len(data.crimes):
        yield Claim(
            f"There were only {write.counted(len(data.crimes), 'crime')} in {area}.",
            f"Those records came from other forces; {write.forces_named(deciding(data))}, which polices "
            "it, is not in these data.",
        )


def _record_month(data: Data) -> Iterator[Claim]:
    within = scope(data)
    if len(within.months) < 2:
        return
    crime = monthly_counts(data)["crime"].reindex(within.months)
    worst = str(crime.idxmax())
    name = write.month(worst) if len(within.months) > 12 else write.month(worst).split()[0]
    n, before = int(crime[worst]), int(crime.get(month_before(worst), 0))
    rise = "" if not before or n < 2 * before else ": crime doubled"
    if n:
        yield Claim(
            f"{name} was the worst month{rise}.",
            f"One of {write.spelt(len(within.months))} months always is; "
            f"{write.counted(n, 'crime')} {'is' if n == 1 else 'are'} too few to call a change.",
        )


def _month_before(data: Data) -> Iterator[Claim]:
    """Make a headline of the newest month and the one before."""
    within = scope(data)
    crime = monthly_counts(data)["crime"]
    before = month_before(within.latest)
    if before not in within.months or not crime[before]:
        return
    now, then = int(crime[within.latest]), int(crime[before])
    month = write.month(within.latest).split()[0]
    move = f"rose {now / then - 1:.0%}" if now > then else f"fell {1 - now / then:.0%}"
    if min(now, then) < write.LEAST_PERCENT:
        move = "rose" if now > then else "fell"
    rates = [f"{n / days_in(m):.1f}" for n, m in ((now, within.latest), (then, before))]
    why = f"Per day that is {rates[0]} crimes, after {rates[1]} in {write.month(before).split()[0]}, and "
    if rates[0] == rates[1]:
        why = f"That is the same {rates[0]} a day in both months, and "
    found = range_of(data)
    if within.kind == "part":
        why += f"it is of the {write.forces_named(within.forces)} part only, which says nothing of the rest."
    elif not map_points.comparable(data):
        why += "the share of records without a location moved too much to compare months here."
    elif found.own is not None and found.kind == "inside":
        why += (
            f"anything from {found.own.low:,} to {found.own.high:,} is within what earlier months lead "
            "one to expect."
        )
    else:
        why += "one month beside another shows no trend."
    if now != then:
        yield Claim(f"Crime {move} in {month}.", why)


def _reports(data: Data) -> Iterator[Claim]:
    found = range_of(data, "asb")
    if found.kind != "with the force":
        return
    move = "fallen" if found.change < 0 else "risen"
    rest = write.rest_of(deciding(data))
    yield Claim(
        f"Anti-social behaviour has {move} by {abs(found.change):.0%} here.",
        f"That sets {write.month(found.month).split()[0]} against the months before. In {rest} it has "
        f"{'fallen' if found.rest_change < 0 else 'risen'} by {abs(found.rest_change):.0%} in the same way: "
        "season, or the whole force, not this place.",
    )


def _recent(data: Data) -> Iterator[Claim]:
    found = recent_against_earlier(data)
    if found.kind != "no local change" or abs(found.ratio - 1) < 0.05 or not map_points.comparable(data):
        return
    move = "down" if found.ratio < 1 else "up"
    rest = write.rest_of(deciding(data))
    yield Claim(
        f"Crime here is {move} {abs(found.ratio - 1):.0%} on earlier in the year.",
        f"In {rest} it is {'down' if found.rest_ratio < 1 else 'up'} {abs(found.rest_ratio - 1):.0%} over the "
        "same months: season, or the whole force, not this place.",
    )


def _times(data: Data) -> Iterator[Claim]:
    beside = comparisons.with_rest_of_force(data)
    for category in beside.named("more")[:1]:
        row = beside.table.set_index("category").loc[category]
        name = write.category(category)
        here = write.percent_of(float(row["share_here"]), beside.here)
        there = write.percent_of(float(row["share_there"]), beside.there)
        yield Claim(
            f"You are {_times_as(float(row['quotient']))} likely to meet {name} here.",
            f"It is {here} of crime here and {there} in {write.rest_of(beside.forces)}: a share of "
            "crime, not a risk to anyone.",
        )


def _times_as(quotient: float) -> str:
    """Write a ratio of 1.5 or more as a headline does, never more than it is."""
    whole = int(quotient)
    if whole < 2:
        return "far more"
    return "more than twice as" if whole == 2 else f"more than {write.count(whole)} times as"


def _point(data: Data) -> Iterator[Claim]:
    found = map_points.points(data)
    if found.busiest is None:
        return
    name = found.busiest.snapped_to or "the busiest point"
    n = write.counted(found.busiest.records, "record")
    yield Claim(
        f"{write.capital(name)} is the worst spot here.",
        f"Its {n} were moved to that point from the streets and buildings around it, and a busy place "
        "has more of everything.",
    )


def _solved(data: Data) -> Iterator[Claim]:
    found = outcomes(data)
    rows = found.table[found.table["group"] == CHARGED]
    if rows["share"].isna().all() or int(rows["crimes"].iloc[0]) < write.LEAST_PERCENT:
        return
    yield Claim(
        f"Only {float(rows['share'].iloc[0]):.0%} of crimes are solved.",
        "That is the share charged or sent to court so far; court results are not published, and "
        "other outcomes settle a crime too.",
    )


def _safe(data: Data) -> Claim:
    return Claim(
        "This is a safe place.",
        "Recorded crime counts what is reported, where people are and report; it does not measure safety.",
    )
