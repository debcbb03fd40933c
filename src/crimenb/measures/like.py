"""Where a place lies among places like it: a position that is described, never a verdict.

Rule R25 of the method. The source chooses the places (an archive, where they are asked for); here they are
only counted. No geometry.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from crimenb.data import once, remembered
from crimenb.measures.comparisons import LEAST, NEVER_LOW, Refusal, T
from crimenb.measures.counts import (
    crime_categories_of,
    deciding,
    key_of,
    monthly_counts,
    name_of,
    scope,
)
from crimenb.measures.months import LEAST_MONTHS, level_bounds, spread_of
from crimenb.query import days_in
from crimenb.schema import ASB, VIEWS, label_of
from crimenb.usual_range import dispersion

if TYPE_CHECKING:
    from crimenb.data import Data

LEAST_PLACES = 30
"""Of fewer places like it no position is described."""

BEYOND = 0.9
"""A position is named only where this share of the places has fewer records, or more."""

WITHIN_A_FORCE = frozenset({"public-order", ASB})
"""How a force records these explains more of their number than the place does: no other force's are set beside them."""


class Standing(StrEnum):
    """What a position may be called."""

    MORE = "more"
    LESS = "fewer"
    WITHIN = "within"
    CHANCE = "chance"
    UNNAMED = "unnamed"
    FEW = "few"


class Position(NamedTuple):
    """A series here, among places like this one.

    records: here; low, high: what its level may be (R6, at 99 %). others: the records of each place, smallest
    first; median: their middle; fewer, more: how many of them have fewer records, or more, than here.
    """

    series: str
    records: int
    low: float
    high: float
    others: tuple[int, ...]
    median: float
    fewer: int
    more: int
    kind: Standing

    @property
    def named(self) -> bool:
        """Whether the page names it."""
        return self.kind in (Standing.MORE, Standing.LESS)


class Like(NamedTuple):
    """Places like this one, and where this one lies among them, or why that is not said.

    places: a row a place, in order of name: `candidate` (its postcode), `name`, `force`, `residents`, `jobs`.
    by_residents: whether residents are the rule, else crime. residents, jobs: of this place, where they were the rule;
    else 0. rural_urban: the class that all share, or "". within_force: how many of the places are of this place's own
    forces. positions: none where it was refused.
    """

    refused: Refusal
    months: list[str]
    places: pd.DataFrame
    by_residents: bool
    residents: int
    jobs: int
    rural_urban: str
    within_force: int
    positions: tuple[Position, ...]

    def called(self, kind: Standing) -> list[Position]:
        """Return the positions that are called so."""
        return [p for p in self.positions if p.kind == kind]


@remembered
def like_this(data: Data) -> Like:
    """Return the places like this one and its position among them (R25)."""
    data = data.main
    within, rows = scope(data), data.like_places
    months, reports = within.steady, within.steady_in("asb")
    places = rows.drop_duplicates("candidate")
    places = places[["candidate", "name", "force", "residents", "jobs", "rural_urban"]]
    places = places.sort_values(["name", "candidate"], ignore_index=True)
    by_residents = bool((places["residents"] > 0).any() if len(places) else len(data.residents))
    here = data.residents[data.residents["where"] == "here"].set_index("measure")["value"]
    residents = int(here.get("residents", 0)) if by_residents else 0
    jobs = int(here.get("jobs", 0)) if residents and (places["jobs"] > 0).any() | places.empty else 0
    classes = set(places["rural_urban"])
    same = [set(f.split()) == set(deciding(data)) for f in places["force"]]
    known = (places, by_residents, residents, jobs, classes.pop() if len(classes) == 1 else "", sum(same))
    why = {"whole": Refusal.NONE, "part": Refusal.PARTLY, "none": Refusal.NOTHING}[within.kind]
    if not why and len(months) < LEAST_MONTHS:
        why = Refusal.FEW_MONTHS
    elif not why and len(places) < LEAST_PLACES:
        why = Refusal.FEW_PLACES
    if why:
        return Like(why, months, *known, ())
    # Where they are like it in crime, all crime says nothing.
    wanted = [*(["crime"] if by_residents else []), *crime_categories_of(data), ASB]
    own = monthly_counts(data)
    positions = []
    for series in wanted:
        counted = reports if series == ASB else months
        among = places["candidate"][same] if series in WITHIN_A_FORCE else places["candidate"]
        if len(among) < LEAST_PLACES or len(counted) < LEAST_MONTHS:
            continue
        is_of_it = rows["category"] != ASB if series == "crime" else rows["category"] == series
        others = rows[is_of_it & rows["month"].isin(counted)].groupby("candidate")["records"].sum()
        found = others.reindex(among, fill_value=0).to_numpy()
        positions.append(position(series, own[series].reindex(counted).to_numpy(), counted, found))
    return Like(why, months, *known, tuple(positions))


def position(series: str, counts: np.ndarray, months: list[str], others: np.ndarray) -> Position:
    """Return where a place's records lie among those of other places (R25).

    Named is what more than nine of ten of them have fewer of, or more, and where the interval of its level,
    (sqrt(N) +- 3.106 * sqrt(phi) / 2)^2 with R3's dispersion, leaves out their median.

    Parameters
    ----------
    series
        What is counted.
    counts
        The place's records, a month each.
    months
        Those months.
    others
        The records of each other place over the same months.
    """
    days = np.array([days_in(m) for m in months], float)
    records, median = int(counts.sum()), float(np.median(others))
    spread = spread_of("asb" if series == ASB else series)
    phi = dispersion(counts, days, records / days.sum() * days[-1], spread=spread)
    low, high = level_bounds(records, phi, T)
    fewer, more = int((others < records).sum()), int((others > records).sum())
    kind = Standing.WITHIN
    if max(records, median) < LEAST:
        kind = Standing.FEW
    elif fewer > BEYOND * len(others):
        kind = Standing.MORE if records >= LEAST and low > median else Standing.CHANCE
    elif more > BEYOND * len(others):
        kind = Standing.LESS if median >= LEAST and high < median else Standing.CHANCE
        # That there is little violence would be read as "safe".
        kind = Standing.UNNAMED if series == NEVER_LOW else kind
    listed = tuple(sorted(map(int, others)))
    return Position(series, records, low, high, listed, median, fewer, more, kind)


@once
def like_positions(data: Data, *, place: str = "") -> pd.DataFrame:
    """Count a place's records beside those of places like it, where they were asked for (R25).

    Parameters
    ----------
    place
        A place of the data; the report's own by default, which alone has places like it.

    Returns
    -------
    DataFrame
        One row a series that may be described, all crime first, then the categories in order of name, and
        anti-social behaviour last: `place`, `category`, `label`, `is_crime`, `here` (records), `low` and `high` (what
        the level here may be), `places` (how many), `median` (of their records), `fewer` and `more` (how many of
        them have fewer records, or more) and `position` ("more", "fewer", "within", "chance", "unnamed" or
        "few").
        Empty where none may be.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12", like=True)
    >>> cn.like_positions(data)[["category", "places"]].head(1)
      category  places
    0    crime ...
    """
    data = data.of(place)
    rows = [
        (key_of(data), p.series, name_of(p.series), p.series != ASB, p.records, p.low, p.high, len(p.others),
         p.median, p.fewer, p.more, str(p.kind))
        for p in ordered(like_this(data).positions)
    ]  # fmt: skip
    columns = VIEWS["like_positions"]
    return pd.DataFrame(rows, columns=[*columns]).astype(columns)


def ordered(positions: tuple[Position, ...]) -> list[Position]:
    """Return positions in an order that ranks nothing: all crime, categories by name, reports."""
    return sorted(positions, key=lambda p: (p.series != "crime", p.series == ASB, label_of(p.series)))
