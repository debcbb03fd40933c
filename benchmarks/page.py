"""One page against the stock way: size, and time until a reader can use it.

    python -m benchmarks.page [--rounds 3]

The same figures of LE1 6RN for 12 and for 36 months (2025's files stand in for three years): our
page, and what papermill and nbconvert make of the same notebook with Altair's own inline HTML.
Needs the recorded data (CRIMENB_REAL_DATA or ../shared/data), Chromium and the test packages.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import nbformat
import papermill as pm
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, sync_playwright
from tests.browser import ARGUMENTS
from tests.processes import COMMAND
from tests.real import REAL

from crimenb.files import notebook_path
from crimenb.report.pdf import find_browser

POSTCODE, TO = "LE1 6RN", "2025-12"
LONGEST_MS = 60_000
STOCK = """
from html import escape

from IPython.display import HTML, display


def show(chart, *_):
    # Two of Altair's inline pages in one document declare the same names, and one is drawn.
    page = escape(chart.to_html(inline=True))
    display(HTML(f'<iframe srcdoc="{page}" width="900" height="600"></iframe>'))


cn.show = show
"""
# Ours is usable when the linked figure answers; the stock page when each chart has been drawn.
OURS = "document.querySelector('.chart.linked.drawn .controls, .chart.linked .controls') !== null"
DRAWN = """(() => { const all = [...document.querySelectorAll("iframe")];
  return document.readyState !== "loading" && all.length > 0 &&
    all.every(f => f.contentDocument && f.contentDocument.querySelector("canvas, svg")); })()"""


def years(folder: Path) -> None:
    """Write Leicestershire's files of 2025 as three years of files."""
    for path in sorted((REAL / "police-uk-archive").glob("**/2025-*-leicestershire-street.csv")):
        text = path.read_text("utf-8")
        for year in ("2023", "2024", "2025"):
            month = path.name[:7].replace("2025", year)
            target = folder / month / f"{month}-leicestershire-street.csv"
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text.replace(f",{path.name[:7]},", f",{month},"), "utf-8")


def crimenb(*said: str) -> None:
    """Run our command."""
    subprocess.run([COMMAND, *said], check=True, capture_output=True)


def stock(source: str, start: str, folder: Path) -> Path:
    """Make the stock page."""
    nb = nbformat.read(notebook_path(), 4)
    setup = next(i for i, c in enumerate(nb.cells) if "setup" in c.metadata.get("tags", []))
    nb.cells.insert(setup + 1, nbformat.v4.new_code_cell(STOCK))
    nbformat.write(nb, folder / "stock.ipynb")
    told = {"postcode": POSTCODE, "start": start, "end": TO, "source": source}
    done = str(folder / "done.ipynb")
    pm.execute_notebook(str(folder / "stock.ipynb"), done, parameters=told, progress_bar=False)
    body, _ = HTMLExporter().from_filename(done)
    page = folder / "stock.html"
    page.write_text(body, "utf-8")
    return page


def usable(browser: Browser, page: Path, anchor: str, ready: str, rounds: int) -> float:
    """Return the median seconds from the request until `ready` holds, in a new tab, offline."""
    took = []
    for _ in range(rounds):
        context = browser.new_context(viewport={"width": 1280, "height": 1000}, offline=True)
        tab = context.new_page()
        tab.goto(f"{page.as_uri()}{anchor}", wait_until="commit")
        while not (at := tab.evaluate(f"{ready} ? performance.now() : 0")):
            if tab.evaluate("performance.now()") > LONGEST_MS:
                msg = f"{page.name} was not usable after {LONGEST_MS / 1000:.0f} s"
                raise SystemExit(msg)
            time.sleep(0.02)  # the page's policy forbids what Playwright's own waiting does
        took.append(at / 1000)
        context.close()
    return statistics.median(took)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    print("| months | page | MB | seconds until usable |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as p:
        folder = Path(name)
        years(folder / "csv")
        archive = str(folder / "archive")
        postcodes = str(REAL / "code-point-open")
        crimenb("archive", "build", str(folder / "csv"), "--into", archive, "--postcodes", postcodes)
        browser = p.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        for start, months in (("2025-01", 12), ("2023-01", 36)):
            out = folder / str(months)
            asked = ["--from", start, "--to", TO, "--source", f"archive:{archive}"]
            crimenb("report", POSTCODE, *asked, "--out", str(out))
            ours = next(out.glob("*/report.html"))
            theirs = stock(f"archive:{archive}", start, folder)
            for what, page, anchor, ready in (
                ("crimenb", ours, "#explore", OURS),
                ("stock", theirs, "", DRAWN),
            ):
                took = usable(browser, page, anchor, ready, args.rounds)
                print(f"| {months} | {what} | {page.stat().st_size / 1e6:.2f} | {took:.2f} |", flush=True)
        browser.close()


if __name__ == "__main__":
    main()
