"""The figures: pure functions from frames to Altair charts, and the theme they share.

Charts carry no title and no prose: headline, subtitle and note stand beside them in HTML.
Marks and encodings are those common to Vega-Lite 5 and 6, so that JupyterLab draws them too.
The look follows the Government Analysis Function: one colour where one is enough, text in
full, at most ten light grid lines, bars from zero.
"""

from __future__ import annotations

import functools
import json
import sys
from typing import TYPE_CHECKING, Any, ParamSpec

# jsonschema, which Altair imports, builds three grammars (over a second) at import where
# rfc3987_syntax is installed, to check a kind of address that no chart has.
_hidden = "rfc3987_syntax" not in sys.modules
if _hidden:
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
import altair as alt

if _hidden:
    del sys.modules["rfc3987_syntax"]
import pandas as pd
from altair.utils.schemapi import debug_mode

from crimenb import words
from crimenb.measures import summed_months
from crimenb.tables import ASB

P = ParamSpec("P")

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crimenb.tables import Data

BLUE, ORANGE, GREY, INK = "#12436D", "#F46A25", "#BFBFBF", "#0b0c0c"
WIDTH = 680
"""Width of a chart in the page's column, in pixels; the page draws it narrower on a phone."""

FONT = "Arial, Helvetica, sans-serif"


def theme() -> dict[str, Any]:
    """Return the house style as a Vega-Lite configuration.

    Examples:
        >>> import altair as alt, crimenb as cn
        >>> chart = alt.Chart().mark_bar().configure(**cn.theme())
    """
    text = {"labelFont": FONT, "titleFont": FONT, "labelFontSize": 14, "titleFontSize": 14}
    colours = {"labelColor": INK, "titleColor": INK, "titleFontWeight": "normal"}
    return {
        "aria": False,
        "background": "#ffffff",
        "font": FONT,
        "view": {"stroke": None},
        # No limit to the length of texts: to look for one means to measure each text many times.
        "axis": text | colours | {"gridColor": "#e3e3e3", "domain": False, "tickColor": "#b1b4b6",
                                  "labelLimit": 0, "titleLimit": 0},
        "legend": text | colours | {"orient": "top", "direction": "horizontal", "symbolStrokeWidth": 0,
                                    "symbolOpacity": 1, "columnPadding": 24, "labelLimit": 0,
                                    "titleLimit": 0},
        "bar": {"color": BLUE},
        "text": {"font": FONT, "fontSize": 14, "color": INK, "limit": 0},
        "header": text | colours,
    }  # fmt: skip


def finish(
    chart: Any,
    *,
    width: int,
    height: int,
    description: str,
    margin: int = 0,
    narrow: int | None = None,
    **meta: Any,
) -> Any:
    """Give a chart its outer width, its height, its description and the theme.

    Parameters:
        margin: What stands beside the plot, in pixels; `narrow` the same on a phone. The page
            takes it off the room there is, because Vega's own fitting lays a chart out twice.
        meta: What else the page must know to draw it at another width.
    """
    kept = {"margin": margin, "narrow": margin if narrow is None else narrow} | meta
    if "linked" not in meta:
        chart.width, chart.height = width - margin, height
    # Set, not chained: Altair copies a whole chart at every link.
    chart.description, chart.usermeta = description, kept
    chart.autosize, chart.config = alt.AutoSizeParams(type="pad"), alt.Config(**theme())
    return chart


def drawn(draw: Callable[P, Any]) -> Callable[P, Any]:
    """Let a chart of ours be put together unchecked: the tests check it whole, and checking each
    of its parts again would take Altair a quarter of the time.
    """

    @functools.wraps(draw)
    def made(*args: P.args, **kwargs: P.kwargs) -> Any:
        with debug_mode(arg=False):
            return draw(*args, **kwargs)

    return made


def layered(*charts: Any, **kwargs: Any) -> Any:
    """Layer charts that will not be changed again.

    Altair copies every chart several times on its way into a figure; marks, encodings and
    transforms are told that they may stay as they are.
    """
    for chart in charts:
        steps = [] if chart.transform is alt.Undefined else chart.transform
        for part in (chart.mark, chart.encoding, *steps):
            if isinstance(part, alt.SchemaBase):
                object.__setattr__(part, "__deepcopy__", lambda itself: itself)
    return alt.layer(*charts, **kwargs)


def empty(text: str, *, width: int = WIDTH) -> Any:
    """Draw a sentence where there is nothing to draw; the page writes it as a sentence."""
    said = alt.Chart(pd.DataFrame({"text": [text]})).mark_text(size=16, aria=False).encode(text="text:N")
    return finish(said, width=width, height=80, description=text, empty=text)


def rows_of(table: pd.DataFrame) -> alt.InlineData:
    """Return a frame as rows by hand: JSON knows null, but no NaN."""
    rows = table.astype("object").where(table.notna(), None).to_dict("records")
    return alt.InlineData(values=rows)


def two_lines(text: str) -> list[str]:
    """Break a label at the space nearest to its middle."""
    spaces = [i for i, c in enumerate(text) if c == " "]
    at = min(spaces, key=lambda i: abs(i - len(text) / 2), default=len(text))
    return [part for part in (text[:at], text[at + 1 :]) if part]


def label_axis(labels: Sequence[str], *, always: bool = False) -> alt.Axis:
    """Return the axis of long names: on one line where there is room, on two on a phone."""
    broken = {text: two_lines(text) for text in labels if len(text) > 15}
    when = f"{'true' if always else 'width < 300'} && {json.dumps(broken)}[datum.value]"
    # Vega centres the first of two lines on the bar; half a line up centres both.
    lift = {"condition": {"test": when, "value": -_LINE / 2}, "value": 0}
    return alt.Axis(
        ticks=False, labelPadding=8, labelExpr=f"{when} || datum.value", labelOverlap=False,
        labelLineHeight=_LINE, labelOffset=lift,
    )  # fmt: skip


_LINE = 15
WHOLE = "datum.value % 1 ? '' : datum.label"
"""Leaves halves of a record without a label."""

FEWER = {"expr": "width < 300 ? 3 : 5"}
ONE_COLUMN = {"expr": "width < 300 ? 1 : 0"}
LABELS, LABELS_NARROW, COUNTS = 205, 125, 46
"""Room for the labels of categories, on one line and on two, and for counts, in pixels."""


@drawn
def category_chart(data: Data, counts: pd.DataFrame, *, width: int = WIDTH) -> Any:
    """Draw the latest month's count a category as bars, and the period's mean month as ticks.

    Parameters:
        counts: What `count_by_category` returns.
    """
    held = summed_months(data)
    if not held:
        return empty("No month that may be counted.", width=width)
    bar_key, tick_key = words.month(held[-1]), "Mean month of the period"
    shown = counts.assign(
        bar_key=bar_key, tick_key=tick_key, a_month=counts["a_month"].round(1),
        name=[f"{label} (reports)" if slug == ASB else label
              for slug, label in zip(counts["category"], counts["label"], strict=True)],
    )[["name", "latest", "a_month", "bar_key", "tick_key"]]  # fmt: skip
    y = alt.Y("name:N", sort=None, title=None, axis=label_axis(list(shown["name"])))
    colours = alt.Scale(domain=[bar_key, tick_key], range=[BLUE, ORANGE])
    key = alt.Legend(title=None, symbolType="square", columns=ONE_COLUMN)
    base = alt.Chart(shown).encode(y=y)
    bars = base.mark_bar(aria=False).encode(
        x=alt.X("latest:Q", title="Records in the month", axis=alt.Axis(tickCount=FEWER, format=",d", labelExpr=WHOLE)),
        color=alt.Color("bar_key:N", scale=colours, legend=key),
        tooltip=[alt.Tooltip("name:N", title="Category"), alt.Tooltip("latest:Q", title=bar_key, format=","),
                 alt.Tooltip("a_month:Q", title=tick_key, format=",.1f")],
    )  # fmt: skip
    ticks = base.mark_tick(thickness=4, size=22, opacity=1, aria=False).encode(
        x="a_month:Q", color=alt.Color("tick_key:N", scale=colours, legend=key)
    )
    # The counts stand in a column of their own: beside a tick they would be read as its value.
    numbers = base.mark_text(align="right", dx=COUNTS, aria=False).encode(
        x=alt.XValue("width"), text=alt.Text("latest:Q", format=",")
    )
    said = "Bar chart of records by category in the latest month, with the mean month as ticks."
    return finish(
        bars + ticks + numbers, width=width, height=34 * len(shown), description=said,
        margin=LABELS + COUNTS, narrow=LABELS_NARROW + COUNTS,
    )  # fmt: skip


# ------------------------------------------------------------------------ months

_SHORT = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def month_labels(months: Sequence[str], every: int) -> list[str | list[str]]:
    """Return the text under each month: every so many named, the first named of a year with it."""
    labels: list[str | list[str]] = []
    years: set[str] = set()
    for text in months:
        year, i = text[:4], int(text[5:]) - 1
        if i % every:
            labels.append("")
        else:
            labels.append(_SHORT[i] if year in years else [_SHORT[i], year])
            years.add(year)
    # A range without a January still names its first month.
    return labels if any(labels) else [[_SHORT[int(months[0][5:]) - 1], months[0][:4]], *labels[1:]]


def month_axis(months: Sequence[str], *, room: str = "width", index: str = "") -> alt.Axis:
    """Name every month, every third or every January, as the room for one allows.

    Parameters:
        room: The expression that gives the plot's width.
        index: The expression that gives a month's number; by default by its text.
    """
    at = index or f"indexof({json.dumps(list(months))}, datum.value)"
    lists = [json.dumps(month_labels(months, every)) for every in (1, 3, 12)]
    one = f"({room} / {len(months)})"
    expression = f"({one} >= 32 ? {lists[0]} : {one} >= 11 ? {lists[1]} : {lists[2]})[{at}]"
    return alt.Axis(labelExpr=expression, labelAngle=0, ticks=False, labelPadding=6, labelOverlap=False)


# Vega has no pattern fill; a gradient with hard stops draws the hatching.
_STRIPES = 14
_HATCH = {
    "gradient": "linear", "x1": 0, "y1": 0, "x2": 1, "y2": 1,
    "stops": [
        {"offset": round((i + d) / _STRIPES, 4), "color": c}
        for i in range(_STRIPES)
        for d, c in ((0, BLUE), (0.45, BLUE), (0.45, "#dfe8f0"), (1, "#dfe8f0"))
    ],
}  # fmt: skip
_BARS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("published", {"color": BLUE}),
    ("partly supplied", {"fill": _HATCH, "stroke": BLUE, "strokeWidth": 1.5}),
    ("suspiciously low", {"fill": "#ffffff", "stroke": BLUE, "strokeWidth": 2, "strokeDash": [5, 3]}),
)
_RANGE = "Range that the earlier months allow"
_ELSEWHERE = "Rest of the force, at this place's scale"


@drawn
def trend_chart(counts: pd.DataFrame, series: str = "crime", *, width: int = WIDTH) -> Any:
    """Draw a place's months: bars, hatched bars for a part, marked gaps, and the usual range.

    Parameters:
        counts: What `count_by_month` returns; with columns `low` and `high`, a band for the
            range of the earlier months; with `elsewhere`, a line for the rest of the force.
        series: "crime" or "asb".
    """
    shown = counts.assign(n=pd.to_numeric(counts[series].astype("Float64")))
    extra = [c for c in ("low", "high", "elsewhere") if c in counts]
    shown = shown[["month", "status", "n", *extra]].assign(
        **{c: pd.to_numeric(shown[c].astype("Float64")) for c in extra}
    )
    months = counts["month"].tolist()
    title = "Crimes recorded" if series == "crime" else "Reports of anti-social behaviour"
    top = max([4.0, *[float(v) for c in ("n", *extra) for v in shown[c].dropna()]])
    y = alt.Y("n:Q", title=title, scale=alt.Scale(domain=[0, top * 1.12], nice=True),
              axis=alt.Axis(tickCount=5, format=",d"))  # fmt: skip
    base = alt.Chart(rows_of(shown)).encode(
        x=alt.X("month:O", title=None, axis=month_axis(months), scale=alt.Scale(paddingInner=0.25))
    )
    tooltip = [alt.Tooltip("month:O", title="Month"), alt.Tooltip("n:Q", title=title, format=","),
               alt.Tooltip("status:N", title="Status")]  # fmt: skip
    layers = _gap_layers(base, shown, tooltip)
    for status, style in _BARS:
        if ((shown["status"] == status) & shown["n"].notna()).any():
            bars = base.transform_filter(f"datum.status == '{status}' && datum.n !== null")
            layers.append(bars.mark_bar(aria=False, **style).encode(y=y, tooltip=tooltip))
    behind, above = _context_layers(base, extra)
    layers = [*behind, *layers, *above]
    if len(months) <= 13 and shown["n"].notna().any():
        layers.append(_numbers(base, y, at_foot=bool(extra), months=len(months)))
    said = f"Bar chart of {title.lower()} by month, {months[0]} to {months[-1]}."
    return finish(layered(*layers), width=width, height=260, description=said, margin=76)


def _numbers(base: Any, y: alt.Y, *, at_foot: bool, months: int) -> Any:
    """Write the counts above the bars, or at their feet where a range and a line cross the tops."""
    solid = f" && datum.status == '{_BARS[0][0]}'" if at_foot else ""
    rows = base.transform_filter(f"datum.n !== null && width / {months} > 40{solid}")
    style = {"color": "#ffffff", "dy": -12} if at_foot else {"dy": -9}
    text = rows.mark_text(aria=False, **style)
    return text.encode(y=alt.YValue("height") if at_foot else y, text=alt.Text("n:Q", format=","))


def _gap_layers(base: Any, shown: pd.DataFrame, tooltip: list[alt.Tooltip]) -> list[Any]:
    """Grey fields over the months without a number, with the reason where there is room."""
    if shown["n"].notna().all():
        return []
    gaps = base.transform_filter("datum.n === null")
    fields = gaps.mark_bar(color="#eeeeee", aria=False).encode(
        y=alt.YValue(0), y2=alt.Y2Value("height"), tooltip=tooltip[::2]
    )
    reason = gaps.transform_filter(f"width / {len(shown)} > 14").mark_text(
        angle=270, align="left", baseline="middle", dx=8, aria=False
    ).encode(y=alt.YValue("height"), text="status:N")  # fmt: skip
    return [fields, reason]


def _context_layers(base: Any, extra: Sequence[str]) -> tuple[list[Any], list[Any]]:
    """Return what a month may be set beside, as layers behind and above the bars.

    The usual range as a band with two edges; the rest of the force as a dashed line.
    """
    names = [n for n, c in ((_RANGE, "low"), (_ELSEWHERE, "elsewhere")) if c in extra]
    colours = {_RANGE: ORANGE, _ELSEWHERE: "#3d3d3d"}
    colour = alt.Color("key:N", scale=alt.Scale(domain=names, range=[colours[n] for n in names]),
                       legend=alt.Legend(title=None, symbolType="stroke", symbolStrokeWidth=3,
                                         columns={"expr": "width < 560 ? 1 : 0"}))  # fmt: skip
    behind, above = [], []
    if "low" in extra:
        band = base.transform_filter("datum.low !== null").transform_calculate(key=json.dumps(_RANGE))
        # Steps a month wide, not an area: an area would run across the gaps.
        behind.append(
            band.mark_bar(color=ORANGE, opacity=0.25, width=alt.RelativeBandSize(band=1.34), aria=False)
            .encode(y="low:Q", y2="high:Q")
        )  # fmt: skip
        above += [
            band.mark_tick(thickness=2, opacity=1, aria=False, size=alt.expr("1.34 * bandwidth('x')"))
            .encode(y=f"{side}:Q", color=colour)
            for side in ("low", "high")
        ]  # fmt: skip
    if "elsewhere" in extra:
        line = base.transform_calculate(key=json.dumps(_ELSEWHERE))
        above.append(
            line.mark_line(strokeWidth=2, strokeDash=[6, 4], aria=False, invalid="break-paths-show-domains")
            .encode(y="elsewhere:Q", color=colour)
        )  # fmt: skip
    return behind, above
