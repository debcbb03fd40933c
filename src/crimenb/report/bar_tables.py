"""Tables that are figures: words, numbers and small drawings in the same row.

They are as wide as their column at every width, need no script, and are their own table for who cannot
see them. Colours are attributes that the page turns into its own, light and dark.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup, escape

from crimenb.charts.theme import INK, SOFT, TINTS
from crimenb.measures.changes import name_of
from crimenb.measures.like import Standing, ordered
from crimenb.measures.outcomes import CHARGED
from crimenb.measures.place import place_of
from crimenb.report.html import IN_ROW, Words, paragraphs, small_bars
from crimenb.schema import ASB, label_of
from crimenb.wording import format as write
from crimenb.wording import like, rates, summary
from crimenb.wording.comparisons import compared_with
from crimenb.wording.verdicts import CHANGES_IN_WORDS, UNJUDGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crimenb.data import Data
    from crimenb.measures.changes import Change


def category_bars(data: Data) -> Words:
    """Return the categories as a table with bars, counts and small monthly bars; reports apart from crimes.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect(cn.Query.parse("ZZ9 9ZZ", "2025-11", "2025-12"), "demo")
    >>> cn.category_bars(data)
    Records by category, November to December 2025: ...
    """
    place = place_of(data)
    if not place.scope.months:
        return paragraphs(["No category can be counted."])
    totals = place.total_by_category()
    named = (
        {slug for slug, _ in summary.leading(totals)}
        if place.total("crime") >= summary.LEAST_RANKED
        else set()
    )
    newest_dark = [m == max(place.status) for m in place.status]
    months, top = list(place.status), max([1, *(place.total(str(c)) for c in [*totals.index, ASB])])

    def row(slug: str, kind: str, label: str) -> list[str]:
        counts = place.counts[slug].to_dict()
        held = [counts.get(m) for m in months]
        n, newest = place.total(slug), held[-1]
        each = Markup(small_bars(held, kind, newest_dark, size=IN_ROW))
        return [label, f"{n:,}", bar(n / top, kind, named=slug in named), each,
                "[x]" if newest is None else f"{newest:,}"]  # fmt: skip

    crimes = [row(str(c), "crime", label_of(str(c))) for c in totals.index]
    reports = row(ASB, "asb", f"{label_of(ASB)} (reports)")
    caption = f"Records by category, {write.span(place.scope.months)}"
    headings = [("Category", ""), ("Total", "n"), ("", "long"), ("By month (scales differ)", "run"),
                (write.month_alone(months[-1])[:3], "n")]  # fmt: skip
    listed = write.listing([f"{name} {n}" for name, n, *_ in [*crimes, reports]])
    table_ = figure_table([crimes, [reports]], headings, caption)
    return Words(table_, f"{caption}: {listed}", "chart", name="categories")


def outcome_bars(data: Data) -> Words:
    """Return the latest outcomes as a table with bars, the rest of the force beside them where it is known.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12")
    >>> cn.outcome_bars(data)
    Latest outcome of crimes as shares, January to July 2025: ...
    """
    place = place_of(data)
    rows = place.outcomes.table
    if rows.empty or rows["share"].isna().all() or place.outcomes.none:
        return paragraphs([])
    beside = bool(rows["rest"].notna().any())
    top = float(rows[["share", "rest"]].max().max())
    outcomes: Any = rows.itertuples(index=False)
    lines = [
        [r.group, write.percent_of(r.share, place.outcomes.crimes),
         bar(r.share / top, "crime", named=r.group == CHARGED, mark=r.rest / top if beside else None),
         *([write.percent_of(r.rest, place.outcomes.crimes)] if beside else [])]
        for r in outcomes
    ]  # fmt: skip
    caption = f"Latest outcome of crimes as shares, {write.span(place.outcomes.settled)}"
    headings = [("Latest outcome", ""), ("Here", "n"), ("", "long keep")]
    headings += [(write.capital(write.rest_of(place.forces)), "n")] if beside else []
    listed = write.listing([f"{name} {share}" for name, share, *_ in lines])
    return Words(figure_table([lines], headings, caption), f"{caption}: {listed}", "chart", name="outcomes")


def change_dots(data: Data) -> Words:
    """Return the latest twelve months beside the twelve before, a category each, as a table with dots.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2024-01", "2025-12")
    >>> cn.change_dots(data)
    Records by category, the latest 12 months and the same months a year before: ...
    """
    place = place_of(data)
    if not place.scope.months or not place.year.compared:
        return paragraphs([])
    shown = [c for c in place.changes[1:] if c.count_earlier or c.count_later]
    judged = [c for c in shown if c.kind not in UNJUDGED and c.ratio > 0]
    reach = doublings([c.ratio for c in judged])

    def row(c: Change) -> list[str]:
        drawn = dot(c.ratio, reach, named=c.called, low=c.low, high=c.high) if c in judged else ""
        name = f"{name_of(c.series)}{' (reports)' if c in reports else ''}"
        return [_strong(name, named=c.called), f"{c.count_earlier:,}", f"{c.count_later:,}", drawn,
                _strong(UNJUDGED.get(c.kind, CHANGES_IN_WORDS[c.kind]), named=c.called)]  # fmt: skip

    caption = "Records by category, the latest 12 months and the same months a year before"
    headings = [
        ("Category", ""),
        ("Year before", "n"),
        ("Latest", "n"),
        (scale_words(reach), "long keep"),
        ("", "told"),
    ]
    reports = [c for c in shown if c.series in ("asb", ASB)]
    bodies = [[row(c) for c in shown if c not in reports], [row(c) for c in reports]]
    listed = write.listing(
        [f"{name} {before} and {after}" for rows in bodies for name, before, after, *_ in rows]
    )
    return Words(figure_table(bodies, headings, caption), f"{caption}: {listed}", "chart", name="change")


def share_dots(data: Data) -> Words:
    """Return the shares of crime here and elsewhere as a table with dots: the largest and those that differ.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12")
    >>> cn.share_dots(data)
    Shares of crime here and elsewhere: ...
    """
    found = [c for c in place_of(data).comparisons if not c.refused]
    if not found:
        return paragraphs([])
    tables = []
    for c in found:
        rows = c.table.sort_values("share_here", ascending=False)
        tables.append(rows[(rows["named"] != "") | (rows.index.isin(rows.head(3).index))])
    reach = doublings([float(q) for rows in tables for q in rows["quotient"].dropna()])
    bodies = []
    for c, rows in zip(found, tables, strict=True):
        lines: list[list[str]] = [] if len(found) == 1 else [[write.capital(compared_with(c))]]
        listed_rows: Any = rows.itertuples(index=False)
        for r in listed_rows:
            named = r.named != ""
            lines.append([
                _strong(label_of(r.category), named=named), write.percent_of(r.share_here, c.here),
                write.percent_of(r.share_there, c.there),
                dot(r.quotient, reach, named=named, low=r.low, high=r.high) if pd.notna(r.quotient) else "",
            ])  # fmt: skip
        bodies.append(lines)
    there = write.capital(compared_with(found[0])) if len(found) == 1 else "There"
    headings = [("Category", ""), ("Here", "n"), (there, "n"), (scale_words(reach), "long keep")]
    caption = "Shares of crime here and elsewhere"
    listed = write.listing(
        [": ".join([row[0], *row[1:2]]) for body in bodies for row in body if len(row) > 1]
    )
    return Words(figure_table(bodies, headings, caption), f"{caption}: {listed}", "chart", name="compared")


def like_dots(data: Data) -> Words:
    """Return where a place lies among places like it as a table with a strip of dots for each category.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12", like=True)
    >>> cn.like_dots(data)
    Records here and in places like this one: ...
    """
    shown = [p for p in ordered(place_of(data).like.positions) if p.kind != Standing.FEW]
    if not shown:
        return paragraphs([])
    bodies: list[list[list[str]]] = [[], []]
    for p in shown:
        name = f"{name_of(p.series)}{' (reports)' if p.series == ASB else ''}"
        drawn = strip(p.others, p.records, p.median)
        bodies[p.series == ASB].append([
            _strong(name, named=p.named), f"{p.records:,}", f"{p.median:,g}", drawn,
            _strong("" if p.kind == Standing.WITHIN else like.IN_WORDS[p.kind], named=p.named),
        ])  # fmt: skip
    headings = [
        ("Category", ""),
        ("Here", "n"),
        ("Their median", "n"),
        ("From 0 to the most (scales differ)", "long keep"),
        ("", "told"),
    ]
    caption = "Records here and in places like this one"
    listed = write.listing(
        [f"{name} {here}, median {median}" for rows in bodies for name, here, median, *_ in rows]
    )
    return Words(figure_table(bodies, headings, caption), f"{caption}: {listed}", "chart", name="like")


def rate_bars(data: Data) -> Words:
    """Return crimes for every 1,000 residents, and residents and jobs, as a table with bars; burglaries too.

    Examples
    --------
    >>> import crimenb as cn
    >>> data = cn.collect("ZZ1 1AA", "2025-01", "2025-12")
    >>> cn.rate_bars(data)
    Crimes for every 1,000 residents, and for every 1,000 residents and jobs: ...
    """
    place = place_of(data)
    found = place.rates
    if found.refused:
        return paragraphs([])
    bodies = []
    for (category, per), rows in found.table.groupby(["category", "per"], sort=False):
        # The two rates of crime are on one scale, burglary on its own.
        top = 1.03 * float(found.table.loc[found.table["category"] == category, "high"].max())
        head = f"{rates.counted(place, str(category), str(per))}, {rates.based_on(place, str(per))}"
        listed_rows: Any = rows.itertuples()
        bodies.append([[head], *(
            [
                rates.area(place, r.where, r.name), rates.rounded(r.rate), rates.interval(r.low, r.high),
                bar(r.rate / top, "crime", named=r.where == "here", ends=(r.low / top, r.high / top)),
            ]
            for r in listed_rows
        )])  # fmt: skip
    headings = [("Where", ""), ("Rate", "n"), ("Likely range", "n"), ("", "long")]
    caption = "Crimes for every 1,000 residents, and for every 1,000 residents and jobs"
    listed = write.listing(
        [f"{head[0][0]}: {rate} ({ends})" for head in bodies for _, rate, ends, _ in [head[1]]]
    )
    return Words(figure_table(bodies, headings, caption), f"{caption}: {listed}", "chart", name="rates")


def _strong(text: str, *, named: bool) -> str:
    return Markup("<b>{}</b>").format(text) if named else text


def figure_table(
    bodies: Sequence[Sequence[Sequence[str]]], headings: Sequence[tuple[str, str]], caption: str
) -> str:
    """Return a table that is a figure: words, numbers and small drawings, a body for each group of rows.

    Parameters
    ----------
    bodies
        Rows of cells, the first the row's name; text is escaped, Markup is not. A row of one cell names
        its body.
    headings
        Of each column its text and its kind: "" words, "n" numbers, "long" or "run" drawings.
    """
    head = "".join(
        f'<{tag}{" scope=col" * (tag == "th")} class="{kind}">{escape(text)}</{tag}>'
        for text, kind in headings for tag in ["th" if text else "td"]
    )  # fmt: skip
    parts = []
    for rows in bodies:
        lines = []
        for name, *cells in rows:
            scope = "row" if cells else f'rowgroup" colspan="{len(headings)}'
            listed = "".join(
                f'<td class="{kind}">{escape(cell)}</td>'
                for cell, (_, kind) in zip(cells, headings[1:], strict=False)
            )
            lines.append(f'<tr><th scope="{scope}">{escape(name)}</th>{listed}</tr>')
        parts.append(f"<tbody>{''.join(lines)}</tbody>" if lines else "")
    return (
        f'<table class="bars"><caption class="unseen">{escape(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>{''.join(parts)}</table>"
    )


_SVG = f"<svg class='{{}}' {IN_ROW} viewBox='0 0 100 10' preserveAspectRatio='none' aria-hidden='true'>{{}}</svg>"
_STROKE = "<path class='{}' d='M{:.1f} {}' stroke='{}' stroke-width='{}' vector-effect='non-scaling-stroke'/>"
_PAPER = "#ffffff"


def bar(
    share: float,
    kind: str,
    *,
    named: bool,
    mark: float | None = None,
    ends: tuple[float, float] | None = None,
) -> Markup:
    """Return a bar of 0 to 1 in SVG, strong where it is named, with an upright mark or the ends of its interval."""
    strong, mid = TINTS[kind]
    drawing = (
        f"<path class='{kind}{'' if named else ' mid'}' d='M0 0h{100 * share:.1f}v10H0z' "
        f"fill='{strong if named else mid}'/>"
    )
    if mark is not None:
        for name, colour, wide in (("halo", _PAPER, 6), ("ink", INK, 3)):
            drawing += _STROKE.format(name, 100 * mark, "0v10", colour, wide)
    if ends is not None:
        for name, colour, wide in (("halo", _PAPER, 4), ("ink", INK, 2)):
            drawing += _STROKE.format(name, 100 * ends[0], f"5H{100 * ends[1]:.1f}", colour, wide)
    return Markup(_SVG.format("bar", drawing))


def doublings(ratios: Sequence[float]) -> int:
    """Return how far a scale of ratios must reach: 1 from half to twice, 2 or 3 at most beyond it."""
    far = max([0.0, *(abs(math.log2(r)) for r in ratios if r > 0)])
    return min(3, max(1, math.ceil(far)))


def dot(ratio: float, reach: int, *, named: bool, low: float = 0, high: float = 0) -> Markup:
    """Return a ratio as a dot on a scale of doublings in SVG, full where it is named, with its interval.

    Parameters
    ----------
    reach
        What `doublings` returns. What lies beyond stands at the end of the scale.
    """

    def at(value: float) -> float:
        where = math.log2(value) / reach if value > 0 else -1.0
        return 50 + 48 * min(1.0, max(-1.0, where))

    drawing = "".join(
        _STROKE.format("grid", 50 + 48 * k / reach, "0v10", "#e3e3e3" if k else SOFT, 1)
        for k in range(-reach, reach + 1)
    )
    if 0 < low < high:
        drawing += _STROKE.format("soft", at(low), f"5H{at(high):.1f}", SOFT, 2)
    round_ = _STROKE.replace("/>", " stroke-linecap='round'/>")
    drawing += round_.format("crime", at(ratio), "5h0", TINTS["crime"][0], 11)
    if not named:
        drawing += round_.format("halo", at(ratio), "5h0", _PAPER, 6)
    return Markup(_SVG.format("dots", drawing))


_LANES = (2.5, 5, 7.5)


def strip(others: Sequence[int], here: int, median: float) -> Markup:
    """Return counts as small dots on a line from 0 to the most in SVG, the place's own as a large one.

    Parameters
    ----------
    others
        The counts of other places, smallest first; equal ones lie over each other in three lanes.
    here
        The place's own count.
    median
        That of the others, an upright line.
    """
    top = max(here, *others, 1)

    def at(count: float) -> float:
        return 2 + 96 * count / top

    spots = dict.fromkeys(f"M{at(n):.1f} {_LANES[i % 3]}h0" for i, n in enumerate(others))
    drawing = _PATH.format("soft", "".join(spots), SOFT, 4)
    drawing += _STROKE.format("ink", at(median), "0v10", INK, 2)
    for name, colour, wide in (("halo", _PAPER, 14), ("crime", TINTS["crime"][0], 10)):
        drawing += _PATH.format(name, f"M{at(here):.1f} 5h0", colour, wide)
    return Markup(_SVG.format("dots", drawing))


_PATH = _STROKE.replace("M{:.1f} {}", "{}").replace("/>", " stroke-linecap='round'/>")
_STEPS = {-3: "an eighth", -2: "a quarter", -1: "half", 0: "same", 1: "twice", 2: "4 times", 3: "8 times"}


def scale_words(reach: int) -> Markup:
    """Return what stands above a scale of doublings."""
    ends = (-reach, 0, reach)
    kinds = {
        k: "" if k in ends else "between far" if abs(k) == 2 else "between" for k in range(-reach, reach + 1)
    }
    short = {-reach: ' data-short="less"', reach: ' data-short="more"'}  # on a phone the ends have no room
    words = " ".join(
        f'<span class="{kind}"{short.get(k, "")}>{_STEPS[k]}</span>' for k, kind in kinds.items()
    )
    return Markup(f"<span class='scale'>{words}</span>")
