"""A place in numbers: everything the page says of it, each worked out once and kept with its data.

Whatever turns numbers into sentences takes a `Place` and asks nothing else.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from crimenb.data import remembered
from crimenb.measures import (
    changes,
    comparisons,
    counts,
    like,
    months,
    outcomes,
    points,
    rates,
    revisions,
    searches,
    streets,
)
from crimenb.schema import ASB, BTP, MonthStatus, force_name

if TYPE_CHECKING:
    import pandas as pd

    from crimenb.data import Data
    from crimenb.measures.changes import Change
    from crimenb.measures.comparisons import Comparison
    from crimenb.measures.counts import Duplicates, Scope
    from crimenb.measures.like import Like
    from crimenb.measures.months import Small, Verdict
    from crimenb.measures.outcomes import Outcomes
    from crimenb.measures.points import Burst, Edge, Points, Unlocated
    from crimenb.measures.rates import Rates
    from crimenb.measures.revisions import Revised
    from crimenb.measures.searches import Searches
    from crimenb.measures.streets import Drawn


class Place:
    """The report's own place in numbers; each is worked out when it is first asked for."""

    def __init__(self, data: Data) -> None:
        self._data = data.main
        self._whole = data
        row = self._data.places.iloc[0]
        self.key = str(row["postcode"])
        self.is_circle = bool(row["kind"] == "circle")
        self.force = str(row["force"])
        self.remark = str(row["remark"])
        self.ward, self.parish, self.district = (str(row[c]) for c in ("ward", "parish", "district"))
        self.query = data.query
        self.source = data.source
        self.is_demo = data.source.get("name") == "demo"

    # ------------------------------------------------------------------------ months

    @cached_property
    def scope(self) -> Scope:
        """Which months are summed, and under which name."""
        return counts.scope(self._data)

    @cached_property
    def months(self) -> pd.DataFrame:
        """The months asked for with their status and the reason, oldest first."""
        return self._data.months.sort_values("month", ignore_index=True)

    @cached_property
    def status(self) -> dict[str, MonthStatus]:
        """The status of each month asked for."""
        return {m: MonthStatus(s) for m, s in zip(self.months["month"], self.months["status"], strict=True)}

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Records by month and series, of the months summed."""
        return counts.summed_counts(self._data)

    @property
    def crime_categories(self) -> list[str]:
        """The slugs of all categories of crime."""
        return counts.crime_categories_of(self._data)

    def total(self, series: str) -> int:
        """Return the records of a series in the months summed."""
        return int(self.counts[series].sum())

    def latest(self, series: str) -> int:
        """Return the records of a series in the newest month summed."""
        return int(self.counts[series].iloc[-1]) if len(self.counts) else 0

    @property
    def revised(self) -> Revised | None:
        """What the newest release changed here, where the one before is known."""
        return revisions.revised(self._data)

    @property
    def records(self) -> int:
        """How many records the data hold here, whoever they are from and whatever the month."""
        return len(self._data.crimes)

    # ---------------------------------------------------------------------- police forces

    @cached_property
    def forces(self) -> list[str]:
        """The forces that police 2 % or more of the area, largest share first."""
        return list(counts.deciding(self._data))

    @cached_property
    def coverage(self) -> list[tuple[str, float]]:
        """Each territorial force's name and its share of the area (0-1)."""
        rows = self._data.coverage
        rows = rows[(rows["share"] > 0) & (rows["force"] != BTP)]
        return [(force_name(f), float(s)) for f, s in zip(rows["force"], rows["share"], strict=True)]

    @property
    def shares_are_exact(self) -> bool:
        """Whether the forces' shares come from the boundaries of their areas."""
        return str(self._data.coverage["method"].iloc[0]).startswith("by area")

    @property
    def has_force_lines(self) -> bool:
        """Whether the source gives the parts of several forces as shapes."""
        return bool((~self._data.coverage.geometry.is_empty).sum() > 1)

    @property
    def btp_months(self) -> list[str] | None:
        """The months British Transport Police supplied, None where the source cannot tell."""
        return counts.btp_months(self._data)

    @cached_property
    def unlocated(self) -> list[Unlocated]:
        """The forces' records without location."""
        return points.unlocated(self._data)

    # --------------------------------------------------------------------------- verdicts

    @property
    def is_small(self) -> bool:
        """Whether the place has under ten crimes a month, so that no month may be judged."""
        return months.is_small(self._data)

    @property
    def crime(self) -> Verdict:
        """The verdict on the newest month's crimes."""
        return months.verdict_of(self._data, "crime")

    @property
    def asb(self) -> Verdict:
        """The verdict on the newest month's reports of anti-social behaviour."""
        return months.verdict_of(self._data, "asb")

    @cached_property
    def categories_called(self) -> list[Verdict]:
        """The categories whose newest month is called unusual."""
        if self.scope.kind != "whole":
            return []
        verdicts = [months.verdict_of(self._data, c) for c in self.crime_categories]
        return [v for v in verdicts if v.called]

    @cached_property
    def small(self) -> Small:
        """The description of a place too small to judge a month."""
        return months.small_place(self._data)

    @property
    def recent(self) -> Change:
        """The last three months against the nine before (R7)."""
        return changes.recent_against_earlier(self._data)

    @property
    def changes(self) -> tuple[Change, ...]:
        """The latest twelve months against a year before: crime, reports, each category (R8)."""
        return changes.changes(self._data)

    @property
    def year(self) -> Change:
        """The crimes of the latest twelve months against a year before (R8)."""
        return self.changes[0]

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Every comparison asked for: the rest of the force first, then each postcode."""
        return comparisons.all_comparisons(self._whole)

    @property
    def like(self) -> Like:
        """Places like this one and where this one lies among them; only where they were asked for."""
        return like.like_this(self._data)

    @property
    def rates(self) -> Rates:
        """Crimes for every 1,000 residents, residents and jobs, and households, or why there are none."""
        return rates.rates_of(self._data)

    @property
    def searches(self) -> Searches:
        """The searches by the police; only where they were asked for."""
        return searches.searches_of(self._data)

    # ------------------------------------------------------------------- points and outcomes

    @property
    def points(self) -> Points:
        """How the crimes are spread over the map points."""
        return points.points(self._data)

    @property
    def by_point(self) -> pd.DataFrame:
        """Records by map point and category, most crimes first."""
        return counts.by_point(self._data)

    @property
    def has_streets(self) -> bool:
        """Whether the map has streets."""
        return streets.has_streets(self._data)

    @property
    def drawn(self) -> Drawn:
        """The crimes that the map draws as streets and as circles, and those it does not draw."""
        return streets.drawn(self._data)

    @property
    def points_apart_m(self) -> float:
        """The distance from a map point to the next, in metres (median); nan of fewer than three."""
        return points.apart_m(self._data)

    @property
    def edge(self) -> Edge:
        """How far the totals hang on the edge."""
        return points.edge(self._data)

    @property
    def near_edge(self) -> tuple[int, int]:
        """Crimes within 100 m inside and outside the edge."""
        found = self.edge
        return found.crimes - found.fewer, found.more - found.crimes

    @property
    def bursts(self) -> list[Burst]:
        """Many records of one category in one month at one point."""
        return points.bursts(self._data)

    @property
    def duplicates(self) -> Duplicates:
        """Rows that are exact copies of an earlier row."""
        return counts.duplicates(self._data)

    @property
    def outcomes(self) -> Outcomes:
        """What happened next."""
        return outcomes.outcomes(self._data)

    # -------------------------------------------------------------------------- the latest month

    def latest_by_category(self) -> pd.Series:
        """Return the newest month's crimes by category, largest first."""
        row = self.counts[self.crime_categories].iloc[-1]
        return row.sort_values(ascending=False, kind="stable")

    def total_by_category(self) -> pd.Series:
        """Return the crimes of the months summed by category, largest first."""
        return self.counts[self.crime_categories].sum().sort_values(ascending=False, kind="stable")

    @property
    def asb_total(self) -> int:
        """The reports of anti-social behaviour in the months summed."""
        return self.total(ASB)


@remembered
def place_of(data: Data) -> Place:
    """Return the report's own place in numbers, the same one every time."""
    return Place(data)
