"""What a notebook keeps of a chart: its specification, and a drawing for where nothing draws it.

JupyterLab draws the specification itself. Stock nbconvert shows the SVG, which has presentation
attributes only, because GitHub strips styles. There is no HTML: JupyterLab would show it instead,
and Altair's own loads its scripts from a server.
"""

from __future__ import annotations

import contextlib
import hashlib
import html
import json
import re
from itertools import groupby
from typing import Any

import altair as alt

from crimenb.charts import metres
from crimenb.charts.theme import INK, VEGALITE, specified
from crimenb.warm import drawings

SVG = "image/svg+xml"

STILL, STILL_LINKED, STILL_SQUARE, NARROW = 760, 640, 620, 343
"""Width of the drawing of a report's figure, for paper and wherever nothing draws: that of the page's
column, less for a map, which is as high as wide; and of the page's second one, for a phone."""

PHONE = 500
"""Outer width below which a chart is drawn as on a phone."""

LINKED_WIDE, LINKED_HIGH, LINKED_MONTHS = 600, 364, 54
"""The linked figure: the width that fits two views, the height of bars that stand alone, and
what stands beside the months, in pixels."""

LINKED_SHARE, LINKED_EDGE, LINKED_GAP = 0.48, 10, 24
"""The linked figure: the map's share of the width, the edge beside the views, and between the two."""


def mimebundle(chart: Any) -> Any:
    """Return what a notebook keeps of an Altair chart, the same bytes for the same chart.

    A renderer that was enabled by `alt.renderers.enable` is left to do its work, and so is a theme.
    """
    if alt.renderers.active != "default":
        return chart._repr_mimebundle_()
    spec = specified(chart, alt.theme.active)
    # Without its address JupyterLab takes the specification as of the version it can draw.
    spec = {key: value for key, value in spec.items() if key != "$schema" and value != {}}
    label = " ".join(descriptions(spec)) or "drawn by Altair"
    bundle: dict[str, Any] = {VEGALITE: spec, "text/plain": f"[Chart] {label}"}
    with contextlib.suppress(ValueError):  # what Vega cannot draw here, it says in the notebook
        bundle[SVG] = static_svg(spec, "", label)
    return bundle


def figure_bundle(spec: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what a notebook keeps of a report's figure; its page is made of that.

    In a kernel whose owner draws, the drawing is left to `add_drawing`: the bytes are the same.
    """
    bundle = {VEGALITE: spec, "text/plain": f"[Chart] {spec['description']}"}
    if not drawings.OWNER_DRAWS:
        add_drawing(bundle, name)
    return bundle


def begin_drawing(bundle: dict[str, Any]) -> None:
    """Begin what `add_drawing` will need, where another process can draw it."""
    if _lacks_drawing(bundle):
        drawings.expect(metres.short(_still(bundle[VEGALITE]))[0])
        if "linked" not in bundle[VEGALITE]["usermeta"]:
            drawings.expect(metres.short(resized(bundle[VEGALITE], NARROW))[0])


def add_drawing(bundle: dict[str, Any], name: str) -> None:
    """Put a figure's drawing beside its specification, unless it is there or nothing is drawn."""
    if _lacks_drawing(bundle):
        spec = bundle[VEGALITE]
        bundle[SVG] = static_svg(_still(spec), id_of(name), spec["description"])


def narrow_drawing(spec: dict[str, Any], name: str) -> str:
    """Return a figure's drawing for a phone, where no script draws one; "" of the linked figure."""
    if "linked" in spec.get("usermeta", {}):
        return ""
    return static_svg(resized(spec, NARROW), f"{id_of(name)}-narrow", spec.get("description", name))


def _lacks_drawing(bundle: dict[str, Any]) -> bool:
    return SVG not in bundle and "empty" not in bundle[VEGALITE]["usermeta"]


def id_of(name: str) -> str:
    """Return a figure's name as it stands in ids."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower())


def descriptions(spec: dict[str, Any]) -> list[str]:
    """Return what a chart says of itself, or what the charts that it is made of say."""
    if "description" in spec:
        return [str(spec["description"])]
    parts = [p for key in ("layer", "hconcat", "vconcat", "concat") for p in spec.get(key, [])]
    parts += [spec["spec"]] if "spec" in spec else []  # of a chart in facets
    return [text for part in parts for text in descriptions(part)]


_CIRCLE = re.compile(
    r'<path transform="translate\(([\d.-]+),([\d.-]+)\)" '
    r'd="M([\d.]+),0A\3,\3,0,1,1,-\3,0A\3,\3,0,1,1,\3,0"'
)


_RUNS = re.compile(r"(?:<(?:circle|line) [^>]*/>){2,}|(?:<text [^>]*>[^<]*</text>){2,}")
_PART = re.compile(r"<(\w+)([^>]*?)(/?>[^<]*(?:</text>)?)")
_ITS_OWN = re.compile(r' (?:c[xy]|r|[xy]2|transform|opacity)="[^"]*"')
"""A run of circles, lines or words; one of them; and what is its own, where they look alike. Opacity is, since
they overlap."""


def _alike_once(run: re.Match[str]) -> str:
    """Return a run of marks with what they look like said once for those that look alike."""
    marks = []
    for tag, attributes, end in _PART.findall(run[0]):
        own = "".join(_ITS_OWN.findall(attributes))
        marks.append((_ITS_OWN.sub("", attributes), f"<{tag}{own}{end}", f"<{tag}{attributes}{end}"))
    parts = []
    for look, alike in groupby(marks, key=lambda mark: mark[0]):
        some = list(alike)
        # A page colours its words by itself: one in another colour keeps it.
        whole = len(some) < 2 or ("<text" in some[0][1] and f'fill="{INK}"' not in look)
        parts.append("".join(m[2] for m in some) if whole else f"<g{look}>{''.join(m[1] for m in some)}</g>")
    return "".join(parts)


def static_svg(spec: dict[str, Any], prefix: str, label: str) -> str:
    """Return a chart as one named image in SVG, the same bytes for the same specification.

    Parameters
    ----------
    prefix
        What its ids begin with; "" for one made of the specification, where nobody knows what
        else is on the page.
    """
    plain, shapes = metres.short(spec)
    svg = drawings.draw(plain)
    prefix = prefix or "c" + hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8] + "-"
    # The ids come from a counter of the process: renamed by the chart and order of appearance.
    for i, old in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        svg = re.sub(rf'(id="|url\(#|href="#){re.escape(old)}(?=["\)])', rf"\g<1>{prefix}{i}", svg)
    svg = re.sub(r' (?:aria-[a-z]+|role|style)="[^"]*"', "", svg)
    # A map has a thousand circles: each as one, and no number finer than the eye.
    svg = _CIRCLE.sub(r'<circle cx="\1" cy="\2" r="\3"', svg)
    svg = re.sub(r'(\d\.\d\d)\d+(?=[,)" A-Za-z-])', r"\1", svg)
    svg = _RUNS.sub(_alike_once, svg.replace(' opacity="1"', ""))
    svg = metres.restored(svg, shapes)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)


def _still(spec: dict[str, Any]) -> dict[str, Any]:
    """Return a figure's specification at the width of its drawing."""
    meta = spec["usermeta"]
    return resized(spec, STILL_LINKED if "linked" in meta else STILL_SQUARE if meta.get("square") else STILL)


def resized(spec: dict[str, Any], width: int) -> dict[str, Any]:
    """Return a chart's specification for another outer width in pixels.

    The page's script does the same for the room there is on the screen.
    """
    meta = spec.get("usermeta", {})
    plot = width - int(meta.get("narrow" if width < PHONE else "margin", 0))
    if "linked" in meta:
        return spec | _linked(spec, width)
    return spec | {"width": plot} | ({"height": plot} if meta.get("square") else {})


def _linked(spec: dict[str, Any], width: int) -> dict[str, Any]:
    """Return the three linked views beside each other, or one below the other on a phone."""
    (first, second), third = spec["vconcat"][0]["hconcat"], spec["vconcat"][1]
    wide = width >= LINKED_WIDE
    side = round(width * LINKED_SHARE) if wide else width - LINKED_EDGE
    left = width - LINKED_EDGE - (side + LINKED_GAP if wide else 0)
    bars = first | {"width": left, "height": side if wide else LINKED_HIGH}
    spots, months = second | {"width": side, "height": side}, third | {"width": width - LINKED_MONTHS}
    top = [spec["vconcat"][0] | {"hconcat": [bars, spots]}] if wide else [bars, spots]
    known = {"room": width, "bars": left, "side": side}
    params = [p | {"value": known[p["name"]]} if p["name"] in known else p for p in spec["params"]]
    return {"vconcat": [*top, months], "params": params}
