"""A service that means harm: its texts reach the page as text, and nothing runs."""

import re

import pytest

from crimenb.query import Query
from crimenb.report.build import build_report
from tests.browser import ARGUMENTS, chromium

pytestmark = pytest.mark.slow


def test_nothing_of_a_hostile_service_runs(town, serve, tmp_path, monkeypatch):
    serve(town, hostile=True)
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "cache"))
    postcode = town._gazetteer("refused = ''", [])["postcode"].iloc[0]
    months = town.months()
    page = build_report(Query.parse(postcode, months[-6], months[-1]), "live", tmp_path)
    html = page.read_text("utf-8")
    assert len(html) < 4_000_000  # a megabyte in every name is cut
    bare = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r"""(?:href|src)=["']?\s*(?:javascript|data:text/html|//)""", bare, re.IGNORECASE)
    assert not re.search(r"<[a-z][^>]*\son[a-z]+\s*=", bare, re.IGNORECASE)
    path = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(path), args=ARGUMENTS)
        context = browser.new_context(offline=True)
        shown = context.new_page()
        alarms, said, asked = [], [], []
        shown.on("dialog", lambda d: (alarms.append(d.message), d.dismiss()))
        shown.on("console", lambda m: said.append(m.text))
        shown.on("request", lambda r: asked.append(r.url))
        shown.goto(page.as_uri())
        shown.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        shown.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        shown.wait_for_timeout(1500)
        assert alarms == []
        assert said == []
        assert [u for u in asked if not u.startswith(("file:", "data:", "blob:"))] == []
        assert shown.evaluate("document.scripts.length") == html.count("<script")
        browser.close()
