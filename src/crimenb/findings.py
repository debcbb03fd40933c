"""The frames that three figures draw: the year before, other places, what happened next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crimenb import changes, comparing, outcomes, phrases
from crimenb.sums import only
from crimenb.tables import CATEGORIES, remembered

if TYPE_CHECKING:
    from crimenb.tables import Data


def change_by_category(data: Data) -> pd.DataFrame:
    """Return the latest twelve months against the twelve before, a row a category (R8).

    Returns: crime first, then anti-social behaviour, then the categories by their count: `label`,
    `before`, `after` (records), `change` (missing under 20), `pairs` (words: "lower in 10 of
    12 months"), `verdict`. Empty unless 24 months are held: nothing that needs two years is
    drawn on one. No geometry.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> len(cn.change_by_category(data))  # two months are no two years
        0
    """
    rows = []
    for found in changes.changes(data).itertuples():
        if found.kind == "too few months":
            continue
        way = "lower" if found.ratio < 1 else "higher"
        small = min(found.count_earlier, found.count_later) < 20
        rows.append({
            "label": {"crime": "All crime", "asb": CATEGORIES["anti-social-behaviour"]}.get(
                found.series, CATEGORIES.get(found.series, found.series)),
            "before": found.count_earlier, "after": found.count_later,
            "change": None if small else found.ratio - 1,
            "pairs": f"{way} in {found.same_way} of {found.pairs} months",
            "verdict": "too few to call" if found.kind == "too few" else found.kind,
        })  # fmt: skip
    columns = ["label", "before", "after", "change", "pairs", "verdict"]
    return pd.DataFrame(rows, columns=columns).astype({"change": "float64"})


def outcome_shares(data: Data) -> pd.DataFrame:
    """Return what happened next, for the crimes of the settled months (R16).

    Returns: one row a group of outcomes, `group`, `crimes`, `share` (0-1, missing under 50
    crimes). Empty where the source gives no outcomes. No geometry.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.outcome_shares(data).columns.tolist()
        ['group', 'crimes', 'share']
    """
    found = outcomes.outcomes(data)
    return found.table.iloc[:0] if found.none else found.table


def compared_shares(data: Data) -> pd.DataFrame:
    """Return shares of crime here and elsewhere, for all comparisons that may be made (R11).

    Returns: one row a comparison and category: `other` (words), `label`, `here`, `there` (shares,
    0-1), `quotient`, `low`, `high`, `named` ("more", "less" or ""). No geometry.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.compared_shares(data).columns.tolist()[:4]
        ['other', 'label', 'here', 'there']
    """
    tables = []
    for found in comparisons(data):
        if not found.refused:
            tables.append(found.table.assign(
                other=compared_with(found), label=found.table["category"].map(CATEGORIES),
                here=found.table["share_here"], there=found.table["share_there"],
            ))  # fmt: skip
    columns = ["other", "label", "here", "there", "quotient", "low", "high", "named"]
    if not tables:
        return pd.DataFrame(columns=columns)
    ordered = [t.sort_values("here", ascending=False, kind="stable") for t in tables]
    return pd.concat(ordered, ignore_index=True)[columns]


@remembered
def comparisons(data: Data) -> list[comparing.Comparison]:
    """Return every comparison asked for: the rest of the force first, then each postcode."""
    here = only(data)
    found = [comparing.with_rest_of_force(here)]
    return found + [comparing.with_place(here, data.of(p)) for p in data.query.compare_with]


def compared_with(found: comparing.Comparison) -> str:
    """Name what a comparison sets beside this place."""
    return f"the mile around {found.other}" if found.other else phrases.rest_of(found.forces)
