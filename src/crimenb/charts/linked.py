"""The linked figure: category bars, map and month bars that answer to one selection.

Plain Altair, so that JupyterLab draws it too: two selection parameters (`pick` a category,
`brush` months), and views that filter and sum. The records travel as one row of columns of
whole numbers (a city centre's year is 0.1 MB), because Vega's reader of CSV builds functions
from text, which the page's policy forbids.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from crimenb.charts import street_map
from crimenb.charts.frame import frame_of
from crimenb.charts.map import centre, force_parts, ground, shade, signs
from crimenb.charts.metres import SHAPE
from crimenb.charts.theme import (
    BLUE,
    CRIMES,
    ORANGE,
    REPORTS,
    WHOLE,
    WIDTH,
    Drawing,
    drawn,
    empty,
    finish,
    kind_colour,
    layered,
)
from crimenb.charts.timeline import month_axis
from crimenb.data import Data, kind_of
from crimenb.errors import QueryError
from crimenb.measures.counts import count_by_category, count_by_point, scope, summed_months
from crimenb.measures.counts import records as records_of
from crimenb.measures.streets import OWN, classes, crimes_drawn
from crimenb.schema import ASB, label_of
from crimenb.wording.format import month as month_name

if TYPE_CHECKING:
    from collections.abc import Sequence

_PALE = 0.25
_NAMES, _NUMBERS = 176, 48
"""Room for the categories' names and numbers, in pixels."""


@drawn
def explore_chart(data: Data, *, place: str = "", width: int = WIDTH) -> Drawing:
    """Draw a place's records by category, point and month, linked.

    A click on a category and a drag over months choose; the other views then count what is
    chosen. The records are those of the totals: territorial forces, summed months.

    Parameters
    ----------
    place
        A place of the data; the report's own by default.

    Raises
    ------
    QueryError
        There is no such place, or these are no Data.
    """
    if not isinstance(data, Data):
        msg = f"explore_chart begins with the Data that collect returns, not {kind_of(data)}."
        raise QueryError(msg)
    data = data.of(place)
    records, months = records_of(data), list(data.query.months)
    if records.empty:
        return empty("No record that may be counted.", width=width)
    order = list(count_by_category(data)["category"])
    points, rows = _coded(data, records, order, months)
    pick = alt.selection_point(name="pick", fields=["c"])
    brush = alt.selection_interval(name="brush", encodings=["x"], mark=alt.BrushConfig(
        fill=ORANGE, fillOpacity=0.15, stroke=ORANGE, strokeOpacity=1))  # fmt: skip
    views = [
        _bars([label_of(c) for c in order], width, pick, brush, points),
        _map(data, points, pick, brush),
        _months(data, months, pick, brush),
    ]
    # A frame, which Altair passes on; it would copy a list anew in every step.
    source = pd.DataFrame([rows])
    # The page puts the views below each other on a phone.
    apart = alt.Resolve(scale=alt.ScaleResolveMap(color="independent"))
    above = alt.hconcat(*views[:2], spacing=24, resolve=apart)
    whole = alt.vconcat(above, views[2], data=source, spacing=12, resolve=apart)
    description = "Bars by category, a map of snapped points and bars by month, which answer to one choice."
    held = summed_months(data)
    return finish(whole, width=width, height=0, description=description, linked={
        "categories": [label_of(c) for c in order], "reports": order.index(ASB),
        "months": [month_name(m) for m in months], "held": [months.index(m) for m in held],
        "since": months.index(scope(data).point_months[0]),
        **({"streets": True} if SHAPE in points else {}),
    }, reach=frame_of(data).reach)  # fmt: skip


def _coded(
    data: Data, records: Any, order: Sequence[str], months: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, list[int]]]:
    """Return the snapped points with their numbers, and counts by code as columns."""
    at = [records.geometry.x.rename("lon"), records.geometry.y.rename("lat")]
    spots = frame_of(data).metres(records).set_index(records.index)
    spots = spots.assign(name=records["snapped_to"].replace("", "Unnamed place"))
    groups = spots.groupby(at, sort=True)
    points = groups.agg(x=("x", "first"), y=("y", "first"), name=("name", "max"))
    coded = pd.DataFrame({
        "c": records["category"].map({c: i for i, c in enumerate(order)}).to_numpy(),
        "m": records["month"].map({m: i for i, m in enumerate(months)}).to_numpy(),
        "p": groups.ngroup().to_numpy(),
    })  # fmt: skip
    counts = coded.value_counts(sort=False).rename("n").reset_index()
    if len(data.streets):
        points = _with_shapes(data, points)
    points = points.reset_index(drop=True).rename_axis("p").reset_index()
    return points, {name: [int(v) for v in counts[name]] for name in ("c", "m", "p", "n")}


def _with_shapes(data: Data, points: pd.DataFrame) -> pd.DataFrame:
    """Return the points with the paths of those that are drawn as streets, which begin at the centre."""
    shapes = street_map.stretch_paths(data).reindex(points.index).fillna("")
    at_centre = points[["x", "y"]].mul(shapes == "", axis=0)
    return points.assign(**at_centre, **{SHAPE: shapes})


def _unpacked() -> Any:
    return alt.Chart().transform_flatten(["c", "m", "p", "n"])


def _chosen(name: str) -> alt.OpacityValue:
    """Make paler what a selection leaves out."""
    return alt.OpacityValue(_PALE, condition={"param": name, "value": 1})


def _bars(labels: list[str], width: int, pick: Any, brush: Any, points: pd.DataFrame) -> Any:
    """Draw a bar a category over the chosen months; every category keeps its place.

    Names and numbers are marks inside the plot, so that all views begin at one edge; a clear
    field over each row takes the click.
    """
    codes = list(range(len(labels)))
    base = (
        _unpacked()
        .transform_filter(brush)
        .transform_aggregate(n="sum(n)", groupby=["c"])
        .transform_impute(impute="n", key="c", keyvals=codes, value=0)
        .transform_calculate(
            category=f"{json.dumps(labels)}[datum.c]",
            kind=f"datum.c == {labels.index(label_of(ASB))} ? '{REPORTS}' : '{CRIMES}'",
        )
        .encode(
            y=alt.Y("c:O", axis=None, scale=alt.Scale(domain=codes, paddingInner=0.2)),
        )
    )  # fmt: skip
    room = alt.Scale(range=[_NAMES, {"expr": f"bars - {_NUMBERS}"}])
    bars = base.mark_bar(aria=False).encode(
        x=alt.X("n:Q", axis=None, scale=room), color=kind_colour(),
        opacity=_chosen("pick"),
    )  # fmt: skip
    words = base.mark_text(fontSize=13, align="right", aria=False)
    names = words.encode(x=alt.XValue(_NAMES - 8), text=alt.Text("category:N"))
    numbers = words.encode(x=alt.XValue("width"), text=alt.Text("n:Q", format=","))
    rows = base.mark_bar(aria=False, cursor="pointer").encode(
        x=alt.XValue(0), x2=alt.X2Value("width"), opacity=alt.OpacityValue(0),
        tooltip=[alt.Tooltip("category:N", title="Category"), alt.Tooltip("n:Q", title="Records", format=",")],
    ).add_params(
        # The page's to set
        pick, alt.param(name="room", value=width), alt.param(name="bars", value=330),
        alt.param(name="side", value=312),
    )  # fmt: skip
    return layered(bars, names, numbers, rows, width=330, height=312)


def _map(data: Data, points: pd.DataFrame, pick: Any, brush: Any) -> Any:
    """Draw the chosen records' points; the largest circle is always as large."""
    frame = frame_of(data)
    reports = list(count_by_category(data)["category"]).index(ASB)
    since = list(data.query.months).index(scope(data).point_months[0])
    fields = [*points.columns.drop("p")]
    chosen = (
        _unpacked()
        .transform_filter(brush)
        .transform_filter(pick)
        # Crimes and reports are never added: reports are on the map when they are chosen. Map points
        # were replaced in July 2022, so only the newer ones are drawn.
        .transform_filter(f"datum.m >= {since} && (datum.c != {reports} || length(data('pick_store')))")
        .transform_aggregate(n="sum(n)", groupby=["p"])
        .transform_lookup("p", alt.LookupData(points, key="p", fields=fields))
    )  # fmt: skip
    tooltip = [alt.Tooltip("name:N", title="Map point"), alt.Tooltip("n:Q", title="Records", format=",")]
    circles = chosen.mark_circle(color=BLUE, opacity=0.6, stroke="#ffffff", strokeWidth=0.6, aria=False).encode(
        **frame.axes(),
        size=alt.Size("n:Q", legend=None, scale=alt.Scale(zero=True, range=[0, 420])),
        tooltip=tooltip,
    )  # fmt: skip
    forces = force_parts(data.main, frame)
    busiest = count_by_point(data)
    busiest = frame.metres(busiest).assign(crimes=busiest["crime"].to_numpy())
    if SHAPE in points:
        table = crimes_drawn(data)
        lows = classes(table.loc[table["how"] == OWN, "n"])
        roads = chosen.transform_filter(f"datum.{SHAPE}").encode(tooltip=tooltip)
        under = street_map.ground(data, frame, "side")
        over = [
            street_map.stretches(roads, frame, lows, "n", "side"), circles.transform_filter(f"!datum.{SHAPE}"),
        ]  # fmt: skip
    else:
        known = alt.Chart(points).mark_circle(size=7, color="#8d8d8d", opacity=0.8, aria=False)
        under, over = [known.encode(**frame.axes())], [circles]
    layers = [
        *shade(data.main, frame, forces),
        *under,
        *ground(frame, forces, side="side"),
        *over,
        centre(frame),
        *signs(frame, busiest),
    ]
    return layered(*layers, width=312, height=312)


def _months(data: Data, months: list[str], pick: Any, brush: Any) -> Any:
    """Draw crimes and reports of each month side by side; months that are not counted are grey."""
    codes = list(range(len(months)))
    x = alt.X("m:O", title=None, scale=alt.Scale(domain=codes, paddingInner=0.2),
              axis=month_axis(months, room="(room - 50)", index="datum.value"))  # fmt: skip
    reports = list(count_by_category(data)["category"]).index(ASB)
    bars = (
        _unpacked()
        .transform_filter(pick)
        .transform_calculate(kind=f"datum.c == {reports} ? '{REPORTS}' : '{CRIMES}'")
        .transform_aggregate(n="sum(n)", groupby=["m", "kind"])
        .transform_calculate(month=f"{json.dumps([month_name(m) for m in months])}[datum.m]")
        .mark_bar(aria=False)
        .encode(
            x=x, xOffset=alt.XOffset("kind:N", scale=alt.Scale(domain=[CRIMES, REPORTS])),
            y=alt.Y("n:Q", title=None, stack=None, axis=alt.Axis(
                orient="right", tickCount=3, format=",d", ticks=False, labelExpr=WHOLE)),
            color=kind_colour(legend=True),
            opacity=_chosen("brush"),
            tooltip=[alt.Tooltip("month:N", title="Month"), alt.Tooltip("kind:N", title="Kind"),
                     alt.Tooltip("n:Q", title="Records", format=",")],
        )
        .add_params(brush)
    )  # fmt: skip
    held = set(summed_months(data))
    gaps = pd.DataFrame({"m": [i for i, m in enumerate(months) if m not in held]})
    layers = [bars]
    if len(gaps):
        grey = alt.Chart(gaps).mark_bar(color="#e4e4e4", aria=False)
        layers.insert(0, grey.encode(x=x, y=alt.YValue(0), y2=alt.Y2Value("height")))
    return layered(*layers, width=620, height=110)
