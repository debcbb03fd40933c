"""The texts of a report's page, without its charts: what the audit reads."""

from __future__ import annotations

import html
import json
import re
from typing import TYPE_CHECKING, Any

import crimenb as cn
from crimenb.batch.index_page import overview, row
from crimenb.batch.ledger import Entry
from crimenb.measures.place import place_of
from crimenb.report import figures, sections
from crimenb.report.notes import note_text, notes
from crimenb.wording import how_to_read, misreadings, summary

if TYPE_CHECKING:
    from crimenb.data import Data

Page = dict[str, list[str]]
"""The parts of a page by name, each a list of texts; the rows of a table have "|" between cells."""

_FRAMES = {
    "categories": cn.count_by_category,
    "trend": lambda data: cn.months_with_range(data, category="crime"),
    "trend.asb": lambda data: cn.months_with_range(data, category="asb"),
    "snapped-points": cn.count_by_point,
    "outcomes": cn.outcome_shares,
    "change": cn.change_by_category,
    "compared": cn.compared_shares,
    "like": cn.like_positions,
    "rates": cn.rates,
    "searches": cn.searches_by_month,
    "explore": cn.count_by_month_and_category,
}
"""The figures of a report, and the numbers that each draws and lists."""


_DRAWN = {
    "categories": cn.category_bars, "outcomes": cn.outcome_bars, "change": cn.change_dots, "compared": cn.share_dots,
    "like": cn.like_dots,
    "rates": cn.rate_bars,
}  # fmt: skip
"""The figures that are tables."""


def _asked(parts: dict[str, Any], data: Data) -> list[tuple[str, Any]]:
    """Return the parts that a page has: on places like this one and on searches only where these are asked for."""
    asked = {"like": data.query.like, "searches": data.query.stops}
    return [(name, part) for name, part in parts.items() if asked.get(name, True)]


def page_of(data: Data) -> Page:
    """Return the texts of the page that the report's notebook makes of `data`, and its row in an index."""
    place = place_of(data)
    page: Page = {
        "title": sections.title(data).text.split("\n"),
        "first screen": sections.first_screen(data).text.split("\n"),
        "glance": summary.at_a_glance(place),
        "summary": [line for line in summary.summary_md(place).split("\n") if line],
    }
    for name, draw in _asked(_DRAWN, data):
        page[f"figure {name}"] = _rows(re.sub(r"<(?!/?t[rhd])[^>]*>", "", draw(data).html))
    for name, numbers in _asked(_FRAMES, data):
        frame = numbers(data)
        page[f"headline {name}"] = figures.headline(name, data, subtitle=bool(len(frame))).text.split("\n")
        if name in figures._TEXTS:
            page[f"text {name}"] = figures._TEXTS[name](data).text.split("\n\n")
        if len(frame) and place.scope.months:
            page[f"table {name}"] = _rows(figures._table(name, frame, data).html)
    if place.has_streets and place.by_point["crime"].any():
        page["classes"] = [sections.map_legend(data).text, sections.explore_legend(data).text]
        whole, part = (sections.map_names(data, is_enlarged=part) for part in (False, True))
        page["map key"] = [row for row in _rows(whole.html + part.html) if re.match(r"\w+ \|", row)]
        is_enlarged = part.text.count("\n") > 0  # more than its credit
        page["credit"] = [(part if is_enlarged else whole).text.split("\n")[-1]]
        page["enlarged"] = [sections.enlarged_caption(data).text] * is_enlarged
    if (times := sections.times_table(data)).text:
        page["table outcome-times"] = _rows(times.html)
    shown = sections.search_tables(data)
    page["searches"] = [part.text for part in shown if part.role != "table"]
    for part in (part for part in shown if part.role == "table"):
        named = (by for by, (caption, _) in sections._SEARCHES_BY.items() if part.text.startswith(caption))
        page[f"table searches {next(named)}"] = _rows(part.html)
    groups = sections.groups_table(data).html
    if groups:
        page["table groups"] = _rows(groups)
    page["groups"] = page.get("table groups", [])[:1]
    page["groups"] += [
        html.unescape(re.sub("<[^>]*>", "", p)) for p in re.findall(r"<p>(.*?)</p>", groups)[:2]
    ]
    months = sections.months_table(data)
    page["months"] = _rows(months.html) if "<table" in months.html else [months.text]
    page["coverage"] = _rows(sections.coverage(data).html)
    page["policed by"] = [sections.neighbourhood(data).text]
    page["how to read"] = how_to_read.how_to_read(place)
    page["careful"] = how_to_read.careful_sentences(place)
    page["instead of"] = [f"{m.sentence} | {m.instead}" for m in misreadings.do_not_say(place)]
    for name, _ in _asked(dict.fromkeys(notes()), data):
        page[f"note {name}"] = note_text(name, data).split("\n")
    known = row(Entry(place.key, data.query.slug, "done", overview=json.dumps(overview(data))))
    page["index"] = [f"{key} | {known[key]}" for key in _INDEX] + [known["matters"]]
    page["index"] += [
        f"{value} {what}: {verdict[:1].lower()}{verdict[1:]}{detail and ', '}{detail}."
        for value, what, verdict, detail, _ in known["numbers"] if what
    ]  # fmt: skip
    return {
        part: [text.replace("\xa0", " ") for text in texts if text.strip()] for part, texts in page.items()
    }


_INDEX = ("name", "period", "bars_text", "gaps", "missing", "coverage", "changed")


def _rows(table: str) -> list[str]:
    """Return the rows of an HTML table, caption and headings first, as texts."""
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    cells = [[html.unescape(c) for c in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", r, re.DOTALL)] for r in rows]
    return [*re.findall(r"<caption>(.*?)</caption>", table), *(" | ".join(c) for c in cells)]
