"""Bar charts: records by category, and what happened next."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import pandas as pd

from crimenb.charts.theme import (
    BLUE,
    COUNTS,
    CRIMES,
    FEWER,
    LABELS,
    LABELS_NARROW,
    REPORTS,
    WHOLE,
    WIDTH,
    Drawing,
    drawn,
    empty,
    finish,
    frame_to_draw,
    kind_colour,
    label_axis,
)
from crimenb.measures.counts import count_by_category
from crimenb.measures.outcomes import outcome_shares
from crimenb.schema import ASB

if TYPE_CHECKING:
    from crimenb.data import Data


@drawn
def category_chart(counts: Data | pd.DataFrame, *, place: str = "", width: int = WIDTH) -> Drawing:
    """Draw the records of all months counted as bars, a category each, longest first.

    Parameters
    ----------
    counts
        What `count_by_category` returns, or Data.
    place
        Of Data: which place is drawn, the report's own by default.

    Raises
    ------
    QueryError
        There is no such place, or this is another frame.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(["ZZ9 9ZZ", "ZZ2 2BB"], "2025-11", "2025-12")
    >>> both = cn.category_chart(data) | cn.category_chart(data, place="ZZ2 2BB")
    """
    counts = frame_to_draw(counts, count_by_category, "label", "category", "period", place=place)
    if counts["period"].isna().all():
        return empty("No month that may be counted.", width=width)
    shown = counts.assign(
        name=counts["label"], kind=[REPORTS if slug == ASB else CRIMES for slug in counts["category"]]
    )[["name", "period", "kind"]]  # fmt: skip
    base = alt.Chart(shown).encode(
        y=alt.Y("name:N", sort=None, title=None, axis=label_axis(list(shown["name"])))
    )
    bars = base.mark_bar(aria=False).encode(
        x=alt.X("period:Q", title="Records", axis=alt.Axis(tickCount=FEWER, format=",d", labelExpr=WHOLE)),
        color=kind_colour(legend=True),
        tooltip=[alt.Tooltip("name:N", title="Category"), alt.Tooltip("period:Q", title="Records", format=",")],
    )  # fmt: skip
    # The counts stand in a column of their own, where they can be read down.
    numbers = base.mark_text(align="right", dx=COUNTS, aria=False).encode(
        x=alt.XValue("width"), text=alt.Text("period:Q", format=",")
    )
    return finish(
        bars + numbers, width=width, height=34 * len(shown),
        description=f"Bar chart of records by category{f', {place}' if place else ''}.",
        margin=LABELS + COUNTS, narrow=LABELS_NARROW + COUNTS,
    )  # fmt: skip


@drawn
def outcome_chart(table: Data | pd.DataFrame, *, place: str = "", width: int = WIDTH) -> Drawing:
    """Draw what `outcome_shares` returns as bars, the share of crimes of the settled months.

    Parameters
    ----------
    table
        What `outcome_shares` returns, or Data.
    place
        Of Data: which place is drawn, the report's own by default.

    Raises
    ------
    QueryError
        There is no such place, or this is another frame.
    """
    table = frame_to_draw(table, outcome_shares, "group", "crimes", "share", place=place)
    if table.empty or table["share"].isna().all():
        return empty("No outcomes to draw: see the sentences beside it.", width=width)
    shown = table[["group", "crimes", "share"]].assign(text=[f"{s:.0%}" for s in table["share"]])
    base = alt.Chart(shown).encode(
        y=alt.Y("group:N", sort=None, title=None, axis=label_axis(list(shown["group"]), always=True))
    )
    x = alt.X("share:Q", title="Share of crimes", scale=alt.Scale(zero=True),
              axis=alt.Axis(format=".0%", tickCount=FEWER))  # fmt: skip
    tooltip = [
        alt.Tooltip("group:N", title="Outcome"),
        alt.Tooltip("crimes:Q", title="Crimes", format=","),
        alt.Tooltip("share:Q", title="Share", format=".1%"),
    ]
    bars = base.mark_bar(color=BLUE, aria=False).encode(x=x, tooltip=tooltip)
    numbers = base.mark_text(align="left", dx=6, aria=False).encode(
        x=alt.X("share:Q"), text=alt.Text("text:N")
    )
    description = "Bar chart of the latest outcome of crimes, as shares."
    return finish(
        bars + numbers, width=width, height=42 * len(shown), description=description,
        margin=LABELS + COUNTS, narrow=LABELS_NARROW + COUNTS + 30,
    )  # fmt: skip
