"""The streets of a page: their shapes are in it once, and every chart finds its own."""

import json
import re
from dataclasses import replace

import pytest
from benchmarks.audit import read_page
from benchmarks.audit_facts import Facts

from crimenb.charts.theme import VEGALITE
from crimenb.report.sections import map_key, map_names


@pytest.fixture(scope="module")
def page(demo_report):
    return (demo_report / "report.html").read_text("utf-8")


def test_what_the_page_draws_is_what_the_notebook_keeps(page, demo_report):
    paths = dict(re.findall(r'<path id="metres-(\d+)" d="([^"]+)"/>', page))
    assert len({*paths.values()}) == len(paths) > 4

    def filled(row):
        if re.fullmatch(r"@\d+\.\d+", str(row.get("s"))):
            path, part = row["s"][1:].split(".")
            row["s"] = "M" + paths[path].split("M")[int(part)]
        return row

    notebook = json.loads((demo_report / "report.ipynb").read_text("utf-8"))
    kept = [
        o["data"][VEGALITE]
        for c in notebook["cells"]
        for o in c.get("outputs", [])
        if VEGALITE in o.get("data", {})
    ]
    texts = re.findall(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    shown = [json.loads(text, object_hook=filled) for text in texts]
    assert shown == kept
    assert sum("reach" in spec["usermeta"] for spec in kept) == 3  # the map, its enlarged part, Explore
    # No other copy of a shape, in no drawing: all point to the one.
    used = re.findall(r'<use href="#metres-(\d+)"/>', page)
    assert {*used} == {*paths}
    assert all(page.count(path) == 1 for path in paths.values() if len(path) > 40)


@pytest.mark.parametrize(
    ("is_enlarged", "numbers", "letters"), [(False, range(1, 9), "ABCDE"), (True, range(9, 17), "FGHIJ")]
)
def test_numbers_and_letters_are_in_order_of_distance_and_say_nothing_of_counts(
    centre, is_enlarged, numbers, letters
):
    lines = map_names(centre, is_enlarged=is_enlarged).text.splitlines()
    marks = [line for line in lines if re.match(r"\w+  ", line)]
    assert [m.split()[0] for m in marks] == [*map(str, numbers), *letters]
    away = [int(re.search(r"([\d,]+) m ", m)[1].replace(",", "")) for m in marks]
    assert away[:8] == sorted(away[:8])
    assert away[8:] == sorted(away[8:])
    assert all(re.fullmatch(r"\w+  [^\d]+, [\d,]+ m [a-z-]+", m) for m in marks)
    assert lines[-1].startswith("Streets: ") == is_enlarged  # once, below the last map


def test_the_enlarged_map_is_between_its_caption_and_its_key(page):
    [figure] = re.findall(
        r'<figure[^>]*>(?:(?!</figure>).)*data-chart="enlarged-map".*?</figure>', page, re.DOTALL
    )
    order = ["mapkey classes", 'data-chart="snapped-points"', "mapkey names", "mapkey caption", 'data-chart="enlarged-map"',
             "mapkey names part"]  # fmt: skip
    at = [figure.index(part) for part in order]
    assert at == sorted(at)
    assert figure.count("<table") == 5  # two keys of streets and places, and the numbers in the fold


def test_a_place_without_streets_says_so(centre):
    assert "Streets are not drawn" not in map_key(centre).text
    bare = replace(centre, streets=centre.streets.iloc[:0], stretches=centre.stretches.iloc[:0])
    assert "Streets are not drawn: this source has none." in map_key(bare).text
    north = bare.coverage.assign(force="northern-ireland", share=1.0)
    assert "do not cover Northern Ireland" in map_key(replace(bare, coverage=north)).text


def test_a_live_report_without_streets_says_how_to_get_them(centre):
    asked = centre.provenance.assign(value=centre.provenance["value"].replace("demo", "live"))
    bare = replace(
        centre, streets=centre.streets.iloc[:0], stretches=centre.stretches.iloc[:0], provenance=asked
    )
    text = map_key(bare).text
    assert "none were fetched before this report. “crimenb fetch streets” gets them." in text
    for data, findings in ((bare, 0), (replace(bare, provenance=centre.provenance), 1)):
        assert len(read_page(Facts(data), {"map": [text.splitlines()[-1]]}).findings) == findings
