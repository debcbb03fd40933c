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

    from shapely.geometry.base import BaseGeometry

SHAPE = "s"
"""Name of the field, in a row of a chart's data, that holds a path in metres."""

_PATH = re.compile(r"M[-\d ]+[lz][-\d lmz]*")
_RUN = re.compile(r'(?:<path transform="translate\([\d.,]+\)" d="M0,0L[\d.]+,0"[^>]*/>)+')
_ONE = re.compile(r'<path transform="translate\(([\d.]+),[\d.]+\)" d="M0,0L([\d.]+),0"([^>]*)/>')
_LENGTHS = re.compile(r'(stroke-(?:width|dasharray))="([\d., ]+)"')


def path(shape: BaseGeometry, x: float, y: float) -> str:
    """Return lines or areas (metres) as a path in whole metres from a centre, y downwards; "" of nothing.

    It begins with the only capital letter in it: so a path of several shapes can be taken apart again.
    """
    parts: list[str] = []
    at = np.array([0, 0])
    for part in shapely.get_parts(shapely.get_parts(shape)):
        rings = [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
        for ring in rings:
            corners = np.round((shapely.get_coordinates(ring) - [x, y]) * [1, -1]).astype(int)
            steps = np.diff(corners, axis=0)
            steps = steps[steps.any(axis=1)]
            closed = part.geom_type == "Polygon"
            steps = steps[: len(steps) - closed]
            if len(steps) <= closed:
                continue
            start = corners[0] - at
            move = (
                f"m{_numbers(start)}{_numbers(steps, after=True)}"
                if parts
                else f"M{_numbers(start)}l{_numbers(steps)}"
            )
            parts.append(move + "z" * closed)
            at = corners[0] if closed else corners[-1]
    return "".join(parts)


def _numbers(values: np.ndarray, *, after: bool = False) -> str:
    text = " ".join(map(str, values.ravel().tolist())).replace(" -", "-")
    return f" {text}" if after and not text.startswith("-") else text


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
        return f"M0 0h{len(shapes)}"

    return each_shape(spec, shortened), shapes


def restored(svg: str, shapes: list[str], reach: float) -> str:
    """Return a drawing of a short specification with its shapes, those that look alike as one path."""

    def together(run: re.Match[str]) -> str:
        marks = []
        for middle, length, written in _ONE.findall(run[0]):
            scale = float(middle) / reach
            look = _in_metres(written, scale)
            shape = shapes[round(float(length) / scale) - 1]
            marks.append((_width(look), look, float(middle), scale, shape))
        parts = []
        for (_, look, middle, scale), alike in groupby(sorted(marks), key=lambda mark: mark[:4]):
            drawn = "".join(mark[4] for mark in alike)
            move = f"translate({middle:g},{middle:g}) scale({scale:.6f})"
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
