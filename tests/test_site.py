"""The built site, page by page: axe, links, and no request to anywhere. `make docs-check` runs it."""

import re
from html import unescape
from urllib.parse import unquote

import pytest

from tests.browser import ARGUMENTS, chromium, opened
from tests.real import ROOT

pytestmark = pytest.mark.site
SITE = ROOT / "site"
PAGES = sorted(p for p in SITE.rglob("*.html") if "gallery" not in p.relative_to(SITE).parts)
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


def test_there_is_a_site():
    assert len(PAGES) > 25


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES, ids=[str(p.relative_to(SITE)) for p in PAGES])
def test_axe_finds_nothing_and_nothing_is_asked_of_the_network(browser, path, scheme):
    from axe_playwright_python.sync_playwright import Axe

    with opened(browser, path, color_scheme=scheme) as page:
        found = Axe().run(page, options={"runOnly": {"type": "tag", "values": TAGS}, "preload": False})
        assert found.violations_count == 0, found.generate_report()
        assert [url for url in page.asked if not url.startswith(("file:", "data:"))] == []
        assert page.heard == []


def test_no_link_is_broken():
    text = {p: p.read_text("utf-8") for p in PAGES}
    checked, broken = 0, []
    for page, html in text.items():
        for link in map(unescape, re.findall(r'\b(?:href|src)="([^"]+)"', html)):
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = link.partition("#")
            target = (page.parent / unquote(file.partition("?")[0])).resolve() if file else page
            checked += 1
            if not target.is_file() or (anchor and target in text and f'id="{anchor}"' not in text[target]):
                broken.append(f"{page.relative_to(SITE)}: {link}")
    print(f"{checked} links checked, {len(broken)} broken")
    assert broken == []


def test_the_search_finds_a_word(browser):
    with opened(browser, SITE / "search.html") as page:
        page.goto((SITE / "search.html").as_uri() + "?q=postcode")
        page.wait_for_selector("#search-results li")
        assert page.locator("#search-results li").count() > 3
