"""Numbers and names beside the streets and places of a map, so that none covers another.

A map is a sheet of small cells, and a label a strip of them at the angle of its street. Of the strips that
are free the one is taken that hides least and is nearest.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import shapely

from crimenb.charts.map_labels import BIGGEST
from crimenb.charts.theme import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crimenb.charts.frame import Frame
    from crimenb.charts.map_labels import Box

SIZE = 12
"""Size of the letters in pixels, at every width."""

DISC = 9.0
"""Radius of the disc under a number, with its edge, in pixels."""

_CELL, _STEP = 3, 4
"""Side of a cell, and how far apart a strip is looked at, in pixels."""

_HIGH = 14.0
"""Height of a name in pixels."""

GAP = 3.0
"""What is between a disc and its name, in pixels."""

_NARROW, _BROAD = "fijlrt'.,I ", "mwMWGOQ"
"""Letters of a third of the size, and of four fifths."""

_TURNS = np.radians(np.arange(0, 360, 30))
_AWAY = (1.0, 7.0, 16.0, 28.0, 44.0, 64.0)
_NAMED_NEAR = 4
"""How far a disc may be from what it numbers, in pixels; with a name beside it, to the fourth of them."""

_FAR, _STEEP, _CROSSED, _BESIDE = 0.35, 6.0, 40.0, 0.5
"""What a pixel of distance costs, a steep name, a line across another label, and a cell of another street beside a
name, in cells that are hidden."""

_WORST = 40.0
"""A name along its street that costs more is level beside its number, or left out where it has none."""


class Labels(NamedTuple):
    """The discs with numbers, and the names, of one width of a map; metres from the map's centre.

    Discs have `x`, `y`, `mark`, `to_x`, `to_y` and `dot`, whether what they lead to is a line; names have
    `x`, `y`, `name`, `angle` (degrees, clockwise) and `side`: to the right (1) or left (-1) of the disc there, or
    about the place (0).
    """

    discs: list[dict[str, Any]]
    names: list[dict[str, Any]]


def width_of(name: str) -> float:
    """Return about how wide a name is, in pixels."""
    shares = (0.3 if c in _NARROW else 0.82 if c in _BROAD else 0.69 if c.isupper() else 0.55 for c in name)
    return SIZE * sum(shares)


class _Sheet:
    """A map so many pixels wide: what is drawn on it, and what is taken."""

    def __init__(self, frame: Frame, wide: int) -> None:
        self.frame, self.wide = frame, wide
        self.pixel = 2 * frame.reach / wide
        side = wide // _CELL
        self.ink, self.taken = np.zeros((side, side), dtype=np.int16), np.zeros((side, side), dtype=bool)
        self.streets = self.ink.copy()

    def pixels(self, xy: Any) -> Any:
        """Return metres from the map's centre as pixels from its upper left corner."""
        west, north = self.frame.east - self.frame.reach, self.frame.north + self.frame.reach
        return (np.asarray(xy, dtype=float) - [west, north]) * [1, -1] / self.pixel

    def metres(self, x: float, y: float) -> tuple[int, int]:
        """Return pixels as whole metres from the map's centre."""
        west, north = self.frame.east - self.frame.reach, self.frame.north + self.frame.reach
        return round(float(west + x * self.pixel)), round(float(north - y * self.pixel))

    def draw(self, lines: Any, wide: float) -> None:
        """Note lines (metres) that a label had better not hide, each by its number from 1."""
        corners, of = shapely.get_coordinates(
            shapely.segmentize(lines, _CELL * self.pixel), return_index=True
        )  # fmt: skip
        points, reach = self.pixels(corners), np.arange(-wide / 2, wide / 2 + 1, _CELL)
        for dx in reach:
            for dy in reach:
                self._set(self.ink, _cell_at(np.add(points, [dx, dy])), of + 1)

    def draw_streets(self, lines: Any, owners: np.ndarray) -> None:
        """Note the streets beneath (metres), which a label may hide; `owners` has no 0."""
        corners, of = shapely.get_coordinates(
            shapely.segmentize(lines, _CELL * self.pixel), return_index=True
        )  # fmt: skip
        self._set(self.streets, _cell_at(self.pixels(corners)), owners[of])

    def draw_circle(self, at: Any, radius: float) -> None:
        """Note a circle (pixels) that a label had better not hide."""
        steps = np.arange(-radius, radius + 1, _CELL)
        x, y = (v.ravel() for v in np.meshgrid(steps, steps))
        self._set(self.ink, _cell_at((np.column_stack([x, y]) + at)[np.hypot(x, y) <= radius]), -1)

    def _set(self, cells: np.ndarray, at: tuple[Any, Any], to: Any = 1) -> None:
        inside = self._inside(*at)
        column, row = (v[inside] for v in at)
        cells[row, column] = to[inside] if isinstance(to, np.ndarray) else to

    def _inside(self, column: Any, row: Any) -> Any:
        side = len(self.ink)
        return (column >= 0) & (column < side) & (row >= 0) & (row < side)

    def take(self, x: float, y: float, turn: float, long: float, high: float) -> None:
        """Take a strip about a place (pixels)."""
        self._set(self.taken, _cells(np.array([x]), np.array([y]), np.array([turn]), long, high))

    def take_box(self, box: Box) -> None:
        """Take a field that is given in metres."""
        (x0, y1), (x1, y0) = self.pixels([box[:2], box[2:]])
        self.take((x0 + x1) / 2, (y0 + y1) / 2, 0.0, x1 - x0, y1 - y0)

    def take_line(self, start: Any, end: Any) -> None:
        """Take what is between two places (pixels)."""
        steps = 2 + int(np.hypot(*np.subtract(end, start)) / _CELL)
        self._set(self.taken, _cell_at(np.linspace(start, end, steps)))

    def hidden(self, x: Any, y: Any, turn: Any, long: float, high: float) -> Any:
        """Return how much of what is drawn each strip would hide; infinity where it is not free."""
        at = _cells(x, y, turn, long, high)
        outside = ~self._inside(*at).all(axis=1)
        column, row = (np.clip(v, 0, len(self.ink) - 1) for v in at)
        hidden = (self.ink[row, column] != 0).sum(axis=1)
        return np.where(outside | self.taken[row, column].any(axis=1), np.inf, hidden)

    def beside(self, x: Any, y: Any, turn: Any, long: float, high: float, owner: int) -> Any:
        """Return how much of other streets is in each strip: one would take its name for theirs."""
        column, row = (np.clip(v, 0, len(self.ink) - 1) for v in _cells(x, y, turn, long, high))
        drawn, streets = self.ink[row, column], self.streets[row, column]
        theirs = (drawn > 0) & (drawn != owner) | (streets != 0) & (streets != owner)
        return theirs.sum(axis=1)

    def crossed(self, x: Any, y: Any, at: Any, apart: float) -> Any:
        """Return what lines would cross between their discs and a place."""
        gap = np.hypot(x - at[0], y - at[1])
        shares = np.linspace(0, 1, 16)[:, None]
        along = (DISC + shares * np.maximum(gap - DISC - apart, 0)) / np.maximum(gap, 1)
        points = np.stack([x + (at[0] - x) * along, y + (at[1] - y) * along], axis=2)
        column, row = np.clip(np.floor(points / _CELL).astype(int), 0, len(self.ink) - 1).transpose(2, 0, 1)
        return (self.ink[row, column] != 0).sum(axis=0) + self.taken[row, column].any(axis=0) * _CROSSED


def _cells(x: Any, y: Any, turn: Any, long: float, high: float) -> tuple[Any, Any]:
    """Return the columns and rows of the cells all over each strip."""
    u, v = _places(float(long), float(high))
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    return _cell(x[:, None] + u * c - v * s), _cell(y[:, None] + u * s + v * c)


@functools.lru_cache(256)
def _places(long: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Return places all over a level strip, in pixels from its middle."""
    across = np.linspace(-long / 2, long / 2, 2 + int(long / _STEP))
    down = np.linspace(-high / 2, high / 2, 2 + int(high / _STEP))
    return np.tile(across, len(down)), np.repeat(down, len(across))


def _cell(pixels: Any) -> Any:
    return np.floor(pixels / _CELL).astype(int)


def _cell_at(points: np.ndarray) -> tuple[Any, Any]:
    return _cell(points[:, 0]), _cell(points[:, 1])


class _Strips(NamedTuple):
    """Strips that are offered to one label: their middles, angles and costs; and where the disc is."""

    x: Any
    y: Any
    turn: Any
    cost: Any
    long: float
    side: Any
    """Of the disc: -1 at the left end, 1 at the right; 0 where it is the whole strip."""


def placed(
    frame: Frame, wide: int, rows: pd.DataFrame, lines: Any, circles: pd.DataFrame, taken: Iterable[Box],
    streets: tuple[Any, np.ndarray] | None = None, *, named: bool, along: bool, line_width: float,
) -> Labels:  # fmt: skip
    """Place the numbers and the names of a map.

    Parameters
    ----------
    rows
        What is labelled, the most needed first: `x`, `y` (metres from the centre), `name`, `mark` (may be
        empty, and such a name may find no room), `line` (its stretch; none of a circle), `owner` (its number
        among `lines`, from 1), `size` (its circle's share of the largest).
    lines, circles
        All that is drawn: stretches; `x`, `y` and `size`.
    taken
        Fields in metres that are taken already.
    streets
        What lies beneath: lines, and whose each is, the `owner` of a row or -1. A name keeps from running along
        another street.
    named
        Whether names are written too, beside the numbers.
    along
        Whether names are at the angle of their streets where there is room.
    line_width
        Of a stretch, in pixels.
    """
    sheet = _Sheet(frame, wide)
    for box in taken:
        sheet.take_box(box)
    sheet.draw(lines, line_width)
    if streets:
        sheet.draw_streets(*streets)
    for x, y, size in circles[["x", "y", "size"]].itertuples(index=False):
        sheet.draw_circle(sheet.pixels([x, y]), radius(size, wide))
    labels = Labels([], [])
    for row in rows.itertuples(index=False):
        _place(sheet, row, labels, named=named, along=along, line_width=line_width)
    return labels


def radius(size: float, wide: int) -> float:
    """Return the radius of a circle in pixels."""
    return float(np.sqrt(BIGGEST * (wide / WIDTH) ** 1.5 * size / np.pi))


def _place(sheet: _Sheet, row: Any, labels: Labels, *, named: bool, along: bool, line_width: float) -> None:
    at = sheet.pixels([row.x, row.y])
    path = _path(sheet, row.line) if row.line is not None else None
    apart = line_width / 2 if path is not None else radius(row.size, sheet.wide)
    for strips in _offered(sheet, row, at, path, apart, named=named, along=along):
        best = int(np.argmin(strips.cost))
        if np.isfinite(strips.cost[best]):
            break
    else:
        return
    x, y, turn, side = (float(v[best]) for v in (strips.x, strips.y, strips.turn, strips.side))
    sheet.take(x, y, turn, strips.long, _HIGH if side else 2 * DISC)
    ahead, half = np.array([np.cos(turn), np.sin(turn)]), strips.long / 2
    if row.mark:
        disc = np.array([x, y]) + ahead * side * (half - DISC)
        sheet.take(float(disc[0]), float(disc[1]), 0.0, 2 * DISC, 2 * DISC)
        if path is not None:
            inner = path[len(path) // 5 : len(path) - len(path) // 5]  # its ends may be another street's too
            end = inner[np.argmin(np.hypot(*(inner - disc).T))]
        else:
            away = np.hypot(*(disc - at))
            end = at + (disc - at) * (min(1.0, apart / away) if away else 0)
        sheet.take_line(disc, end)
        (dx, dy), (ex, ey) = sheet.metres(*disc), sheet.metres(*end)
        labels.discs.append(
            {"x": dx, "y": dy, "mark": row.mark, "to_x": ex, "to_y": ey, "dot": path is not None}
        )
    if side or not row.mark:
        nx, ny = sheet.metres(*(disc if row.mark else (x, y)))
        angle = round(float(np.degrees(turn)))
        labels.names.append({"x": nx, "y": ny, "name": row.name, "angle": angle, "side": round(-side)})


def _path(sheet: _Sheet, line: Any) -> Any:
    """Return the longest part of a stretch on the map, as places some pixels apart; none of it may be there."""
    middle, reach = (sheet.frame.east, sheet.frame.north), sheet.frame.reach
    box = (middle[0] - reach, middle[1] - reach, middle[0] + reach, middle[1] + reach)
    merged = shapely.line_merge(line) if line.geom_type == "MultiLineString" else line
    parts = shapely.get_parts(shapely.clip_by_rect(merged, *box))
    parts = parts[shapely.length(parts) > 0]
    if not len(parts):
        return None
    longest = parts[np.argmax(shapely.length(parts))]
    return sheet.pixels(shapely.get_coordinates(shapely.segmentize(longest, _CELL * sheet.pixel)))


def _offered(
    sheet: _Sheet, row: Any, at: Any, path: Any, apart: float, *, named: bool, along: bool
) -> Iterator[_Strips]:
    """Offer strips for a label, the better kinds first: along the street, level beside it, the number alone."""
    long = width_of(row.name) + (2 * DISC + GAP if row.mark else 0.0)
    named = named and bool(row.name)
    if named and along and path is not None:
        yield _along(sheet, row, at, path, long, apart)
    if not row.mark:
        return
    turns, away = (v.ravel() for v in np.meshgrid(_TURNS, _AWAY))
    x, y = at[0] + np.sin(turns) * (apart + DISC + away), at[1] - np.cos(turns) * (apart + DISC + away)
    flat, way = np.zeros(len(x)), away * _FAR + sheet.crossed(x, y, at, apart)
    if named:
        near = away < _AWAY[_NAMED_NEAR]
        sides = np.repeat([-1, 1], near.sum())
        x2, y2 = np.tile(x[near], 2) - sides * (long / 2 - DISC), np.tile(y[near], 2)
        level = np.zeros(len(x2))
        through = (np.tile(x[near], 2) - at[0]) * sides > 0  # the line would run through the name
        through &= np.abs(y2 - at[1]) < DISC
        hidden = sheet.hidden(x2, y2, level, long, 2 * DISC) + through * _CROSSED
        yield _Strips(x2, y2, level, hidden + np.tile(way[near], 2), long, sides)
    hidden = sheet.hidden(x, y, flat, 2 * DISC, 2 * DISC)
    yield _Strips(x, y, flat, hidden + way, 2 * DISC, flat)
    upon = np.clip(at, DISC, sheet.wide - DISC)  # whatever it hides
    yield _Strips(upon[:1], upon[1:], np.zeros(1), np.zeros(1), 2 * DISC, np.zeros(1))


def _along(sheet: _Sheet, row: Any, at: Any, path: Any, long: float, apart: float) -> _Strips:
    """Offer strips on both sides of a street, at its angle, with a disc at either end."""
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    length = far[-1]

    def on(where: Any) -> Any:
        where = np.clip(where, 0, length)
        return np.column_stack([np.interp(where, far, path[:, 0]), np.interp(where, far, path[:, 1])])

    # A short street's name goes beyond its ends, a long one's is beside any part of it.
    is_short = length < long
    anchors = np.full(7, length / 2) if is_short else np.linspace(0.1, 0.9, 9) * length
    shift = np.linspace(-0.4, 0.4, 7) * long if is_short else np.zeros(9)
    half = max(4.0, min(long, length) / 2 - 1)
    start, end = on(anchors - half), on(anchors + half)
    turn = np.arctan2(end[:, 1] - start[:, 1], end[:, 0] - start[:, 0])
    turn = (turn + np.pi / 2) % np.pi - np.pi / 2
    ahead, across = (
        np.column_stack([np.cos(turn), np.sin(turn)]),
        np.column_stack([-np.sin(turn), np.cos(turn)]),
    )
    middle, lift = (start + end) / 2 + ahead * shift[:, None], across * (apart + _HIGH / 2 + 1)
    sides = np.array([-1, 1] if row.mark else [0])
    side = np.repeat(sides, 2 * len(turn))
    place = np.tile(np.concatenate([middle - lift, middle + lift]), (len(sides), 1))
    turn, ahead = np.tile(turn, 2 * len(sides)), np.tile(ahead, (2 * len(sides), 1))
    hidden = sheet.hidden(place[:, 0], place[:, 1], turn, long, 2 * DISC if row.mark else _HIGH)
    beside = sheet.beside(place[:, 0], place[:, 1], turn, long, 2 * _HIGH, int(row.owner))
    cost = hidden + beside * _BESIDE + np.hypot(*(place - at).T) * _FAR + (np.abs(turn) > 1) * _STEEP
    if row.mark:  # there is a better place for a name that runs on far beyond its street
        cost = cost + max(0.0, long - length) * _FAR
    cost = np.where(cost > _WORST, np.inf, cost)
    if row.mark:
        disc = place + ahead * (side * (long / 2 - DISC))[:, None]
        away = np.hypot(*(disc[:, None] - path[None]).transpose(2, 0, 1)).min(axis=1)
        cost = cost + np.maximum(away - apart - DISC, 0) * 2 * _FAR + np.hypot(*(disc - at).T) * _FAR / 2
    return _Strips(place[:, 0], place[:, 1], turn, np.round(cost, 6), long, side)
