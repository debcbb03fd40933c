"""What streets cost: a country's worth of lines into an archive, a mile out of it, and the maps of a report.

    python -m benchmarks.streets FOLDER [--lines 4000000]
    python -m benchmarks.streets ARCHIVE --place "BA1 1LZ" [--repeats 40]

The first writes into FOLDER a GeoPackage in the shape of OS Open Roads, with invented lines all over Great
Britain, and an archive of the demonstration that gets them. The second takes an archive with streets, and says
what they add to a report of a place: the cut, and the map and Explore with streets and without, by turns.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sqlite3
import struct
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

import crimenb
from crimenb.charts.display import add_drawing, narrow_drawing
from crimenb.charts.theme import VEGALITE, specified
from crimenb.geo import to_lonlat
from crimenb.sources.archive import Archive
from crimenb.sources.place_frames import place_row
from crimenb.sources.streets_build import add_streets, lines
from crimenb.sources.versions import STREETS, resolve

if TYPE_CHECKING:
    from collections.abc import Callable

DEMO = Path(crimenb.__file__).parent / "reference" / "demo"
COLUMNS = (
    "id fictitious road_classification road_function form_of_way road_classification_number name_1 name_1_lang name_2 "
    "name_2_lang road_structure length length_uom loop primary_route trunk_road start_node end_node "
    "road_number_toid road_name_toid"
).split()
HEAD = b"GP\x00\x01" + struct.pack("<i", 27700)
TOWNS = 400
"""Middles round which half of the lines lie, as streets do."""


def main() -> None:
    """Make the file, add it, cut a hundred miles."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--lines", type=int, default=4_000_000)
    parser.add_argument("--place", default="", metavar="POSTCODE")
    parser.add_argument("--repeats", type=int, default=40)
    asked = parser.parse_args()
    if asked.place:
        report(asked.folder, asked.place, asked.repeats)
        return
    asked.folder.mkdir(parents=True, exist_ok=True)
    file, archive = asked.folder / "oproad_gb.gpkg", asked.folder / "archive"
    rng = np.random.default_rng(1)
    towns = np.column_stack([rng.uniform(1e5, 6.4e5, TOWNS), rng.uniform(1e4, 9.5e5, TOWNS)])
    if not file.is_file():
        write(file, asked.lines, towns, rng)
    print(f"{file.name}: {file.stat().st_size / 1e6:,.0f} MB")
    shutil.rmtree(archive, ignore_errors=True)
    version = archive / "versions" / "demo"
    shutil.copytree(DEMO, version)
    (archive / "crimenb-archive.json").write_text('{"version": "demo"}')
    reader = multiprocessing.get_context("spawn").Process(target=add, args=(file, archive))
    begun = time.monotonic()
    reader.start()
    reader.join()
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e3
    size = (resolve(archive) / STREETS).stat().st_size / 1e6
    print(f"read and sorted in {time.monotonic() - begun:.0f} s, {peak:,.0f} MB of memory; {size:,.0f} MB")
    cut(archive, towns, rng)


def add(file: Path, archive: Path) -> None:
    """Add the streets, as a process of its own whose memory can be told."""
    print(*lines(add_streets([file], archive)))


def cut(archive: Path, towns: np.ndarray, rng: np.random.Generator) -> None:
    """Cut the mile around each of a hundred towns, with three hundred map points."""
    source, took, rows = Archive(archive), [], []
    for number, (x, y) in enumerate(towns[:100]):
        lon, lat = to_lonlat(x, y)
        place = place_row({"postcode": f"P{number}", "longitude": float(lon), "latitude": float(lat)})
        px, py = to_lonlat(x + rng.normal(0, 700, 300), y + rng.normal(0, 700, 300))
        points = pd.DataFrame({"longitude": px, "latitude": py, "snapped_to": rng.choice(NAMES, 300)})
        begun = time.monotonic()
        found = source.ground(place, points)
        took.append(1000 * (time.monotonic() - begun))
        rows.append(len(found["streets"]))
    source.close()
    print(
        f"a mile of {np.median(rows):.0f} streets: first {took[0]:.0f} ms, median {np.median(took):.0f}, "
        f"most {max(took):.0f}"
    )


def report(folder: Path, postcode: str, repeats: int) -> None:
    """Print what streets add to a report of 2025, in milliseconds of CPU of this process, all its threads."""
    source = Archive(folder)
    data, place = crimenb.collect(postcode, "2025-01", "2025-12", source=source), source.place(postcode)
    known = pd.concat([data.crimes, data.nearby])  # as many rows as an archive gives
    spots = known[["snapped_to"]].assign(longitude=known.geometry.x, latitude=known.geometry.y)
    bare = {"streets": data.streets.iloc[:0], "stretches": data.stretches.iloc[:0]}
    charts = {"maps": (crimenb.point_map, crimenb.explore_chart), "enlarged": (crimenb.enlarged_map,)}
    rows = []
    for _ in range(repeats + _WARM):
        row = {"a fixed piece of work": _cpu(_fixed)[0], "cut": _cpu(lambda: source.ground(place, spots))[0]}
        for name, more in (("with", {}), ("without", bare)):
            # Anew, so that nothing is remembered; what the charts count is counted once, as in a report.
            one = replace(data, **more)
            for kind, drawn in charts.items():
                took, specs = _cpu(lambda drawn=drawn, one=one: [specified(chart(one)) for chart in drawn])
                row[f"{kind}, specified {name}"] = took
                row[f"{kind}, drawn {name}"] = _cpu(lambda specs=specs: [_draw(spec) for spec in specs])[0]
        rows.append(row)
    source.close()
    table = 1000 * pd.DataFrame(rows[_WARM:])
    for kind in charts:
        for step in ("specified", "drawn"):
            one = f"{kind}, {step}"
            table[f"{one}: added"] = table[f"{one} with"] - table[f"{one} without"]
    added = [c for c in table if c.endswith("added")]
    table["added by cut, map and Explore"] = table[["cut", *added[:2]]].sum(axis=1)
    table["added by the enlarged map"] = table[added[2:]].sum(axis=1)
    print(
        f"{postcode}: {len(data.streets):,} streets, {len(data.stretches):,} points, {repeats} times; ms of CPU"
    )
    print(table.quantile([0, 0.25, 0.5, 0.75]).T.round(0).astype(int).to_string())


def _draw(spec: dict[str, Any]) -> None:
    """Draw a figure as a page has it: wide, and, but for Explore, for a phone."""
    if "empty" not in spec["usermeta"]:
        add_drawing({VEGALITE: spec}, "x")
        narrow_drawing(spec, "x")


def _fixed() -> int:
    """Do what takes some ten milliseconds on an idle core: the more it takes, the busier the machine is."""
    return sum(hash(str(i)) for i in range(40_000))


_WARM = 3


def _cpu(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how many seconds of CPU a piece of work took, and what it gave."""
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found


NAMES = np.array([f"{a} {b}" for a in "High Mill Church Park Queen's Station North Elm Bath Well".split()
                  for b in "Street Road Lane Close Avenue Terrace Way Row".split()])  # fmt: skip


def write(file: Path, how_many: int, towns: np.ndarray, rng: np.random.Generator) -> None:
    """Write lines of five corners: half of them round towns, half anywhere."""
    with sqlite3.connect(file) as db:
        db.executescript(
            "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
            "CREATE TABLE gpkg_contents (table_name TEXT, data_type TEXT, last_change TEXT, srs_id INT);"
            "CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INT);"
            "INSERT INTO gpkg_contents VALUES ('road_link', 'features', '2026-04-01T00:00:00Z', 27700);"
            "INSERT INTO gpkg_geometry_columns VALUES ('road_link', 'geometry', 27700);"
            f"CREATE TABLE road_link (fid INTEGER PRIMARY KEY, geometry BLOB, {' TEXT, '.join(COLUMNS)} TEXT)"
        )
        insert = f"INSERT INTO road_link VALUES ({', '.join('?' * (len(COLUMNS) + 2))})"
        for start in range(0, how_many, 100_000):
            n = min(100_000, how_many - start)
            middle = np.where(rng.random((n, 1)) < 0.5, towns[rng.integers(0, TOWNS, n)] + rng.normal(0, 2500, (n, 2)),
                              np.column_stack([rng.uniform(1e5, 6.4e5, n), rng.uniform(1e4, 9.5e5, n)]))  # fmt: skip
            corners = middle[:, None] + rng.normal(0, 30, (n, 5, 2)).cumsum(axis=1)
            blobs = shapely.to_wkb(shapely.linestrings(corners))
            names = np.where(rng.random(n) < 0.65, rng.choice(NAMES, n), None)
            db.executemany(insert, (
                (None, HEAD + blob, f"{start + i:036x}", "false", "Unclassified", "Local Road", "Single Carriageway",
                 None, name, None, None, None, None, 100, "m", "false", "false", "false", f"{2 * i:036x}",
                 f"{2 * i + 1:036x}", None, None)
                for i, (blob, name) in enumerate(zip(blobs, names, strict=True))))  # fmt: skip


if __name__ == "__main__":
    main()
