"""The figure of the months: bars, gaps, and what a month may be set beside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from crimenb.charts.theme import (
    BLUE,
    EDGE,
    INK,
    ORANGE,
    REPORTS,
    WIDTH,
    Drawing,
    drawn,
    finish,
    frame_to_draw,
    layered,
)
from crimenb.data import Data
from crimenb.errors import QueryError
from crimenb.measures.counts import count_by_category, name_of
from crimenb.measures.months import months_with_range
from crimenb.schema import ASB
from crimenb.wording.format import month as month_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crimenb.query import Month

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

    Parameters
    ----------
    room
        The expression that gives the plot's width.
    index
        The expression that gives a month's number; by default by its text.
    """
    at = index or f"indexof({json.dumps(list(months))}, datum.value)"
    lists = [json.dumps(month_labels(months, every)) for every in (1, 3, 12)]
    one = f"({room} / {len(months)})"
    expression = f"({one} >= 32 ? {lists[0]} : {one} >= 11 ? {lists[1]} : {lists[2]})[{at}]"
    return alt.Axis(labelExpr=expression, labelAngle=0, ticks=False, labelPadding=6, labelOverlap=False)


_PALE = {BLUE: "#c7d5e5", ORANGE: "#ecdcc0"}


def _styles(colour: str) -> dict[str, dict[str, Any]]:
    """Return how the bars of each status look, in one colour."""
    return {
        "published": {"color": colour},
        "partly supplied": {"fill": _PALE[colour], "stroke": colour, "strokeWidth": 2},
        "suspiciously low": {"fill": "#ffffff", "stroke": colour, "strokeWidth": 2, "strokeDash": [5, 3]},
    }


_HALO = "#ffffff"
"""Lines that cross dark bars are drawn upon a white one."""

_RANGE = "Normal range of the newest month"
_ELSEWHERE = "Rest of the force, at this place's scale"


@drawn
def trend_chart(
    counts: Data | pd.DataFrame,
    *,
    place: str = "",
    category: str = "",
    month: Month = "",
    most: float = 0,
    width: int = WIDTH,
) -> Drawing:
    """Draw a place's months: bars, pale bars for a part, marked gaps, and the usual range.

    Parameters
    ----------
    counts
        What `months_with_range` or `count_by_month` returns, of one place and category, or Data. With
        columns `low` and `high`, a band for the range of the earlier months; with `elsewhere`,
        a line for the rest of the force.
    place, category, month
        Of Data: which place (the report's own by default), which category (all crime) and the
        month whose range is drawn (the newest).
    most
        Records that the axis reaches to at least, so that charts beside each other have one scale.

    Raises
    ------
    QueryError
        There is no such place, category or month, or this is another frame.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2024-01", "2025-12")
    >>> chart = cn.trend_chart(data, place="ZZ2 2BB", category="burglary")
    >>> chart = cn.trend_chart(cn.months_with_range(data, category="burglary"))
    """
    counts = frame_to_draw(
        counts, months_with_range, "month", "status", place=place, category=category, month=month
    )
    if counts["month"].duplicated().any():
        msg = "This frame holds several places or categories; give small_multiples the frame, or trend_chart a part."
        raise QueryError(msg)
    series = str(counts["category"].iloc[0]) if "category" in counts and len(counts) else "crime"
    number = "n" if "n" in counts else series
    if number not in counts:
        msg = f"This frame has no column {number!r} to draw; give it the Data, or what months_with_range returns."
        raise QueryError(msg)
    shown = counts.assign(n=pd.to_numeric(counts[number].astype("Float64")))
    extra = [c for c in ("low", "high", "elsewhere") if c in counts]
    shown = shown[["month", "status", "n", *extra]].assign(
        **{c: pd.to_numeric(shown[c].astype("Float64")) for c in extra}
    )
    months = counts["month"].tolist()
    title, colour = _named(series)
    top = max([4.0, float(most), *[float(v) for c in ("n", *extra) for v in shown[c].dropna()]])
    y = alt.Y("n:Q", title=title, scale=alt.Scale(domain=[0, top * 1.12], nice=True),
              axis=alt.Axis(tickCount=5, format=",d", titleAngle=0, titleAlign="left", titleX=-_TITLE_X,
                            titleY=-14, titleBaseline="bottom"))  # fmt: skip
    base = alt.Chart(shown).encode(
        x=alt.X("month:O", title=None, axis=month_axis(months), scale=alt.Scale(paddingInner=0.25))
    )
    tooltip = [alt.Tooltip("month:O", title="Month"), alt.Tooltip("n:Q", title=title, format=","),
               alt.Tooltip("status:N", title="Status")]  # fmt: skip
    layers = _gap_layers(base, shown, tooltip)
    for status, style in _styles(colour).items():
        if ((shown["status"] == status) & shown["n"].notna()).any():
            bars = base.transform_filter(f"datum.status == '{status}' && datum.n !== null")
            layers.append(bars.mark_bar(aria=False, **style).encode(y=y, tooltip=tooltip))
    behind, above = _context_layers(base, extra, len(months), _range_of(shown) if "low" in extra else _RANGE)
    layers = [*behind, *layers, *above]
    if len(months) <= 13 and shown["n"].notna().any():
        ink = "#ffffff" if colour == BLUE else INK
        layers += _numbers(base, y, ink if extra else "", months=len(months))
    where = f", {counts['place'].iloc[0]}" if place else ""
    description = f"Bar chart of {title.lower()} by month{where}, {months[0]} to {months[-1]}."
    return finish(layered(*layers), width=width, height=260, description=description, margin=58)


def _named(series: str) -> tuple[str, str]:
    """Return the title of a series' axis, and its colour."""
    if series in ("asb", ASB):
        return REPORTS, ORANGE
    name = {"crime": "Crimes", "btp": "British Transport Police: records"}.get(series, name_of(series))
    return f"{name} recorded", BLUE


def _range_of(shown: pd.DataFrame) -> str:
    """Name the range that is drawn."""
    judged = shown.loc[shown["low"].notna(), "month"]
    newest = shown.loc[shown["n"].notna(), "month"].max()
    return (
        _RANGE
        if judged.empty or judged.iloc[0] == newest
        else f"Normal range of {month_name(judged.iloc[0])}"
    )


@drawn
def small_multiples(
    frame: Data | pd.DataFrame | Sequence[pd.DataFrame],
    *,
    place: str | Sequence[str] = "",
    category: str | Sequence[str] = (),
    columns: int = 3,
    shared: bool = True,
    width: int = 840,
) -> Drawing:
    """Draw several places or categories by month, a small chart each, on one scale.

    Parameters
    ----------
    frame
        What `months_with_range` returns, several times: a list, or all below each other; or Data.
    place, category
        Of Data: which places and categories; the six categories of crime with the most records
        by default.
    columns
        Charts in a row.
    shared
        Whether all have one scale. Without, heights of two charts cannot be compared.
    width
        Of all together, in pixels.

    Raises
    ------
    QueryError
        There is no such place or category, or this is another frame.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(["ZZ1 1AA", "ZZ2 2BB"], "2025-01", "2025-12")
    >>> chart = cn.small_multiples(data, place=["ZZ1 1AA", "ZZ2 2BB"], category="shoplifting")
    """
    if isinstance(frame, Data):
        places = [place] if isinstance(place, str) else [*place]
        chosen = [category] if isinstance(category, str) else [*category]
        chosen = chosen or count_by_category(frame, place=places[0])["category"].head(6).tolist()
        parts = [months_with_range(frame, place=p, category=c) for p in places for c in chosen]
    else:
        whole = pd.concat(frame) if isinstance(frame, list | tuple) and len(frame) else frame
        whole = frame_to_draw(whole, months_with_range, "place", "category", "label", "month", "n")
        parts = [part for _, part in whole.groupby(["place", "category"], sort=False)]
    if not parts:
        msg = (
            "There is nothing to draw; choose a place and a category, or give what months_with_range returns."
        )
        raise QueryError(msg)
    heads = {c: [str(part[c].iloc[0]) for part in parts] for c in ("label", "place")}
    several = len({*heads["place"]}) > 1  # the axis names the category
    known = [part[c].max() for part in parts for c in ("n", "low", "high", "elsewhere") if c in part]
    most = max((float(value) for value in known if pd.notna(value)), default=0) if shared else 0
    charts = [
        trend_chart(part, most=most, width=width // columns).properties(
            title=where if several else "", height=150
        )
        for part, where in zip(parts, heads["place"], strict=True)
    ]
    finished: alt.ConcatChart = alt.concat(*charts, columns=columns).resolve_legend(color="shared")
    of = "; ".join(", ".join(dict.fromkeys(names)) for names in heads.values())
    finished.description = f"Bar charts by month{', on one scale' if shared else ''}: {of}."
    return finished


_TITLE_X = 46
"""Room left of the months, in pixels; the title of their axis begins there."""


def _numbers(base: Any, y: alt.Y, ink: str, *, months: int) -> list[Any]:
    """Write the counts above the bars, or in `ink` at their feet where lines cross the tops.

    A zero is always written: without its 0 it would look like a month that is missing.
    """
    solid = " && datum.status == 'published'" if ink else ""
    rows = base.transform_filter(f"datum.n > 0 && width / {months} > 40{solid}")
    style = {"color": ink, "dy": -12} if ink else {"dy": -9}
    text = rows.mark_text(aria=False, **style)
    none = base.transform_filter("datum.n === 0").mark_text(aria=False, dy=-9)
    return [
        text.encode(y=alt.YValue("height") if ink else y, text=alt.Text("n:Q", format=",")),
        none.encode(y=y, text=alt.TextValue("0")),
    ]


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
    ).encode(y=alt.YValue("height"), text=alt.Text("status:N"))  # fmt: skip
    return [fields, reason]


def _context_layers(base: Any, extra: Sequence[str], months: int, usual: str) -> tuple[list[Any], list[Any]]:
    """Return what a month may be set beside, as layers behind and above the bars.

    The usual range as a band with two edges; the rest of the force as a dashed line.
    """
    names = [n for n, c in ((usual, "low"), (_ELSEWHERE, "elsewhere")) if c in extra]
    colours = {usual: EDGE, _ELSEWHERE: "#3d3d3d"}
    colour = alt.Color("key:N", scale=alt.Scale(domain=names, range=[colours[n] for n in names]),
                       legend=alt.Legend(title=None, symbolType="stroke", symbolStrokeWidth=3, offset=36,
                                         columns={"expr": "width < 560 ? 1 : 0"}))  # fmt: skip
    behind, above = [], []
    if "low" in extra:
        band = base.transform_filter("datum.low !== null").transform_calculate(key=json.dumps(usual))
        # Steps a month wide, not an area: an area would run across the gaps.
        behind.append(
            band.mark_bar(color=EDGE, opacity=0.13, width=alt.RelativeBandSize(band=1.34), aria=False)
            .encode(y=alt.Y("low:Q"), y2=alt.Y2("high:Q"))
        )  # fmt: skip
        for side in ("low", "high"):
            edge = {"opacity": 1, "aria": False, "size": alt.expr(f"{1.34 * 0.75:g} * width / {months}")}
            above.append(band.mark_tick(thickness=5, color=_HALO, **edge).encode(y=alt.Y(f"{side}:Q")))
            above.append(band.mark_tick(thickness=2, **edge).encode(y=alt.Y(f"{side}:Q"), color=colour))
    if "elsewhere" in extra:
        line = base.transform_calculate(key=json.dumps(_ELSEWHERE))
        style = {"aria": False, "invalid": "break-paths-show-domains"}
        above += [
            line.mark_line(strokeWidth=4.5, color=_HALO, **style).encode(y=alt.Y("elsewhere:Q")),
            line.mark_line(strokeWidth=2, strokeDash=[6, 4], **style).encode(
                y=alt.Y("elsewhere:Q"), color=colour
            ),
        ]
    return behind, above
