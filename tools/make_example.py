"""Build reports/example/ from the demonstration: documentation, screenshot and golden test in one.

Run it by `make example`; where nothing changed it leaves no difference. With --picture the
screenshot for the README is made too, by the Chromium on this machine.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from crimenb.query import Query
from crimenb.report.build import build_report

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "reports" / "example"
QUERY = Query.parse("ZZ1 1AA", "2023-07", "2025-12", ["ZZ2 2BB"])


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        built = build_report(QUERY, "demo", folder).parent
        shutil.rmtree(EXAMPLE, ignore_errors=True)
        shutil.copytree(built, EXAMPLE)
    print(EXAMPLE.relative_to(ROOT))
    if "--picture" in sys.argv:
        command = [
            shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu",
            "--hide-scrollbars", "--window-size=1000,1150", "--virtual-time-budget=5000",
            f"--screenshot={ROOT / 'docs' / 'example.png'}", (EXAMPLE / "report.html").as_uri(),
        ]  # fmt: skip
        subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
