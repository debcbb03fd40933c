"""The figures: pure functions from frames to Altair charts, and the theme they share.

Charts carry no title and no prose: headline, subtitle and note stand beside them in HTML. They
carry no theme either, so that they can be layered, put beside each other and faceted: Altair's
theme "crimenb", enabled here, gives them the house style when they are shown or saved.
Marks and encodings are those common to Vega-Lite 5 and 6, so that JupyterLab draws them too.
The look follows the Government Analysis Function: one colour where one is enough, text in
full, at most ten light grid lines, bars from zero.
"""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, ParamSpec, TypeAlias

import altair as alt
import pandas as pd

from crimenb.data import Data, by_name, kind_of
from crimenb.errors import QueryError
from crimenb.warm.altair_short_cuts import not_copied, unchecked

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

VEGALITE = "application/vnd.vegalite.v5+json"


DIGITS = 9
"""Processors differ in the last of a number's sixteen digits; a report must not."""


def steady(value: Any) -> Any:
    """Return a specification with its real numbers at as many digits as every machine agrees on.

    What no XML may hold goes from its texts: a name with a control character would end the drawing.
    """
    if isinstance(value, dict):
        return {key: steady(v) for key, v in value.items()}
    if isinstance(value, list):
        return [steady(v) for v in value]
    if isinstance(value, str):
        return value if value.isprintable() else _NO_XML.sub("", value)
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


_NO_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


P = ParamSpec("P")
Drawing: TypeAlias = alt.Chart | alt.LayerChart | alt.VConcatChart | alt.ConcatChart
"""What the chart functions return: plain Altair."""

_EXPRESSIONS = ("expr", "labelExpr", "test", "filter", "calculate")


class Figure(alt.LayerChart):
    """A layered chart that looks the same inside another chart.

    Its expressions ask for `width`, so that the page can draw it at any; Vega knows that name in a
    whole chart only, and inside another the number stands in its place.
    """

    def __add__(self, other: Any) -> Any:
        """Return both as one layered chart, which is a Figure again."""
        return _as_figure(super().__add__(other))

    def __or__(self, other: Any) -> Any:
        """Return both beside each other."""
        return _apart(super().__or__(other))

    def __and__(self, other: Any) -> Any:
        """Return both below each other."""
        return _apart(super().__and__(other))

    def to_dict(self, *args: Any, context: dict[str, Any] | None = None, **kwargs: Any) -> dict[str, Any]:
        """Return the specification, as Altair does."""
        found = super().to_dict(*args, context=context, **kwargs)
        width = found.get("width")
        inside = not (context or {}).get("top_level", True)
        return _with_width(found, width) if inside and isinstance(width, int | float) else found


def _as_figure(chart: Any) -> Any:
    object.__setattr__(chart, "__class__", Figure)  # Altair made it by its own name
    return chart


def _apart(chart: Any) -> Any:
    """Let each of our charts that stand beside each other keep its own colours.

    Vega-Lite would give all the colours of the first: crimes would have those of a range.
    """
    parts = [p for side in ("hconcat", "vconcat", "concat") for p in getattr(chart, side, [])]
    if any(isinstance(part, Figure) for part in parts) and chart.resolve is alt.Undefined:
        return chart.resolve_scale(color="independent", shape="independent")
    return chart


def _with_width(part: Any, width: float, key: str = "") -> Any:
    if isinstance(part, dict):
        return {k: _with_width(v, width, k) for k, v in part.items()}
    if isinstance(part, list):
        return [_with_width(v, width) for v in part]
    return re.sub(r"\bwidth\b", str(width), part) if key in _EXPRESSIONS and isinstance(part, str) else part


BLUE, ORANGE, GREY, INK, EDGE = "#1f5896", "#b58846", "#bfbfbf", "#17212b", "#6a5fa3"
BAND, SOFT = "#e4e1f2", "#50606f"
TINTS = {"crime": (BLUE, "#7897bd"), "asb": ("#8d5408", ORANGE)}
"""The newest months and the others. The page maps each of these colours to one for the dark."""

CRIMES, REPORTS = "Crimes", "Reports of anti-social behaviour"
"""The two kinds of record, blue and orange wherever they are drawn."""

WIDTH = 680
"""Width of a chart in the page's column, in pixels; the page draws it narrower on a phone."""

FONT = "Report Sans, Arial, Helvetica, sans-serif"
"""The page's own face, a subset of Arimo; a notebook has it from the system, where it is there."""


def theme() -> dict[str, Any]:
    """Return the house style as a Vega-Lite configuration; all charts have it as Altair's theme.

    `alt.theme.enable("default")` gives Altair's own look back.

    Examples
    --------
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
                                  "labelLimit": 0, "titleLimit": 0, "labelFlush": False},
        "legend": text | colours | {"orient": "top", "direction": "horizontal", "symbolStrokeWidth": 0,
                                    "symbolOpacity": 1, "columnPadding": 24, "labelLimit": 0,
                                    "titleLimit": 0},
        "bar": {"color": BLUE},
        "text": {"font": FONT, "fontSize": 14, "color": INK, "limit": 0},
        "header": text | colours,
    }  # fmt: skip


HOUSE = "crimenb"
"""Name of Altair's theme that gives a chart the house style."""


@alt.theme.register(HOUSE, enable=alt.theme.active == "default")
def _house() -> alt.theme.ThemeConfig:
    style = theme()
    style["view"] |= {"continuousWidth": 300, "continuousHeight": 300}
    return {"autosize": {"type": "pad"}, "config": style}  # type: ignore[typeddict-item]


def finish(
    chart: Any,
    *,
    width: int,
    height: int,
    description: str,
    margin: int = 0,
    narrow: int | None = None,
    room: tuple[int, int, int, int] | None = None,
    **meta: Any,
) -> Drawing:
    """Give a chart its outer width, its height and its description.

    Parameters
    ----------
    margin
        What stands beside the plot, in pixels; `narrow` the same on a phone. The page
        takes it off the room there is, because Vega's own fitting lays a chart out twice.
    room
        Instead: pixels above, right, below and left of the plot that hold every word, so that the
        chart is as wide as it is asked to be, whatever face its words are set in.
    meta
        What else the page must know to draw it at another width.
    """
    if room:
        margin, meta = room[1] + room[3], {"room": list(room)} | meta
    kept = {"margin": margin, "narrow": margin if narrow is None else narrow} | meta
    if "linked" not in meta:
        chart.width, chart.height = width - margin, height
    if isinstance(chart, alt.LayerChart):
        _as_figure(chart)
    # Set, not chained: Altair copies a whole chart at every link.
    chart.description = description
    # Beside the chart, not in it: a part of another chart may have no `usermeta`.
    object.__setattr__(chart, _FOR_PAGE, kept)
    finished: Drawing = chart
    return finished


_FOR_PAGE = "_crimenb_for_page"


def frame_to_draw(
    given: Any, measure: Callable[..., pd.DataFrame], *columns: str, **chosen: Any
) -> pd.DataFrame:
    """Return the frame that a chart draws: the one given, or the measure's of the Data given.

    Parameters
    ----------
    columns
        What the frame must have.
    chosen
        What is asked of the measure, where Data are given.

    Raises
    ------
    QueryError
        It is neither Data nor such a frame, or something was chosen of a frame that is counted already.
    """
    named = {name: value for name, value in chosen.items() if value is not None and not is_empty(value)}
    if isinstance(given, Data):
        return measure(given, **named)
    makes = f"give it the Data, or what {measure.__name__} returns"
    if not isinstance(given, pd.DataFrame):
        msg = f"A chart cannot be drawn of {kind_of(given)}; {makes}."
        raise QueryError(msg)
    if missing := [c for c in columns if c not in given]:
        msg = f"This frame has no column {missing[0]!r} to draw; {makes}."
        raise QueryError(msg)
    if named:
        name = next(iter(named))
        msg = f"This frame is counted already, so {name}={named[name]!r} cannot be chosen; give the Data."
        raise QueryError(msg)
    return given


def is_empty(value: Any) -> bool:
    """Whether nothing was chosen."""
    return isinstance(value, str | tuple | list) and not len(value)


def drawn(draw: Callable[P, Drawing]) -> Callable[P, Drawing]:
    """Let one of our charts be put together unchecked.

    The tests check it whole; checking each of its parts again would take Altair a quarter of the time.
    """
    check = by_name(draw)

    @functools.wraps(draw)
    def made(*args: P.args, **kwargs: P.kwargs) -> Drawing:
        check(args[1:], kwargs)
        with unchecked():
            return draw(*(args or (None,)), **kwargs)

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
                not_copied(part)
    return alt.layer(*charts, **kwargs)


def specified(chart: Any, style: str = HOUSE) -> dict[str, Any]:
    """Return a chart's specification in Vega-Lite: what Altair gives, real numbers at nine digits.

    Unchecked: Altair has checked each part of a chart when it was made, and the tests check ours whole.

    Parameters
    ----------
    style
        Name of Altair's theme to give it.
    """
    with alt.data_transformers.enable("crimenb"), alt.theme.enable(style), unchecked():
        found: dict[str, Any] = steady(_apart(chart).to_dict(validate=False))
    found["usermeta"] = getattr(chart, _FOR_PAGE, {}) | found.get("usermeta", {})
    if room := found["usermeta"].get("room"):
        found["autosize"] = {"type": "none"}
        found["padding"] = dict(zip(("top", "right", "bottom", "left"), room, strict=True))
    return found


def _values(table: Any) -> Any:
    """Return a frame's rows as Altair would, whose own way asks each column what it may hold."""
    if not isinstance(table, pd.DataFrame):
        return alt.to_values(table)
    if odd := [c for c in table if not _is_plain(table[c])]:
        texts = {str(c): [_text(v) for v in table[c]] for c in odd if table[c].dtype == object}
        return alt.to_values(table.assign(**texts))  # of any length: nothing is left out of a chart unsaid
    columns = []
    for name in table:
        values, missing = table[name].tolist(), table[name].isna()
        if table[name].dtype.kind == "f":  # JSON knows null, but neither NaN nor infinity
            missing |= table[name].abs() == float("inf")
        if missing.any():
            values = [None if gone else value for value, gone in zip(values, missing, strict=True)]
        columns.append(values)
    names = [str(name) for name in table]
    return {"values": [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]}


_PLAIN = {str, int, float, bool, list, type(None)}


def _is_plain(column: Any) -> bool:
    """Whether a column holds what JSON knows: neither dates nor shapes."""
    if column.dtype != object:
        return column.dtype.kind in "iufb" or isinstance(column.dtype, pd.StringDtype)
    return {*map(type, column)} <= _PLAIN


def _text(value: Any) -> Any:
    """Return what JSON does not know, such as a date, as text; a missing value as none."""
    return value if type(value) in _PLAIN else None if value is pd.NA else str(value)


alt.data_transformers.register("crimenb", _values)


def empty(text: str, *, width: int = WIDTH) -> Drawing:
    """Draw a sentence where there is nothing to draw; the page writes it as a sentence."""
    sentence = (
        alt.Chart(pd.DataFrame({"text": [text]}))
        .mark_text(size=16, aria=False)
        .encode(text=alt.Text("text:N"))
    )
    return finish(sentence, width=width, height=80, description=text, empty=text)


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
LABELS, LABELS_NARROW, COUNTS = 205, 125, 54
"""Room for the labels of categories, on one line and on two, and for counts, in pixels."""


def kind_colour(*, legend: bool = False) -> alt.Color:
    """Return the colours of crimes and of reports of anti-social behaviour, from a field `kind`."""
    key = alt.Legend(title=None, symbolType="square", columns=ONE_COLUMN) if legend else None
    scale = alt.Scale(domain=[CRIMES, REPORTS], range=[BLUE, ORANGE])
    return alt.Color("kind:N", legend=key, scale=scale)
