"""The list a batch is given: rows of postcodes, read one by one, every bad one named.

A CSV file with a header (`postcode`, and `from`, `to`, `compare`, `name` where wanted) or a text
file with a postcode a line. Nothing about a row stops the others.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from crimenb.errors import CrimenbError, QueryError
from crimenb.query import Query

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

COLUMNS = ("postcode", "from", "to", "compare", "name")
LONGEST_NAME = 80


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


def read_orders(path: Path | str, start: str = "", end: str = "", compare: Iterable[str] = ()) -> Orders:
    """Read a list of postcodes.

    Parameters
    ----------
    path
        CSV or text; with a header or without one (then only the first column is read).
    start, end, compare
        What holds for rows that say nothing of their own.

    Raises
    ------
    QueryError
        The file cannot be read, or is no text.
    """
    notices: list[Notice] = []
    orders: list[Order] = []
    Query.parse("ZZ1 1AA", start, end, compare)  # what holds for all is refused once, not by line
    for line, row in _rows(Path(path), notices):
        if not row["postcode"]:
            notices.append(Notice(line, "", "The line names no postcode.", "Left out.", left_out=True))
            continue
        try:
            query = Query.parse(
                row["postcode"], row["from"] or start, row["to"] or end,
                re.split(r"[;|,]", row["compare"]) if row["compare"] else compare,
            )  # fmt: skip
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
    notices, kept = list(asked.notices), dict[Query, Order]()
    for order in asked.orders:
        try:
            query = order.query.within(held)
        except CrimenbError as error:
            notices.append(Notice(order.line, order.query.postcode, str(error), "Left out.", left_out=True))
            continue
        if query in kept:
            said = f"{query.postcode!r} asks the same as line {kept[query].line}."
            notices.append(Notice(order.line, query.postcode, said, "Done once."))
        else:
            kept[query] = replace(order, query=query)
    return Orders(list(kept.values()), sorted(notices))


def _rows(path: Path, notices: list[Notice]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield each line that is not blank, with its number and its columns."""
    columns: list[str] | None = None
    separator = ","
    for number, raw in enumerate(_lines(path), 1):
        text = _decoded(number, raw, notices)
        if not text.strip(" \t\r,;"):
            continue
        if columns is None:
            separator = max(",;\t", key=text.count)
        try:
            cells = [c.strip() for c in next(csv.reader([text], delimiter=separator, strict=True))]
        except csv.Error:
            said = f"{text.strip()[:40]!r} has an open quotation mark."
            notices.append(Notice(number, "", said, "Left out.", left_out=True))
            continue
        if columns is None:
            named = [re.sub(r"[\s_-]", "", c.lower()) for c in cells]
            if "postcode" in named:
                columns = named
                if unknown := sorted({n for n in named if n and n not in COLUMNS}):
                    said = f"No use is known for {', '.join(map(repr, unknown))}."
                    notices.append(Notice(number, "", said, f"Known are {', '.join(COLUMNS)}."))
                continue
            columns = ["postcode"]
            if len(cells) > 1:
                said = "There is no header with a column 'postcode'."
                notices.append(Notice(number, "", said, "Only the first column is read."))
        row = dict.fromkeys(COLUMNS, "") | dict(zip(columns, cells, strict=False))
        yield number, row


def _lines(path: Path) -> list[bytes]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        msg = f"The list {str(path)!r} cannot be read: {error.strerror}."
        raise QueryError(msg) from error
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        raw = raw.decode("utf-16", "replace").encode()
    if b"\0" in raw[:4096]:
        msg = f"The list {str(path)!r} is no text; save it as CSV, with a column 'postcode'."
        raise QueryError(msg)
    return raw.removeprefix(b"\xef\xbb\xbf").splitlines()


def _decoded(number: int, raw: bytes, notices: list[Notice]) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        said = "The line is not in UTF-8."
        notices.append(Notice(number, "", said, "Read as Windows-1252."))
        return raw.decode("cp1252", "replace")


def _one_line(text: str) -> str:
    plain = "".join(c if c.isprintable() else " " for c in text)
    return re.sub(r"\s+", " ", plain).strip()[:LONGEST_NAME]
