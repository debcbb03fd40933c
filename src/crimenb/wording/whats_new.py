"""What the newest release brought and revised, in the same form every month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.wording import format as write
from crimenb.wording.verdicts import describe

if TYPE_CHECKING:
    from crimenb.measures.place import Place
    from crimenb.measures.revisions import Revised

TITLE = "New this month"


def whats_new(place: Place) -> list[str]:
    """Say which month is new, which earlier ones were revised and by how much, and how many outcomes moved.

    Empty where the source knows no release before this one.
    """
    found = place.revised
    if found is None:
        return []
    if not found.earlier:
        return [_new(place, found), "There is no earlier month here."]
    return [_new(place, found), _revised(found), _decided(found)]


def _new(place: Place, found: Revised) -> str:
    latest = place.scope.latest
    if latest not in found.new:
        return f"No month here is new since the release of {write.month(found.since)}."
    crimes = write.counted(place.latest("crime"), "crime")
    part = f" in {write.part_of(place)}" if place.scope.kind == "part" else ""
    return f"{write.month(latest)} is new: {crimes}{part}, {describe(place.crime)}."


def _revised(found: Revised) -> str:
    n, changed = len(found.earlier), {*found.crime, *found.asb}
    since = f"since the release of {write.month(found.since)}"
    if not changed:
        none = (
            "The count of the earlier month was not" if n == 1 else f"No count of the {n} earlier months was"
        )
        return f"{none} revised {since}."
    parts = []
    for one, many, months in (
        ("crime", "crimes", found.crime),
        ("report of anti-social behaviour", "reports of anti-social behaviour", found.asb),
    ):
        if months:
            added, removed = (sum(n[i] for n in months.values()) for i in (0, 1))
            parts.append(f"{write.counted(added, one, many)} added and {removed:,} removed")
    most = max(changed, key=lambda m: (sum(found.crime.get(m, ())) + sum(found.asb.get(m, ())), m))
    where = f"{', most' if len(changed) > 1 else ','} in {write.month(most)}"
    verb = write.plural(len(changed), "was", "were")
    some = "The earlier month" if n == 1 else f"{write.opening(len(changed))} of the {n} earlier months"
    return f"{some} {verb} revised {since}: {write.listing(parts)}{where}."


def _decided(found: Revised) -> str:
    if not found.decided:
        return "No outcome of an earlier month changed."
    have = write.plural(found.decided, "crime has", "crimes have")
    return f"{found.decided:,} {have} another outcome than in that release."
