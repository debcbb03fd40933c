"""What a cell of a report shows: HTML with its plain text, and tables.

Text from outside is escaped wherever a module of `report` makes HTML of it; no module below makes any.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote, unquote

import pandas as pd
from markupsafe import escape

from crimenb.charts.theme import BAND, DIGITS, EDGE, SOFT, TINTS
from crimenb.measures.months import YEAR
from crimenb.wording import format as write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crimenb.usual_range import Range
    from crimenb.wording.first_screen import LargeNumber

ROLE = "crimenb"
"""Key of an output's metadata that says what it is: title, head, chart, note, table, text."""


class Words:
    """HTML with its plain text; a notebook shows the HTML, a terminal the text.

    `extra` is metadata for the page, such as the running footer of a printed page.
    """

    def __init__(self, html: str, text: str, role: str = "text", **extra: Any) -> None:
        self.html, self.text, self.role, self.extra = html, text, role, extra

    def __repr__(self) -> str:
        """Return the plain text."""
        return self.text

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict[str, str], dict[str, Any]]:
        return {"text/html": self.html, "text/plain": self.text}, {ROLE: {"role": self.role, **self.extra}}


def bullets(items: Iterable[str]) -> str:
    """Return a list in HTML, each item escaped unless it is Markup."""
    return f"<ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def paragraphs(sentences: Iterable[str], role: str = "text") -> Words:
    """Return plain sentences, one paragraph each, escaped."""
    listed = list(sentences)
    return Words("".join(f"<p>{escape(s)}</p>" for s in listed), "\n\n".join(listed), role)


# ----------------------------------------------------------------------- numbers


_BAR, _HIGH = 10, 44
"""Width of a bar with its gap and height of the small bars' drawing, in its own units."""

_TO = '<span class="unseen"> to </span>'
_ALONE, IN_ROW = "width='360' height='60'", "width='150' height='22'"


def small_bars(
    bars: Sequence[int | None],
    kind: str,
    strong: Sequence[bool],
    limits: Range | None = None,
    *,
    size: str = _ALONE,
) -> str:
    """Return months as small bars in SVG: those that are `strong` dark, a month not counted as a dotted line.

    It has no text and no name: what it shows stands beside it in words.

    Parameters
    ----------
    kind
        "crime" or "asb", which gives the colour.
    limits
        The normal range, drawn behind the last bar.
    size
        Width and height where there is no style, as in a notebook; the page has its own.
    """
    top = max([1, *[n for n in bars if n is not None], *([limits.high] if limits else [])])
    width, parts = _BAR * len(bars), []
    if limits:
        at, high, low = width - _BAR, _down(limits.high, top), _down(limits.low, top)
        parts.append(f'<path class="range" d="M{at} {high}h{_BAR}V{low}h-{_BAR}z" fill="{BAND}"/>')
        parts.append(
            f'<path class="edge" d="M{at} {high}h{_BAR}M{at} {low}h{_BAR}" stroke="{EDGE}" fill="none"/>'
        )
    for i, (n, dark) in enumerate(zip(bars, strong, strict=True)):
        if n is None:
            parts.append(f'<path class="gap" d="M{i * _BAR + 1} {_HIGH - 2}h{_BAR - 2}" stroke="{SOFT}"/>')
            continue
        y = min(_down(n, top), _HIGH - 1.5)  # a zero is seen, and is no gap
        colour = TINTS[kind][0 if dark else 1]
        parts.append(
            f'<path class="{kind}{"" if dark else " mid"}" d="M{i * _BAR + 1} {y}h{_BAR - 2}V{_HIGH}h-{_BAR - 2}z" '
            f'fill="{colour}"/>'
        )
    return (
        f'<svg class="bars" {size} viewBox="0 0 {width} {_HIGH}" preserveAspectRatio="none" aria-hidden="true">'
        f"{''.join(parts)}</svg>"
    )


def _down(count: float, top: int) -> float:
    return round(_HIGH - (_HIGH - 2) * count / top, 1)


def large_number(number: LargeNumber) -> str:
    """Return a number of the first screen in HTML, with its months as small bars and its verdict."""
    ends = [number.months[0], number.months[-1]] if len(number.months) > 1 else number.months
    what = str(escape(number.what)).replace("anti-social", '<span class="word">anti-social</span>')
    named = [write.month(m) if len(number.months) > YEAR else write.month_alone(m) for m in ends]
    dark = [m in number.strong for m in number.months]
    kind = ' class="limits"' if number.range else ""
    detail = f" <em{kind}>{escape(number.detail)}</em>" if number.detail else ""
    return (
        f'<div class="number {number.series}"><p class="count"><b>{number.value:,}</b> '
        f"<span>{what}</span></p>"
        f'<div class="run">{small_bars(number.bars, number.series, dark, number.range)}'
        f'<p class="ends" aria-hidden="true">{_TO.join(f"<span>{n}</span>" for n in named)}</p></div>'
        f'<p class="verdict"><strong>{escape(number.verdict)}</strong>{detail}</p></div>'
    )


def plain_table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a plain table, the first its head, for Word and e-mail; "" of no rows."""
    if not rows:
        return ""
    head, *others = rows
    lines = [
        "".join(f"<td{' class=n' if i else ''}>{escape(c)}</td>" for i, c in enumerate(r)) for r in others
    ]
    named = "".join(f'<th scope="col">{escape(c)}</th>' for c in head)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{named}</tr></thead><tbody>{body}</tbody></table>"


# ------------------------------------------------------------------------ tables


class Column(NamedTuple):
    """How a column of a table is shown: heading, form of its numbers, sign for missing ones."""

    name: str
    heading: str
    form: str = ""
    missing: str = "[x]"


WHOLE, ONE, SHARE = "{:,.0f}", "{:,.1f}", "{:.1%}"
_SIGNS = {"[x]": "not available", "[z]": "not applicable", "[u]": "too few to be reliable"}
"""The Government Analysis Function's signs for cells without a number."""

_SHORT, _WIDE = 16, 8
"""Rows up to which a table is kept on one sheet; columns from which its headings are turned."""

ON_PAPER = {"long": 20, "brief": 8}
"""Rows printed of a table with more than twice as many."""


def table(
    frame: pd.DataFrame,
    columns: Sequence[Column],
    caption: str,
    *,
    name: str = "table",
    fold: bool = True,
    printed: str = "long",
) -> Words:
    """Return a frame as an accessible table and as a CSV download inside the page.

    Missing values are written [x] or [z], with a key below the table.

    Parameters
    ----------
    name
        Name of the CSV file, without its ending.
    fold
        Whether a reader opens it first; without script and in print it is open.
    printed
        "long" or "brief": how much of a table of many rows goes on paper.
    """
    rows = [[_cell(value, c) for value, c in zip(r, columns, strict=True)]
            for r in frame[[c.name for c in columns]].itertuples(index=False)]  # fmt: skip
    head = "".join(f'<th scope="col"{_right(c)}>{escape(c.heading)}</th>' for c in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{_right(c)}>{escape(v)}</td>" for v, c in zip(row[1:], columns[1:], strict=True))
        + "</tr>"
        for row in rows
    )
    cut = len(rows) > 2 * ON_PAPER[printed]
    size = {"short": len(rows) <= _SHORT, printed: cut, "wide": len(columns) > _WIDE}
    shape = [word for word, is_so in size.items() if is_so]
    kind = f' class="{" ".join(shape)}"' if shape else ""
    used = [f"{sign} {meaning}" for sign, meaning in _SIGNS.items() if any(sign in r for r in rows)]
    key = f"<p>{'; '.join(used)}.</p>" if used else ""
    if cut:
        key += f'<p class="paper">Printed here: the first {ON_PAPER[printed]} of {len(rows):,} rows.</p>'
    plain = frame[[c.name for c in columns]].set_axis([c.heading for c in columns], axis=1)
    download = quote(plain.to_csv(index=False, lineterminator="\r\n", float_format=f"%.{DIGITS}g"))
    html = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">'
        f"<table{kind}><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></div>{key}"
        f'<p class="download"><a download="{escape(name)}.csv" '
        f'href="data:text/csv;charset=utf-8,%EF%BB%BF{download}">'
        f'Download these numbers<span class="unseen">: {escape(caption)}</span> (CSV)</a></p>'
    )
    if fold:
        html = f'<details class="data"><summary>Table: {escape(_lower(caption))}</summary>{html}</details>'
    else:
        html = f'<div class="data">{html}</div>'
    kinds = [["month" if c.name == "month" else c.form, c.missing] for c in columns]
    text = f"{caption}\n{plain.head(20).to_string(index=False)}"
    return Words(html, text, "table", caption=caption, columns=kinds)


_CSV = re.compile(r'href="data:text/csv;charset=utf-8,%EF%BB%BF([^"]*)"')


def rows_of(table_html: str) -> list[list[str]]:
    """Return the rows of a table that `table` made, its headings first, as its CSV has them."""
    found = _CSV.search(table_html)
    return list(csv.reader(io.StringIO(unquote(found[1]), newline=""))) if found else []


def _lower(text: str) -> str:
    return text[0].lower() + text[1:]


def _right(column: Column) -> str:
    return ' class="n"' if column.form else ""


def _cell(value: Any, column: Column) -> str:
    if pd.isna(value):
        return column.missing
    if column.form:
        return column.form.format(value)
    if column.name == "month":
        return write.month(value).replace(" ", "\u00a0")
    return str(value) or {"snapped_to": "Unnamed place", "named": "no"}.get(column.name, "–")
