"""What is handed on of a report beside its page: `summary.json` for web teams, `tables.xlsx` for analysts.

Both are made from the outputs of the executed notebook, as the page is, so that no number can differ.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree.ElementTree import canonicalize

from crimenb.report.html import ONE, ROLE, SHARE, WHOLE, rows_of
from crimenb.report.page import HIDDEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import nbformat
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

SUMMARY, VALUES, WORKBOOK, DOCUMENT = "summary.md", "summary.json", "tables.xlsx", "report.docx"

_FORMS = {
    "month": "mmm yyyy", WHOLE: "#,##0", ONE: "#,##0.0", SHARE: "0.0%", "{:+.0%}": "+0%;-0%;0%",
    "{:.2f}": "0.00", "{:,.2f}": "#,##0.00",
}  # fmt: skip
"""How Excel shows what a column of the page shows in a form of Python's."""

_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SIGNS = "[x] not available; [z] not applicable; [u] too few to be reliable. None of them is zero."
_NARROWEST, _WIDEST, _TEXT_WIDTH = 9, 60, 100
_HEAD = 4
"""The row of a sheet in which the headings of its table stand."""


class Part(NamedTuple):
    """What a cell of the notebook shows: the number of its figure (0 if none is drawn), and its tables."""

    number: int
    name: str
    message: str
    measure: str
    tables: list[tuple[dict[str, Any], list[list[str]]]]


def parts(nb: nbformat.NotebookNode) -> Iterator[Part]:
    """Yield the figures and tables of an executed notebook in their order, numbered as on the page."""
    for cell in nb["cells"]:
        outputs = [] if HIDDEN in cell["metadata"].get("tags", []) else cell.get("outputs", [])
        roles = [(out.get("metadata", {}).get(ROLE, {}), out.get("data", {})) for out in outputs]
        tables = [(role, rows_of(data["text/html"])) for role, data in roles if role.get("role") == "table"]
        heads = [(role, data["text/plain"]) for role, data in roles if role.get("role") == "head"]
        number = int(heads[0][0].get("number", 0)) if heads else 0
        if number or tables:
            name = next((role["name"] for role, _ in roles if role.get("role") == "chart"), "")
            said = "".join(text for _, text in heads[:1]).removeprefix(f"Figure {number}. ")
            message, _, measure = said.partition("\n")
            yield Part(number, name, message, measure, tables)


def values(nb: nbformat.NotebookNode) -> dict[str, Any]:
    """Return what the first screen shows, as the notebook kept it; empty where it shows none."""
    found = [
        out.get("metadata", {}).get(ROLE, {}).get("values")
        for c in nb["cells"]
        for out in c.get("outputs", [])
    ]
    return next(filter(None, found), {})


def summary_json(nb: nbformat.NotebookNode) -> str:
    """Return the first screen as JSON, with links to the figures of the page; "" where there is none."""
    known = values(nb)
    figures = [
        {"number": p.number, "name": p.name, "message": p.message, "link": f"report.html#figure-{p.number}"}
        for p in parts(nb) if p.number
    ]  # fmt: skip
    links = {"page": "report.html", "figures": figures}
    return (
        f"{json.dumps(known | {'links': links}, ensure_ascii=False, indent=1, sort_keys=True)}\n"
        if known
        else ""
    )


# -------------------------------------------------------------------------- the workbook


def workbook(nb: nbformat.NotebookNode) -> bytes:
    """Return every table of the page as an Excel workbook. The same notebook gives the same bytes.

    Numbers are numbers and months are dates. Each sheet is named after its figure and begins with its
    message and its measure; the first one says what the workbook is.
    """
    from openpyxl import Workbook
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook()
    book.properties.creator = "crimenb"
    book.properties.created = book.properties.modified = dt.datetime(2000, 1, 1)  # noqa: DTZ001
    sheets = []
    for part in parts(nb):
        for i, (role, rows) in enumerate(part.tables):
            drawn = part.number and not i  # a figure's other tables are not what it draws
            sheet = book.create_sheet(f"Figure {part.number}" if drawn else _name(role["caption"]))
            named = f"{sheet.title}. {part.message}" if drawn else role["caption"]
            _fill(sheet, named, part.measure if drawn else "", role, rows)
            sheets.append((sheet.title, named))
    _about(book.worksheets[0], values(nb), sheets)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        ExcelWriter(book, archive).save()  # not `book.save`, which notes the time
    return steady(raw)


def steady(raw: io.BytesIO, *, canonical: bool = True) -> bytes:
    """Return a zip with the same parts, as every machine writes them.

    Without times; in canonical XML, as openpyxl writes another where lxml is there; stored, as packers differ.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(
                zipfile.ZipInfo(name), _DECLARED + canonicalize(part.decode()) if canonical else part
            )
    return out.getvalue()


def _name(caption: str) -> str:
    """Return a caption as the name of a sheet: at most 31 characters, and none that Excel forbids."""
    words = re.sub(r"[\[\]:*?/\\']", "", caption.partition(",")[0]).split()
    while len(" ".join(words)) > 31 and len(words) > 1:
        words.pop()
    return " ".join(words)[:31] or "Table"


def _fill(
    sheet: Worksheet, title: str, measure: str, role: dict[str, Any], rows: Sequence[Sequence[str]]
) -> None:
    """Write a table below its title: the headings in a row that stays, each column as wide as it needs."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    _write(sheet.cell(1, 1), title).font = Font(bold=True, size=13)
    _write(sheet.cell(2, 1), measure or role["caption"])
    head, *body = rows
    for i, (heading, (form, missing)) in enumerate(zip(head, role["columns"], strict=True), 1):
        cell = _write(sheet.cell(_HEAD, i), heading)
        cell.font = Font(bold=True)
        cell.alignment = Alignment(wrap_text=True, vertical="bottom", horizontal="right" if form else None)
        for y, row in enumerate(body, _HEAD + 1):
            _value(sheet.cell(y, i), row[i - 1], form, missing)
        longest = max([max(map(len, heading.split()), default=0), *(len(r[i - 1]) for r in body)])
        sheet.column_dimensions[get_column_letter(i)].width = min(max(longest + 2, _NARROWEST), _WIDEST)
    sheet.freeze_panes = sheet.cell(_HEAD + 1, 2)


def _value(cell: Cell, text: str, form: str, missing: str) -> None:
    """Write a value as what it is: a month as a date, a number as a number, all else as text."""
    from openpyxl.styles import Alignment

    if not form:
        _write(cell, text)
        return
    if not text:
        _write(cell, missing).alignment = Alignment(horizontal="right")
        return
    if form == "month":
        cell.value = dt.date(int(text[:4]), int(text[5:7]), 1)
        cell.alignment = Alignment(horizontal="left")
    else:
        number = float(text)
        cell.value = int(number) if number.is_integer() else number
    cell.number_format = _FORMS.get(form, "General")


def _write(cell: Cell, text: str) -> Cell:
    """Write a text that is never taken for a formula, whatever it begins with."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    cell.value = ILLEGAL_CHARACTERS_RE.sub("", text)
    if text.startswith(("=", "+", "-", "@", "\t", "\r")):
        cell.data_type, cell.quotePrefix = "s", True
    return cell


def _about(sheet: Worksheet, known: dict[str, Any], sheets: Sequence[tuple[str, str]]) -> None:
    """Write what the workbook is: place, period, what the figures are and are not, source, its sheets."""
    from openpyxl.styles import Alignment, Font

    sheet.title = "About"
    sheet.column_dimensions["A"].width = _TEXT_WIDTH
    place, period = known.get("place", {}), known.get("period", {})
    where = ": ".join(filter(None, (place.get("name"), place.get("area"))))
    lines = [
        (
            "Tables of a report on recorded crime",
            [f"{where[:1].upper()}{where[1:]}", period.get("words", "")],
        ),
        ("What stands out", [known.get("sentence", "")]),
        ("What these figures are, and are not", [*known.get("notes", []), _SIGNS]),
        ("Source, and how to cite it", [known.get("source", "")]),
        ("The sheets", []),
    ]
    book = sheet.parent
    if book is not None:
        book.properties.title = f"{lines[0][0]}: {where}, {period.get('words', '')}"
    row = 0
    for heading, texts in lines:
        row += 2 if row else 1
        _write(sheet.cell(row, 1), heading).font = Font(bold=True, size=13)
        for text in filter(None, texts):
            row += 1
            _write(sheet.cell(row, 1), text).alignment = Alignment(wrap_text=True, vertical="top")
    for title, named in sheets:
        row += 1
        cell = _write(sheet.cell(row, 1), named)
        cell.hyperlink = f"#'{title}'!A1"
        cell.style = "Hyperlink"
