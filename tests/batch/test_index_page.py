"""The index page of a batch: every report, no ranking, quick, and readable by everybody."""

import html
import json
import re

import pytest

from crimenb.batch.index_page import bars, overview, render, row, write_index
from crimenb.batch.ledger import Entry
from crimenb.batch.rows import Notice
from crimenb.measures.place import place_of
from crimenb.wording.first_screen import three_numbers, what_matters
from tests.browser import ARGUMENTS, chromium, opened

OVERVIEW = {
    "place": "Hanley, Stoke-on-Trent", "part": "", "start": "2025-01", "end": "2025-03",
    "numbers": [
        [834, "crimes in March 2025", "Above the normal range", "1 to 9", True],
        [56, "reports of anti-social behaviour in March 2025", "Not judged", "", False],
        [1234, "crimes in the 2 months counted", "Not compared with the year before", "this report covers less", False],
    ],
    "months": [400, None, 834], "counted": 2, "asked": 3, "gaps": "February 2025: not supplied",
    "coverage": "Fable Vale", "matters": "Two of the 3 months asked for are counted.", "changed": "",
}  # fmt: skip


def entry(name="", slug="zz1-1aa_2025-01_2025-03", postcode="ZZ1 1AA", **more):
    return Entry(postcode, slug, "done", "1", "1", "", "0", json.dumps(OVERVIEW | {"name": name} | more))


def many(count):
    return [
        entry(
            f"Place {i:04d}",
            f"zz{i % 90 + 1}-1aa_2025-01_2025-03_{i}",
            f"ZZ{i % 90 + 1} 1AA",
            coverage=["Fable Vale", "Elsewhere"][i % 2],
            counted=3 - (i % 5 == 0),
            changed="Crime has clearly changed." * (i % 50 == 0),
        )
        for i in range(count)
    ]


def cells_of(page):
    """Return the cells of the rows of a page, as they are read."""
    cells = re.findall(r"<t[dh] role=(?:cell|rowheader)>(.*?)(?=<t[dh] |\n)", page)
    return [re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", c))).strip() for c in cells]


def test_a_row_says_what_is_asked_of_it():
    text = render([row(entry("Centre"))], [], [])
    assert cells_of(text) == [
        "Centre ZZ1 1AA Hanley, Stoke-on-Trent",
        "Two of the 3 months asked for are counted. February 2025: not supplied",
        "834 crimes in March 2025 Above the normal range 1 to 9",
        "56 reports of anti-social behaviour Not judged",
        "1,234 crimes in the 2 months counted Not compared with the year before this report covers less",
        "400 to 834 a month", "Fable Vale",
    ]  # fmt: skip
    assert 'href="zz1-1aa_2025-01_2025-03/report.html"' in text
    assert "January to March 2025. Source: police.uk." in text
    assert "sorted by name and not ranked" in text


def test_a_place_is_called_what_the_list_calls_it_or_by_its_name_or_its_postcode():
    assert row(entry())["name"] == "Hanley, Stoke-on-Trent"
    assert row(entry(place=""))["name"] == "ZZ1 1AA"
    assert row(entry("Centre", part="the A part (12%) of B"))["below"][-1] == "the A part (12%) of B"


def test_months_are_named_in_each_row_where_they_differ():
    text = render([row(entry("a")), row(entry("b", start="2024-01"))], [], [])
    assert [c.partition("Stoke-on-Trent ")[2] for c in cells_of(text)[::7]] == [
        "January to March 2025", "January 2024 to March 2025"]  # fmt: skip


def test_nothing_counted_is_not_zero():
    shown = row(entry(numbers=[], months=[None] * 3, counted=0, matters=""))
    assert [n[0] for n in shown["numbers"]] == ["[x]"] * 3
    assert shown["bars_text"] == "No month can be counted"
    assert "new" not in shown["bars"]
    assert cells_of(render([shown], [], []))[1].startswith("Nothing can be counted here.")


def test_the_row_is_the_first_screen_of_the_report(centre):
    known, place = overview(centre), place_of(centre)
    assert [n[:4] for n in known["numbers"]] == [
        [n.value, n.what, n.verdict, n.detail] for n in three_numbers(place)
    ]
    assert (known["matters"], known["changed"]) == (what_matters(place)[0], "")


def test_the_small_bars_start_at_zero_and_a_missing_month_is_a_dotted_line():
    assert bars([10, 5, None, 0, 10]) == (
        '<svg aria-hidden=true><path class=gap d="M12 23h6"/><path class=mid d="M0 24V1h6V12h6V24h6V24h6V24h6"/>'
        '<path class=new d="M24 24V1h6V24"/></svg>'
    )
    assert bars([None, 7] * 18).startswith("<svg class=s4 ")


def test_rows_are_sorted_by_name_and_totals_are_not(tmp_path):
    page = write_index(tmp_path, [entry("b", "b"), entry("A", "a"), entry("", "c")], [], []).read_text()
    names = re.findall(r'href="(\w)[^"]*/report.html"', page.replace("zz1-1aa_2025-01_2025-03", "c"))
    assert names == ["a", "b", "c"]
    heads = re.findall(r"<th role=.columnheader[^>]*>.*?</th>", page)
    assert [re.sub(r"<[^>]+>", "", h) for h in heads if "data-sort" in h] == [
        "Place", "What stands out, and months missing", "Police force"]  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["index.html"]


def test_failures_stand_with_their_sentence():
    failed = [Entry("ZZ2 2BB", "x", "failed", error="The service <did> not answer.")]
    notices = [
        Notice(4, "foo", "'foo' is no postcode.", "Left out.", left_out=True),
        Notice(5, "", "Twice.", "Done once."),
    ]
    text = render([row(entry())], failed, notices)
    assert "<strong>ZZ2 2BB</strong>: The service &lt;did&gt; not answer." in text
    assert "Line 4: &#39;foo&#39; is no postcode. Left out." in text
    assert "Line 5" not in text


def test_text_from_outside_stays_text_and_nothing_is_asked():
    text = render([row(entry('<img src=x onerror="alert(1)">', 'a"><script>'))], [], [])
    assert "<img" not in text
    assert text.count("<script>") == 1
    assert not re.search(
        r"<\w[^>]*\s(?:src|style)=|<link|@import|url\(",
        re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL),
    )
    assert 'href="a%22%3E%3Cscript%3E/report.html"' in text
    policy = re.search(r'content="(default-src[^"]*)"', text)[1]
    assert policy.startswith("default-src &#39;none&#39;")
    assert "unsafe" not in policy


def test_the_same_rows_give_the_same_bytes():
    rows = [row(e) for e in many(3)]
    assert render(rows, [], []) == render([dict(r) for r in rows], [], [])


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        found = p.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    failed = [Entry("ZZ2 2BB", "x", "failed", error="The service did not answer.")]
    return write_index(tmp_path_factory.mktemp("index"), many(250), failed, [])


@pytest.fixture(scope="module")
def short_file(tmp_path_factory):
    """Forty rows have every kind that many have, and axe takes minutes over many."""
    failed = [Entry("ZZ2 2BB", "x", "failed", error="The service did not answer.")]
    return write_index(tmp_path_factory.mktemp("short"), many(40), failed, [])


def visible(page):
    return [r.inner_text() for r in page.locator("tbody tr:not([hidden]) th a").all()]


@pytest.mark.slow
def test_it_is_searched_and_sorted_in_place(browser, page_file):
    with opened(browser, page_file) as page:
        for words, found in (("zz11aa 2025-03", "3 of 250 reports"), ("zz11ab", "0 of 250 reports")):
            page.fill("#search", words)
            page.get_by_text(found, exact=True).wait_for()
        page.fill("#search", "PLACE 001 elsewhere")
        page.get_by_text("6 of 250 reports", exact=True).wait_for()
        assert visible(page) == [f"Place {i:04d}" for i in (1, 11, 13, 15, 17, 19)]
        assert page.inner_text("#found") == "6 of 250 reports"
        head = page.get_by_role("button", name="Place")
        head.focus()
        page.keyboard.press("Enter")
        assert visible(page)[0] == "Place 0019"
        assert page.get_attribute("th[data-sort=name]", "aria-sort") == "descending"
        page.get_by_role("button", name="Police force").click()
        page.fill("#search", "")
        page.wait_for_selector("#found:empty", state="attached")
        page.get_by_label("Clear change (5)").check()
        assert visible(page) == [f"Place {i:04d}" for i in (0, 50, 100, 150, 200)]
        page.get_by_label("Clear change (5)").uncheck()
        page.get_by_label("Months missing (50)").check()
        assert page.inner_text("#found") == "50 of 250 reports"
        page.get_by_label("Months missing (50)").uncheck()
        assert visible(page)[:2] == ["Place 0001", "Place 0003"]
        assert len(visible(page)) == 250
        assert page.heard == []
        assert page.asked == [page_file.as_uri()]


@pytest.mark.slow
@pytest.mark.parametrize("script", [True, False])
def test_it_is_read_without_script(browser, page_file, script):
    with opened(browser, page_file, java_script_enabled=script, offline=True) as page:
        assert page.locator("tbody tr").count() == 250
        assert page.locator("#search").is_visible() == script
        assert page.locator("thead button").count() == (3 if script else 0)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_axe_finds_nothing(browser, short_file, scheme, width):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    wanted = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
    with opened(browser, short_file, color_scheme=scheme, viewport={"width": width, "height": 900}) as page:
        found = axe.Axe().run(page, options={"runOnly": wanted}).response["violations"]
        assert [(v["id"], len(v["nodes"])) for v in found] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
