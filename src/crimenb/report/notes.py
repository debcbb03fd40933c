"""The reading notes, filled with a report's own numbers.

A note is Markdown first and takes its values afterwards, so that nothing from outside is parsed.
"""

from __future__ import annotations

import functools
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
import mistune
import pandas as pd
from markupsafe import Markup, escape

from crimenb.data import remembered
from crimenb.errors import QueryError
from crimenb.measures import points as map_points
from crimenb.measures.counts import count_by_point, scope, summed_months, totals
from crimenb.measures.months import months_with_range, range_of
from crimenb.measures.outcomes import outcomes
from crimenb.report.html import Words
from crimenb.schema import BTP
from crimenb.wording import format as write

if TYPE_CHECKING:
    from crimenb.data import Data

# ------------------------------------------------------------------------- notes


def notes() -> list[str]:
    """Return the names of the reading notes, sorted."""
    folder = resources.files("crimenb.report").joinpath("notes")
    return sorted(f.name.removesuffix(".md") for f in folder.iterdir() if f.name.endswith(".md"))


@functools.cache
def _note_source(name: str) -> str:
    if name not in notes():
        msg = f"There is no note {name!r}; the notes are {', '.join(notes())}."
        raise QueryError(msg)
    return resources.files("crimenb.report").joinpath("notes", f"{name}.md").read_text("utf-8")


_PLAIN = jinja2.Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
_HTML = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)


@functools.cache
def _template(name: str, engine: jinja2.Environment) -> jinja2.Template:
    return engine.from_string(_note_source(name))


def note_text(name: str, data: Data | None = None) -> str:
    """Return a note as plain Markdown, with a report's own numbers where data are given.

    Raises
    ------
    QueryError
        There is no such note; the message lists those there are.
    """
    return _template(name, _PLAIN).render(facts(data) if data else {}).strip()


def note(name: str, data: Data | None = None) -> Words:
    """Return a reading note, filled with the numbers of this report.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.note("limits", data)
    # What this report is, and what it is not
    ...
    """
    # Markdown first, values afterwards: what comes from outside is escaped, never parsed.
    known = {k: Markup(f"\x02{k}\x03") if isinstance(v, str) and v else v for k, v in _facts(data).items()}
    text = _template(name, _HTML).render(known)
    title, _, rest = text.partition("\n")
    html = str(mistune.html(rest))
    for key, value in _facts(data).items():
        html = html.replace(f"\x02{key}\x03", str(escape(value)))
    # No heading: a figure has one already, and a section whose name it repeats has another.
    html = f'<div class="note"><p class="name">{escape(title.removeprefix("# "))}</p>{html}</div>'
    return Words(html, note_text(name, data), "note")


def _facts(data: Data | None) -> dict[str, Any]:
    return facts(data) if data is not None else {}


@remembered
def facts(data: Data) -> dict[str, Any]:
    """Return the numbers of a report as the notes use them, already written out."""
    t = totals(data)
    source, crimes = data.source, data.of().crimes
    points = count_by_point(data)
    held = summed_months(data)
    around = data.surroundings[data.surroundings["postcode"] == data.query.postcode]
    unlocated = around["unlocated"].sum()
    located = (around["rest"].sum() + (crimes["reported_by"] != BTP).sum()) or 1
    ranges = {s: "low" in months_with_range(data, s) for s in ("crime", "asb")}
    copies = map_points.duplicates(data).asb
    gaps = [f"{write.months(list(g['month']))} ({status})" for status, g in gaps_by_cause(data)]
    return {
        "demo": write.is_demo(data),
        "place": data.query.postcode,
        "where": write.where(data),
        "period": write.span(held) if held else "",
        "newest": write.month(t.latest_month) if t.latest_month else "",
        "release": write.month(source["release"]) if source.get("release") else "",
        "source_name": source.get("name", ""),
        "records": f"{t.crime + t.asb:,}" if t.crime + t.asb else "",
        "points": f"{t.points:,}" if t.points else "",
        "busiest": f"{t.busiest:,}" if t.busiest else "",
        "busiest_name": t.busiest_name or ("an unnamed place" if t.busiest else ""),
        "busiest_share": write.percent(points["share"].iloc[0]) if t.crime + t.asb >= 100 else "",
        "half_points": write.count(t.half_at) if t.points else "",
        "months_asked": write.count(t.months_asked),
        "months_held": write.count(t.months_summed),
        "gaps": "; ".join(gaps),
        "unlocated_share": f"{unlocated / (unlocated + located):.1%}" if unlocated else "",
        "crime_total": f"{t.crime:,}" if held else "",
        "asb_total": f"{t.asb:,}" if held else "",
        "asb_duplicates": f"{copies:,}" if copies else "",
        "btp": f"{t.btp:,}" if t.btp else "",
        "part": scope(data).kind == "part",
        "thin": bool(scope(data).thin),
        "unsettled": write.months(outcomes(data).unsettled) if held else "",
        "range_crime": ranges["crime"],
        "range_asb": ranges["asb"],
        "range_season": ranges["asb"] and range_of(data, "asb").controlled is not None,
    }


def gaps_by_cause(data: Data) -> list[tuple[str, pd.DataFrame]]:
    """Return the months not summed in groups of one status and one reason."""
    months = data.of().months
    rest = months[~months["month"].isin(summed_months(data))]
    cause = rest["why"].map(cause_of)
    return [(str(key[0]), group) for key, group in rest.groupby([rest["status"], cause], sort=True)]


def cause_of(why: str) -> str:
    """Return a month's reason without the name of its file: so it is one for many months."""
    return re.sub(r" ?\(\d{4}-\d{2}-.*?\)", "", why)
