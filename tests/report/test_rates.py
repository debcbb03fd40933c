"""Who lives and works here: what the page, the workbook and the summary show of it, and where they do not."""

import json
import re

import nbformat
import openpyxl
import pytest

from crimenb.batch.index_page import overview
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.snapshot import collect
from crimenb.sources.archive import demo
from tests.people import Peopled

CENTRE = {"residents": 9_430, "households": 4_120, "jobs": 14_060, "estimate": 9_710}
VALE = {"demo-vale": {"residents": 112_000, "households": 47_000, "jobs": 52_000}}
QUERY = Query.parse("ZZ1 1AA", "2025-01", "2025-12")
A_RATE = re.compile(r"for every 1,000|per 1,000|[Rr]ates?\b")


def peopled(here=CENTRE):
    rest = {"residents": 31_000, "households": 12_900, "jobs": 11_000}
    return Peopled(demo(), here, VALE, district=rest, name="Fablemouth")


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return build_report(QUERY, peopled(), tmp_path_factory.mktemp("people"), xlsx=True).parent


@pytest.fixture(scope="module")
def page(report):
    return (report / "report.html").read_text()


def section(page):
    return re.search(r'<h2 id="who-lives-and-works-here">.*?(?=<h2 )', page, re.DOTALL)[0]


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_the_section_has_a_numbered_figure_with_one_fold(page):
    shown = section(page)
    head = re.search(r"<h3>(.*?)</h3>", shown)[1]
    assert re.fullmatch(
        r"Figure \d\. About 9,400 residents \(Census 2021\) and 14,000 jobs \(2024\)", text(head)
    )
    assert shown.count("<details") == 1
    fold = text(shown.partition("<details")[2])
    assert (
        "Residents: ONS Census 2021, P001, summed over 812 postcodes whose centre lies in the area." in fold
    )
    assert "About 9,400 people live in the area." in fold
    assert "By a later estimate there were about 9,700 residents in 2024 (ONS mid-year estimates" in fold
    assert "cn . rate_bars ( data )" in fold
    assert "Download these numbers" in fold


def test_no_rate_stands_alone(page):
    drawn = re.search(r'<table class="bars">.*?</table>', section(page), re.DOTALL)[0]
    heads = [text(h) for h in re.findall(r'<th scope="rowgroup".*?</th>', drawn)]
    assert heads == [
        "Crimes a year for every 1,000 residents, about 9,400 here (Census 2021)",
        "Crimes a year for every 1,000 residents and jobs, about 23,000 here (Census 2021 and 2024)",
        "Burglaries a year for every 1,000 households, about 4,100 here (Census 2021)",
    ]
    rows = [text(h) for h in re.findall(r'<th scope="row">.*?</th>', drawn)]
    assert rows == ["Here", "Rest of Fable Vale (police area)", "Rest of Fablemouth (district)"] * 3


def test_no_rate_is_in_a_headline_on_the_first_screen_in_the_summary_or_in_an_index(page, report):
    data = collect(QUERY, peopled())
    before = text(page.partition('<div class="rest">')[0].partition("<body>")[2])
    for said in (before, (report / "summary.md").read_text(), json.dumps(overview(data))):
        assert not A_RATE.search(said)
    assert not any(A_RATE.search(text(h)) for h in re.findall(r"<h[1-6][^>]*>.*?</h[1-6]>", page))


def test_the_summary_has_the_people_and_no_rate(report):
    said = json.loads((report / "summary.json").read_text())
    assert [(p["measure"], p["value"], p["year"]) for p in said["people"]] == [
        ("residents", 9400, "2021"), ("households", 4100, "2021"), ("jobs", 14_000, "2024"), ("estimate", 9700, "2024"),
    ]  # fmt: skip
    for figure in said["links"]["figures"]:
        assert figure.pop("name")  # one is called rates
    assert not A_RATE.search(json.dumps(said))


def test_the_workbook_has_the_rates_and_the_groups(report):
    book = openpyxl.load_workbook(report / "tables.xlsx")
    figure = next(s for s in book if "residents" in str(s["A1"].value))
    head, first, *_ = figure.iter_rows(min_row=4, values_only=True)
    assert head == ("What", "Where", "Records", "Of about", "Rate", "Lowest likely", "Highest likely")
    assert first == ("Crimes a year for every 1,000 residents", "Here", 3731, 9400, 400, 370, 420)
    groups = list(book["Groups that councils use"].iter_rows(min_row=5, values_only=True))
    assert groups[0][:2] == ("Retail crime", "Shoplifting")
    assert groups[-1] == (
        "Residential burglary",
        "Part of burglary, published by the Home Office",
        "[x]",
        "[x]",
    )


def test_the_cells_of_the_section_are_short(report):
    cells = [
        c for c in nbformat.read(report / "report.ipynb", as_version=4)["cells"] if "rates" in c["source"]
    ]
    assert [len(c["source"].splitlines()) for c in cells] == [2]


def test_too_few_residents_have_a_sentence_and_no_table(tmp_path):
    hamlet = {"residents": 310, "households": 130, "jobs": 45}
    page = build_report(Query.parse("ZZ9 9ZZ", "2025-01", "2025-12"), peopled(hamlet), tmp_path).read_text()
    shown = section(page)
    assert "<table" not in shown
    assert text(shown) == (
        "Who lives and works here About 310 residents (Census 2021) and 45 jobs (2024) No rate is given for fewer than "
        "500 residents: one crime more would add 3.2 to it. Residents: ONS Census 2021, P001, summed over 812 postcodes "
        "whose centre lies in the area. Households: ONS Census 2021, P002, summed over 812 postcodes whose centre lies "
        "in the area. Jobs: ONS Business Register and Employment Survey (employees), 2024, summed over 44 LSOAs whose "
        "centre lies in the area."
    )


def test_a_page_grows_by_less_than_sixty_kilobytes(report, tmp_path):
    bare = build_report(QUERY, Peopled(demo(), {}), tmp_path)
    assert (report / "report.html").stat().st_size - bare.stat().st_size < 60_000
    assert "is not known" in section(bare.read_text())
