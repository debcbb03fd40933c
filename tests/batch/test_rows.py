"""Lists as people have them: from Excel, with titles, odd spellings, months of every kind."""

import datetime as dt
import zipfile

import openpyxl
import pytest

from crimenb.batch.rows import LARGEST_WORKBOOK, read_orders
from crimenb.errors import QueryError
from tests.real import REAL, needs_cases

BOTH = ["ST1 1AP", "ST1 2AA"]


def listed(folder, text, name="list.csv"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path):
    orders, notices = read_orders(path)
    return [o.query.postcode for o in orders], notices


TEXTS = {
    "a line break in a quoted cell": 'name,address,postcode\n"A","1 High St\nHanley","ST1 1AP"\n"B","2 Low Road","ST1 2AA"\n',
    "postal code": "id,Postal Code\n1,ST1 1AP\n2,ST1 2AA\n",
    "pcds": "objectid\tpcds\n1\tST1 1AP\n2\tST1 2AA\n",
    "a longer name": "Client,Site postcode (home)\nA,ST1 1AP\nB,ST1 2AA\n",
    "the separator named": "sep=;\r\npostcode;name\r\nST1 1AP;A, B\r\nST1 2AA;C\r\n",
    "semicolons, with commas in the title": "Clients, all of them, of Hanley\n\nname;postcode\nA;ST1 1AP\nB;ST1 2AA\n",
    "formulas that keep text": 'postcode,name\n="ST1 1AP",A\n=""ST1 2AA"",B\n',
    "what cannot be seen": "postcode\nST1\u200b 1AP\u200e\n\ufeffST1\u00a02AA\n",
    "brackets, dots, quotation marks": 'postcode\n(ST1 1AP)\n"“ST1 2AA”."\n',
    "hyphens and apostrophes": "postcode\nst1-1ap\n'ST1 2AA\n",
    "a title that speaks of postcodes": "Postcodes of our sites,\n\nname,postcode\nA,ST1 1AP\nB,ST1 2AA\n",
    "a title of many cells that speaks of postcodes": "Clients, postcodes, Hanley\nname;postcode\nA;ST1 1AP\nB;ST1 2AA\n",
    "bullets": "- ST1 1AP\n\u2022 ST1 2AA\n",
    "two columns of postcodes": "Home postcode,Work postcode\nST1 1AP,ST1 5AA\nST1 2AA,\n",
    "many empty cells": ",,,\n,,postcode,\n,,ST1 1AP,\n,,,\n,,ST1 2AA,\n",
    "old line ends": "postcode\rST1 1AP\rST1 2AA\r",
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_lists_as_people_have_them_are_read(case, tmp_path):
    found, notices = read(listed(tmp_path, TEXTS[case]))
    assert found == BOTH
    assert not [n for n in notices if n.left_out]


def test_several_columns_of_postcodes_are_named(tmp_path):
    _, notices = read(listed(tmp_path, TEXTS["two columns of postcodes"]))
    assert "2 columns are named for postcodes ('homepostcode', 'workpostcode')." in notices[0].found
    assert notices[0].done == "The first is read; call the one you mean 'postcode'."


def test_titles_above_the_header_are_passed_over_with_a_word(tmp_path):
    text = "Client list,,\nExported 03/02/2026,,\n\nname,postcode\nShop A,ST1 1AP\nShop B,ST1 2AA\n"
    found, notices = read(listed(tmp_path, text))
    assert found == BOTH
    assert [str(n) for n in notices] == ["Line 1: 2 rows stand above the header. Not read."]


def test_without_a_header_the_column_of_postcodes_is_read(tmp_path):
    found, notices = read(listed(tmp_path, "A,1,ST1 1AP\nB,2,ST1 2AA\n"))
    assert found == BOTH
    assert notices[0].done == "Only column 3, of postcodes, is read."


def test_lines_keep_their_numbers_where_cells_have_several(tmp_path):
    text = 'name,postcode\n"A\nB\nC",ST1 1AP\n"D",ST1\n'
    orders, notices = read_orders(listed(tmp_path, text))
    assert [o.line for o in orders] == [2]
    assert [n.line for n in notices] == [5]


def test_a_quotation_mark_that_is_never_closed_costs_its_line_alone(tmp_path):
    text = 'postcode,name\nST1 1AP,"A\nST1 2AA,B\n' + "ST1 3AA,C\n" * 60
    found, notices = read(listed(tmp_path, text))
    assert found[:1] == ["ST1 2AA"]
    assert len(found) == 61
    assert [(n.line, n.left_out) for n in notices] == [(2, True)]


def test_postcodes_beside_each_other_are_not_passed_over_in_silence(tmp_path):
    found, notices = read(listed(tmp_path, "ST1 1AP, ST1 2AA, ST1 3AA\n"))
    assert found == ["ST1 1AP"]
    assert notices[0].done == (
        "Only the first column is read. Other columns hold 2 postcodes; give each a line of its own."
    )


OTHERS = {
    "list.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "is a PDF; save it as .xlsx or CSV, with a column 'postcode'"),
    "list.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 99, "is a workbook of an old Excel or one with a password"),
    "export.xls": (b"\xef\xbb\xbf\r\n<html><table><tr><td>postcode</td></tr></table>", "is a web page"),
    "list.json": (b'[{"postcode": "ST1 1AP"}]', "is JSON"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_no_list_is_named_as_what_it_is(name, tmp_path):
    raw, words = OTHERS[name]
    with pytest.raises(QueryError, match=words):
        read(listed(tmp_path, raw, name))


@pytest.mark.parametrize(
    ("name", "part", "words"),
    [
        ("list.ods", "content.xml", "is an OpenDocument spreadsheet; save it as .xlsx or CSV"),
        ("list.zip", "list.csv", "another file or a zip of files; give the list in it"),
    ],
)
def test_zips_that_are_no_workbook_are_named(name, part, words, tmp_path):
    with zipfile.ZipFile(tmp_path / name, "w") as parts:
        parts.writestr(part, "postcode\nST1 1AP\n")
    with pytest.raises(QueryError, match=words):
        read(tmp_path / name)


MONTHS = {
    ("Oct-25", "Dec-25"): ("2025-10", "2025-12"),
    ("01/10/2025", "01/12/2025"): ("2025-10", "2025-12"),
    ("2025-10-01", "2025-12-31"): ("2025-10", "2025-12"),
    ("October 2025", "2025/12"): ("2025-10", "2025-12"),
    ("2025-10-01 00:00:00", "Latest"): ("2025-10", "latest"),
}


@pytest.mark.parametrize("written", MONTHS)
def test_months_as_a_spreadsheet_writes_them(written, tmp_path):
    orders, _ = read_orders(listed(tmp_path, f"postcode,from,to\nST1 1AP,{','.join(written)}\n"))
    assert (orders[0].query.start, orders[0].query.end) == MONTHS[written]


def test_a_month_that_may_be_of_two_shows_how_to_write_it(tmp_path):
    _, notices = read_orders(listed(tmp_path, "postcode,from\nST1 1AP,03/02/2025\n"))
    assert "'03/02/2025' may be of two months; write 2025-02 if the day stands first" in notices[0].found


# ------------------------------------------------------------------------ Excel


def workbook(path, rows, *, before=(), **sheet):
    book = openpyxl.Workbook()
    for title in before:
        book.create_sheet(title, 0).append(["How to use this", "workbook"])
    page = book[book.sheetnames[-1]]
    for row in rows:
        page.append(row)
    book.save(path)
    return path


def test_a_workbook_is_read_with_its_dates_and_titles(tmp_path):
    rows = [
        ["Client list"], [], ["Name", "Postal Code", "From", "To"],
        ["A", "ST1 1AP", dt.datetime(2025, 10, 1),  # noqa: DTZ001
         dt.date(2025, 12, 1)],
        [None, None, None, None],
        ["B", "st12aa ", "Oct-25", None],
    ]  # fmt: skip
    path = workbook(tmp_path / "clients.xlsx", rows, before=["Read me"])
    orders, notices = read_orders(path, "", "2025-12")
    assert [(o.line, o.name, o.query.postcode, o.query.start, o.query.end) for o in orders] == [
        (4, "A", "ST1 1AP", "2025-10", "2025-12"),
        (6, "B", "ST1 2AA", "2025-10", "2025-12"),
    ]
    assert [str(n) for n in notices] == ["Line 1: A row stands above the header. Not read."]


def test_a_workbook_without_a_header_is_read_like_a_text(tmp_path):
    found, _ = read(workbook(tmp_path / "w.xlsx", [["A", "ST1 1AP"], ["B", "ST1 2AA"]]))
    assert found == BOTH


def test_a_workbook_that_unpacks_without_end_is_refused(tmp_path):
    path = workbook(tmp_path / "w.xlsx", [["postcode"]])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as parts, parts.open("xl/more.xml", "w") as part:
        for _ in range(LARGEST_WORKBOOK // 2**20 + 1):
            part.write(b" " * 2**20)
    with pytest.raises(QueryError, match="unpacks to more than 256 MB; save it as CSV"):
        read(path)


# ------------------------------------------------------------------------ files that went wrong

CASES = {
    "excel-months.csv": ["ST1 1AP", "ST1 2AA", "ST1 3AA"],
    "formula-text.csv": ["ST1 1AP", "ST1 2AA", "ST1 2AA"],
    "multiline-cell.csv": BOTH,
    "postal-code-header.csv": BOTH,
    "title-rows.csv": BOTH,
}


@needs_cases
@pytest.mark.parametrize("file", CASES)
def test_lists_that_went_wrong_are_read(file):
    orders, notices = read_orders(REAL / "cases" / "lists" / file)
    assert [o.query.postcode for o in orders] == CASES[file]
    assert not [n for n in notices if n.left_out]
    if file == "excel-months.csv":
        assert {(o.query.start, o.query.end) for o in orders} == {("2025-10", "2025-12")}


@needs_cases
def test_odd_spellings_are_read_or_answered_with_what_was_meant():
    found, notices = read(REAL / "cases" / "lists" / "odd-spellings.csv")
    assert found == [
        "ST1 1AP", "ST1 2AA", "ST1 3AA", "ST1 1AP", "BX9 1AS", "BF1 2AY", "EC2V 7HH", "ST1 1AP", "ST1 1AP",
    ]  # fmt: skip
    assert [n.found for n in notices] == [
        "'STl 1AP' is not a full UK postcode; did you mean 'ST1 1AP'?",
        "'ST1 OAA' is not a full UK postcode; did you mean 'ST1 0AA'?",
        "'Address: ST1 1AP' is not a full UK postcode; did you mean 'ST1 1AP'?",
    ]
