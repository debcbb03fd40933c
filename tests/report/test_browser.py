"""The page in a real browser: the linked figure counts what the data hold; nothing is asked."""

import os
import re
import subprocess

import geopandas as gpd
import pandas as pd
import pytest

from crimenb.errors import ReportError
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.pdf import find_browser, print_pdf, print_summary
from crimenb.schema import BTP, CATEGORIES
from tests.browser import ARGUMENTS, chromium, draw_all, opened

pytestmark = pytest.mark.slow

DRAWN = """() => {
  const found = {c: {}, m: {}, p: 0, points: 0};
  const walk = (item) => {
    const d = item.datum || {};
    if (item.mark && item.mark.marktype === 'rect' && 'category' in d && 'kind' in d) found.c[d.category] = d.n;
    if (item.mark && item.mark.marktype === 'rect' && 'month' in d && 'kind' in d)
      found.m[d.month] = (found.m[d.month] || 0) + d.n;
    if (item.mark && item.mark.marktype === 'symbol' && 'p' in d && 'n' in d) {
      found.p += d.n; found.points += 1;
    }
    (item.items || []).forEach(walk);
  };
  walk(document.querySelector('[data-chart=explore]').view.scenegraph().root);
  return found;
}"""


@pytest.fixture(scope="module")
def browser():
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=str(path), args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def records(demo_report):
    """Return the records of the report's own data file that totals are made of."""
    crimes = gpd.read_parquet(demo_report / "data" / "crimes.parquet")
    months = pd.read_csv(demo_report / "data" / "months.csv")
    held = months.loc[months["status"] == "published", "month"]
    kept = crimes[(crimes["reported_by"] != BTP) & crimes["month"].isin(held)]
    return kept.assign(
        label=kept["category"].map(CATEGORIES),
        name=pd.to_datetime(kept["month"]).dt.strftime("%B %Y"),
        at=kept.geometry.to_wkb(),
    )


@pytest.fixture
def page(browser, demo_report):
    with opened(browser, demo_report / "report.html") as page:
        chart = page.locator("[data-chart=explore]")
        chart.scroll_into_view_if_needed()
        page.wait_for_selector("[data-chart=explore].drawn")
        yield page
        assert page.heard == []
        assert [u for u in page.asked if not u.startswith("data:")] == [
            (demo_report / "report.html").as_uri()
        ]


def check(page, records, category="", first="", last=""):
    """Compare what is drawn and said with the records: each view filters by the other's choice."""
    page.wait_for_timeout(100)
    drawn = page.evaluate(DRAWN)
    by_category = records[records["label"] == category] if category else records
    span = records["month"].between(first or records["month"].min(), last or records["month"].max())
    chosen = by_category[span.loc[by_category.index]]
    expected = records[span].groupby("label").size()
    assert {k: v for k, v in drawn["c"].items() if v} == expected.to_dict()
    assert {k: v for k, v in drawn["m"].items() if v} == by_category.groupby("name").size().to_dict()
    is_report = chosen["label"] == CATEGORIES["anti-social-behaviour"]
    on_map = chosen if category else chosen[~is_report]  # crimes and reports are never added
    assert drawn["p"] == len(on_map)
    assert drawn["points"] == on_map["at"].nunique()
    said = page.locator(".said").text_content()
    reports = int(is_report.sum())
    if len(chosen) - reports:
        assert f"{len(chosen) - reports:,} crime" in said
    if reports:
        assert f"{reports:,} report" in said
    assert f"({chosen['month'].nunique()} month" in said
    return said


def place(page, name):
    """Return the middle of the mark that has this datum, in pixels of the window."""
    box = page.evaluate(
        """(name) => {
          const svg = document.querySelector('[data-chart=explore] .live svg');
          for (const node of svg.querySelectorAll('path')) {
            const d = node.__data__ && node.__data__.datum;
            if (d && node.__data__.mark.marktype === 'rect' && (d.category === name || d.month === name)) {
              const b = node.getBoundingClientRect();
              return [b.x + b.width / 2, b.y + b.height / 2];
            }
          }
        }""",
        name,
    )
    assert box, name
    return box


def test_all_is_shown_at_first(page, records):
    assert "All categories, January to December 2025 (12 months counted)" in check(page, records)
    assert "the most at one is" in page.locator(".said").text_content()


def test_a_click_on_a_category_chooses_it_and_escape_resets(page, records):
    page.mouse.click(*place(page, "Shoplifting"))
    assert check(page, records, "Shoplifting").startswith("Shoplifting, ")
    assert page.locator("#explore-category option:checked").text_content() == "Shoplifting"
    page.keyboard.press("Escape")
    check(page, records)
    assert page.locator("#explore-category option:checked").text_content() == "All categories"


def test_a_drag_over_months_chooses_them(page, records):
    (x0, y0), (x1, _) = place(page, "March 2025"), place(page, "June 2025")
    page.mouse.move(x0, y0)
    page.mouse.down()
    page.mouse.move(x1, y0, steps=8)
    page.mouse.up()
    assert "March to June 2025" in check(page, records, first="2025-03", last="2025-06")
    assert page.locator("#explore-from option:checked").text_content() == "March 2025"
    page.mouse.click(*place(page, "Robbery"))
    check(page, records, "Robbery", "2025-03", "2025-06")
    page.keyboard.press("Escape")
    check(page, records)


def test_the_controls_drive_the_same_choice(page, records):
    page.select_option("#explore-category", label="Anti-social behaviour")
    said = check(page, records, "Anti-social behaviour")
    assert "crime" not in said.partition(":")[2]
    page.select_option("#explore-from", label="May 2025")
    page.select_option("#explore-to", label="May 2025")
    assert "(1 month counted)" in check(page, records, "Anti-social behaviour", "2025-05", "2025-05")
    page.select_option("#explore-to", label="February 2025")  # an end before the start moves the start
    check(page, records, "Anti-social behaviour", "2025-02", "2025-02")
    page.mouse.click(*place(page, "Burglary"))  # a click takes over from the controls
    check(page, records, "Burglary", "2025-02", "2025-02")
    page.get_by_role("button", name="Reset").click()
    check(page, records)


def test_the_choice_outlives_a_turn_of_the_screen(page, records):
    page.select_option("#explore-category", label="Burglary")
    page.set_viewport_size({"width": 375, "height": 800})
    page.locator("[data-chart=explore]").scroll_into_view_if_needed()
    page.wait_for_timeout(800)
    check(page, records, "Burglary")
    assert page.evaluate("document.documentElement.scrollWidth") <= 375


def test_a_choice_that_no_record_meets_is_said_and_not_complained_of(browser, tmp_path):
    built = build_report(Query.parse("ZZ9 9ZZ", "2025-01", "2025-12"), "demo", tmp_path)
    with opened(browser, built) as page:
        page.locator("[data-chart=explore]").scroll_into_view_if_needed()
        page.wait_for_selector("[data-chart=explore].drawn")
        page.select_option("#explore-category", label="Possession of weapons")
        page.select_option("#explore-to", label="January 2025")
        page.wait_for_timeout(100)
        said = page.locator(".said").text_content()
        assert said == "Possession of weapons, January 2025 (1 month counted): 0 crimes."
        assert page.evaluate(DRAWN)["p"] == 0
        assert page.heard == []


def test_keys_alone_reach_every_choice(page, records):
    page.locator("#explore-category").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Reset"
    page.keyboard.press("Enter")
    check(page, records)


@pytest.mark.parametrize("width", [1280, 768, 375, 320])
def test_the_page_reflows_without_a_word(browser, demo_report, width):
    with opened(browser, demo_report / "report.html", viewport={"width": width, "height": 800}) as page:
        draw_all(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator(".chart").count() == page.locator(".chart.drawn").count() == 5
        for chart in page.locator(".chart").all():  # each fills its column
            column, drawing = (chart.locator(s).bounding_box()["width"] for s in ("xpath=..", ".live svg"))
            assert abs(column - drawing) <= (
                2 if width < 1280 or "linked" not in chart.get_attribute("class") else 12
            )
        sizes = page.evaluate(FONTS)
        assert min(sizes) >= 12, sorted(sizes)[:3]
        assert page.heard == []
        assert len([u for u in page.asked if not u.startswith("data:")]) == 1


def test_without_script_every_figure_and_table_is_there(browser, demo_report):
    with opened(browser, demo_report / "report.html", java_script_enabled=False) as page:
        seen = [s for s in page.locator(".static svg").all() if s.is_visible()]
        # The months, the reports, the map and its enlarged part; the linked figure needs the script.
        assert len(seen) == 4
        for fold in page.locator("figure:not(:has(.linked)) details").all():
            assert not fold.locator("table").first.is_visible()
            fold.locator("summary").click()  # the browser's own, without a script
            assert fold.locator("table").first.is_visible()
        assert page.locator(".controls").count() == 0


FONTS = """() => [...document.querySelectorAll('.chart svg text')].map(t => {
  const box = t.ownerSVGElement.getBoundingClientRect();
  const drawn = t.ownerSVGElement.viewBox.baseVal.width || box.width;
  return box.width ? parseFloat(getComputedStyle(t).fontSize) * box.width / drawn : 99;
})"""


def test_a_phone_without_script_has_drawings_of_its_own(browser, demo_report):
    context = {"viewport": {"width": 375, "height": 667}, "java_script_enabled": False}
    with opened(browser, demo_report / "report.html", **context) as page:
        for drawing in [s for s in page.locator(".static svg").all() if s.is_visible()]:
            assert drawing.get_attribute("width") == "343"
            assert drawing.bounding_box()["width"] == 343


FIRST = [("ZZ1 1AA", "2024-01"), ("ZZ2 2BB", "2025-01"), ("ZZ9 9ZZ", "2025-01")]


@pytest.mark.parametrize("size", [(1280, 720), (375, 667)], ids=["desk", "phone"])
@pytest.mark.parametrize(("postcode", "start"), FIRST)
def test_the_answer_is_on_the_first_screen(browser, tmp_path_factory, size, postcode, start):
    out = tmp_path_factory.getbasetemp() / "first"
    built = build_report(Query.parse(postcode, start, "2025-12"), "demo", out)
    with opened(browser, built, viewport=dict(zip(("width", "height"), size, strict=True))) as page:
        assert page.locator(".number").count() == 3
        for part in (".number", ".matters", ".what"):
            for box in (p.bounding_box() for p in page.locator(part).all()):
                assert box["y"] + box["height"] <= size[1], part
        assert all(text.strip() for text in page.locator(".number .verdict strong").all_text_contents())
        before, _, rest = page.evaluate(WORDS).partition("Who polices here, and how to have a say")
        ours = before + rest.partition("How to read it")[2]  # what the police team says of itself is theirs
        assert len(ours.split()) <= (800 if start == "2025-01" else 940)


def test_the_findings_are_copied_as_text_and_as_a_table(browser, demo_report):
    with opened(browser, demo_report / "report.html") as page:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_text("The findings as text, to copy").click()
        page.get_by_role("button", name="Copy text and table").click()
        page.get_by_role("button", name="Copied").wait_for()
        html, text = page.evaluate(
            """async () => {
              const [item] = await navigator.clipboard.read();
              return Promise.all(["text/html", "text/plain"].map(async (t) => (await item.getType(t)).text()));
            }"""
        )
        assert "<table" in html
        assert "|" not in text
        crimes = page.locator(".count b").first.text_content()
        assert f"All crime\t{crimes}\t" in text
        assert f"<td>{crimes}</td>" in re.sub(r"<td[^>]*>", "<td>", html)


WORDS = """() => {
  const main = document.querySelector('main').cloneNode(true);
  main.querySelectorAll('details, table, svg, script, .live, nav').forEach(e => e.remove());
  return main.textContent;
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser, demo_report, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    with opened(
        browser, demo_report / "report.html", color_scheme=scheme, bypass_csp=True, service_workers="block"
    ) as page:
        draw_all(page)
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
        found = axe.Axe().run(page, options={"runOnly": {"type": "tag", "values": tags}})
        assert found.violations_count == 0, found.generate_report()


def test_the_nu_checker_finds_no_error(demo_report):
    jar = os.environ.get("VNU_JAR")
    if not jar:
        pytest.skip("VNU_JAR does not name the Nu HTML checker")
    done = subprocess.run(
        # Its CSS is older than the browsers': what a page's style does is looked at in Chromium.
        ["java", "-jar", jar, "--errors-only", "--filterpattern", "CSS: .*", "--format", "gnu",
         str(demo_report / "report.html")],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# -------------------------------------------------------------------------- paper


def test_the_pdf_is_tagged_and_has_an_outline(demo_report, tmp_path):
    browser = chromium()
    page = tmp_path / "report.html"
    page.write_bytes((demo_report / "report.html").read_bytes())
    raw = print_pdf(page, browser).read_bytes()
    assert raw.startswith(b"%PDF")
    assert b"/StructTreeRoot" in raw
    assert b"/Outlines" in raw
    assert b"/Lang" in raw


# A centre over thirty months with one missing, a village, a place of two forces with parts, one without data.
SHEETS = [("ZZ1 1AA", "2023-07", "2025-12"), ("ZZ9 9ZZ", "2025-01", "2025-12"), ("ZZ2 2BB", "2023-07", "2025-12"),
          ("ZZ1 1AA", "2024-10", "2024-10")]  # fmt: skip


@pytest.mark.parametrize("asked", SHEETS, ids=" ".join)
def test_the_summary_is_one_sheet(asked, tmp_path):
    browser = chromium()
    page = build_report(Query.parse(*asked), "demo", tmp_path)
    raw = print_summary(page, browser).read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", raw)) == 1
    assert page.with_name("summary.pdf").is_file()


def test_without_a_browser_a_sentence_says_so(monkeypatch):
    monkeypatch.setenv("CRIMENB_CHROMIUM", "no-such-browser")
    with pytest.raises(ReportError, match="'no-such-browser', which is no program"):
        find_browser()
    monkeypatch.delenv("CRIMENB_CHROMIUM")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ReportError, match="No Chromium is installed"):
        find_browser()


def test_a_browser_that_fails_is_reported(tmp_path):
    with pytest.raises(ReportError, match="could not print"):
        print_pdf(tmp_path / "report.html", tmp_path / "nothing")
