"""Shapes as SVG paths in whole metres from the centre of a map, and the drawings that hold them.

Vega scales a mark's own shape, so a specification says each shape once, at whatever width it is drawn.
A drawing has them so too: what Vega would write in pixels for each width is put back in metres.
"""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = "s"
"""Name of the field, in a row of a chart's data, that holds a path in metres."""

_PATH = re.compile(r"M[-\d ]+[lz][-\d lmz]*")
_UNIT = 1000
"""Metres that the line for a shape goes down at its end: from them the scale is read."""

_ONE = re.compile(r'<path transform="(translate\([\d.,-]+\))" d="M0,0L([\d.]+),0L[\d.]+,([\d.]+)"([^>]*)/>')
_RUN = re.compile(r'(?:<path transform="translate\([\d.,-]+\)" d="M0,0L[\d.]+,0L[\d.]+,[\d.]+"[^>]*/>)+')
_LENGTHS = re.compile(r'(stroke-(?:width|dasharray))="([\d., ]+)"')


def paths(shapes: Any, x: float, y: float) -> list[str]:
    """Return lines or areas (metres) as paths in whole metres from a centre, y downwards; "" of nothing.

    Each begins with the only capital letter in it: so a path of several can be taken apart again.
    """
    parts, owner = shapely.get_parts(shapes, return_index=True)
    parts, again = shapely.get_parts(parts, return_index=True)  # of a collection
    areas = shapely.get_dimensions(parts) == 2
    rings, of = shapely.get_rings(parts[areas], return_index=True)
    lines, closed = (
        np.concatenate([parts[~areas], rings]),
        np.repeat([False, True], [sum(~areas), len(rings)]),
    )
    owner = np.concatenate([owner[again][~areas], owner[again][areas][of]])
    corners, at = shapely.get_coordinates(lines, return_index=True)
    xy = np.round((corners - [x, y]) * [1, -1]).astype(int).tolist()
    texts, here = [""] * len(shapes), [(0, 0)] * len(shapes)
    start = 0
    for end in (np.flatnonzero(np.diff(at, append=-1)) + 1).tolist():
        one = owner[at[start]]
        is_first = not texts[one]
        text, here[one] = _line(xy[start:end], here[one], is_area=bool(closed[at[start]]), is_first=is_first)
        texts[one] += text
        start = end
    return [text.replace(" -", "-") for text in texts]


def _line(
    corners: list[list[int]], here: tuple[int, int], *, is_area: bool, is_first: bool
) -> tuple[str, tuple[int, int]]:
    """Return the moves along a line that begins so far from where the last one ended; and its own end."""
    (x, y), steps = corners[0], []
    begun = (x, y)
    for cx, cy in corners[1:]:
        if (cx, cy) != (x, y):
            steps.append(f" {cx - x} {cy - y}")
            x, y = cx, cy
    if is_area:  # the last step closes it
        x, y, steps = *begun, steps[:-1]
    if len(steps) <= is_area:
        return "", here
    begin = f"{begun[0] - here[0]} {begun[1] - here[1]}"
    along = "".join(steps)
    text = f"M{begin}l{along[1:]}" if is_first else f"m{begin}{along}"
    return text + "z" * is_area, (x, y)


def shape_size(reach: float, side: str) -> dict[str, str]:
    """Return the size at which Vega draws a shape in metres: it takes half its root as the scale.

    Parameters
    ----------
    reach
        Half the side of the map in metres.
    side
        The expression that gives that side in pixels.
    """
    return {"expr": f"pow({side} / {reach:.2f}, 2)"}


def each_shape(spec: Any, change: Callable[[str], str]) -> Any:
    """Return a specification with each of its paths in metres changed."""
    if isinstance(spec, dict):
        return {
            key: change(value) if key == SHAPE and isinstance(value, str) and _PATH.fullmatch(value)
            else each_shape(value, change)
            for key, value in spec.items()
        }  # fmt: skip
    return [each_shape(part, change) for part in spec] if isinstance(spec, list) else spec


def reach_of(spec: dict[str, Any]) -> float:
    """Return half the side of a specification's map in metres; 0 where it has no shapes in metres."""
    return float(spec.get("usermeta", {}).get("reach", 0))


def short(spec: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a specification with a line instead of each shape, as many metres long as its number; the shapes."""
    shapes: list[str] = []
    if not reach_of(spec):
        return spec, shapes

    def shortened(shape: str) -> str:
        shapes.append(shape)
        return f"M0 0h{len(shapes)}v{_UNIT}"

    return each_shape(spec, shortened), shapes


def restored(svg: str, shapes: list[str]) -> str:
    """Return a drawing of a short specification with its shapes, those that look alike as one path."""

    def together(run: re.Match[str]) -> str:
        marks = []
        for move, length, down, written in _ONE.findall(run[0]):
            scale = float(down) / _UNIT
            look = _in_metres(written, scale)
            shape = shapes[round(float(length) / scale) - 1]
            marks.append((_width(look), look, f"{move} scale({scale:.6g})", shape))
        parts = []
        for (_, look, move), alike in groupby(sorted(marks), key=lambda mark: mark[:3]):
            drawn = "".join(mark[3] for mark in alike)
            parts.append(f'<g transform="{move}"{look}><path class="metres" d="{drawn}"/></g>')
        return "".join(parts)

    return _RUN.sub(together, svg) if shapes else svg


def _in_metres(look: str, scale: float) -> str:
    """Return the attributes of a line with its lengths as they are before the drawing is scaled."""

    def divided(match: re.Match[str]) -> str:
        return f'{match[1]}="{",".join(f"{float(n) / scale:.4g}" for n in re.split("[, ]+", match[2]))}"'

    return _LENGTHS.sub(divided, look)


def _width(look: str) -> float:
    found = re.search(r'stroke-width="([\d.]+)"', look)
    return float(found[1]) if found else 0.0
