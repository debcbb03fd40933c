"""The words on the map, placed so that none collides with another. Metres from the centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from crimenb.charts import INK, PINK, WIDTH
from crimenb.tables import MILE_M

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shapely.geometry.base import BaseGeometry

Word = dict[str, Any]
"""A word on the map: `x`, `y` (metres), `name`, `align`, `dx` (pixels to the side), `ink`."""

Box = tuple[float, float, float, float]
"""West, south, east, north in metres from the centre."""

QUARTER_M = MILE_M / 4
BIGGEST = 900
"""Area of the largest symbol on a map WIDTH pixels wide, in square pixels."""

_NARROW = 330
"""Width for which a phone's labels are placed, in pixels; it is used below 500."""

_NAMES, _NAMES_NARROW = 8, 4
_LARGEST = 120
"""So many of the largest symbols are kept clear of words, where there is room elsewhere."""

_CENTRE = 8.0
"""Half the side of the centre's mark, in pixels."""

_LETTER, _LINE, _GAP = 7.0, 17.0, 4.0
"""Size of a 13-pixel letter and room beside a word, in pixels."""


class _Sheet:
    """A map so many pixels wide, and the fields on it that are taken."""

    def __init__(self, reach: float, wide: int) -> None:
        self.reach, self.wide = reach, wide
        self.pixel = 2 * reach / wide
        self.words: list[Word] = []
        self.taken: list[Box] = [self.around(0, 0, _CENTRE)]

    def around(self, x: float, y: float, half: float) -> Box:
        """Return the field about a place, `half` pixels to each side."""
        half *= self.pixel
        return (x - half, y - half, x + half, y + half)

    def radius(self, records: float, most: int) -> float:
        """Return a symbol's radius in pixels."""
        return float(np.sqrt(BIGGEST * (self.wide / WIDTH) ** 1.5 * records / most / np.pi))

    def put(self, offered: Iterable[Word], also: Iterable[Box] = ()) -> bool:
        """Write the first word that is inside the map and meets neither another nor `also`."""
        kept = [*self.taken, *also]
        for word in offered:
            box = box_of(word, self.pixel)
            inside = max(-box[0], -box[1], box[2], box[3]) < self.reach
            if inside and all(box[2] < t[0] or t[2] < box[0] or box[3] < t[1] or t[3] < box[1] for t in kept):
                self.write(word)
                return True
        return False

    def write(self, word: Word) -> None:
        """Write a word and take its field."""
        self.taken.append(box_of(word, self.pixel))
        self.words.append(word)


def placed(
    reach: float,
    spots: pd.DataFrame,
    forces: Mapping[str, BaseGeometry],
    beat: tuple[str, BaseGeometry] | None,
    *,
    rings: bool,
) -> pd.DataFrame:
    """Place the map's words, once for a wide and once for a narrow map (`small`).

    First those the map cannot be read without (scale, north, rings, forces, the neighbourhood),
    then the names of the busiest points; a name that finds no room is left out, and the
    centre's mark stays free.

    Parameters:
        reach: Half the map's side in metres.
        spots: Points in metres from the centre, `x`, `y`, `name`, `records`, busiest first.
        forces: Words for each force and its part of the area; what follows a colon stands alone where
            there is no room for all.
        beat: The neighbourhood's name and its boundary.
    """
    sheets = []
    for wide, wanted in ((WIDTH, _NAMES), (_NARROW, _NAMES_NARROW)):
        sheet = _Sheet(reach, wide)
        for word in _corners(sheet):  # wherever their fields end
            sheet.write(word)
        if rings:
            _name_rings(sheet, spots)
        for name, part in forces.items():
            short = name.partition(": ")[2]
            if not sheet.put(_within(name, part, spots, sheet)) and short:
                sheet.put(_within(short, part, spots, sheet))
        if beat:
            sheet.put(_along(beat, sheet))
        _name_points(sheet, spots, wanted)
        sheets.append(pd.DataFrame(sheet.words).assign(small=wide == _NARROW))
    return pd.concat(sheets, ignore_index=True)


def signs(reach: float, side: int, spots: pd.DataFrame, *, rings: bool) -> list[Word]:
    """Return the words of a map without names: scale, north and, where asked, the two rings."""
    sheet = _Sheet(reach, side)
    for word in _corners(sheet):
        sheet.write(word)
    if rings:
        _name_rings(sheet, spots)
    return sheet.words


def box_of(word: Word, pixel: float) -> Box:
    """Return the field that a word covers, in metres, with a gap to the next."""
    wide = (len(word["name"]) * _LETTER + _GAP) * pixel
    start = {"left": 0.0, "center": -wide / 2, "right": -wide}[word["align"]]
    x, y = word["x"] + word["dx"] * pixel + start, word["y"]
    return (x, y - _LINE / 2 * pixel, x + wide, y + _LINE / 2 * pixel)


def _word(x: float, y: float, name: str, ink: str = INK) -> Word:
    return {"x": round(x), "y": round(y), "name": name, "align": "center", "dx": 0, "ink": ink}


def _corners(sheet: _Sheet) -> list[Word]:
    low, edge = -sheet.reach * 0.97, sheet.reach * 0.95
    return [
        _word(low + 250, low + 12 * sheet.pixel, "500 metres"),
        _word(edge, edge - 15 * sheet.pixel, "N"),
    ]


def _rings(sheet: _Sheet) -> list[list[Word]]:
    """Offer places for the names of the two rings of a circle: at the top, then round about."""
    found = []
    for metres, name in ((MILE_M, "1 mile"), (QUARTER_M, "¼ mile")):
        wide, high = len(name) * _LETTER / 2 * sheet.pixel, (_LINE / 2 + 1) * sheet.pixel
        turns = np.radians([0, 180, 30, -30, 150, -150, 60, -60, 120, -120, 90, -90])
        found.append([
            _word(np.sin(t) * (metres + wide * abs(np.sin(t))), np.cos(t) * (metres + high), name)
            for t in turns
        ])  # fmt: skip
    return found


def _name_rings(sheet: _Sheet, spots: pd.DataFrame) -> None:
    """Name the rings, off the largest symbols where that can be."""
    discs = _discs(sheet, spots)
    for offered in _rings(sheet):
        sheet.put(offered, discs) or sheet.put(offered)


def _discs(sheet: _Sheet, spots: pd.DataFrame) -> list[Box]:
    """Return the fields of the largest symbols, largest first."""
    most = int(spots["records"].max())
    largest = spots.head(_LARGEST).itertuples(index=False)
    return [sheet.around(s.x, s.y, sheet.radius(s.records, most)) for s in largest]


def _name_points(sheet: _Sheet, spots: pd.DataFrame, wanted: int) -> None:
    """Name the busiest points for which there is room."""
    most = int(spots["records"].max())
    discs = _discs(sheet, spots)
    for n, spot in enumerate(spots.head(4 * wanted).itertuples(index=False)):
        offered = list(_beside(spot, sheet.radius(spot.records, most) + 4, sheet.pixel))
        wanted -= sheet.put(offered, [*discs[:n], *discs[n + 1 :]]) or sheet.put(offered)
        if not wanted:
            break


def _beside(spot: Any, away: float, pixel: float) -> Iterator[Word]:
    """Offer places for a point's name: right, left, above and below its symbol."""
    for align, dx, up in (("left", away, 0), ("right", -away, 0), ("center", 0, 1), ("center", 0, -1)):
        lift = up * (away + _LINE / 2) * pixel
        word = _word(spot.x, spot.y + lift, str(spot.name))
        yield word | {"align": align, "dx": round(dx, 1)}


def _along(beat: tuple[str, BaseGeometry], sheet: _Sheet) -> Iterator[Word]:
    """Offer places along the boundary for the neighbourhood's name."""
    for share in np.linspace(0, 1, 41)[:-1]:
        at = beat[1].interpolate(share, normalized=True)
        yield _word(at.x, at.y + 9 * sheet.pixel, beat[0], PINK)


def _within(name: str, part: BaseGeometry, spots: pd.DataFrame, sheet: _Sheet) -> list[Word]:
    """Offer places for a force's name inside its part: those that hide least first."""
    grid = np.linspace(-0.9 * sheet.reach, 0.9 * sheet.reach, 37)
    x, y = (v.ravel() for v in np.meshgrid(grid, grid))
    wide, high = (len(name) * _LETTER / 2 + _GAP) * sheet.pixel, _LINE * sheet.pixel
    fits = shapely.contains_properly(part, shapely.box(x - wide, y - high, x + wide, y + high))
    if not fits.any():
        at = part.representative_point()
        return [_word(at.x, at.y, name)]
    x, y = x[fits], y[fits]
    across = np.abs(x[:, None] - spots["x"].to_numpy()) < wide
    hidden = (across & (np.abs(y[:, None] - spots["y"].to_numpy()) < high)) @ spots["records"].to_numpy()
    best = np.lexsort((np.hypot(x, y), hidden))
    return [_word(x[k], y[k], name) for k in best]
