"""Searches by the police in words: what is counted, what is missing, and why no rate is given (R26)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.measures.searches import LEAST_SEARCHES
from crimenb.schema import MonthStatus, force_name
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.measures.place import Place
    from crimenb.measures.searches import Unplaced


def headline(place: Place) -> str:
    """Say how many searches are counted, and of which months."""
    found = place.searches
    if not found.months:
        return "Searches by the police cannot be counted here"
    if not found.total:
        return f"No search was recorded {write.in_period(found.months)}"
    return f"{write.counted(found.total, 'search', 'searches')} {write.in_period(found.months)}"


def counted(place: Place) -> list[str]:
    """Say what a search is, what is missing, and which months are gaps."""
    found = place.searches
    said = []
    if found.total:
        said.append("These are events, not people: one person may be searched more than once.")
    if found.vehicles:
        were = write.plural(found.vehicles, "was of a vehicle", "were of vehicles")
        said.append(f"{write.opening(found.vehicles)} {were} alone.")
    if found.twice:
        are = write.plural(found.twice, "is identical to another and is", "are identical to others and are")
        said.append(
            f"{write.opening(found.twice)} {are} counted: several people stopped together, or one search entered twice."
        )
    if found.by_others:
        said.append(
            f"{write.opening(found.by_others)} {write.plural(found.by_others, 'was', 'were')} by other forces."
        )
    said += [_without_place(u) for u in found.unplaced]
    if found.absent:
        said.append(f"No searches by {write.forces_named(found.absent)} are held here, so those are missing.")
    said += _gaps(place)
    if found.points_changed:
        said.append(
            "Map points changed in July 2022, so counts before and after may differ by 1 to 4% for that alone."
        )
    return [" ".join(said)] if said else []


def _without_place(unplaced: Unplaced) -> str:
    name, n = force_name(unplaced.force), unplaced.searches
    if not n:
        return f"All searches by {name} in these months have a place."
    share = f" ({write.percent(n / unplaced.of)})" if unplaced.of >= LEAST_SEARCHES else ""
    of = (
        f"{n:,} of {unplaced.of:,} searches{share}"
        if unplaced.of >= n
        else write.counted(n, "search", "searches")
    )
    have = "have" if unplaced.of >= n or n > 1 else "has"
    return f"Across the whole of {name}, {of} in these months {have} no place and cannot be counted here."


def _gaps(place: Place) -> list[str]:
    """Name the months that are not counted, by status, and those in which few searches were supplied."""
    found, said = place.searches, []
    gone = found.every[~found.every["counted"]]
    parts = [
        f"{write.months(list(g['month']))} ({status})" for status, g in gone.groupby("status", sort=True)
    ]
    if parts:
        said.append(f"Not counted, which does not mean none: {'; '.join(parts)}.")
    low = found.every.loc[
        found.every["counted"] & (found.every["status"] == MonthStatus.LOW), "month"
    ].tolist()
    if low:
        said.append(f"Suspiciously low: {write.months(low)}.")
    return said


def kinds(place: Place) -> list[str]:
    """Say what the tables of objects, powers, outcomes and times leave open."""
    found = place.searches
    if not found.total:
        return []
    n = found.section_60
    said = [
        f"{write.opening(n) if n else 'No search'} {write.plural(n or 1, 'was', 'were')} under section 60, which needs "
        "no suspicion of the person. Where no outcome is recorded, it is not known."
    ]
    if found.total < LEAST_SEARCHES:
        said.append(
            f"Fewer than {LEAST_SEARCHES} searches are too few for percentages, times of day or a pattern."
        )
    elif not found.has_times:
        of = write.counted(found.total, "search", "searches")
        have = write.plural(found.at_midnight, "has", "have")
        said.append(
            f"The time of day is not shown: {found.at_midnight:,} of {of} {have} midnight, which may mean no time."
        )
    return [" ".join(said)]


FEW_PEOPLE = (
    f"Ethnicity is not shown for fewer than {LEAST_SEARCHES} searches of people, which show no pattern."
)
ETHNICITY = (
    "These tables count searches, not people or offenders. They cannot show that a group offends more, or that "
    "searching here is fair or unfair. What the person said and what the officer recorded have different categories, "
    "and neither replaces the other."
)
WHY_NO_RATE = (
    "No rate per resident and no ratio between groups is given. That is a limit of the records of one mile, not a "
    "finding: the people on the street need not be those who live there (MVA and Miller, 2000). The Equality and Human "
    "Rights Commission (2010), which compared whole forces by residents, doubts that this explains the differences. "
    "Ask the scrutiny panel of {force}, which may see more than these records, through"
)
