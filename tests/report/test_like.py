"""The section "Places like this one": there where it is asked for, and nowhere else."""

import json
import re

import pytest
from click.testing import CliRunner

import crimenb as cn
from crimenb.cli import main
from crimenb.measures.like import like_this
from crimenb.query import Query
from crimenb.report.bar_tables import strip
from crimenb.report.build import build_report
from crimenb.report.verify import verify
from tests.villages import build_villages

HEADING = 'id="places-like-this-one"'


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    query = Query.parse("ZZ1 1AA", "2025-01", "2025-12", like=True)
    return build_report(query, "demo", tmp_path_factory.mktemp("like")).parent


def test_the_section_stands_after_the_other_comparisons(report):
    page = (report / "report.html").read_text()
    headings = re.findall(r'<h2 id="([\w-]+)"', page)
    assert headings.index("places-like-this-one") == headings.index("compared-with-other-places") + 1
    assert '<a href="#places-like-this-one">' in page
    section = page.partition(HEADING)[2].partition("<h2")[0]
    assert "than in nine of ten of 36 places like this one" in section
    assert "It does not show that this area is safe or unsafe, or why." in section
    assert "Balladbury (ZZ7 3AA); Balladford" in section
    assert section.count('<svg class="dots"') + section.count("<svg class='dots'") == 15
    assert 'download="zz1-1aa_2025-01_2025-12' in section


def test_a_position_is_in_no_headline_of_the_page(report):
    page = (report / "report.html").read_text()
    assert "places like this one" not in page.partition('class="rest"')[0].lower().replace(
        '">places like this one</a>', ""
    )
    values = json.loads((report / "summary.json").read_text())
    assert "like this one" not in json.dumps(values | {"links": {}})  # which name each figure
    assert "like this one" not in (report / "summary.md").read_text()


def test_without_the_question_the_page_has_no_section(demo_report):
    page = (demo_report / "report.html").read_text()
    assert HEADING not in page
    assert '<a href="#places-like-this-one">' not in page
    assert "like" not in json.loads((demo_report / "data" / "manifest.json").read_text())["query"]


def test_such_a_report_is_verified(report):
    verdict = verify(report)
    assert verdict.holds, verdict.findings


def test_fewer_than_thirty_is_one_sentence_and_no_figure(tmp_path):
    query = Query.parse("ZZ2 2BB", "2025-01", "2025-12", like=True)
    page = build_report(query, "demo", tmp_path).read_text()
    section = page.partition(HEADING)[2].partition("<h2")[0]
    assert "Not compared with places like this one: this archive has none, and 30 are needed" in section
    assert "<svg" not in section
    assert "Figure" not in section


def test_a_strip_has_a_dot_for_each_place_this_one_and_the_median():
    drawn = strip((0, 5, 5, 5, 5, 10), 20, 5.0)
    small, median, halo, own = re.findall(r" d='([^']+)'", drawn)
    dots = re.findall(r"M([\d.]+) ([\d.]+)h0", small)
    assert len(dots) == 5  # of four equal ones two lie over each other
    assert {x for x, _ in dots} == {"2.0", "26.0", "50.0"}
    assert median == "M26.0 0v10"
    assert halo == own == "M98.0 5h0"
    assert "nan" not in strip((0, 0), 0, 0.0)


def test_the_commands_take_it(tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("ZZ1 1AA\nZZ9 9ZZ\n")
    out = tmp_path / "out"
    words = ["--source", "demo", "--from", "2025-10", "--to", "2025-12", "--out", str(out), "--like"]
    result = CliRunner().invoke(main, ["batch", str(listed), *words, "--workers", "1"])
    assert result.exit_code == 0, result.output
    pages = sorted(out.glob("*/report.html"))
    assert len(pages) == 2
    assert all(HEADING in p.read_text() for p in pages)
    again = CliRunner().invoke(main, ["batch", str(listed), *words, "--dry-run"])
    assert "2 there already, 0 to make" in again.stderr
    other = CliRunner().invoke(main, ["batch", str(listed), *words[:-1], "--dry-run"])
    assert "0 there already, 2 to make" in other.stderr


@pytest.mark.parametrize("command", [["report", "LE1 6RN"], ["batch", "LIST"]])
def test_the_live_services_are_refused_in_one_sentence(command, tmp_path):
    listed = tmp_path / "list.txt"
    listed.write_text("LE1 6RN\n")
    words = [str(listed) if w == "LIST" else w for w in command]
    result = CliRunner().invoke(main, [*words, "--like", "--out", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert result.stderr == (
        "The live services have no places like this one to compare with (--like); report from an archive, or leave out "
        "--like.\n"
    )
    assert not (tmp_path / "out").exists()


def test_places_of_a_real_shape_are_alike_in_crime(tmp_path):
    archive = build_villages(tmp_path)
    data = cn.collect("LE1 0AA", "2025-01", "2025-12", source=archive, like=True)
    found = like_this(data)
    assert [p.series for p in found.positions if p.named] == ["burglary"]
    assert cn.like_dots(data).role == "chart"
