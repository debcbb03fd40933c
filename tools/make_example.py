"""Build reports/example/ from the demonstration: documentation, screenshot and golden test in one.

Run it by `make example`; it is the report that `crimenb report --source demo` makes, and where nothing
changed it leaves no difference. With --picture the screenshot for the README is made too (needs the test
packages and a Chromium).
"""

import shutil
import sys
import tempfile
from pathlib import Path

from crimenb.cli import main as crimenb
from crimenb.report.pdf import find_browser

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "reports" / "example"
PICTURE = ROOT / "docs" / "example.png"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        crimenb(["report", "--source", "demo", "--out", folder], standalone_mode=False)
        (built,) = Path(folder).iterdir()
        shutil.rmtree(EXAMPLE, ignore_errors=True)
        shutil.copytree(built, EXAMPLE)
    print(EXAMPLE.relative_to(ROOT))
    if "--picture" in sys.argv:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=find_browser(), args=["--no-sandbox"])
            page = browser.new_page(viewport={"width": 1280, "height": 720})
            page.goto((EXAMPLE / "report.html").as_uri())
            page.evaluate("document.fonts.ready")
            page.screenshot(path=PICTURE)


if __name__ == "__main__":
    main()
