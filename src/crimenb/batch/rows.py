"""The list a batch is given: rows of postcodes, read one by one, every bad one named.

A CSV file or an Excel workbook with a header (`postcode`, and `from`, `to`, `compare`, `name` where
wanted), or a text file with a postcode a line. Nothing about a row stops the others.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import re
import warnings
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from crimenb.errors import CrimenbError, QueryError
from crimenb.files import bounded_memory, read_regular
from crimenb.plurals import counted
from crimenb.query import Query, parse_postcode

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

COLUMNS = ("postcode", "from", "to", "compare", "name")
LONGEST_NAME = 80
LARGEST_WORKBOOK = 256 * 1024**2
"""Bytes of an unpacked workbook: a hundred thousand rows of twenty columns take a quarter of it."""

_POSTCODE_NAMES = ("postcode", "postalcode", "pcds", "pcd", "pcd7", "pcd8", "pcode", "zipcode")
_HEADER_WITHIN = 50
"""Rows among which the header is looked for: titles, notes and dates stand above it."""

_OTHERS = {
    b"%PDF": "a PDF", b"\xd0\xcf\x11\xe0": "a workbook of an old Excel or one with a password",
    b"{\\rtf": "a rich text", b"<": "a web page", b"[": "JSON", b"{": "JSON",
}  # fmt: skip
"""How files begin that are no lists; some programs export a web page under the name of a workbook."""

LAST_ROW, LAST_COLUMN = 1_048_576, 256
"""The last row that Excel has, and the last column in which a list is looked for; a file may claim any."""

_LONGEST_ROW = 50
"""Lines of one row; a quotation mark that closes later was not meant to open."""


@dataclass(frozen=True)
class Order:
    """One report to make: its line in the list, the question, and a name of the reader's own."""

    line: int
    query: Query
    name: str = ""


class Notice(NamedTuple):
    """What was found in a line of the list, and what was done about it."""

    line: int
    postcode: str
    found: str
    done: str
    left_out: bool = False

    def __str__(self) -> str:
        """Write the notice as one line for the user."""
        return f"Line {self.line}: {self.found} {self.done}"


class Orders(NamedTuple):
    """What a list asks for, and what had to be said of its lines."""

    orders: list[Order]
    notices: list[Notice]


class Row(NamedTuple):
    """A row of the list as it stands there: the number of its first line, and its cells."""

    line: int
    cells: list[str]


def read_orders(
    path: Path | str,
    start: str = "",
    end: str = "",
    compare: Iterable[str] = (),
    *,
    like: bool = False,
    stops: bool = False,
) -> Orders:
    """Read a list of postcodes.

    Parameters
    ----------
    path
        CSV, Excel workbook (.xlsx) or text; with a header, which may stand below titles, or
        without one (then only the column of postcodes is read).
    start, end, compare
        What holds for rows that say nothing of their own.
    like
        Compare each place with places like it too.
    stops
        Show searches by the police in each report too.

    Raises
    ------
    QueryError
        The file cannot be read, or is no text.
    """
    notices: list[Notice] = []
    orders: list[Order] = []
    Query.parse("ZZ1 1AA", start, end, compare)  # what holds for all is refused once, not by line
    for line, row in _named(_table(Path(path), notices), notices):
        if not row["postcode"]:
            notices.append(Notice(line, "", "The line names no postcode.", "Left out.", left_out=True))
            continue
        try:
            query = Query.parse(
                row["postcode"],
                row["from"] or start,
                row["to"] or end,
                row["compare"] or compare,
                like=like,
                stops=stops,
            )
        except CrimenbError as error:
            notices.append(Notice(line, row["postcode"], str(error), "Left out.", left_out=True))
            continue
        orders.append(Order(line, query, _one_line(row["name"])))
    return Orders(orders, notices)


def settle(asked: Orders, held: Sequence[str]) -> Orders:
    """Settle open months on those a source holds, and keep one of each report asked for.

    Parameters
    ----------
    held
        Months the source holds, oldest first.
    """
    notices, settled = list(asked.notices), dict[Query, Order]()
    for order in asked.orders:
        try:
            query = order.query.within(held)
        except CrimenbError as error:
            notices.append(Notice(order.line, order.query.postcode, str(error), "Left out.", left_out=True))
            continue
        if query in settled:
            words = f"{query.postcode!r} asks the same as line {settled[query].line}."
            notices.append(Notice(order.line, query.postcode, words, "Done once."))
        else:
            settled[query] = replace(order, query=query)
    return Orders(list(settled.values()), sorted(notices))


# ------------------------------------------------------------------------ rows by the names of columns


def _named(rows: Iterator[Row], notices: list[Notice]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the rows below the header, by the names of their columns."""
    first = list(itertools.islice(rows, _HEADER_WITHIN))
    heads = [(i, c, n) for i, row in enumerate(first) for c, n in [_header(row.cells)] if c]
    # A row with a column of the very name is the header rather than a title that speaks of postcodes.
    at, columns, meant = next((h for h in heads if not h[2]), heads[0] if heads else (-1, [], []))
    if columns:
        if len(meant) > 1:
            words = f"{len(meant)} columns are named for postcodes ({', '.join(map(repr, meant))})."
            notices.append(
                Notice(first[at].line, "", words, "The first is read; call the one you mean 'postcode'.")
            )
        if at:
            words = f"{'A row stands' if at == 1 else f'{at} rows stand'} above the header."
            notices.append(Notice(first[0].line, "", words, "Not read."))
        if unknown := sorted({c for c in columns if c and c not in COLUMNS}):
            words = f"No use is known for {', '.join(map(repr, unknown))}."
            notices.append(Notice(first[at].line, "", words, f"Known are {', '.join(COLUMNS)}."))
    elif first:
        where, elsewhere = _column_of_postcodes(first)
        columns = [""] * where + ["postcode"]
        if max(len([c for c in row.cells if c]) for row in first) > 1:
            words = "There is no header with a column 'postcode'."
            which = "the first column" if where == 0 else f"column {where + 1}, of postcodes,"
            done = f"Only {which} is read."
            if elsewhere:
                done += f" Other columns hold {counted(elsewhere, 'postcode')}; give each a line of its own."
            notices.append(Notice(first[0].line, "", words, done))
    for line, cells in itertools.chain(first[at + 1 :], rows):
        yield line, dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))


def _header(cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the names of the columns, one of them "postcode"; empty if this is no header.

    Second come the longer names of postcodes that may be meant, where no column has the very name.
    """
    names = [re.sub(r"[\s_().-]", "", c.lower()) for c in cells]
    known = [n for n in _POSTCODE_NAMES if n in names]
    longer = [n for n in names if re.fullmatch(r"[a-z]*(postcode|postalcode)[a-z]*", n) and not known]
    if not known and not longer:
        return [], []
    here = names.index((known or longer)[0])
    return ["postcode" if i == here else n for i, n in enumerate(names)], longer


def _column_of_postcodes(rows: Sequence[Row]) -> tuple[int, int]:
    """Return the column with most postcodes, and how many the others hold."""

    def is_postcode(text: str) -> bool:
        try:
            return bool(parse_postcode(text))
        except QueryError:
            return False

    counts = [
        sum(is_postcode(row.cells[i]) for row in rows if i < len(row.cells))
        for i in range(max(len(row.cells) for row in rows))
    ]
    return counts.index(max(counts)), sum(counts) - max(counts)


def _one_line(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"\s+", " ", plain).strip()[:LONGEST_NAME]


# ------------------------------------------------------------------------ rows of a file


def _table(path: Path, notices: list[Notice]) -> Iterator[Row]:
    """Yield the rows of a file that are not blank."""
    try:
        raw = read_regular(path, error=QueryError)
    except OSError as error:
        msg = f"The list {str(path)!r} cannot be read: {error.strerror}."
        raise QueryError(msg) from error
    begun = raw.removeprefix(b"\xef\xbb\xbf").lstrip()
    if other := next((what for mark, what in _OTHERS.items() if begun.startswith(mark)), ""):
        msg = f"The list {str(path)!r} is {other}; save it as .xlsx or CSV, with a column 'postcode'."
        raise QueryError(msg)
    if raw.startswith(b"PK\x03\x04"):
        rows = iter(_workbook(path, raw))
    else:
        rows = _text(path, raw, notices)
    return (Row(n, cells) for n, cells in rows if any(c.strip(",;") for c in cells))


def _workbook(path: Path, raw: bytes) -> list[Row]:
    """Return the rows of a workbook's first sheet with a column of postcodes, else of its first."""
    import openpyxl

    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as parts:
            too_large = sum(p.file_size for p in parts.infolist()) > LARGEST_WORKBOOK
            names = {p.filename for p in parts.infolist()}
        if "xl/workbook.xml" not in names:
            what = (
                "an OpenDocument spreadsheet; save it as .xlsx or CSV"
                if "content.xml" in names
                else (
                    "no Excel workbook but another file or a zip of files; give the list in it, as .xlsx or CSV"
                )
            )
            msg = f"The list {str(path)!r} is {what}."
            raise QueryError(msg)
        if too_large:
            msg = f"The list {str(path)!r} unpacks to more than {LARGEST_WORKBOOK // 1024**2} MB; save it as CSV."
            raise QueryError(msg)
        with warnings.catch_warnings(), bounded_memory():
            warnings.simplefilter("ignore")  # what a workbook has beside its cells is not read
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            heads = ((s, _rows(s, _HEADER_WITHIN)) for s in book.worksheets)
            with_header = (s for s, head in heads if any(_header(cells)[0] for cells in head))
            sheet = next(with_header, book.worksheets[0])
            rows, number = [], 0
            for number, cells in enumerate(_rows(sheet, LAST_ROW + 1), 1):
                if cells:
                    rows.append(Row(number, cells))
        if number > LAST_ROW:
            msg = f"The list {str(path)!r} has more than the {LAST_ROW:,} rows of Excel; save it as CSV."
            raise QueryError(msg)
    except QueryError:
        raise
    except Exception as error:  # openpyxl raises many kinds
        msg = f"The list {str(path)!r} is no Excel workbook that can be read; save it as CSV."
        raise QueryError(msg) from error
    return rows


def _rows(sheet: Any, last: int) -> Iterator[list[str]]:
    """Yield the rows of a sheet down to one, without the empty cells at their ends."""
    columns = min(sheet.max_column or LAST_COLUMN, LAST_COLUMN)
    for row in sheet.iter_rows(max_row=last, max_col=columns, values_only=True):
        cells = [*map(_cell, row)] if row.count(None) < len(row) else []
        while cells and not cells[-1]:
            cells.pop()
        yield cells


def _cell(value: object) -> str:
    if isinstance(value, dt.datetime | dt.date):
        return f"{value:%Y-%m-%d}"
    return "" if value is None else str(value).strip()


def _text(path: Path, raw: bytes, notices: list[Notice]) -> Iterator[Row]:
    """Yield the rows of a text, each with the number of its first line.

    A quotation mark that is never closed costs its own line, not all that follow.
    """
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raw = raw.decode("utf-16", "replace").encode()
    if b"\0" in raw[:4096]:
        msg = f"The list {str(path)!r} is no text; save it as CSV, with a column 'postcode'."
        raise QueryError(msg)
    raws = raw.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True)
    lines = [_decoded(n, line, notices) for n, line in enumerate(raws, 1)]
    named = re.fullmatch(r"\"?sep=(.)\"?\s*", lines[0], re.IGNORECASE) if lines else None
    separator = named[1] if named else _separator(lines)
    at = 1 if named else 0
    while at < len(lines):
        line, some = at + 1, (lines[i] for i in range(at, min(at + _LONGEST_ROW, len(lines))))
        reader = csv.reader(some, delimiter=separator, strict=True)
        try:
            cells = [c.strip() for c in next(reader)]
        except csv.Error as error:
            begun, most = repr(lines[at].strip()[:40]), csv.field_size_limit()
            too_long = "field larger" in str(error)
            what = f"a cell of more than {most:,} letters" if too_long else "an open quotation mark"
            words = f"{begun} has {what}."
            notices.append(Notice(line, "", words, "Left out.", left_out=True))
            at += 1
            continue
        at += reader.line_num
        yield Row(line, cells)


def _separator(lines: Sequence[str]) -> str:
    """Return what stands between cells: what makes a header, else the commonest of the first line."""
    some = [line for line in lines[:_HEADER_WITHIN] if line.strip(" \t\r\n,;")]
    heads = [
        (longer, separator) for line in some for separator in ",;\t|" if separator in line
        for columns, longer in [_header([c.strip(' "\r\n') for c in line.split(separator)])] if columns
    ]  # fmt: skip
    if heads:
        return min(heads, key=lambda head: len(head[0]))[1]
    return max(",;\t|", key=some[0].count) if some else ","


def _decoded(number: int, raw: bytes, notices: list[Notice]) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        words = "The line is not in UTF-8."
        notices.append(Notice(number, "", words, "Read as Windows-1252."))
        return raw.decode("cp1252", "replace")
