"""The map: snapped points in metres from the centre, true to scale, north up, without tiles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import numpy as np
import pandas as pd
import shapely

from crimenb.charts import map_labels, name_labels, street_map
from crimenb.charts.frame import Frame, frame_of
from crimenb.charts.map_labels import BIGGEST, QUARTER_M
from crimenb.charts.metres import SHAPE, paths
from crimenb.charts.theme import (
    BLUE,
    EDGE,
    INK,
    ORANGE,
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
from crimenb.geo import MILE_M, in_metres
from crimenb.measures.counts import count_by_point, scope
from crimenb.measures.streets import classes, enlarged, is_within, numbered, with_streets

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shapely.geometry.base import BaseGeometry

    from crimenb.measures.streets import Square

_LEGEND, _SIDE = 52, 2
"""Room above the map for the key of its symbols, and at its sides, in pixels."""

_LEAST_LARGE = 10
"""Beside streets, no fewer records make a symbol of the largest size."""

_LINES: dict[str, dict[str, Any]] = {
    "edge": {"stroke": "#3d3d3d", "dash": [1, 0]},
    "ring": {"stroke": "#6f6f6f", "dash": [3, 4]},
    "scale": {"stroke": INK, "dash": [1, 0]},
    "beat": {"stroke": EDGE, "dash": [8, 3]},
    "force": {"stroke": INK, "dash": [12, 3, 2, 3]},
    "part": {"stroke": INK, "dash": [1, 0]},
}
"""The lines under the points: colour and dashes."""

_RIM_M = 15.0
"""So near to the area's own edge a line between forces is that edge."""


@drawn
def point_map(
    points: Data | pd.DataFrame,
    *,
    data: Data | None = None,
    place: str = "",
    category: str = "",
    width: int = WIDTH,
) -> Drawing:
    """Draw the map points of a place: symbol area by records, true to scale, north up.

    Parameters
    ----------
    points
        What `count_by_point` returns, or Data.
    data
        The Data that points were counted in: the ground under them.
    place, category
        Of Data: which place is drawn, the report's own by default; and what is counted, crimes by
        default.

    Raises
    ------
    QueryError
        There is no such place or category, or this is another frame.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-11", "2025-12")
    >>> chart = cn.point_map(data, category="shoplifting")
    >>> busy = cn.count_by_point(data).head(20)
    >>> chart = cn.point_map(busy, data=data)

    Metres from the centre (EPSG:27700) on two equal axes; rings at a quarter mile and a mile
    for a circle, the outline for a custom area; the boundaries of the neighbourhood and between
    police forces where the source gives them; faint dots for every snapped point the source
    knows in the frame. No tiles, no jitter, no heat map.
    """
    given = points if isinstance(points, Data) else data
    if not isinstance(given, Data):
        msg = "Points alone show no ground; write point_map(points, data=...) with the Data they are counted in."
        raise QueryError(msg)
    table = frame_to_draw(
        points, count_by_point, "crime", "n", "label", "snapped_to", "top", "place", place=place,
        category=category,
    )  # fmt: skip
    table = table[table["n"] > 0]
    if table.empty:
        return empty("No map point can be counted.", width=width)
    around = given.of(str(table["place"].iloc[0]))
    frame = frame_of(around)
    known = frame.metres(around.nearby)
    known = known[(known.abs() <= frame.reach).all(axis=1)].drop_duplicates()
    one = str(table["label"].iloc[0])
    what = "Crimes" if one == "All crime" else one
    spots = frame.metres(table).assign(
        name=table["snapped_to"].replace("", "Unnamed place").to_numpy(),
        crimes=table["n"].to_numpy(), top=table["top"].to_numpy(),
    ).sort_values("crimes", ascending=False, kind="stable")  # fmt: skip
    most = int(spots["crimes"].max())
    beat, forces = _boundary(around, frame), force_parts(around, frame)
    number = "crimes" if what == "Crimes" else f"records of {what.lower()}"
    area = str(table["place"].iloc[0]) if place else "the area"
    if len(around.streets):
        description = (
            f"Map of the streets in {area}, colour and width by the number of {number}; places as circles."
        )
        return _street_map(around, frame, table, width, description)
    words = map_labels.placed(
        frame.reach, spots, forces, absent_forces(around), beat, rings=frame.kind == "circle"
    )
    axes = frame.axes()
    size = alt.Size(
        "crimes:Q",
        scale=alt.Scale(domain=[0, most], range=[0, {"expr": f"{BIGGEST} * pow(width / {WIDTH}, 1.5)"}]),
        legend=alt.Legend(title=f"{what} at a point", values=round_steps(most), symbolFillColor=BLUE,
                          symbolOpacity=0.6, format=",d", titleOrient="left", titlePadding=14),
    )  # fmt: skip
    layers = [
        *shade(around, frame, forces),
        alt.Chart(known).mark_circle(size=9, color="#8d8d8d", opacity=0.7, clip=True, aria=False)
        .encode(**axes),
        *ground(frame, forces, beat),
        alt.Chart(spots).mark_circle(color=BLUE, opacity=0.6, stroke="#ffffff", strokeWidth=0.6, aria=False)
        .encode(**axes, size=size, tooltip=[
            alt.Tooltip("name:N", title="Map point"),
            alt.Tooltip("crimes:Q", title="Records", format=","),
            alt.Tooltip("top:N", title="Most common")]),
        centre(frame),
        *_written(words, axes),
    ]  # fmt: skip
    description = f"Map of the map points in {area}, symbol area by the number of {number}."
    room = (_LEGEND, _SIDE, _SIDE, _SIDE)
    return finish(
        layered(*layers),
        width=width,
        height=width - 2 * _SIDE,
        description=description,
        room=room,
        square=True,
        reach=frame.reach,
    )


@drawn
def enlarged_map(data: Data, *, place: str = "", category: str = "", width: int = WIDTH) -> Drawing:
    """Draw the part of a map with streets where its points are closest together, with the streets' names.

    It is the square on the map that `point_map` draws: 600 metres across, true to scale, north up. `show`
    puts it below that map. Where the points are few, or the source has no streets, a sentence says so.

    Parameters
    ----------
    place, category
        Which place, the report's own by default; and what is counted, crimes by default.

    Raises
    ------
    QueryError
        There is no such place or category, or this is no Data.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-11", "2025-12")
    >>> chart = cn.enlarged_map(data)
    """
    table = frame_to_draw(data, count_by_point, place=place, category=category)
    table = table[table["n"] > 0]
    around = data.of(place)
    square = enlarged(around, table) if len(around.streets) else None
    if square is None:
        return empty("No part of the map needs to be enlarged.", width=width)
    whole = frame_of(around)
    frame = whole._replace(reach=float(square.half), east=square.x, north=square.y)
    description = (
        f"Enlarged map of the {2 * square.half} metres where map points are closest together, with the names of "
        "streets; colours and circles as on the whole map."
    )
    return _street_map(around, frame, table, width, description)


_LABELLED = 620
"""Width for which a wide map's names are placed, in pixels: the least at which it is drawn, on paper."""

_ENLARGED_WIDTHS, _ENLARGED_GROUND = 1.7, 3.5
"""How much wider streets are on the enlarged map, with records and without."""


def _street_map(data: Data, frame: Frame, table: pd.DataFrame, width: int, description: str) -> Drawing:
    """Draw the streets by their records, and what is no street as circles: all of the map, or its enlarged part."""
    table = with_streets(data, table).reset_index(drop=True)
    whole, square = frame_of(data), enlarged(data, table)
    is_part = frame.reach < whole.reach
    own = street_map.is_street(table)
    at_point = pd.MultiIndex.from_arrays([table.geometry.x, table.geometry.y])
    lines = np.where(own, street_map.stretch_lines(data).reindex(at_point).to_numpy(), np.array(None))
    counts = table["n"]
    lows, most = classes(counts[own]), max([_LEAST_LARGE, *counts[~own]])
    inside = is_within(data, table, square)
    spots = frame.metres(table).assign(
        name=table["snapped_to"].where(table["snapped_to"] != "", "Unnamed place"), crimes=counts, top=table["top"],
        mark=numbered(data, table)["mark"].reindex(table.index).fillna(""), size=counts / most, is_street=own,
        inside=inside, line=pd.Series(lines, dtype=object),
        **{SHAPE: street_map.stretch_paths(data).reindex(at_point).to_numpy()},
    )  # fmt: skip
    if is_part:
        spots = spots[np.where(own, shapely.intersects(shapely.box(*frame.box), lines), inside)]
    roads = spots[spots["is_street"]].sort_values("crimes", kind="stable")
    roads = roads.assign(owner=range(1, len(roads) + 1))
    circles = spots[~spots["is_street"]].sort_values("crimes", ascending=False, kind="stable")
    axes = frame.axes()
    tooltip = [
        alt.Tooltip("name:N", title="On or near"),
        alt.Tooltip("crimes:Q", title="Records", format=","),
        alt.Tooltip("top:N", title="Most common"),
    ]
    columns = ["x", "y", "name", "crimes", "top"]
    stretches = roads[[*columns, SHAPE]].assign(x=0, y=0)
    forces, beat = force_parts(data, whole), _boundary(data, whole)
    discs, names = _labels(data, frame, square, roads, circles, forces, beat, is_part=is_part)
    larger = _ENLARGED_WIDTHS if is_part else 1.0
    layers = [
        *shade(data, frame, forces),
        *street_map.ground(data, frame, factor=_ENLARGED_GROUND if is_part else 1.0),
        *ground(frame, forces, beat, square=None if is_part else square),
        street_map.stretches(alt.Chart(stretches), frame, lows, "crimes", factor=larger).encode(tooltip=tooltip),
        alt.Chart(circles[columns]).mark_circle(clip=True, **street_map.CIRCLES).encode(
            **axes, tooltip=tooltip, size=alt.Size("crimes:Q", legend=None, scale=alt.Scale(
                domain=[0, most], range=[0, {"expr": f"{BIGGEST} * pow(width / {WIDTH}, 1.5)"}]))),
        centre(frame),
        *street_map.names(names, frame),
        *street_map.discs(discs, frame),
    ]  # fmt: skip
    return finish(
        layered(*layers), width=width, height=width - 2 * _SIDE, description=description, room=(_SIDE,) * 4,
        square=True, reach=frame.reach,
    )  # fmt: skip


def _labels(
    data: Data, frame: Frame, square: Square | None, roads: pd.DataFrame, circles: pd.DataFrame,
    forces: Mapping[str, BaseGeometry], beat: tuple[str, BaseGeometry] | None, *, is_part: bool,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Return the numbers of a map with streets, and its words and names, for a wide map and a narrow one."""
    marked = pd.concat([roads, circles]).sort_index()
    marked = marked[(marked["mark"] != "") & (marked["inside"] == is_part)]
    if is_part:
        words = map_labels.of_part(frame)
        others = roads[~roads["name"].isin(["Unnamed place", *marked["name"]])].assign(mark="")
        longest = np.argsort(-shapely.length(others["line"].to_numpy()), kind="stable")
        rows = pd.concat([marked, others.iloc[longest].drop_duplicates("name")])
    else:
        # Letters alone: a mile has no room for what "Supermarket" would say. Words keep off what is marked.
        rows = marked.assign(name=marked["name"].where(marked["is_street"], ""))
        spots = pd.concat([marked.assign(crimes=1), circles])
        words = map_labels.placed(
            frame.reach, spots, forces, absent_forces(data), beat, rings=frame.kind == "circle", named=False,
            square=square,
        )  # fmt: skip
    owners = dict(zip(roads["name"], roads["owner"], strict=True))
    beneath = street_map.streets_within(data, frame, owners) if is_part else None
    discs, names = [], []
    for wide, small in ((_LABELLED, False), (map_labels.NARROW, True)):
        pixel = 2 * frame.reach / wide
        own: list[Any] = words[words["small"] == small].to_dict("records")
        half = 8 * pixel  # of the cross
        taken = [*(map_labels.box_of(word, pixel) for word in own), (-half, -half, half, half)]
        if square and not is_part:
            taken.append(frame._replace(east=square.x, north=square.y, reach=square.half).box)
        labels = name_labels.placed(
            frame, wide, rows, roads["line"].to_numpy(), circles, taken, beneath,
            named=is_part or not small, along=is_part, line_width=4 * (_ENLARGED_WIDTHS if is_part else 1),
        )  # fmt: skip
        discs += [disc | {"small": int(small)} for disc in labels.discs]
        names += [
            {"x": word["x"], "y": word["y"], "name": word["name"], "angle": 0, "side": 0, "small": int(small)}
            | ({"ink": word["ink"]} if word["ink"] != INK else {})
            for word in own
        ]  # fmt: skip
        names += [name | {"small": int(small)} for name in labels.names]
    return pd.DataFrame(discs), pd.DataFrame(names)


def shade(data: Data, frame: Frame, forces: Mapping[str, BaseGeometry]) -> list[Any]:
    """Return the parts of the area of which nothing is held, in grey: they are not free of crime.

    Parameters
    ----------
    forces
        What `force_parts` returns.
    """
    absent = absent_forces(data)
    if not absent & set(forces):
        return []
    pieces = [
        (shapely.Polygon(polygon.exterior), "#e4e4e4" if name in absent else "#ffffff")
        for name, part in forces.items()
        for polygon in shapely.get_parts(part.simplify(5))
        if polygon.geom_type == "Polygon"
    ]
    # A part may lie inside another: outlines are filled from the largest to the smallest.
    pieces.sort(key=lambda piece: -piece[0].area)
    layers = []
    for polygon, colour in pieces:
        table = pd.DataFrame(np.round(shapely.get_coordinates(polygon)), columns=["x", "y"])
        field = alt.Chart(table.assign(i=range(len(table)))).mark_line(
            fill=colour, strokeWidth=0, clip=True, aria=False
        )  # fmt: skip
        layers.append(field.encode(**frame.axes(), order=alt.Order("i:Q")))
    return layers


def ground(
    frame: Frame, forces: Mapping[str, BaseGeometry], beat: tuple[str, BaseGeometry] | None = None,
    square: Square | None = None, side: str = "width",
) -> list[Any]:  # fmt: skip
    """Return what lies under the points: the area's edge, the rings, forces, the neighbourhood, the enlarged part.

    Parameters
    ----------
    side
        The expression that gives the side of the map in pixels.
    """
    found = [
        (kind, shapely.LineString(xy)) for kind, xy in _lines(frame, forces, beat, square) if len(xy) > 1
    ]
    rows = pd.DataFrame([{"kind": kind, "fill": "none", "wide": 1.5} | _LINES[kind] for kind, _ in found])
    rows = rows.assign(**{SHAPE: paths(np.array([line for _, line in found]), 0, 0)})
    edge = frame.reach * 0.95
    corner = pd.DataFrame({"x": [round(frame.east + edge)], "y": [round(frame.north + edge)]})
    north = alt.Chart(corner).mark_point(
        shape="triangle-up", size=70, filled=True, color=INK, opacity=1, stroke="#ffffff", strokeWidth=1, aria=False
    ).encode(**frame.axes())  # fmt: skip
    return [*street_map.lines(rows, frame, side), north]


def centre(frame: Frame) -> Any:
    """Return the mark of the place asked for."""
    return (
        alt.Chart(pd.DataFrame({"x": [0], "y": [0]}))
        .mark_point(
            shape="cross", size=130, color=ORANGE, filled=True, opacity=1, stroke=INK, strokeWidth=0.8,
            clip=True, aria=False,
        )
        .encode(**frame.axes())
    )  # fmt: skip


def signs(frame: Frame, spots: pd.DataFrame) -> list[Any]:
    """Return the words a map cannot be read without: scale, north, the names of the rings.

    Parameters
    ----------
    spots
        Points with `x`, `y` and `crimes`, busiest first, which the words keep off.
    """
    words = map_labels.signs(frame.reach, spots, rings=frame.kind == "circle")
    rows = pd.DataFrame(words)[["x", "y", "name"]]
    base = alt.Chart(rows).encode(**frame.axes(), text=alt.Text("name:N"))
    return [base.mark_text(fontSize=13, aria=False, **style) for style in (street_map.OUTLINE, {})]


def round_steps(most: int) -> list[int]:
    """Return up to three round numbers for the key of the symbols."""
    if most < 4:
        return list(range(1, most + 1))
    step = 10 ** int(np.log10(most))
    high = most // step * step
    return sorted({max(1, high // 10), max(1, high // 2 if high < 4 * step else high // 4), high})


def _boundary(data: Data, frame: Frame) -> tuple[str, BaseGeometry] | None:
    """Return the neighbourhood's name and its boundary in metres from the centre."""
    known = data.neighbourhoods[~data.neighbourhoods.geometry.is_empty]
    known = known[known.geometry.notna()]
    if known.empty:
        return None
    ground = shapely.transform(in_metres(known.geometry.iloc[0]), lambda xy: xy - [frame.x, frame.y])
    return str(known["name"].iloc[0]), ground.simplify(5).boundary


def force_parts(data: Data, frame: Frame) -> dict[str, BaseGeometry]:
    """Return the names of the forces and their parts of the area in metres from the centre.

    Empty where one force polices it all, or the source does not tell where one ends.
    """
    rows = data.coverage[~data.coverage.geometry.is_empty]
    if len(rows) < 2:
        return {}
    return {
        str(row.force_name): shapely.transform(in_metres(row.geometry), lambda xy: xy - [frame.x, frame.y])
        for row in rows.itertuples(index=False)
    }


def absent_forces(data: Data) -> set[str]:
    """Return the names of the forces that supplied none of the months counted."""
    rows = data.coverage
    return set(rows.loc[rows["force"].isin(scope(data).absent), "force_name"])


def _borders(frame: Frame, forces: Mapping[str, BaseGeometry]) -> Iterator[np.ndarray]:
    """Yield the lines between forces: the edge of each part but the first, less the area's own."""
    rim = shapely.transform(frame.outline.boundary, lambda xy: xy - [frame.x, frame.y]).buffer(_RIM_M)
    for part in list(forces.values())[1:]:
        inner = part.boundary.difference(rim)
        for line in shapely.get_parts(shapely.line_merge(inner)):
            yield shapely.get_coordinates(line.simplify(5))


def _lines(
    frame: Frame, forces: Mapping[str, BaseGeometry], beat: tuple[str, BaseGeometry] | None,
    square: Square | None,
) -> Iterator[tuple[str, np.ndarray]]:  # fmt: skip
    turn = np.linspace(0, 2 * np.pi, 97)
    ring = np.column_stack([np.sin(turn), np.cos(turn)])
    if frame.kind == "circle":
        yield "edge", np.round(ring * MILE_M)
        if frame.reach > MILE_M:  # its name is on the whole map only
            yield "ring", np.round(ring * QUARTER_M)
    else:
        for polygon in shapely.get_parts(frame.outline):
            yield "edge", np.round(shapely.get_coordinates(polygon.exterior) - [frame.x, frame.y])
    left, low = frame.east - frame.reach * 0.97, frame.north - frame.reach * 0.97
    tick, right = frame.reach * 0.02, left + frame.bar
    yield "scale", np.round([[left, low + tick], [left, low], [right, low], [right, low + tick]])
    if square:
        corners = [[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]
        yield "part", np.add([square.x, square.y], np.multiply(corners, square.half))
    for border in _borders(frame, forces):
        yield "force", np.round(border)
    if beat:
        for part in shapely.get_parts(shapely.line_merge(beat[1])):
            yield "beat", np.round(shapely.get_coordinates(part))


def _written(words: pd.DataFrame, axes: dict[str, Any]) -> list[Any]:
    """Return the labels as two layers: a white outline first, the letters upon it."""
    base = (
        alt.Chart(words)
        .transform_filter("datum.small == (width < 500)")
        .encode(**axes, text=alt.Text("name:N"))
    )
    own: dict[str, Any] = {
        "align": {"expr": "datum.align"},
        "dx": {"expr": "datum.dx"},
        "fontSize": 13,
        "aria": False,
    }
    return [
        base.mark_text(**own, **street_map.OUTLINE),
        base.mark_text(**own).encode(color=alt.Color("ink:N", scale=None)),
    ]
