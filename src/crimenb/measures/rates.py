"""Crimes for every 1,000 residents, residents and jobs, and households. No geometry.

Rule R24 of docs/method.md. Residents alone make every centre look high, because those who come to it are not
counted; so the rate by residents is never given without the one by residents and jobs beside it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import pandas as pd

from crimenb.data import once, remembered
from crimenb.measures.counts import (
    deciding,
    key_of,
    monthly_counts,
    name_of,
    rest_of_district,
    rest_of_force,
    scope,
)
from crimenb.measures.months import YEAR, dispersion_of_level, level_bounds, spread_of
from crimenb.schema import VIEWS, force_name

if TYPE_CHECKING:
    from crimenb.data import Data

LEAST_RESIDENTS = 500
"""With fewer residents a handful of crimes makes a rate."""

LEAST_RECORDS = 20
"""Of fewer records no rate is given: its interval would be wider than from half to twice (R21)."""

PER = 1000
RESIDENTS, BOTH, HOUSEHOLDS = "residents", "residents and jobs", "households"
_RATES = (
    ("crime", RESIDENTS, ("residents",)),
    ("crime", BOTH, ("residents", "jobs")),
    ("burglary", HOUSEHOLDS, ("households",)),
)


class NoRate(StrEnum):
    """Why no rate is given."""

    NONE = ""
    NO_MONTHS = "no months"
    PARTLY = "partly"
    NO_RESIDENTS = "no residents"
    NO_JOBS = "no jobs"
    FEW_RESIDENTS = "few residents"
    FEW_CRIMES = "few crimes"


class Side(StrEnum):
    """Where a rate lies beside that of the rest of the force: clearly, if their intervals do not meet."""

    ABOVE = "above"
    BELOW = "below"
    UNCLEAR = "unclear"
    NO_OTHER = "no other"


class Number(NamedTuple):
    """A number of people, households or jobs of the place, with where it is from.

    counted, unit: how many postcodes, output areas or LSOAs were summed, whose centre lies in the area.
    """

    measure: str
    value: int
    counted: int
    unit: str
    year: str
    source: str

    @property
    def is_census(self) -> bool:
        """Whether it is of the census."""
        return "Census" in self.source


class Rates(NamedTuple):
    """The rates of a place, or why there are none.

    numbers: what is known of residents, households, jobs and of a later estimate of the residents.
    months: the complete ones of the newest twelve; crimes: those counted in them.
    table: the frame that `rates` returns.
    """

    refused: NoRate
    numbers: dict[str, Number]
    months: list[str]
    crimes: int
    table: pd.DataFrame

    @property
    def is_year(self) -> bool:
        """Whether the rates are those of a year."""
        return len(self.months) == YEAR

    def beside_force(self, per: str) -> Side:
        """Return where the place's crimes for every 1,000 of `per` lie beside the rest of the force."""
        rows = self.table[self.table["per"] == per].set_index("where")
        if not {"here", "force"} <= set(rows.index):
            return Side.NO_OTHER
        here, there = rows.loc["here"], rows.loc["force"]
        if here["low"] > there["high"]:
            return Side.ABOVE
        return Side.BELOW if here["high"] < there["low"] else Side.UNCLEAR


@remembered
def rates_of(data: Data) -> Rates:
    """Return the rates of a place with what they are made of (R24)."""
    data = data.main
    within, numbers = scope(data), _numbers(data)
    newest = [m for m in sorted(data.months["month"]) if m <= within.latest][-YEAR:]
    months = [m for m in newest if m in within.months and m not in within.thin]
    crimes = int(monthly_counts(data).loc[months, "crime"].sum())
    why = NoRate.NONE
    if within.kind == "none" or not months:
        why = NoRate.NO_MONTHS
    elif within.kind == "part":
        why = NoRate.PARTLY
    elif RESIDENTS not in numbers:
        why = NoRate.NO_RESIDENTS
    elif numbers[RESIDENTS].value < LEAST_RESIDENTS:
        why = NoRate.FEW_RESIDENTS
    elif "jobs" not in numbers:
        why = NoRate.NO_JOBS
    elif crimes < LEAST_RECORDS:
        why = NoRate.FEW_CRIMES
    table = pd.DataFrame([] if why else _rows(data, months), columns=list(VIEWS["rates"]))
    return Rates(why, numbers, months, crimes, table.astype(VIEWS["rates"]))


@once
def rates(data: Data, *, place: str = "") -> pd.DataFrame:
    """Return crimes for every 1,000 residents, and residents and jobs, and burglaries for every 1,000 households.

    The two rates of crime belong together: neither counts who passes through, and where they disagree about
    above or below the rest of the force, that is the answer (R24).

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Returns
    -------
    DataFrame
        One row for each rate and area: `place`, `where` ("here", "force", "district": the rest of them),
        `name` (words for it, "" for the place), `category` and `label` (all crime, or burglary), `per`
        ("residents", "residents and jobs", "households"), `months` (how many are counted, of the newest
        twelve; 12 make a year, fewer are not scaled to one), `records`, `base` (the residents and so on),
        `rate` (records for every 1,000), `low`, `high` (its interval of 95%). Empty where no rate may be
        given; a rate of fewer than 20 records is left out. Anti-social behaviour and British Transport
        Police are not counted. No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12")
    >>> cn.rates(data).columns.tolist()[5:8]
    ['per', 'months', 'records']
    """
    return rates_of(data.of(place)).table


def _numbers(data: Data) -> dict[str, Number]:
    rows = data.residents[data.residents["where"] == "here"]
    columns = rows[["measure", "value", "counted", "unit", "year", "source"]]
    return {str(row[0]): Number(*row) for row in columns.itertuples(index=False)}


def _rows(data: Data, months: list[str]) -> list[tuple[object, ...]]:
    """Return the rows of `rates`: a rate only where the place has it, and elsewhere where all of it is known."""
    forces, districts = list(deciding(data)), sorted(set(data.district_counts["district"]))
    areas = {"here": [""], "force": forces, "district": districts}
    names = {
        "here": "", "force": ", ".join(map(force_name, forces)),
        "district": ", ".join(sorted(set(data.district_counts["name"]))),
    }  # fmt: skip
    counts = {
        "here": monthly_counts(data), "force": rest_of_force(data), "district": rest_of_district(data),
    }  # fmt: skip
    rows: list[tuple[object, ...]] = []
    for category, per, measures in _RATES:
        found: list[tuple[object, ...]] = []
        for where, name in names.items():
            base = _base(data, where, areas[where], measures)
            least = 1 if where == "here" else LEAST_RESIDENTS
            if base < least or not set(months) <= set(counts[where].index):
                continue
            y = counts[where].loc[months, category]
            records = int(y.sum())
            if records < LEAST_RECORDS:
                continue
            phi = dispersion_of_level(y, months, spread=spread_of(category))
            low, high = (PER * end / base for end in level_bounds(records, phi))
            found.append((
                key_of(data), where, name, category, name_of(category), per, len(months), records, base,
                PER * records / base, low, high,
            ))  # fmt: skip
        if found and found[0][1] == "here":
            rows += found
    return rows


def _base(data: Data, where: str, areas: list[str], measures: tuple[str, ...]) -> int:
    """Sum what a rate is divided by; 0 where a part of it is not known."""
    rows = data.residents[data.residents["where"] == where]
    known = {
        (str(a), str(m)): int(v) for a, m, v in zip(rows["area"], rows["measure"], rows["value"], strict=True)
    }
    wanted = [(area, measure) for area in areas for measure in measures]
    return sum(known[w] for w in wanted) if wanted and set(wanted) <= set(known) else 0
