"""The figure of the months: bars, gaps, and what a month may be set beside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import altair as alt
import pandas as pd

from crimenb.charts.theme import (
    BAND,
    EDGE,
    INK,
    REPORTS,
    TINTS,
    WIDTH,
    Drawing,
    drawn,
    empty,
    finish,
    frame_to_draw,
    layered,
)
from crimenb.data import Data
from crimenb.errors import QueryError
from crimenb.measures.counts import count_by_category, deciding, name_of
from crimenb.measures.months import months_with_range
from crimenb.measures.searches import searches_by_month
from crimenb.schema import ASB
from crimenb.wording.format import month as month_name
from crimenb.wording.format import rest_of

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


_PALE = {"crime": "#c7d5e5", "asb": "#ecdcc0"}


def _styles(kind: str) -> dict[str, dict[str, Any]]:
    """Return how the bars of each look are drawn: that of the newest month, or of a status."""
    strong, mid = TINTS[kind]
    return {
        "newest": {"color": strong},
        "published": {"color": mid},
        "partly supplied": {"fill": _PALE[kind], "stroke": mid, "strokeWidth": 2},
        "suspiciously low": {"fill": "#ffffff", "stroke": mid, "strokeWidth": 2, "strokeDash": [5, 3]},
    }


@drawn
def search_chart(data: Data) -> Drawing:
    """Draw the searches by the police by month, with the gaps in what the forces supplied.

    Raises
    ------
    QueryError
        These are no data.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12", stops=True)
    >>> chart = cn.search_chart(data)
    """
    counts = searches_by_month(data)
    if not counts["n"].notna().any():
        return empty("No month of searches can be counted.")
    return trend_chart(counts)


_HALO: dict[str, Any] = {"stroke": "#ffffff", "strokeWidth": 3.5}
"""Lines and words that cross bars are drawn upon a paler one."""

_ROOMY = 44
"""Width of a month, in pixels, from which every bar has its number; else only the telling ones."""

_HIGH, _ABOVE, _BELOW, _SIDE, _HEAD = 230, 44, 42, 4, 1.1
"""Height of the bars and the room around them, in pixels, which holds every word; and the room
above the highest bar for its number, as a part of that bar."""


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
    """Draw a place's months: bars, pale bars for a part, marked gaps, and the normal range.

    Parameters
    ----------
    counts
        What `months_with_range` or `count_by_month` returns, of one place and category, or Data. With
        columns `low` and `high`, a band for the normal range; with `elsewhere`,
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
    rest = rest_of(deciding(counts.of(place))) if isinstance(counts, Data) else "the rest of the force"
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
    extra = [c for c in ("low", "high", "elsewhere") if c in counts and counts[c].notna().any()]
    shown = shown[["month", "status", "n", *extra]].assign(
        **{c: pd.to_numeric(shown[c].astype("Float64")) for c in extra}
    )
    months = counts["month"].tolist()
    title, kind = _named(series)
    known = shown["n"].notna()
    newest = shown.loc[known, "month"].max() if known.any() else ""
    top = max([4.0, float(most), *[float(v) for c in ("n", *extra) for v in shown[c].dropna()]])
    whole = (shown["month"] == newest) & (shown["status"] == "published")
    shown = shown.assign(
        look=shown["status"].mask(whole, "newest"),
        telling=shown["month"].isin(_telling(shown)), tall=shown["n"] * _HIGH > 22 * top,
    )  # fmt: skip
    y = alt.Y("n:Q", axis=None, scale=alt.Scale(domain=[0, _HEAD * top], nice=False))
    base = alt.Chart(shown).encode(
        x=alt.X(
            "month:O", title=None, axis=month_axis(months), scale=alt.Scale(domain=months, paddingInner=0.25)
        )
    )
    tooltip = [alt.Tooltip("month:O", title="Month"), alt.Tooltip("n:Q", title=title, format=","),
               alt.Tooltip("status:N", title="Status")]  # fmt: skip
    layers = _gap_layers(shown, tooltip)
    for look, style in _styles(kind).items():
        if (shown["look"] == look)[known].any():
            bars = base.transform_filter(f"datum.n !== null && datum.look == '{look}'")
            layers.append(bars.mark_bar(aria=False, **style).encode(y=y, tooltip=tooltip))
    if "elsewhere" in extra:
        layers += _rest_layers(base, shown, f"{rest.removeprefix('the ')}, scaled")
    layers += _numbers(base, y, len(months))
    if "low" in extra:
        layers = [*_range_layers(base, shown), *layers]
    where = f", {counts['place'].iloc[0]}" if place else ""
    description = f"Bar chart of {title.lower()} by month{where}, {months[0]} to {months[-1]}."
    side = _SIDE if len(months) <= 12 else 3 * _SIDE  # a label is wider than a month
    return finish(layered(*layers), width=width, height=_HIGH, description=description,
                  room=(_ABOVE if extra else 20, side, _BELOW, side))  # fmt: skip


def _named(series: str) -> tuple[str, str]:
    """Return the name of a series, and its kind, which has a colour."""
    if series in ("asb", ASB):
        return REPORTS, "asb"
    name = {"crime": "Crimes", "btp": "British Transport Police: records"}.get(series, name_of(series))
    return f"{name} recorded", "crime"


def _telling(shown: pd.DataFrame) -> list[str]:
    """Return the months whose numbers say most: the newest, highest, lowest and first, kept apart."""
    numbers = dict(enumerate(shown["n"].tolist()))
    known = [i for i, n in numbers.items() if pd.notna(n)]
    if not known:
        return []
    kept: list[int] = []
    for i in (known[-1], max(known, key=numbers.__getitem__), min(known, key=numbers.__getitem__), known[0]):
        if all(abs(i - k) >= max(2, len(shown) // 7) for k in kept):
            kept.append(i)
    months = shown["month"].tolist()
    return [months[i] for i in {*kept, *(i for i in known if numbers[i] == 0)}]


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


def _numbers(base: Any, y: alt.Y, months: int) -> list[Any]:
    """Write each count at its bar's foot, or where there is little room a few above their bars.

    A zero is always written: without its 0 it would look like a month that is missing.
    """
    roomy = f"width / {months} > {_ROOMY}"
    inside = base.transform_filter(f"{roomy} && datum.n > 0 && datum.tall")
    above = base.transform_filter(f"datum.n !== null && ({roomy} ? !datum.tall : datum.telling)")
    text = alt.Text("n:Q", format=",")
    foot = inside.mark_text(aria=False, dy=-10).encode(
        y=alt.YValue("height"), text=text,
        color=alt.ColorValue(INK, condition={"test": "datum.look == 'newest'", "value": "#ffffff"}),
    )  # fmt: skip
    return [
        foot,
        *[above.mark_text(aria=False, dy=-9, **halo).encode(y=y, text=text) for halo in (_HALO, {})],
    ]


def _gap_layers(shown: pd.DataFrame, tooltip: list[alt.Tooltip]) -> list[Any]:
    """Draw a bracket over each run of months without a number, with its reason once."""
    gone = shown["n"].isna()
    if not gone.any():
        return []
    at = pd.Series(range(len(shown)), index=shown.index)
    run = (gone != gone.shift()).cumsum() + (shown["status"] != shown["status"].shift()).cumsum() * len(shown)
    rows = [
        {"at": int(at[part.index[0]]), "end": int(at[part.index[-1]]) + 1, "status": str(part["status"].iloc[0]),
         "month": str(part["month"].iloc[0])}
        for _, part in shown[gone].groupby(run[gone], sort=False)
    ]  # fmt: skip
    month = f"width / {len(shown)}"
    base = alt.Chart(pd.DataFrame(rows))
    start, end = f"datum.at * {month} + 1.5", f"datum.end * {month} - 1.5"
    span = {"x": alt.XValue(alt.expr(start)), "x2": alt.X2Value(alt.expr(end))}
    field = base.mark_rect(color="#eeeeee", aria=False).encode(
        **span, y=alt.YValue(0), y2=alt.Y2Value("height"), tooltip=[tooltip[0], tooltip[2]]
    )
    rule = base.mark_rule(color="#50606f", strokeWidth=1.5, aria=False)
    bracket = [rule.encode(**span, y=alt.YValue(0))]
    bracket += [
        rule.encode(x=alt.XValue(alt.expr(x)), y=alt.YValue(0), y2=alt.Y2Value(7)) for x in (start, end)
    ]
    wide = f"(datum.end - datum.at) * {month}"
    fits = f"length(datum.status) * 7.5 < {wide}"
    middle = alt.XValue(alt.expr(f"(datum.at + datum.end) / 2 * {month}"))
    text = alt.Text("status:N")
    along = base.transform_filter(fits).mark_text(aria=False, baseline="top").encode(
        x=middle, y=alt.YValue(12), text=text
    )  # fmt: skip
    upright = base.transform_filter(f"!({fits}) && {wide} > 14").mark_text(
        aria=False, angle=270, align="right", baseline="middle"
    ).encode(x=middle, y=alt.YValue(12), text=text)  # fmt: skip
    return [field, *bracket, along, upright]


def _range_layers(base: Any, shown: pd.DataFrame) -> list[Any]:
    """Draw the normal range behind the month it is of, and write it above."""
    row = shown[shown["low"].notna()].iloc[-1]
    band = base.transform_filter("datum.low !== null")
    limits = f"{row['low']:,.0f} to {row['high']:,.0f}"
    words = alt.Chart(pd.DataFrame({"text": [f"normal range for {month_name(row['month'])}: {limits}"]}))
    wide = alt.RelativeBandSize(band=1.3)
    return [
        band.mark_bar(color=BAND, width=wide, aria=False).encode(y=alt.Y("low:Q", axis=None), y2=alt.Y2("high:Q")),
        *[
            band.mark_tick(color=EDGE, thickness=2, aria=False, size=alt.expr(f"0.975 * width / {len(shown)}"))
            .encode(y=alt.Y(f"{side}:Q", axis=None))
            for side in ("low", "high")
        ],
        words.mark_text(color=EDGE, fontWeight="bold", align="right", baseline="bottom", aria=False).encode(
            x=alt.XValue("width"), y=alt.YValue(-24), text=alt.Text("text:N")
        ),
    ]  # fmt: skip


def _rest_layers(base: Any, shown: pd.DataFrame, name: str) -> list[Any]:
    """Draw the rest of the force as a line upon a paler one, named by a leader."""
    style = {"aria": False, "invalid": "break-paths-show-domains"}
    early = shown[shown["elsewhere"].notna()].head(max(2, len(shown) // 4))
    first = base.transform_filter(f"datum.month == '{early['month'].iloc[int(early['elsewhere'].argmax())]}'")
    leader = {"y": alt.Y("elsewhere:Q", axis=None), "y2": alt.Y2Value(-6)}
    words = alt.Chart(pd.DataFrame({"text": [name]})).mark_text(align="left", baseline="bottom", aria=False)
    return [
        base.mark_line(**_HALO, **style).encode(y=alt.Y("elsewhere:Q", axis=None)),
        first.mark_rule(aria=False, **_HALO).encode(**leader),
        first.mark_rule(aria=False, color=_LINE).encode(**leader),
        base.mark_line(color=_LINE, strokeWidth=1.75, **style).encode(y=alt.Y("elsewhere:Q", axis=None)),
        words.encode(x=alt.XValue(0), y=alt.YValue(-7), text=alt.Text("text:N")),
    ]


_LINE = "#3d3d3d"
