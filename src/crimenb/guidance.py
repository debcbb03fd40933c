"""The reading notes, filled with a report's own numbers, and the tables beside the figures.

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

from crimenb import cautions, measures, phrases, words
from crimenb.errors import QueryError
from crimenb.outcomes import outcomes
from crimenb.pieces import Column, Words, paragraphs, table
from crimenb.sums import deciding, scope
from crimenb.tables import BTP, force_name, remembered
from crimenb.trends import months_with_range, range_of

if TYPE_CHECKING:
    from crimenb.tables import Data


# ------------------------------------------------------------------------- notes


def notes() -> list[str]:
    """Return the names of the reading notes, sorted."""
    folder = resources.files("crimenb").joinpath("notes")
    return sorted(f.name.removesuffix(".md") for f in folder.iterdir() if f.name.endswith(".md"))


@functools.cache
def _note_source(name: str) -> str:
    if name not in notes():
        msg = f"There is no note {name!r}; the notes are {', '.join(notes())}."
        raise QueryError(msg)
    return resources.files("crimenb").joinpath("notes", f"{name}.md").read_text("utf-8")


_PLAIN = jinja2.Environment(autoescape=False, trim_blocks=True, lstrip_blocks=True)
_HTML = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)


@functools.cache
def _template(name: str, engine: jinja2.Environment) -> jinja2.Template:
    return engine.from_string(_note_source(name))


def note_text(name: str, data: Data | None = None) -> str:
    """Return a note as plain Markdown, with a report's own numbers where data are given.

    Raises:
        QueryError: There is no such note; the message lists those there are.
    """
    return _template(name, _PLAIN).render(facts(data) if data else {}).strip()


def note(name: str, data: Data | None = None) -> Words:
    """Return a reading note, filled with the numbers of this report.

    Examples:
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
    t = measures.totals(data)
    source, crimes = data.source, data.of().crimes
    points = measures.count_by_point(data)
    held = measures.summed_months(data)
    around = data.surroundings[data.surroundings["postcode"] == data.query.postcode]
    unlocated = around["unlocated"].sum()
    located = (around["rest"].sum() + (crimes["reported_by"] != BTP).sum()) or 1
    ranges = {s: "low" in months_with_range(data, s) for s in ("crime", "asb")}
    copies = cautions.duplicates(data).asb
    gaps = [f"{phrases.months(list(g['month']))} ({status})" for status, g in _gaps(data)]
    return {
        "demo": words.is_demo(data),
        "place": data.query.postcode,
        "where": words.where(data),
        "period": phrases.span(held) if held else "",
        "newest": words.month(t.latest_month) if t.latest_month else "",
        "release": words.month(source["release"]) if source.get("release") else "",
        "source_name": source.get("name", ""),
        "records": f"{t.crime + t.asb:,}" if t.crime + t.asb else "",
        "points": f"{t.points:,}" if t.points else "",
        "busiest": f"{t.busiest:,}" if t.busiest else "",
        "busiest_name": t.busiest_name or ("an unnamed place" if t.busiest else ""),
        "busiest_share": words.percent(points["share"].iloc[0]) if t.crime + t.asb >= 100 else "",
        "half_points": words.count(t.half_at) if t.points else "",
        "months_asked": words.count(t.months_asked),
        "months_held": words.count(t.months_summed),
        "gaps": "; ".join(gaps),
        "unlocated_share": f"{unlocated / (unlocated + located):.1%}" if unlocated else "",
        "crime_total": f"{t.crime:,}" if held else "",
        "asb_total": f"{t.asb:,}" if held else "",
        "asb_duplicates": f"{copies:,}" if copies else "",
        "btp": f"{t.btp:,}" if t.btp else "",
        "part": scope(data).kind == "part",
        "thin": bool(scope(data).thin),
        "unsettled": phrases.months(outcomes(data).unsettled) if held else "",
        "range_crime": ranges["crime"],
        "range_asb": ranges["asb"],
        "range_season": ranges["asb"] and range_of(data, "asb").controlled is not None,
    }


def _gaps(data: Data) -> list[tuple[str, pd.DataFrame]]:
    months = data.of().months
    rest = months[~months["month"].isin(measures.summed_months(data))]
    cause = rest["why"].map(_cause)
    return [(str(key[0]), group) for key, group in rest.groupby([rest["status"], cause], sort=True)]


def _cause(why: str) -> str:
    """Return a month's reason without the name of its file: so it is one for many months."""
    return re.sub(r" ?\(\d{4}-\d{2}-.*?\)", "", why)


def title(data: Data) -> Words:
    """Return the title block: what, where, when; what is missing; that a demo is a demo.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.title(data)
        Demonstration: recorded crime in the mile around ZZ9 9ZZ
        ...
    """
    q = data.query
    what = f"Recorded crime in {words.where(data)}"
    held = measures.summed_months(data)
    lines = [f"Police-recorded crime and anti-social behaviour, {words.period(q.start, q.end)}."]
    if not held:
        what = f"Recorded crime in {words.place_name(data)}: not held for these months"
        why = sorted({_cause(w) for w in data.of().months["why"] if w})
        lines.append(f"No figure can be given: {why[0] if why else ''} This is not a count of zero.")
    elif len(held) < len(q.months):
        verb = "is" if len(held) == 1 else "are"
        rest = "other" if len(q.months) - len(held) == 1 else "others"
        lines.append(
            f"{phrases.opening(len(held))} of these {phrases.spelt(len(q.months))} months {verb} counted: "
            f"{phrases.span(held)}. What happened in the {rest} is not known here."
        )
    if held and (said := scope(data)).kind == "part":
        others = words.listing([force_name(f) for f in said.absent])
        lines.append(
            f"Every figure on this page speaks of {words.where(data)} only. The rest is "
            f"policed by {others}, whose records are not held for these months."
        )
    if data.of().places["kind"].iloc[0] == "area":
        lines.append(words.edge(data))
    if (source := data.source).get("release") and source.get("retrieved") and not words.is_demo(data):
        lines.append(
            f"Data of police.uk: release of {words.month(source['release'])}, "
            f"retrieved on {phrases.day(source['retrieved'])}."
        )
    if words.is_demo(data):
        what = f"Demonstration: {what[0].lower()}{what[1:]}"
        lines.insert(0, "Demonstration data: an invented town, not a real place.")
    html = f"<h1>{escape(what)}</h1>" + "".join(f'<p class="lede">{escape(s)}</p>' for s in lines)
    running = f"{what}, {words.period(q.start, q.end)}" if held else what
    if 0 < len(held) < len(q.months):
        running += f" ({len(held)} of {len(q.months)} months)"
    return Words(html, "\n".join([what, *lines]), "title", running=running)


def months_table(data: Data) -> Words:
    """Return the months asked for with their status and the reason, as a table.

    Where every month was supplied, one sentence says so.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.months_table(data)
        Fable Vale supplied every month asked for: November to December 2025.
    """
    known = data.of().months
    if (known["status"] == "published").all():
        forces = phrases.forces_named(deciding(data.of()))
        return paragraphs([f"{forces} supplied every month asked for: {phrases.span(list(known['month']))}."])
    columns = [Column("month", "Month"), Column("status", "Status"), Column("why", "Why")]
    shown = known.assign(why=known["why"].replace("", "Supplied."))
    return table(shown, columns, "Months asked for", name=f"{data.query.slug}_months")


def provenance(data: Data) -> Words:
    """Return where the numbers come from, as a table.

    Examples:
        >>> import crimenb as cn
        >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
        >>> cn.provenance(data)
        Where the numbers come from
        ...
    """
    rows = data.provenance.assign(what=data.provenance["kind"] + ": " + data.provenance["name"])
    columns = [Column("what", "What"), Column("value", "Value (SHA-256 for files)")]
    return table(rows, columns, "Where the numbers come from", name=f"{data.query.slug}_source",
                 printed="brief")  # fmt: skip
