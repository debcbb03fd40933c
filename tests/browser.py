"""A Chromium to look at pages with, where there is one."""

import importlib.util
from contextlib import contextmanager

import pytest

from crimenb.errors import ReportError
from crimenb.report.pdf import find_browser

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


def chromium():
    """Return the path of a Chromium, or skip the test and say why."""
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    try:
        return find_browser()
    except ReportError as error:
        pytest.skip(str(error))


@contextmanager
def opened(browser, path, **options):
    """Open a page offline; yield it with what it asked for and what it complained of."""
    context = browser.new_context(
        **({"viewport": {"width": 1280, "height": 1000}, "offline": True} | options)
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.heard = []
    page.asked = []
    page.on("console", lambda message: page.heard.append(message.text))
    page.on("pageerror", lambda error: page.heard.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    try:
        yield page
    finally:
        context.close()


def draw_all(page):
    """Scroll every chart into view and wait until it is drawn."""
    for i in range(page.locator(".chart").count()):
        page.locator(".chart").nth(i).scroll_into_view_if_needed()
        page.wait_for_selector(f":nth-match(.chart, {i + 1}).drawn")
