"""Comparisons under the names a reader knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from crimenb.measures import comparisons
from crimenb.measures.comparisons import all_comparisons
from crimenb.schema import CATEGORIES
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data


def compared_shares(data: Data) -> pd.DataFrame:
    """Return shares of crime here and elsewhere, for all comparisons that may be made (R11).

    Returns
    -------
    DataFrame
        One row a comparison and category: `other` (words), `label`, `here`, `there` (shares,
        0-1), `quotient`, `low`, `high`, `named` ("more", "less" or ""). No geometry.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.compared_shares(data).columns.tolist()[:4]
    ['other', 'label', 'here', 'there']
    """
    tables = []
    for found in all_comparisons(data):
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


def compared_with(found: comparisons.Comparison) -> str:
    """Name what a comparison sets beside this place."""
    return f"the mile around {found.other}" if found.other else write.rest_of(found.forces)
