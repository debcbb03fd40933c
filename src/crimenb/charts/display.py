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
from typing import Any

import altair as alt

from crimenb.charts.theme import VEGALITE, specified
from crimenb.warm import drawings


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
        bundle["image/svg+xml"] = static_svg(spec, "", label)
    return bundle


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


def static_svg(spec: dict[str, Any], prefix: str, label: str) -> str:
    """Return a chart as one named image in SVG, the same bytes for the same specification.

    Parameters
    ----------
    prefix
        What its ids begin with; "" for one made of the specification, where nobody knows what
        else is on the page.
    """
    svg = drawings.draw(spec)
    prefix = prefix or "c" + hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8] + "-"
    # The ids come from a counter of the process: renamed by the chart and order of appearance.
    for i, old in enumerate(dict.fromkeys(re.findall(r'\bid="([^"]+)"', svg))):
        svg = re.sub(rf'(id="|url\(#|href="#){re.escape(old)}(?=["\)])', rf"\g<1>{prefix}{i}", svg)
    svg = re.sub(r' (?:aria-[a-z]+|role|style)="[^"]*"', "", svg)
    # A map has a thousand circles: each as one, and no number finer than the eye.
    svg = _CIRCLE.sub(r'<circle cx="\1" cy="\2" r="\3"', svg)
    svg = re.sub(r'(\d\.\d\d)\d+(?=[,)" A-Za-z-])', r"\1", svg)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(label)}" ', 1)
