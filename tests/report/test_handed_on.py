"""What is handed on beside the page: the first screen as JSON, the tables as a workbook, both of the same numbers."""

import datetime as dt
import io
import json
import re
import shutil
import zipfile

import nbformat
import openpyxl
import pandas as pd
import pytest

from crimenb.measures.changes import ChangeVerdict
from crimenb.measures.months import MonthVerdict
from crimenb.measures.place import place_of
from crimenb.report.handed_on import parts, summary_json, workbook
from crimenb.report.html import ONE, SHARE, WHOLE, Column, Words, table
from crimenb.report.verify import _other_pages
from crimenb.wording.first_screen import three_numbers, what_matters
from crimenb.wording.summary import summary_values
from tests.make_data import YEAR, monthly

KINDS = {*MonthVerdict.__members__, *ChangeVerdict.__members__}


@pytest.fixture(scope="module")
def notebook(demo_report):
    return nbformat.read(demo_report / "report.ipynb", as_version=4)


@pytest.fixture(scope="module")
def book(notebook):
    return openpyxl.load_workbook(io.BytesIO(workbook(notebook)))


def shown(*words: Words):
    """Return a notebook of one cell that shows these."""
    cell = nbformat.v4.new_code_cell("1")
    for word in words:
        data, metadata = word._repr_mimebundle_()
        cell["outputs"].append(nbformat.v4.new_output("display_data", data=data, metadata=metadata))
    return nbformat.v4.new_notebook(cells=[cell])


# ------------------------------------------------------------------- summary.json


def test_the_values_are_the_first_screen_of_the_page(demo_report, centre):
    said, place = json.loads((demo_report / "summary.json").read_text()), place_of(centre)
    assert [
        (n["value"], n["what"], n["verdict"]["words"], n["verdict"]["detail"]) for n in said["numbers"]
    ] == [(n.value, n.what, n.verdict, n.detail) for n in three_numbers(place)]
    assert {n["verdict"]["kind"] for n in said["numbers"]} <= KINDS
    assert said["sentence"] == " ".join(what_matters(place))
    assert [(m["month"], m["status"]) for m in said["months"]] == [
        (m, str(s)) for m, s in place.status.items()
    ]
    assert sum(m["crimes"] for m in said["months"]) == place.total("crime")
    page = (demo_report / "report.html").read_text()
    first = re.search(r'<div class="first">(.*?)</nav>', page, re.DOTALL)[1]
    for n in said["numbers"]:
        assert f"<b>{n['value']:,}</b>" in first
        assert f"<strong>{n['verdict']['words']}</strong>" in first


def test_the_links_lead_to_the_figures_of_the_page(demo_report):
    page = (demo_report / "report.html").read_text()
    figures = json.loads((demo_report / "summary.json").read_text())["links"]["figures"]
    assert [f["link"] for f in figures] == [
        f"report.html#{a}" for a in re.findall(r'<figure id="(.*?)"', page)
    ]
    for figure in figures:
        head = f'<a href="#figure-{figure["number"]}">Figure {figure["number"]}.</a> '
        assert f"{head}{figure['message']}</h3>" in page


def test_where_nothing_is_counted_there_is_no_number_and_the_sentence_says_why():
    said = summary_values(place_of(monthly([0] * 12, status=dict.fromkeys(YEAR, "not in this archive"))))
    assert said["numbers"] == []
    assert "It is not zero." in said["sentence"]
    assert {(m["crimes"], m["reports"]) for m in said["months"]} == {(None, None)}


def test_a_notebook_without_a_first_screen_has_no_summary():
    assert summary_json(shown(Words("<p>a</p>", "a"))) == ""


# -------------------------------------------------------------------- tables.xlsx


def test_every_table_of_the_page_has_its_sheet(demo_report, notebook, book):
    page = (demo_report / "report.html").read_text()
    captions = [c for c in re.findall(r"<caption>(.*?)</caption>", page) if "nearest to the centre" not in c]
    assert len(book.sheetnames) == len(captions) + 1
    assert [s for s in book.sheetnames if s.startswith("Figure")] == [
        f"Figure {p.number}" for p in parts(notebook) if p.number
    ]
    second = next(p for p in parts(notebook) if p.number == 2)
    sheet = book["Figure 2"]
    assert (sheet["A1"].value, sheet["A2"].value) == (f"Figure 2. {second.message}", second.measure)
    assert sheet.freeze_panes == "B5"
    rows = re.search(r"<caption>Crimes by month</caption>.*?</table>", page, re.DOTALL)[0]
    assert [c.value for c in sheet[4]] == re.findall(r'<th scope="col"[^>]*>(.*?)</th>', rows)


def test_values_are_numbers_percentages_and_dates(book, centre):
    months = [row[0] for row in book["Figure 2"].iter_rows(min_row=5)]
    assert [m.value.date() for m in months] == [dt.date(2025, m, 1) for m in range(1, 13)]
    assert {m.number_format for m in months} == {"mmm yyyy"}
    place = place_of(centre)
    assert [row[2].value for row in book["Figure 2"].iter_rows(min_row=5)] == [*place.counts["crime"]]
    share = book["Figure 1"]["C5"]
    assert share.value == pytest.approx(place.total_by_category().iloc[0] / place.total("crime"))
    assert share.number_format == "0.0%"


def test_the_first_sheet_says_what_it_is(book):
    text = "\n".join(str(row[0]) for row in book["About"].iter_rows(values_only=True))
    for words in (
        "the mile around ZZ1 1AA",
        "January to December 2025",
        "do not measure how safe",
        "Source:",
        "[x] not available",
    ):
        assert words in text
    links = [
        row[0].hyperlink.location or row[0].hyperlink.ref
        for row in book["About"].iter_rows()
        if row[0].hyperlink
    ]
    assert len(links) == len(book.sheetnames) - 1


def test_what_looks_like_a_formula_stays_text_and_what_is_missing_is_not_zero():
    hostile = ["=1+1", "+1", "-1", "@SUM(A1)", "a\x07b"]
    frame = pd.DataFrame({"name": hostile, "n": [1, None, 0, 12345, 2], "p": [0.5, None, 0, 1, 0.25]})
    columns = [Column("name", "=Name"), Column("n", "Number", WHOLE), Column("p", "Share", SHARE, "[z]")]
    own = table(frame, columns, "A/table: of [many] names that are much too long", name="own")
    raw = workbook(shown(own, table(frame, [Column("n", "Mean", ONE)], "=2+2")))
    book = openpyxl.load_workbook(io.BytesIO(raw))
    assert book.sheetnames == ["About", "Atable of many names that are", "=2+2"]
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert "f" not in {c.data_type for c in cells}
    sheet = book.worksheets[1]
    assert [row[0].value for row in sheet.iter_rows(min_row=5)] == [*hostile[:4], "ab"]
    assert [row[1].value for row in sheet.iter_rows(min_row=5)] == [1, "[x]", 0, 12345, 2]
    assert sheet["C6"].value == "[z]"
    assert sheet["A5"].quotePrefix


def test_the_workbook_holds_no_time_and_is_not_packed(notebook):
    with zipfile.ZipFile(io.BytesIO(workbook(notebook))) as archive:
        assert {(i.date_time, i.compress_type) for i in archive.infolist()} == {((1980, 1, 1, 0, 0, 0), 0)}
        assert str(dt.date.today().year) not in archive.read("docProps/core.xml").decode()  # noqa: DTZ011


# ------------------------------------------------------------------------- verify


def saved_again(raw: bytes) -> bytes:
    out = io.BytesIO()
    openpyxl.load_workbook(io.BytesIO(raw)).save(out)
    return out.getvalue()


def one_more(raw: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(raw)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            new.writestr(zipfile.ZipInfo(name), re.sub(rb"<v>(\d+)</v>", b"<v>1\\1</v>", part, count=1))
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (one_more, r"\(xl/worksheets/sheet\d+.xml\): '.*' kept, '.*' computed"),
        (saved_again, "was saved by another program"),
        (lambda raw: raw + b" ", "is not packed as crimenb packs it"),
        (lambda _: b"", "is not packed as crimenb packs it"),
    ],
)
def test_a_changed_workbook_is_found(change, words, demo_report, notebook, tmp_path):
    folder = shutil.copytree(demo_report, tmp_path / "r")
    (folder / "tables.xlsx").write_bytes(workbook(notebook))
    assert list(_other_pages(folder, notebook, {})) == []
    (folder / "tables.xlsx").write_bytes(change(workbook(notebook)))
    [found] = _other_pages(folder, notebook, {})
    assert found.grave
    assert re.search(f"tables.xlsx {words}", found.text)


def test_a_changed_value_is_found(demo_report, notebook, tmp_path):
    folder = shutil.copytree(demo_report, tmp_path / "r")
    said = (folder / "summary.json").read_text()
    (folder / "summary.json").write_text(said.replace('"WITHIN"', '"BELOW"', 1))
    [found] = _other_pages(folder, notebook, {})
    assert re.search("summary.json line .*WITHIN", found.text)
