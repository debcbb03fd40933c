"""The index page of ten thousand made-up reports: size, time until it can be used, search, axe.

    python -m benchmarks.index_page [--rows 10000] [--keep FOLDER]

Needs Chromium and the test packages. Prints one line a figure; --keep leaves page and pictures.
"""

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright
from tests.browser import ARGUMENTS

from crimenb.batch.index_page import write_index
from crimenb.batch.ledger import Entry
from crimenb.batch.rows import Notice
from crimenb.query import months_between
from crimenb.report.pdf import find_browser

FORCES = ["Leicestershire", "Avon and Somerset", "Metropolitan 84% and City of London 16%", "West Midlands"]


def made_up(rows: int) -> list[Entry]:
    """Return entries of places that are not, the same each time."""
    dice = random.Random(1)
    months = months_between("2024-01", "2025-12")
    entries = []
    for i in range(rows):
        postcode = f"ZZ{i // 400 % 90 + 10} {i // 20 % 10}{chr(65 + i % 20 % 8)}{chr(74 + i % 20 // 8)}"
        level = dice.lognormvariate(4, 1.2)
        counts = [None if dice.random() < 0.03 else round(dice.gauss(level, level**0.5)) for _ in months]
        counts = [None if c is None else max(0, c) for c in counts]
        gaps = sum(c is None for c in counts)
        last = [c for c in counts if c is not None][-1]
        usual, year = "Within the normal range", sum(c or 0 for c in counts[12:])
        overview = {
            "name": f"Place {i:05d}" if i % 3 else "", "place": f"Ward {i % 977}, District {i % 53}",
            "start": months[0], "end": months[-1], "months": counts, "counted": 24 - gaps, "asked": 24,
            "numbers": [
                [last, "crimes in December 2025", usual, "477 to 699", True],
                [round(level / 4), "reports of anti-social behaviour in December 2025", usual, "45 to 142", True],
                [year, "crimes in 2025", "No clear change", "6,641 in the same months a year before", False],
            ],
            "matters": f"{24 - gaps} of the 24 months asked for are counted." if gaps
            else "Nothing unusual stands out.",
            "changed": "" if i % 11 else "Crime has clearly changed on the year.",
            "gaps": f"{gaps} months of 2024: not in this archive" if gaps else "",
            "coverage": FORCES[i % len(FORCES)],
        }  # fmt: skip
        slug = f"place-{i}_2024-01_2025-12"
        entries.append(Entry(postcode, slug, "done", "1", "1", "", "0" * 64, json.dumps(overview)))
    return entries


SEARCH = """async (text) => {
  const input = document.getElementById('search');
  const found = document.getElementById('found');
  const before = performance.now();
  input.value = text;
  input.dispatchEvent(new Event('input', {bubbles: true}));
  const old = found.textContent;
  await new Promise(r => { const o = new MutationObserver(() => { o.disconnect(); r(); });
    o.observe(found, {childList: true, characterData: true, subtree: true}); setTimeout(r, 3000); });
  await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)));
  return performance.now() - before;
}"""
SORT = """async (name) => {
  const button = document.querySelector(`th[data-sort=${name}] button`);
  const before = performance.now();
  button.click();
  await new Promise(r => requestAnimationFrame(() => setTimeout(r, 0)));
  return performance.now() - before;
}"""


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    folder = args.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    failed = [Entry("ZZ98 7ZZ", "x", "failed", "", "1", "The service gave no answer after 5 attempts.")]
    notices = [
        Notice(
            7, "foo", "'foo' is not a full UK postcode; write one like 'LE1 6RN'.", "Left out.", left_out=True
        )
    ]
    begun = time.perf_counter()
    page_file = write_index(folder, made_up(args.rows), failed, notices)
    print(
        f"rows {args.rows:,}, written in {time.perf_counter() - begun:.1f} s, {page_file.stat().st_size / 1e6:.2f} MB"
    )
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        bad = 0
        for name, options in {
            "wide": {"viewport": {"width": 1400, "height": 900}},
            "dark": {"viewport": {"width": 1400, "height": 900}, "color_scheme": "dark"},
            "phone": {"viewport": {"width": 390, "height": 800}},
        }.items():
            context = browser.new_context(offline=True, **options)
            page = context.new_page()
            page.set_default_timeout(120_000)
            heard, asked = [], []
            page.on("console", lambda m, heard=heard: heard.append(m.text))
            page.on("pageerror", lambda e, heard=heard: heard.append(str(e)))
            page.on("request", lambda r, asked=asked: asked.append(r.url))
            page.goto(page_file.as_uri())
            told = page.evaluate(
                "() => { const n = performance.getEntriesByType('navigation')[0];"
                " const p = performance.getEntriesByName('first-contentful-paint')[0];"
                " return [p ? p.startTime : 0, n.domInteractive, n.loadEventEnd]; }"
            )
            print(
                f"{name}: first paint {told[0]:.0f} ms, interactive {told[1]:.0f} ms, loaded {told[2]:.0f} ms"
            )
            if name == "wide":
                page.screenshot(path=folder / "index-wide.png")
                times = [
                    page.evaluate(SEARCH, text)
                    for text in ("p", "pl", "place 01", "zz", "zz12 3", "west midlands", "")
                ]
                print(
                    f"search, from key to paint: median {statistics.median(times):.0f} ms, longest {max(times):.0f} ms"
                )
                for key in ("coverage", "missing", "name"):
                    print(f"sort by {key}: {page.evaluate(SORT, key):.0f} ms")
                page.fill("#search", "place 0012")
                page.wait_for_timeout(200)
                page.screenshot(path=folder / "index-search.png")
                page.fill("#search", "")
            else:
                page.screenshot(path=folder / f"index-{name}.png")
            # Two hundred rows of the ten thousand: the rest are of the same kinds, and axe takes minutes.
            found = Axe().run(
                page,
                context={"exclude": [["tbody:nth-of-type(n+3)"]]},
                options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]},
            )
            violations = found.response["violations"]
            bad += len(violations)
            print(
                f"axe {name}: {len(violations)} violations {[(v['id'], len(v['nodes'])) for v in violations]}"
            )
            print(
                f"console: {heard}; requests beyond the file: {[u for u in asked if not u.startswith('file:')]}"
            )
            context.close()
        browser.close()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
