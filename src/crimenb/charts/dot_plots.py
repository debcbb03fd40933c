"""Dot charts: this year against the last, and shares here against shares elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from crimenb.charts.theme import (
    BLUE,
    FEWER,
    GREY,
    LABELS,
    LABELS_NARROW,
    ONE_COLUMN,
    ORANGE,
    WHOLE,
    WIDTH,
    Drawing,
    drawn,
    empty,
    finish,
    frame_to_draw,
    label_axis,
    layered,
)
from crimenb.measures.changes import ChangeVerdict, change_by_category
from crimenb.wording.comparisons import compared_shares
from crimenb.wording.verdicts import CHANGES_IN_WORDS

if TYPE_CHECKING:
    import pandas as pd

    from crimenb.data import Data


@drawn
def change_chart(table: Data | pd.DataFrame, *, place: str = "", width: int = WIDTH) -> Drawing:
    """Draw what `change_by_category` returns: the year before in grey, the latest in blue.

    Totals (crime in all) are left to the table: on their scale no category shows.

    Parameters
    ----------
    table
        What `change_by_category` returns, or Data.
    place
        Of Data: which place is drawn, the report's own by default.

    Raises
    ------
    QueryError
        There is no such place, or this is another frame.
    """
    table = frame_to_draw(table, change_by_category, "label", "before", "after", "kind", place=place)
    shown = table[~table["label"].isin(["All crime"])]
    if shown.empty:
        return empty("This report covers less than two years.", width=width)
    keys = ["Same months a year before", "Latest 12 months"]
    clear = shown["kind"].isin([ChangeVerdict.RISE, ChangeVerdict.FALL])
    shown = shown[["label", "before", "after"]].assign(
        clear=clear, verdict=shown["kind"].map(CHANGES_IN_WORDS)
    )
    base = alt.Chart(shown).encode(
        y=alt.Y("label:N", sort=None, title=None, axis=label_axis(list(shown["label"])))
    )
    tooltip = [alt.Tooltip(c, title=t) for c, t in (
        ("label:N", "Category"), ("before:Q", keys[0]), ("after:Q", keys[1]),
        ("verdict:N", "Verdict"))]  # fmt: skip
    x = alt.X("before:Q", title="Records", scale=alt.Scale(zero=True),
              axis=alt.Axis(format=",d", tickCount=FEWER, labelExpr=WHOLE))  # fmt: skip
    line = base.mark_rule(strokeWidth=3, aria=False).encode(
        x=x,
        x2=alt.X2("after:Q"),
        color=alt.ColorValue(GREY, condition={"test": "datum.clear", "value": ORANGE}),
    )
    colour = alt.Color("key:N", scale=alt.Scale(domain=keys, range=["#6f777b", BLUE]),
                       legend=alt.Legend(title=None, symbolType="circle", columns=ONE_COLUMN))  # fmt: skip
    dots = [
        base.transform_calculate(key=f"'{key}'")
        .mark_point(filled=True, size=size, opacity=1, aria=False, shape="circle")
        .encode(x=alt.X(f"{field}:Q"), color=colour, tooltip=tooltip)
        for field, key, size in zip(("before", "after"), keys, (170, 80), strict=True)
    ]
    layers = [line, *dots]
    if clear.any():
        called = base.transform_filter("datum.clear").transform_calculate(
            end="max(datum.before, datum.after)"
        ).mark_text(align="left", dx=12, aria=False)  # fmt: skip
        layers.append(called.encode(x=alt.X("end:Q"), text=alt.Text("verdict:N")))
    description = (
        "Dot chart of records by category in the latest 12 months and the same months a year before."
    )
    return finish(
        layered(*layers), width=width, height=30 * len(shown), description=description,
        margin=LABELS + 70, narrow=LABELS_NARROW + 60,
    )  # fmt: skip


_OTHERS = [ORANGE, "#801650", "#28A197", "#3D3D3D", "#A285D1", "#6f777b"]
_SHAPES = ["diamond", "square", "triangle-up", "cross", "triangle-down", "stroke"]


@drawn
def comparison_chart(table: Data | pd.DataFrame, *, place: str = "", width: int = WIDTH) -> Drawing:
    """Draw what `compared_shares` returns: shares of crime here (a blue dot) and elsewhere.

    Only the differences that pass (R11) and the three largest categories; the rest is in the table.

    Parameters
    ----------
    table
        What `compared_shares` returns, or Data.
    place
        Of Data: the place that is "here", the report's own by default.

    Raises
    ------
    QueryError
        There is no such place, or this is another frame.
    """
    table = frame_to_draw(table, compared_shares, "other", "label", "here", "there", "named", place=place)
    if table.empty:
        return empty("No comparison may be made: see the sentences beside it.", width=width)
    largest = table.sort_values("here", ascending=False)["label"].drop_duplicates().head(3)
    named = table.loc[table["named"] != "", "label"]
    shown = table[table["label"].isin({*largest, *named})].sort_values("here", ascending=False)
    order = shown["label"].drop_duplicates().tolist()
    keys = ["Here", *shown["other"].drop_duplicates()]
    colours = alt.Scale(domain=keys, range=[BLUE, *_OTHERS][: len(keys)])
    shapes = alt.Scale(domain=keys, range=["circle", *_SHAPES][: len(keys)])
    key = alt.Legend(title=None, columns=ONE_COLUMN if len(keys) == 2 else 1)
    here = shown.drop_duplicates("label").assign(place="Here", share=lambda t: t["here"])
    y = alt.Y("label:N", sort=order, title=None, axis=label_axis(order))
    spread = shown.groupby("label", sort=False).agg(
        low=("there", "min"), high=("there", "max"), here=("here", "first")).reset_index()  # fmt: skip
    spread = spread.assign(low=spread[["low", "here"]].min(axis=1), high=spread[["high", "here"]].max(axis=1))
    layers = [
        alt.Chart(spread).mark_rule(color=GREY, strokeWidth=2, aria=False)
        .encode(y=y, x=alt.X("low:Q"), x2=alt.X2("high:Q")),
        *[
            alt.Chart(part[["label", "place", "share"]])
            .mark_point(filled=True, size=110, opacity=1, aria=False)
            .encode(
                y=y,
                x=alt.X("share:Q", title="Share of crime", scale=alt.Scale(zero=True),
                        axis=alt.Axis(format=".0%", tickCount=FEWER)),
                color=alt.Color("place:N", scale=colours, legend=key),
                shape=alt.Shape("place:N", scale=shapes, legend=key),
                tooltip=[alt.Tooltip("place:N", title="Where"), alt.Tooltip("label:N", title="Category"),
                         alt.Tooltip("share:Q", title="Share of crime", format=".1%")],
            )
            for part in (shown.assign(place=shown["other"], share=shown["there"]), here)
        ],
    ]  # fmt: skip
    description = "Dot chart of shares of crime by category, here and in the places compared with."
    return finish(
        layered(*layers), width=width, height=36 * len(order), description=description,
        margin=LABELS + 24, narrow=LABELS_NARROW + 24,
    )  # fmt: skip
