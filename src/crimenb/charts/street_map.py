"""What a map draws where the source has streets: the ground, and each street's own stretch (R23).

A shape is a path in metres from the centre, which Vega scales as it scales a symbol; so it is in the
specification once, whatever the width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd
import shapely

from crimenb.charts import metres, name_labels
from crimenb.charts.frame import frame_of
from crimenb.charts.theme import BLUE, INK
from crimenb.data import remembered
from crimenb.geo import in_metres
from crimenb.measures.streets import OWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crimenb.charts.frame import Frame
    from crimenb.data import Data

SHADES = ("#7eb6d9", "#4292c6", "#2166ac", "#08458a", "#03142f")
WIDTHS = (2.2, 2.9, 3.8, 4.9, 6.2)
"""The five classes of streets by records: colour, and width in pixels on a map of 680."""

_GAP_M = 7
"""How much shorter a street's own stretch is drawn at either end, in metres; at most by a quarter."""

_MAIN = ("Motorway", "A Road", "B Road", "Primary Road", "A Road Primary")
_GROUND: dict[str, tuple[str, str, float, list[float]]] = {
    "water": ("#d6e6f2", "none", 0, [1, 0]),
    "street": ("none", "#d3d8dd", 1, [1, 0]),
    "main": ("none", "#b9c1c8", 2, [1, 0]),
    "railway": ("none", "#8c969f", 1.2, [5, 3]),
}
"""What lies beneath, in the order it is drawn: its fill, colour, width in pixels and dashes."""


@remembered
def stretch_lines(data: Data) -> pd.Series:
    """Return the lines of the points that are drawn as streets (metres from the centre), by longitude and latitude."""
    own, frame = data.stretches[data.stretches["how"] == OWN], frame_of(data)
    keys = pd.MultiIndex.from_arrays([own["longitude"], own["latitude"]], names=["x", "y"])
    lines = shapely.transform(in_metres(own.geometry.to_numpy()), lambda xy: xy - [frame.x, frame.y])
    return pd.Series(_shortened(lines), index=keys, dtype=object)


def _shortened(lines: Any) -> Any:
    """Return lines a little shorter at both ends, so that one sees where the next street's begins."""
    parts, of = shapely.get_parts(shapely.line_merge(lines), return_index=True)
    long = shapely.length(parts)
    cut = np.minimum(_GAP_M, long / 4)
    corners, part = shapely.get_coordinates(parts, return_index=True)
    steps = np.hypot(*np.diff(corners, axis=0, prepend=corners[:1]).T)
    far = np.cumsum(np.where(np.diff(part, prepend=-1) > 0, 0, steps))
    far -= far[np.searchsorted(part, np.arange(len(parts)))][part]
    inner = (far > cut[part]) & (far < (long - cut)[part])
    ends = (shapely.line_interpolate_point(parts, away) for away in (cut, long - cut))
    points = np.concatenate([corners[inner], *(shapely.get_coordinates(end) for end in ends)])
    whose = np.concatenate([part[inner], *[np.arange(len(parts))] * 2])
    order = np.lexsort((np.concatenate([far[inner], cut, long - cut]), whose))
    shorter = shapely.linestrings(points[order], indices=whose[order])
    return shapely.multilinestrings(shorter, indices=of)


@remembered
def stretch_paths(data: Data) -> pd.Series:
    """Return those lines as paths, by longitude and latitude."""
    lines = stretch_lines(data)
    return pd.Series(metres.paths(lines.to_numpy(), 0, 0), index=lines.index, dtype="str")


@remembered
def _ground_paths(data: Data) -> dict[str, str]:
    """Return what lies beneath as one path a kind, in the order it is drawn."""
    rows, frame = data.streets, frame_of(data)
    kind = rows["kind"].where(~rows["road_class"].isin(_MAIN), "main").to_numpy()
    shapes, found = in_metres(rows.geometry.to_numpy()), {}
    for name in _GROUND:
        if (kind == name).any():
            whole = shapely.geometrycollections(_merged(shapes[kind == name]))
            (found[name],) = metres.paths([whole], frame.x, frame.y)
    return found


def streets_within(data: Data, frame: Frame, owners: Mapping[str, int]) -> tuple[Any, np.ndarray]:
    """Return the streets on a part of the map (metres from its centre), and whose each is by name; -1 is nobody's."""
    rows = data.streets[data.streets["kind"] == "street"]
    lines = shapely.transform(in_metres(rows.geometry.to_numpy()), lambda xy: xy - [frame.x, frame.y])
    inside = shapely.intersects(lines, shapely.box(*frame.box))
    return lines[inside], rows["name"].map(owners).fillna(-1).astype(int).to_numpy()[inside]


def ground(data: Data, frame: Frame, side: str = "width", factor: float = 1.0) -> list[Any]:
    """Return the layer of water, streets and railways; none where there is nothing of them.

    Parameters
    ----------
    side
        The expression that gives the side of the map in pixels.
    factor
        Of the widths.
    """
    rows = [
        {"fill": fill, "stroke": stroke, "wide": wide * factor, "dash": dash, metres.SHAPE: _ground_paths(data)[kind]}
        for kind, (fill, stroke, wide, dash) in _GROUND.items() if kind in _ground_paths(data)
    ]  # fmt: skip
    return lines(pd.DataFrame(rows), frame, side) if rows else []


def lines(rows: pd.DataFrame, frame: Frame, side: str = "width") -> list[Any]:
    """Return the layer of shapes that each say how they look: `fill`, `stroke`, `wide` (pixels), `dash`, and the path.

    They have no scale, because the layers of a chart would share it.
    """
    mark = alt.Chart(rows.assign(x=0, y=0)).mark_point(
        filled=False, clip=True, aria=False, opacity=1, size=metres.shape_size(frame.reach, side)
    )  # fmt: skip
    layer = mark.encode(
        **frame.axes(), shape=_shape(),
        fill=alt.Fill("fill:N", scale=None), stroke=alt.Stroke("stroke:N", scale=None),
        strokeWidth=alt.StrokeWidth("wide:Q", scale=None), strokeDash=alt.StrokeDash("dash:N", scale=None),
    )  # fmt: skip
    return [layer]


def _merged(shapes: Any) -> Any:
    """Return lines joined where they meet, whatever they are called, and areas as they are."""
    lines = shapely.get_dimensions(shapes) == 1
    parts = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(shapely.get_parts(shapes[lines]))))
    return [*parts, *shapes[~lines]]


def stretches(
    base: Any, frame: Frame, lows: Sequence[int], count: str, side: str = "width", factor: float = 1.0
) -> Any:
    """Return the layer of streets: colour and width together by class.

    Parameters
    ----------
    base
        A chart whose data have `x` and `y` of zero, the path and `count`.
    lows
        Where the classes begin.
    factor
        Of the widths.
    """
    widths = [{"expr": f"{width * factor:.3g} * sqrt({side} / 680)"} for width in WIDTHS[: len(lows)]]
    classes: dict[str, Any] = {"type": "threshold", "domain": list(lows[1:])}
    return base.mark_point(
        filled=False, clip=True, aria=False, opacity=1, strokeCap="round", strokeJoin="round",
        size=metres.shape_size(frame.reach, side),
    ).encode(
        **frame.axes(), shape=_shape(),
        stroke=alt.Stroke(f"{count}:Q", legend=None, scale=alt.Scale(**classes, range=list(SHADES[: len(lows)]))),
        strokeWidth=alt.StrokeWidth(f"{count}:Q", legend=None, scale=alt.Scale(**classes, range=widths)),
    )  # fmt: skip


def discs(rows: pd.DataFrame, frame: Frame) -> list[Any]:
    """Return the numbers and letters on the map, each on a disc, with a line to what it numbers.

    Parameters
    ----------
    rows
        The discs of `name_labels.placed`, with whether they are those of a narrow map (`small`).
    """
    if rows.empty:
        return []
    base = alt.Chart(rows).transform_filter("datum.small == (width < 500)").encode(**frame.axes())
    look: dict[str, Any] = {"shape": "circle", "filled": True, "opacity": 1, "aria": False}
    text = base.mark_text(fontSize=name_labels.SIZE, fontWeight="bold", baseline="middle", aria=False)
    return [
        *(base.mark_rule(color=colour, strokeWidth=wide, opacity=1, strokeCap="round", aria=False)
          .encode(x2=alt.X2("to_x:Q"), y2=alt.Y2("to_y:Q")) for colour, wide in (("#ffffff", 4.5), (INK, 1.6))),
        base.transform_filter("datum.dot")
        .mark_point(size=38, color=INK, stroke="#ffffff", strokeWidth=1.4, **look)
        .encode(**frame.axes("to_x", "to_y")),
        base.mark_point(size=230, color="#ffffff", stroke=INK, strokeWidth=1.2, **look),
        text.encode(text=alt.Text("mark:N")),
    ]  # fmt: skip


def names(rows: pd.DataFrame, frame: Frame) -> list[Any]:
    """Return names, and the map's own words, as two layers: a white outline first, the letters upon it.

    Parameters
    ----------
    rows
        `x`, `y`, `name`, `angle`, `side`, `ink` and `small`, as `name_labels.placed` has them.
    """
    base = alt.Chart(rows).transform_filter("datum.small == (width < 500)").encode(
        **frame.axes(), text=alt.Text("name:N"))  # fmt: skip
    beside = name_labels.DISC + name_labels.GAP
    style: dict[str, Any] = {
        "fontSize": name_labels.SIZE, "baseline": "middle", "aria": False, "angle": {"expr": "datum.angle"},
        "dx": {"expr": f"datum.side * {beside:g}"},
        "align": {"expr": "datum.side > 0 ? 'left' : datum.side < 0 ? 'right' : 'center'"},
    }  # fmt: skip
    return [
        base.mark_text(**style, **OUTLINE),
        base.mark_text(**style).encode(
            # As objects: of what is written as text or as a dict, Altair asks every class it has.
            color=alt.ColorValue(
                INK, condition={"test": "datum.ink", "field": "ink", "type": "nominal", "scale": None}
            )
        ),
    ]


def is_street(table: pd.DataFrame) -> Any:
    """Whether each point is drawn as a street."""
    return (table["how"] == OWN).to_numpy()


def _shape() -> alt.Shape:
    return alt.Shape(f"{metres.SHAPE}:N", scale=None, legend=None)


OUTLINE: dict[str, Any] = {"stroke": "#ffffff", "strokeWidth": 3.5, "strokeOpacity": 0.9}
"""What lies under the letters on a map."""

CIRCLES: dict[str, Any] = {
    "color": BLUE,
    "opacity": 0.75,
    "stroke": "#ffffff",
    "strokeWidth": 1.0,
    "aria": False,
}
"""The look of a place that is no street."""
