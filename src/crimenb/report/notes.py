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
from crimenb.measures.changes import ChangeVerdict
from crimenb.measures.place import place_of
from crimenb.report.html import Words
from crimenb.wording import format as write
from crimenb.wording import rates
from crimenb.wording.availability import releases_of, source_sentence, unlocated_sentence

if TYPE_CHECKING:
    from crimenb.data import Data
    from crimenb.measures.place import Place

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
    place = place_of(data)
    within, found = place.scope, place.points
    counted = bool(within.months)
    gaps = [f"{write.span(list(g['month']))} ({status})" for status, g in gaps_by_cause(place)]
    busiest = found.busiest
    copies = place.duplicates.asb
    again = "is identical to another record. It may be a separate call"
    if copies > 1:
        again = "are identical to another record. They may be separate calls"
    values = {
        "place": place.key,
        "where": write.where(place),
        "period": write.span(within.months) if counted else "",
        "newest": write.month(within.latest) if counted else "",
        "range_months": write.period(place.crime.first, place.crime.last) if place.crime.range else "",
        "release": write.month(releases[0]) if len(releases := releases_of(place)) == 1 else "",
        "source": source_sentence(place),
        "points": f"{found.points:,}" if found.points > 1 else "",
        "point_crimes": f"{found.crimes:,}" if found.crimes else "",
        "busiest": f"{busiest.crimes:,}" if busiest else "",
        "busiest_name": (busiest.snapped_to or "an unnamed place") if busiest else "",
        "half_points": f"{found.half:,}" if found.points else "",
        "months_asked": f"{len(place.status):,}",
        "months_counted": f"{len(within.months):,}",
        "counted_months": write.counted(len(within.months), "month"),
        "gaps": "; ".join(gaps),
        "unlocated": unlocated_sentence(place),
        "crime_total": f"{place.total('crime'):,}" if counted else "",
        "asb_total": f"{place.asb_total:,}" if counted else "",
        "counted_crimes": write.counted(place.total("crime"), "crime") if counted else "",
        "counted_reports": write.counted(place.asb_total, "report") if counted else "",
        "asb_duplicates": f"{copies:,} {again}" if copies else "",
        "btp": f"{place.total('btp'):,}" if counted and place.total("btp") else "",
        "faulty": write.span(place.outcomes.faulty) if place.outcomes.faulty else "",
        "residents": rates.rounded(place.rates.numbers["residents"].value)
        if "residents" in place.rates.numbers
        else "",
        "searches": f"{place.searches.total:,}" if data.query.stops and place.searches.total else "",
        "unsettled": write.span(place.outcomes.unsettled) if place.outcomes.unsettled else "",
    }
    flags = {
        "demo": place.is_demo,
        "part": within.kind == "part",
        "ends": counted and within.latest == place.query.end,
        "thin": bool(within.thin),
        "map_changed": any(c.kind == ChangeVerdict.MAP_CHANGED for c in place.changes[1:]),
        "range_crime": place.crime.range is not None,
        "range_asb": place.asb.range is not None,
        "adjusted": place.crime.adjusted,
    }
    return values | flags


def gaps_by_cause(place: Place) -> list[tuple[str, pd.DataFrame]]:
    """Return the months not summed in groups of one status and one reason."""
    rest = place.months[~place.months["month"].isin(place.scope.months)]
    reason = rest["why"].map(cause_of)
    return [(str(key[0]), group) for key, group in rest.groupby([rest["status"], reason], sort=True)]


def cause_of(why: str) -> str:
    """Return a month's reason without the name of its file: so it is one for many months."""
    return re.sub(r" ?\(\d{4}-\d{2}-.*?\)", "", why)
