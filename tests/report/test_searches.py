"""The section "Stop and search": there where it is asked for, short, and nowhere else."""

import json
import re

import nbformat
import openpyxl
import pandas as pd
import pytest
from click.testing import CliRunner

from crimenb.cli import main
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.verify import verify
from crimenb.snapshot import collect
from tests.test_audit import read

HEADING = 'id="stop-and-search"'
QUERY = Query.parse("ZZ1 1AA", "2025-01", "2025-12", stops=True)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return build_report(QUERY, "demo", tmp_path_factory.mktemp("stops"), xlsx=True).parent


@pytest.fixture(scope="module")
def section(report):
    return (report / "report.html").read_text().partition(HEADING)[2].partition("<h2")[0]


def text(html):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).strip()


def test_the_section_has_its_figure_its_tables_and_the_reason_why_no_rate_is_given(section):
    assert "148 searches in the 11 months counted" in section
    assert "Not counted, which does not mean none: May 2025 (not in this archive)." in section
    assert re.findall(r"<caption>(.*?), the 11 months counted</caption>", section) == [
        "What officers looked for, not what they found", "What the searches led to", "Under which law", "At which time of day",
        "Ethnicity as the person described it", "Ethnicity as the officer recorded it",
    ]  # fmt: skip
    assert "(MVA and Miller, 2000)" in section
    assert "Equality and Human Rights Commission (2010)" in section
    assert "Fable Vale Police (invented)&#39;s own site</a>." in section


def test_ethnicity_has_no_percentage_and_what_is_not_known_has_a_row(section):
    for caption in ("Ethnicity as the person described it", "Ethnicity as the officer recorded it"):
        table = section.partition(f"<caption>{caption}")[2].partition("</table>")[0]
        assert "%" not in table
        assert re.findall(r'<th scope="row">(.*?)</th>', table)[-1] == "Not recorded"


def test_no_search_is_set_beside_residents(section):
    said = text(re.sub(r"<details.*?</details>", "", section, flags=re.DOTALL))
    assert "per 1,000" not in said
    assert "times as" not in said


def test_the_words_beside_tables_and_folds_are_at_most_200(section):
    open_ = re.sub(r"<(details|table|svg|script|figure)\b.*?</\1>", " ", section, flags=re.DOTALL)
    assert 100 < len(text(open_).split()) <= 200


def test_three_cells_make_it(report):
    cells = nbformat.read(report / "report.ipynb", as_version=4)["cells"]
    assert sum("stops" in c["metadata"].get("tags", []) for c in cells) == 3


def test_such_a_report_is_verified_and_its_searches_are_files(report):
    verdict = verify(report)
    assert verdict.holds, verdict.findings
    months = pd.read_csv(report / "data" / "searches_months.csv")
    assert months["status"].tolist().count("not in this archive") == 1
    names = [n for _, n, _ in json.loads((report / "data" / "manifest.json").read_text())["provenance"]]
    assert "2025-12-demo-vale-stop-and-search.csv" in names
    assert len([*openpyxl.load_workbook(report / "tables.xlsx")]) > 15


def test_a_report_that_is_not_asked_for_searches_has_nothing_of_them(demo_report):
    assert "stop-and-search" not in (demo_report / "report.html").read_text()
    for file in ("report.ipynb", "data/manifest.json", "summary.json"):
        assert not re.search(r"stops|[Ss]earches|stop-and-search", (demo_report / file).read_text()), file
    assert not [*(demo_report / "data").glob("searches*")]


def test_a_changed_question_is_found_by_verify(report, tmp_path):
    copy = tmp_path / "copy"
    copy.mkdir()
    nb = nbformat.read(report / "report.ipynb", as_version=4)
    nb["cells"] = [c for c in nb["cells"] if "stops" not in c["metadata"].get("tags", [])]
    for file in report.rglob("*"):
        if file.is_file():
            (copy / file.relative_to(report)).parent.mkdir(exist_ok=True)
            (copy / file.relative_to(report)).write_bytes(file.read_bytes())
    nbformat.write(nb, copy / "report.ipynb")
    assert not verify(copy).holds


def test_the_command_and_a_batch_take_the_flag(tmp_path):
    asked = ["--source", "demo", "--from", "2025-11", "--to", "2025-12", "--stops"]
    done = CliRunner().invoke(main, ["report", "ZZ9 9ZZ", *asked, "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    (page,) = tmp_path.glob("*/report.html")
    assert "Ethnicity is not shown for fewer than 50" in page.read_text() or HEADING in page.read_text()
    listed = tmp_path / "list.csv"
    listed.write_text("postcode\nZZ1 1AA\n")
    done = CliRunner().invoke(
        main, ["batch", str(listed), *asked, "--out", str(tmp_path / "many"), "--dry-run"]
    )
    assert done.exit_code == 0, done.output


def test_searches_of_places_compared_with_are_not_asked_for():
    data = collect(["ZZ1 1AA", "ZZ2 2BB"], "2025-11", "2025-12", stops=True)
    assert {*data.searches["postcode"]} == {"ZZ1 1AA"}


def test_a_place_with_few_searches_says_so():
    _, page = read(("ZZ9 9ZZ", "2025-01", "2025-12", "--stops"))
    assert (
        "Fewer than 50 searches are too few for percentages, times of day or a pattern."
        in page["searches"][0]
    )
    assert "table searches self_defined" not in page
