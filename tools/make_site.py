"""Build the site into site/: ten reports of the demonstration, their pictures, the pages.

Run it by `make docs`. The pictures need a Chromium and the test packages.
"""

import contextlib
import io
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from playwright.sync_api import sync_playwright
from sphinx.cmd.build import main as sphinx
from tools.gallery import EXAMPLES
from tools.site_parts import ROOT

from crimenb.cli import main as crimenb
from crimenb.report.pdf import find_browser

SITE = ROOT / "site"
PARTS = {"trend": ("gap", "when"), "map": ("gap", "where")}
"""Pictures of the tutorials: the report, and the heading above the figure."""


def make_reports(into: Path) -> None:
    """Make each report of the gallery in a folder of its own name."""
    for one in EXAMPLES:
        with tempfile.TemporaryDirectory() as out, contextlib.chdir(ROOT):
            words = ["report", *one.words, "--source", "demo", "--quiet", "--out", out]
            with contextlib.redirect_stdout(io.StringIO()):
                crimenb(words, standalone_mode=False)
            (built,) = Path(out).iterdir()
            shutil.copytree(built, into / one.name)


def take_pictures(into: Path) -> None:
    """Take the top of each report, and the parts that the tutorials show."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 800}, offline=True)
        for one in EXAMPLES:
            page.goto((into / one.name / "report.html").as_uri())
            page.evaluate("document.fonts.ready")
            page.screenshot(path=into / f"{one.name}.png")
        page.set_viewport_size({"width": 1280, "height": 1600})
        for name, (report, heading) in PARTS.items():
            page.goto((into / report / "report.html").as_uri())
            figure = page.locator(f"xpath=//*[@id='{heading}']/following::figure[1]")
            figure.scroll_into_view_if_needed()
            page.wait_for_timeout(2000)  # what moves is drawn when it is seen, and may be taller
            figure.screenshot(path=into / f"{name}.png")
        browser.close()


def main() -> int:
    gallery = SITE / "gallery"
    if "--pages" not in sys.argv:  # only the pages, while they are written
        shutil.rmtree(SITE, ignore_errors=True)
        gallery.mkdir(parents=True)
        make_reports(gallery)
        take_pictures(gallery)
    done = sphinx(
        [
            "-q",
            "-E",
            "-W",
            "--keep-going",
            "-d",
            str(ROOT / ".venv" / "doctrees"),
            str(ROOT / "docs"),
            str(SITE),
        ]
    )
    print((SITE / "index.html").relative_to(ROOT))
    return done


if __name__ == "__main__":
    sys.exit(main())
