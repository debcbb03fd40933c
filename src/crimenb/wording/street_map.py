"""What is said of a map's streets: what they are, what the numbers on it mean, what is missing."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from crimenb.measures.streets import NEAREST
from crimenb.wording import format as write

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from crimenb.measures.place import Place

_TOWARDS = "north north-east east south-east south south-west west north-west".split()
_NORTHERN_IRELAND = "northern-ireland"


def signs() -> str:
    """Return what a street and a circle on the map stand for."""
    return (
        "A coloured street shows crimes nearer to its map point than to any other: usually on this street, sometimes "
        "on a side street. Circles are other map points."
    )


def counted(place: Place) -> str:
    """Return how many crimes are drawn as streets, as circles, and not at all."""
    found = place.drawn
    circles = write.counted(found.circles, "crime") if not found.streets else f"{found.circles:,}"
    parts = [f"{write.counted(found.streets, 'crime')} as streets"] * bool(found.streets)
    parts += [f"{circles} as circles"] * bool(found.circles)
    off = f" {write.counted(found.off, 'crime')} from before July 2022 {'is' if found.off == 1 else 'are'} not on it."
    return f"The map draws {' and '.join(parts) or 'no crime'}.{off if found.off else ''}"


def enlarged(metres: int) -> str:
    """Return what the second map shows."""
    return f"Enlarged: the square on the first map, {metres} metres across, where map points are closest together."


def missing(place: Place) -> str:
    """Return why the map has no streets."""
    if place.forces[:1] == [_NORTHERN_IRELAND]:
        return "Streets are not drawn: the street data used here do not cover Northern Ireland."
    if place.source.get("name") == "live":
        return (
            "Streets are not drawn: none were fetched before this report. “crimenb fetch streets” gets them."
        )
    return "Streets are not drawn: this source has none."


def classes(lows: Sequence[int]) -> list[str]:
    """Return the classes of streets as numbers of records."""
    ends = [
        f"{low:,}" if low == nxt - 1 else f"{low:,} to {nxt - 1:,}" for low, nxt in itertools.pairwise(lows)
    ]
    return [*ends, f"{lows[-1]:,} or more"]


def name(snapped_to: str, street: str, how: str) -> str:
    """Return what a map point is called, with the nearest street where it bears no street's name."""
    if not snapped_to:
        return f"Unnamed place, probably {street}" if how == NEAREST else "Unnamed place"
    return f"{snapped_to} near {street}" if street else snapped_to


def where(row: pd.Series) -> str:
    """Return how far from the centre a map point is, and in which direction."""
    away = round(float(row["away"]), -1)
    towards = _TOWARDS[round(float(row["towards"]) / 45) % 8]
    return f"{away:,.0f} m {towards}" if away else "at the centre"
