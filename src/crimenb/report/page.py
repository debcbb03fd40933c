"""One executed notebook -> one HTML file that needs no network and runs no foreign script."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import html
import json
import os
import re
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

import jinja2
import mistune
from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from crimenb.charts.display import (
    LINKED_EDGE,
    LINKED_GAP,
    LINKED_HIGH,
    LINKED_MONTHS,
    LINKED_SHARE,
    LINKED_WIDE,
    PHONE,
    SVG,
    id_of,
    narrow_drawing,
    resized,
    static_svg,
)
from crimenb.charts.metres import SHAPE
from crimenb.charts.theme import VEGALITE
from crimenb.errors import SnapshotError
from crimenb.files import cache_folder, read_regular
from crimenb.report.html import ROLE

if TYPE_CHECKING:
    import nbformat

NARROWEST, WIDEST, WIDEST_LINKED = 270, 760, 760
"""Widths between which the script draws a chart, in pixels."""

_LARGEST_BUNDLE = 8 * 1024**2

HIDDEN = "notebook-only"
"""Tag of cells for people in JupyterLab, which the page leaves out."""


def to_html(nb: nbformat.NotebookNode) -> str:
    """Return the page of an executed report notebook. The same notebook gives the same bytes."""
    cells, frame = _parts(nb)
    style = house_style() + asset("report", "report.css") + _footer(frame["foot"])
    boot, bundle = _script(), script_bundle()
    shapes = _share_shapes([o for c in cells for o in c["outputs"] if "spec" in o])
    drawn = any("spec" in o for c in cells for o in c["outputs"])
    return template("report", "report.html.j2").render(
        frame,
        shapes=shapes,
        cells=[
            c | {"outputs": [o for o in c["outputs"] if o["role"] not in ("title", "first")]}
            for c in _once(cells)
        ],
        contents=[c for c in cells if c["kind"] == "markdown" and c["anchor"]],
        style=Markup(style),
        scripts=[Markup(bundle), Markup(boot)] if drawn else [],
        policy=_policy(style, [bundle, boot] if drawn else []),
    )


SUMMARY_FIGURES = ("categories", "trend")
"""The figures that the summary on one page has."""

SHEET_WIDE, SHEET_HIGH = 860, 135
"""A chart on that page, in pixels: wider than the page, which shrinks its text, and its plot low, so that all fits."""


def to_summary(nb: nbformat.NotebookNode, values: dict[str, Any]) -> str:
    """Return a page to print on one sheet of A4: the first screen, two figures, what is missing, the source.

    Parameters
    ----------
    values
        What the first screen shows, as `summary.json` has it.
    """
    cells, frame = _parts(nb)
    style = (
        house_style()
        + asset("report", "report.css")
        + asset("report", "summary.css")
        + _footer(frame["foot"])
    )
    figures = [
        c for c in cells if c["number"] and any(o.get("name") in SUMMARY_FIGURES for o in c["outputs"])
    ]
    for out in (o for c in figures for o in c["outputs"] if "spec" in o):
        spec = json.loads(out["spec"])
        flat = resized(spec, SHEET_WIDE) | {"height": SHEET_HIGH}
        out["still"] = Markup(static_svg(flat, out["name"], spec["description"]))
    missing = [s for s in values["missing"] if s not in values["sentence"]]
    return template("report", "summary.html.j2").render(
        frame, figures=figures, missing=missing, values=values, style=Markup(style), policy=_policy(style, [])
    )


def _share_shapes(charts: list[dict[str, Any]]) -> list[str]:
    """Let charts point to their shapes in metres, which are on the page once; return them."""
    drawings = [(chart, name) for chart in charts for name in ("still", "narrow")]
    drawn = dict.fromkeys(path for chart, name in drawings for path in _METRES.findall(chart[name]))
    # What is together in every drawing stays one path: an enlarged map draws some of each class.
    used_by: dict[str, list[int]] = {}
    for i, path in enumerate(drawn):
        for shape in path.split("M")[1:]:
            used_by.setdefault(shape, []).append(i)
    together: dict[tuple[int, ...], list[str]] = {}
    for shape, by in used_by.items():
        together.setdefault(tuple(by), []).append(shape)
    uses: dict[int, str] = dict.fromkeys(range(len(drawn)), "")
    for number, drawings_of in enumerate(together, 1):
        for i in drawings_of:
            uses[i] += f'<use href="#metres-{number}"/>'
    known = dict(zip(drawn, uses.values(), strict=True))
    for chart, name in drawings:
        chart[name] = Markup(_METRES.sub(lambda path: known[path[1]], chart[name]))
    numbers = {
        f"M{one}": f"@{number}.{i}"
        for number, shapes in enumerate(together.values(), 1) for i, one in enumerate(shapes, 1)
    }  # fmt: skip
    for chart in charts if drawn else []:
        chart["spec"] = Markup(_SHAPE.sub(lambda m: f'{m[1]}{numbers.get(m[2], m[2])}"', chart["spec"]))
    return ["M" + "M".join(shapes) for shapes in together.values()]


_METRES = re.compile('<path class="metres" d="([^"]+)"/>')
_SHAPE = re.compile(f'("{SHAPE}":")(M[-0-9 lmz]+)"')


def _parts(nb: nbformat.NotebookNode) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the cells that a page shows, and its title, its heading and its first screen."""
    cells = [cell for cell in map(_cell, nb["cells"]) if cell]
    outputs = [o for c in cells for o in c["outputs"]]
    title = next((o for o in outputs if o["role"] == "title"), None)
    first = next((o for o in outputs if o["role"] == "first"), None)
    if title and title["state"] == "nothing":
        cells = _without_figures(cells)
    cells = _without_empty(cells)
    running = (title and title["running"]) or "Recorded crime"
    return cells, {
        "title": running,
        "foot": (title and title["foot"]) or running,
        "invented": running.startswith("Demonstration"),
        "heading": title["html"] if title else Markup("<h1>Recorded crime</h1>"),
        "first": first["html"] if first else "",
    }


@functools.cache
def house_style() -> str:
    """Return the rules that embed our own face, so that a text is as wide for every reader, and the colours."""
    rules = []
    for weight in (400, 700):
        face = (
            resources.files("crimenb")
            .joinpath("reference", "fonts", f"report-sans-{weight}.woff2")
            .read_bytes()
        )
        data = base64.b64encode(face).decode()
        rules.append(
            f'@font-face{{font-family:"Report Sans";font-weight:{weight};src:url(data:font/woff2;base64,{data})}}\n'
        )
    return "".join(rules) + asset("report", "colours.css")


def _without_figures(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop the figures of a place without a counted month."""
    return [c for c in cells if c["kind"] == "markdown" or not any(o["role"] == "head" for o in c["outputs"])]


def _without_empty(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop the headings below which nothing is shown, such as that of a section that was not asked for."""
    kept, shown = [], False
    for cell in reversed(cells):
        if not cell["anchor"] or shown:
            kept.append(cell)
        shown = not cell["anchor"] and (shown or bool(cell["outputs"]) or cell["kind"] == "markdown")
    return kept[::-1]


def _footer(text: str) -> str:
    """Return the rule that prints the report's name and the page's number on every sheet."""
    escaped = re.sub(r"[^\w ,.:()%-]", lambda m: f"\\{ord(m[0]):06x}", text)
    return f'@page{{@bottom-left{{content:"{escaped}"}}}}\n'


def _once(cells: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Drop the name of a note that only repeats the heading above it."""
    heading = ""
    for cell in cells:
        heading = str(cell["label"]) if cell["anchor"] else heading
        repeated = f'<p class="name">{heading}</p>'
        for out in cell["outputs"]:
            if out["role"] == "note":
                out["html"] = Markup(out["html"].replace(repeated, "", 1))
    return cells


def _policy(style: str, scripts: list[str]) -> str:
    """Return the content security policy: only these scripts and this style, no request."""
    allowed = " ".join(script_hash(s) for s in scripts) or "'none'"
    return (
        "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; font-src data:; "
        f"style-src {script_hash(style)}; script-src {allowed}"
    )


def script_hash(text: str) -> str:
    """Return a script or a style as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@functools.cache
def asset(package: str, name: str) -> str:
    """Return the text of a file among the templates of `report` or `batch`."""
    return resources.files(f"crimenb.{package}").joinpath("templates", name).read_text("utf-8")


@functools.cache
def _script() -> str:
    """Return the page's own script, with the sizes that the static drawings have too."""
    text = template("report", "report.js").render(
        PHONE=PHONE, LINKED_WIDE=LINKED_WIDE, LINKED_HIGH=LINKED_HIGH, LINKED_MONTHS=LINKED_MONTHS,
        LINKED_SHARE=LINKED_SHARE, LINKED_EDGE=LINKED_EDGE, LINKED_GAP=LINKED_GAP,
        NARROWEST=NARROWEST, WIDEST=WIDEST, WIDEST_LINKED=WIDEST_LINKED, SHAPE=SHAPE,
    )  # fmt: skip
    return f"{text}\n"


@functools.cache
def template(package: str, name: str) -> jinja2.Template:
    """Return a template of `report` or `batch`, which escapes what it is given."""
    env = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return env.from_string(asset(package, name))


BUNDLES = {"1.9.0.post1": "4c7f996da8d9b26c5bee87ca692833a40a53e0a876c422ec6b3dde9aa0429e29"}
"""SHA-256 of the script that each version of vl-convert-python makes: only these are cached on disk."""


@functools.cache
def script_bundle() -> str:
    """Return Vega, Vega-Lite and vega-embed as one script; made once (2 s), then cached on disk.

    A cached file enters a page only if its bytes are those that we would make ourselves.
    """
    version = metadata.version("vl-convert-python")
    cached, digest = cache_folder() / f"vega-{version}.js", BUNDLES.get(version)
    with contextlib.suppress(OSError, UnicodeDecodeError, SnapshotError):
        raw = read_regular(cached, _LARGEST_BUNDLE)
        if hashlib.sha256(raw).hexdigest() == digest:
            return raw.decode()
    bundle = _make_bundle()
    if hashlib.sha256(bundle.encode()).hexdigest() == digest:
        with contextlib.suppress(OSError):  # then it is made anew each time
            cached.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = cached.with_suffix(f".{os.getpid()}.part")
            part.write_text(bundle, "utf-8", newline="")
            part.replace(cached)
    return bundle


def _make_bundle() -> str:
    from vl_convert import javascript_bundle

    # Its names are declared at the top level; a function keeps them from colliding.
    bundle: str = f"(function(){{{javascript_bundle()}}})();"  # type: ignore[call-arg]
    if "</script" in bundle.lower():
        bundle = re.sub("</(?=script)", "<\\\\/", bundle, flags=re.IGNORECASE)
    return bundle


# ------------------------------------------------------------------------- cells


def _cell(cell: Any) -> dict[str, Any] | None:
    tags = cell["metadata"].get("tags", [])
    if HIDDEN in tags:
        return None
    if cell["cell_type"] == "markdown":
        text = str(mistune.html(cell["source"]))
        heading = re.search(r"<h2>(.*?)</h2>", text)
        anchor = re.sub(r"[^a-z0-9]+", "-", heading[1].lower()).strip("-") if heading else ""
        text = text.replace("<h2>", f'<h2 id="{anchor}">', 1)
        label = Markup(heading[1]) if heading else ""
        return {"kind": "markdown", "html": Markup(text), "anchor": anchor, "label": label, "number": 0,
                "outputs": []}  # fmt: skip
    if cell["cell_type"] != "code":
        return None
    outputs = [o for o in map(_output, cell["outputs"]) if o]
    heads = [o for o in outputs if o["role"] == "head"]
    if heads:  # it says already why nothing is drawn
        outputs = [o for o in outputs if o["role"] != "empty"]
        # Its table is inside the figure's own fold.
        outputs = [
            o | {"html": Markup(_FOLD.sub("", o["html"]))} if o["role"] == "table" else o for o in outputs
        ]
        outputs = [o | {"html": _first_paragraph(o["html"])} if o["role"] == "text" else o for o in outputs]
    quiet = not outputs or "setup" in tags
    return {
        "kind": "code", "code": Markup(_code(cell["source"])), "anchor": "", "label": "",
        "outputs": [] if quiet else outputs,
        "figure": bool(heads), "number": "".join(o["number"] for o in heads),
    }  # fmt: skip


def _first_paragraph(text: Markup) -> tuple[Markup, Markup]:
    """Part what stands under a figure from what is in its fold: one paragraph, and the others."""
    first, end, rest = str(text).partition("</p>")
    return Markup(first + end), Markup(rest)


def _code(source: str) -> str:
    return str(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True, classprefix="k-")))


def _output(out: Any) -> dict[str, Any] | None:
    data = out.get("data", {})
    role = out.get("metadata", {}).get(ROLE, {})
    if VEGALITE in data and SVG in data:
        return _figure(data, str(role.get("name", "figure")))
    if empty := data.get(VEGALITE, {}).get("usermeta", {}).get("empty"):
        return {"role": "empty", "html": Markup(f"<p>{html.escape(empty)}</p>")}
    kind = str(role.get("role", "other"))
    if "text/html" in data:
        number = str(role.get("number", ""))
        link = f'<h3><a href="#figure-{number}">Figure {number}.</a> '
        html_ = Markup(data["text/html"].replace(f"<h3>Figure {number}. ", link, 1))
        more = {key: str(role.get(key, "")) for key in ("name", "running", "foot", "state")}
        return {"role": kind, "html": html_, "number": number} | more
    if SVG in data:
        return {"role": kind, "html": Markup(data[SVG])}
    text = data.get("text/plain", out.get("text", ""))
    return {"role": kind, "html": Markup(f"<pre>{html.escape(text)}</pre>")} if text else None


_FOLD = re.compile(r'^<details class="data"><summary>.*?</summary>|</details>$')
"""What folds a table in a notebook, and on the page where it belongs to no figure."""


# ------------------------------------------------------------------------ charts


def _figure(data: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a chart as the drawing that its notebook keeps, and its specification for the script to draw."""
    spec = data[VEGALITE]
    raw = json.dumps(spec, ensure_ascii=False, separators=(",", ":"))
    for char, escaped in (("<", "\\u003c"), ("\u2028", "\\u2028"), ("\u2029", "\\u2029")):
        raw = raw.replace(char, escaped)
    return {
        "role": "chart", "name": id_of(name), "spec": Markup(raw),
        "linked": "linked" in spec.get("usermeta", {}), "still": Markup(data[SVG]),
        "narrow": Markup(narrow_drawing(spec, name)),
    }  # fmt: skip
