"""Two hundred places after a release that revises a few of them: which are made again, and what they say.

    python -m benchmarks.since [--places 200] [--checked 10]

An archive of Bedfordshire, all reports by `crimenb batch`; then a release without a new month that changes outcomes
at a few map points and takes rows away; then `crimenb batch --since`. Places are checked by csv and pyproj
alone: those with a change in their mile must be made again and carry "New this month", the others must be as before.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import tempfile
import time
from pathlib import Path

import duckdb
from tests.processes import COMMAND
from tests.real import REAL
from tests.sources import test_real_releases as releases

from crimenb.sources.archive_build import build_archive
from crimenb.sources.versions import resolve

MONTHS = releases.MONTHS[-12:]
CHANGED = "2024-02"
AROUND = "LU1 2LJ"
"""Rows near this postcode are revised, and none elsewhere."""


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--places", type=int, default=200)
    parser.add_argument("--checked", type=int, default=10)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one, two = (
            releases.copied(MONTHS, "bedfordshire", folder / n, releases.BEDS) for n in ("one", "two")
        )
        (folder / "postcodes").mkdir()
        for area in ("lu", "mk", "sg"):
            (folder / "postcodes" / f"{area}.csv").symlink_to(REAL / "code-point-open-more" / f"{area}.csv")
        build_archive([one], folder / "A", release="2024-04", postcodes=folder / "postcodes",
                      force_areas=releases.FORCES)  # fmt: skip
        found = duckdb.sql(
            f"SELECT postcode FROM '{resolve(folder / 'A') / 'postcodes.parquet'}' WHERE refused = '' AND "
            f"force = 'bedfordshire' ORDER BY md5(postcode) LIMIT {args.places}"
        ).fetchall()
        postcodes = [p for (p,) in found]
        (folder / "list.txt").write_text("\n".join(postcodes), "utf-8")
        _batch(folder)
        pages = {f: f.read_bytes() for f in (folder / "out").glob("*/report.html")}
        before, after = _revise(two)
        build_archive([two], folder / "A", release="2024-05", add=True)
        _batch(folder, "--since", "2024-04")
        again = {f.parent.name for f, raw in pages.items() if f.read_bytes() != raw}
        boxed = {f.parent.name for f in pages if b"New this month" in f.read_bytes()}
        print(f"{len(pages)} of {len(postcodes)} reports; {len(again)} made again, {len(boxed)} with the box")
        wrong = 0
        for postcode in [postcodes[i * len(postcodes) // args.checked] for i in range(args.checked)]:
            slug = f"{postcode.lower().replace(' ', '-')}_{MONTHS[0]}_{MONTHS[-1]}"
            was, now = (releases.within(rows, postcode) for rows in (before, after))
            is_changed = sorted(map(str, was)) != sorted(map(str, now))
            holds = (slug in again) == (slug in boxed) == is_changed
            wrong += not holds
            print(
                f"    {postcode}: {'changed' if is_changed else 'unchanged'}, {'holds' if holds else 'WRONG'}"
            )
        return 0 if not wrong and len(pages) == len(postcodes) and 0 < len(again) < len(pages) else 1


def _batch(folder: Path, *more: str) -> None:
    begun = time.perf_counter()
    said = subprocess.run(
        [COMMAND, "batch", str(folder / "list.txt"), "--source", f"archive:{folder / 'A'}", "--from", MONTHS[0],
         "--to", MONTHS[-1], "--out", str(folder / "out"), "--workers", "2", *more],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(f"batch {' '.join(more)}: exit {said.returncode}, {time.perf_counter() - begun:.0f} s")
    print(said.stdout[-300:] if not said.returncode else said.stderr[-2000:])


def _revise(two: Path) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Write a month of the second release; return its rows before and after."""
    file = two / CHANGED / f"{CHANGED}-bedfordshire-street.csv"
    rows = releases.rows_of(file)
    near = [r["Crime ID"] for r in releases.within(rows, AROUND) if r["Crime ID"]]
    gone, other = {*near[::10]}, {*near[1::10]}
    changed = [
        r | {"Last outcome category": releases.OTHERWISE.get(r["Last outcome category"], "Local resolution")}
        if r["Crime ID"] in other else r
        for r in rows if r["Crime ID"] not in gone
    ]  # fmt: skip
    file.unlink()
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, [*rows[0]])
        writer.writeheader()
        writer.writerows(changed)
    return rows, changed


if __name__ == "__main__":
    raise SystemExit(main())
