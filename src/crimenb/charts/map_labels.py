"""The words on the map, placed so that none collides with another. Metres from the centre."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from crimenb.charts.theme import EDGE, INK, WIDTH
from crimenb.geo import MILE_M

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

    from crimenb.charts.frame import Frame
    from crimenb.measures.streets import Square

Word = dict[str, Any]
"""A word on the map: `x`, `y` (metres), `name`, `align`, `dx` (pixels to the side), `ink`."""

Box = tuple[float, float, float, float]
"""West, south, east, north in metres from the centre."""

QUARTER_M = MILE_M / 4
BIGGEST = 900
"""Area of the largest symbol on a map WIDTH pixels wide, in square pixels."""

NARROW = 330
"""Width for which a phone's labels are placed, in pixels; it is used below 500."""

_LEAST = {WIDTH: 500, NARROW: 280}
"""The least width at which the words placed for a width are used: there they take the most room."""

_ENLARGED = "enlarged"
"""What is written at the part that is drawn larger."""

_NAMES, _NAMES_NARROW = 8, 4
_LARGEST = 120
"""So many of the largest symbols are kept clear of words, where there is room elsewhere."""

_CENTRE = 8.0
"""Half the side of the centre's mark, in pixels."""

_LETTER, _LINE, _GAP = 7.0, 17.0, 4.0
"""Size of a 13-pixel letter and room beside a word, in pixels."""


class _Sheet:
    """A map so many pixels wide, and the fields on it that are taken.

    Scale, north and, of a circle, the names of its rings are on it from the start.
    """

    def __init__(self, reach: float, wide: int, spots: pd.DataFrame, *, rings: bool) -> None:
        self.reach, self.wide, self.spots = reach, wide, spots
        self.pixel = 2 * reach / wide
        self.most = max([1, *spots["crimes"]])
        self.words: list[Word] = []
        self.taken: list[Box] = [self.around(0, 0, _CENTRE)]
        largest: Any = spots.head(_LARGEST).itertuples(index=False)
        self.discs = [self.around(s.x, s.y, self.radius(s)) for s in largest]
        for word in _corner_words(reach, self.pixel):  # wherever their fields end
            self.write(word)
        for offered in _rings(self) if rings else []:
            self.put(offered, self.discs)

    def around(self, x: float, y: float, half: float) -> Box:
        """Return the field about a place, `half` pixels to each side."""
        half *= self.pixel
        return (x - half, y - half, x + half, y + half)

    def radius(self, spot: Any) -> float:
        """Return the radius of a point's symbol in pixels."""
        return float(np.sqrt(BIGGEST * (self.wide / WIDTH) ** 1.5 * spot.crimes / self.most / np.pi))

    def put(self, offered: Iterable[Word], off: Sequence[Box] = ()) -> bool:
        """Write the first word that is inside the map and meets no other.

        Parameters
        ----------
        off
            Fields that it keeps off too, where there is room elsewhere.
        """
        second_best = None
        for word in offered:
            box = box_of(word, self.pixel)
            if not (self._is_inside(word) and self._is_free(box)):
                continue
            if not any(_meet(box, o) for o in off):
                self.write(word)
                return True
            second_best = second_best or word
        if second_best:
            self.write(second_best)
        return second_best is not None

    def _is_inside(self, word: Word) -> bool:
        west, south, east, north = box_of(word, 2 * self.reach / _LEAST[self.wide])
        return max(-west, -south, east, north) < self.reach

    def _is_free(self, box: Box) -> bool:
        return not any(_meet(box, t) for t in self.taken)

    def write(self, word: Word) -> None:
        """Write a word and take its field."""
        self.taken.append(box_of(word, self.pixel))
        self.words.append(word)


def _meet(a: Box, b: Box) -> bool:
    return not (a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1])


def placed(
    reach: float,
    spots: pd.DataFrame,
    forces: Mapping[str, BaseGeometry],
    absent: Container[str],
    beat: tuple[str, BaseGeometry] | None,
    *,
    rings: bool,
    named: bool = True,
    square: Square | None = None,
) -> pd.DataFrame:
    """Place the map's words, once for a wide and once for a narrow map (`small`).

    First those the map cannot be read without (scale, north, rings, forces, the neighbourhood),
    then the names of the busiest points; a name that finds no room is left out, and the
    centre's mark stays free.

    Parameters
    ----------
    reach
        Half the map's side in metres.
    spots
        Points in metres from the centre, `x`, `y`, `name`, `crimes`, busiest first.
    forces
        The forces' names and their parts of the area; absent: those without data.
    beat
        The neighbourhood's name and its boundary.
    named
        Whether points are named; where there are streets, `name_labels` does it.
    square
        What is drawn larger on a map of its own.
    """
    sheets = []
    for wide, wanted in ((WIDTH, _NAMES), (NARROW, _NAMES_NARROW)):
        sheet = _Sheet(reach, wide, spots, rings=rings)
        if square:
            sheet.put(_at_square(square, sheet), sheet.discs)
        for force, part in forces.items():
            names = [f"{force} police area"]
            if force in absent:  # in little room the second says what matters
                names = [f"{names[0]}: no data held", "no data held"]
            sheet.put(word for name in names for word in _within(name, part, sheet))
        if beat:
            sheet.put(_along(beat, sheet))
        if named:
            _name_points(sheet, wanted)
        sheets.append(pd.DataFrame(sheet.words).assign(small=wide == NARROW))
    return pd.concat(sheets, ignore_index=True)


def of_part(frame: Frame) -> pd.DataFrame:
    """Return the words of a part that is drawn larger: scale and north."""
    sheets = []
    for wide in (WIDTH, NARROW):
        pixel = 2 * frame.reach / wide
        words = _corner_words(frame.reach, pixel, frame.bar)
        sheets.append(pd.DataFrame(words).assign(small=wide == NARROW))
    both = pd.concat(sheets, ignore_index=True)
    return both.assign(x=both["x"] + frame.east, y=both["y"] + frame.north)


def signs(reach: float, spots: pd.DataFrame, *, rings: bool) -> list[Word]:
    """Return the words of a small map without names: scale, north and, where asked, the two rings."""
    return _Sheet(reach, NARROW, spots, rings=rings).words


def box_of(word: Word, pixel: float) -> Box:
    """Return the field that a word covers, in metres, with a gap to the next."""
    wide = (len(word["name"]) * _LETTER + _GAP) * pixel
    start = {"left": 0.0, "center": -wide / 2, "right": -wide}[word["align"]]
    x, y = word["x"] + word["dx"] * pixel + start, word["y"]
    return (x, y - _LINE / 2 * pixel, x + wide, y + _LINE / 2 * pixel)


def _word(x: float, y: float, name: str, ink: str = INK) -> Word:
    return {"x": round(x), "y": round(y), "name": name, "align": "center", "dx": 0, "ink": ink}


def _corner_words(reach: float, pixel: float, bar: int = 500) -> list[Word]:
    low, edge = -reach * 0.97, reach * 0.95
    return [
        _word(max(low + bar / 2, 37 * pixel - reach), low + 12 * pixel, f"{bar} metres"),
        _word(edge, edge - 15 * pixel, "N"),
    ]


def _at_square(square: Square, sheet: _Sheet) -> list[Word]:
    """Offer places round about for the word at the part that is drawn larger."""
    wide = len(_ENLARGED) * _LETTER / 2 * sheet.pixel
    high = _LINE / 2 * sheet.pixel
    shares = (-1.0, 1.0, 0.0, -0.5, 0.5)
    level = [(s * (square.half - wide), up * (square.half + high)) for up in (1, -1) for s in shares]
    upright = [(right * (square.half + wide), s * (square.half - high)) for right in (1, -1) for s in shares]
    return [_word(square.x + x, square.y + y, _ENLARGED) for x, y in level + upright]


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


def _name_points(sheet: _Sheet, wanted: int) -> None:
    """Name the busiest points for which there is room."""
    for n, spot in enumerate(sheet.spots.head(4 * wanted).itertuples(index=False)):
        offered = _beside(spot, sheet.radius(spot) + 4, sheet.pixel)
        wanted -= sheet.put(offered, [*sheet.discs[:n], *sheet.discs[n + 1 :]])
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
        yield _word(at.x, at.y + 9 * sheet.pixel, beat[0], EDGE)


def _within(name: str, part: BaseGeometry, sheet: _Sheet) -> list[Word]:
    """Offer places for a force's name inside its part: those that hide least first."""
    spots = sheet.spots
    grid = np.linspace(-0.9 * sheet.reach, 0.9 * sheet.reach, 37)
    x, y = (v.ravel() for v in np.meshgrid(grid, grid))
    wide, high = (len(name) * _LETTER / 2 + _GAP) * sheet.pixel, _LINE * sheet.pixel
    fits = shapely.contains_properly(part, shapely.box(x - wide, y - high, x + wide, y + high))
    if not fits.any():
        at = part.representative_point()
        return [_word(at.x, at.y, name)]
    x, y = x[fits], y[fits]
    across = np.abs(x[:, None] - spots["x"].to_numpy()) < wide
    hidden = (across & (np.abs(y[:, None] - spots["y"].to_numpy()) < high)) @ spots["crimes"].to_numpy()
    best = np.lexsort((np.hypot(x, y), hidden))
    return [_word(x[k], y[k], name) for k in best]
