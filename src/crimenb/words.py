"""Numbers, months and places as they are written in running text (British English)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crimenb.sums import scope
from crimenb.tables import force_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crimenb.tables import Data

_MONTHS = "January February March April May June July August September October November December".split()
_SMALL = "no one two three four five six seven eight nine".split()

EDGE_M = 100.0
"""Near the edge of a custom area: about the distance between two snapped points of a town."""


def month(text: str) -> str:
    """Write a month: "December 2025" for "2025-12"."""
    return f"{_MONTHS[int(text[5:]) - 1]} {text[:4]}"


def period(start: str, end: str) -> str:
    """Write a range of months: "January to December 2025"."""
    if start == end:
        return month(start)
    first = month(start) if start[:4] != end[:4] else _MONTHS[int(start[5:]) - 1]
    return f"{first} to {month(end)}"


def listing(parts: Sequence[str]) -> str:
    """Join with commas and a last "and"."""
    parts = list(parts)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def count(n: int) -> str:
    """Write a whole number: words below ten, commas above."""
    return _SMALL[n] if 0 <= n < len(_SMALL) else f"{n:,}"


def counted(n: int, one: str, many: str = "") -> str:
    """Write a number with its noun: "one crime", "1,317 crimes"."""
    return f"{count(n)} {one if n == 1 else many or one + 's'}"


def percent(share: float) -> str:
    """Write a share as a whole percentage: "42%"."""
    return f"{share:.0%}"


def place_name(data: Data) -> str:
    """Write what was asked for: "the mile around LE1 6RN", or a custom area's name."""
    place = data.of().places.iloc[0]
    key = str(place["postcode"])
    return f"the mile around {key}" if place["kind"] == "circle" else key


def where(data: Data) -> str:
    """Write the place that the totals speak of, naming the part where it is only one."""
    if scope(data).kind != "part":
        return place_name(data)
    return f"{_part(data)} ({_of_area(data)}) of {place_name(data)}"


def where_in_full(data: Data) -> str:
    """Write the place as it is named first: of a part also what its share says of the rest."""
    if scope(data).kind != "part":
        return place_name(data)
    rest = f"({_of_area(data)} of its area; the rest cannot be estimated from it)"
    return f"{_part(data)} of {place_name(data)} {rest}"


def _part(data: Data) -> str:
    return f"the {listing([force_name(f) for f in scope(data).forces])} part"


def _of_area(data: Data) -> str:
    return f"{'' if is_exact(data) else 'about '}{percent(scope(data).share)}"


def is_exact(data: Data) -> bool:
    """Whether the shares of the forces come from the boundaries of their areas."""
    return str(data.of().coverage["method"].iloc[0]).startswith("by area")


def edge(data: Data) -> str:
    """Say of a custom area what its edge does to counts of snapped points."""
    near = data.of().nearby
    near = near[near["distance_m"].abs() <= EDGE_M]
    inside = int(near.loc[near["distance_m"] <= 0, "records"].sum())
    outside = int(near["records"].sum()) - inside
    return (
        f"{place_name(data)} is an area given by whoever asked. Records stand at snapped points, so "
        f"a crime near its edge may be counted on the other side: {counted(inside, 'record')} "
        f"{'lies' if inside == 1 else 'lie'} within {EDGE_M:.0f} metres inside the edge, "
        f"{count(outside)} within {EDGE_M:.0f} metres outside."
    )


def is_demo(data: Data) -> bool:
    """Whether the data are the invented town's."""
    return data.source.get("name") == "demo"
