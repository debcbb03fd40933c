"""Comparisons of shares in words, and their table under the names a reader knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crimenb.data import once
from crimenb.measures.comparisons import NEVER_LOW, Comparison, Refusal, all_comparisons
from crimenb.measures.counts import key_of
from crimenb.schema import label_of
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data

_REASONS = {
    Refusal.PARTLY: "only part of the area is counted",
    Refusal.NOTHING: "none of its months can be counted",
    Refusal.FEW_MONTHS: "fewer than 6 months can be compared",
    Refusal.NO_REST: "this source does not hold the rest of the force",
    Refusal.OVERLAP: "the two areas share more than a quarter of the records of the smaller",
    Refusal.FEW_HERE: "there are fewer than 100 crimes here, too few for shares",
    Refusal.FEW_THERE: "there are fewer than 100 crimes there, too few for shares",
}


@once
def compared_shares(data: Data, *, place: str = "") -> pd.DataFrame:
    """Return shares of crime here and elsewhere, for all comparisons that may be made (R11).

    Parameters
    ----------
    place
        The place that is "here"; the report's own by default.

    Returns
    -------
    DataFrame
        One row a comparison and category: `place`, `other` (words), `category`, `label`, `here`,
        `there` (shares, 0-1), `quotient`, `low`, `high`, `named` ("more", "less" or ""). No geometry.

    Raises
    ------
    QueryError
        The data hold no such place.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.compared_shares(data).columns.tolist()[:4]
    ['place', 'other', 'category', 'label']
    """
    columns = ["place", "other", "category", "label", "here", "there", "quotient", "low", "high", "named"]
    tables = [
        c.table.assign(
            place=key_of(data.of(place)), other=compared_with(c), label=c.table["category"].map(label_of),
            here=c.table["share_here"], there=c.table["share_there"],
        ).sort_values("here", ascending=False, kind="stable")
        for c in all_comparisons(data, place=place)
        if not c.refused
    ]  # fmt: skip
    return pd.concat(tables, ignore_index=True)[columns] if tables else pd.DataFrame(columns=columns)


def compared_with(comparison: Comparison) -> str:
    """Name what a comparison sets beside this place."""
    if comparison.other:
        return f"the mile around {comparison.other}"
    return write.rest_of(comparison.forces) if comparison.forces else "the rest of the force"


def refusal(comparison: Comparison) -> str:
    """Say why nothing is compared."""
    return f"Not compared with {compared_with(comparison)}, because {_REASONS[comparison.refused]}."


def comparison_sentences(comparison: Comparison) -> list[str]:
    """Say what both areas hold (R12), why nothing is compared, and how a small share of violence is read."""
    sentences = []
    if comparison.shared:
        out = "" if comparison.refused else " They are left out on both sides."
        n = comparison.shared
        sentences.append(
            f"{write.counted(n, 'record')} {write.plural(n, 'lies', 'lie')} in both areas, whose centres are "
            f"{comparison.distance_m / 1000:.1f} km apart.{out}"
        )
    if comparison.refused:
        return [refusal(comparison), *sentences]
    rows = comparison.table.set_index("category")
    if float(rows["high"][NEVER_LOW]) < 1:
        here, there = (
            write.percent_of(float(rows[side][NEVER_LOW]), n)
            for side, n in (("share_here", comparison.here), ("share_there", comparison.there))
        )
        other = compared_with(comparison)
        sentences.append(
            f"{write.capital(write.category(NEVER_LOW))}: {here} here, {there} in {other}. A smaller share only "
            "shows that other categories are larger. It does not make a place safer."
        )
    return sentences
