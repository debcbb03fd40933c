"""How long the pass over an archive takes that picks places to compare with, and how much memory.

Invents postcodes and records of the size of England and Wales inside real force areas: 1.5 million postcodes with
residents, 190,000 output areas with jobs, 36,000 classes and 12 million records at 800,000 map points, half of them in
400 towns. Only the pass is timed, which is the last thing that a build does.
Run: python -m benchmarks.candidates FORCES.geojson (police force areas of the ONS).
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import tempfile
import time
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from crimenb.geo import METRES, to_lonlat
from crimenb.query import months_between
from crimenb.schema import CATEGORIES
from crimenb.sources import candidates, gazetteer, residents
from crimenb.sources.people_files import JOBS, OA, POSTCODE, RESIDENTS

MONTHS = months_between("2023-01", "2025-12")
TOWNS = 400


def main() -> None:
    """Invent, then run the pass in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("forces", type=Path)
    parser.add_argument("--records", type=int, default=12_000_000)
    parser.add_argument("--postcodes", type=int, default=1_500_000)
    parser.add_argument("--points", type=int, default=800_000)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        gazetteer.build_force_areas(asked.forces, folder / "forces.parquet", folder)
        areas = gpd.read_parquet(folder / "forces.parquet").to_crs(METRES)
        rng = np.random.default_rng(1)
        towns = _anywhere(areas, TOWNS, rng)
        codes = _spots(areas, towns, asked.postcodes, rng)
        write_postcodes(folder / "postcodes.parquet", codes)
        write_people(folder, codes, rng)
        write_records(folder / "street.parquet", _spots(areas, towns, asked.points, rng), asked.records)
        process = multiprocessing.get_context("spawn").Process(target=run, args=(folder,))
        process.start()
        process.join()
        print(f"of {asked.records:,} records and {asked.postcodes:,} postcodes")


def run(folder: Path) -> None:
    """Run the pass as the end of a build does, with its bound of memory."""
    limits = {"threads": 2, "memory_limit": "1GB", "temp_directory": str(folder / "spilt")}
    with duckdb.connect(config=limits) as db:
        db.execute("SET enable_progress_bar = false")
        begun, used = time.monotonic(), time.process_time()
        n = candidates.write(db, folder, complete=True)
        took = time.monotonic() - begun
    sizes = " and ".join(
        f"{(folder / f).stat().st_size / 1e6:.1f}" for f in (candidates.FILE, candidates.COUNTS)
    )
    busy = time.process_time() - used
    # What getrusage says would be that of the process before, which invented all this.
    peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1e3  # type: ignore[index]
    print(
        f"{n:,} candidates in {took:.1f} s ({busy:.1f} s of processor), {peak:,.0f} MB of memory; files of {sizes} MB"
    )


def _anywhere(areas: gpd.GeoDataFrame, how_many: int, rng: np.random.Generator) -> np.ndarray:
    """Return spots inside the force areas, anywhere."""
    west, south, east, north = areas.total_bounds
    whole = shapely.union_all(areas.geometry.simplify(500).to_numpy())
    shapely.prepare(whole)
    xy = np.column_stack([rng.uniform(west, east, 4 * how_many), rng.uniform(south, north, 4 * how_many)])
    return xy[shapely.contains_xy(whole, xy[:, 0], xy[:, 1])][:how_many]


def _spots(
    areas: gpd.GeoDataFrame, towns: np.ndarray, how_many: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return half of the spots in towns and half anywhere, with the force of each."""
    in_town = towns[rng.integers(0, len(towns), how_many // 2)] + rng.normal(0, 2500, (how_many // 2, 2))
    xy = np.vstack([in_town, _anywhere(areas, how_many - len(in_town), rng)])
    force = np.full(len(xy), "", object)
    for name, area in zip(areas["force"], areas.geometry, strict=True):
        shapely.prepare(area)
        force[shapely.contains_xy(area, xy[:, 0], xy[:, 1])] = name
    lon, lat = to_lonlat(xy[:, 0], xy[:, 1])
    table = pd.DataFrame({"longitude": lon.round(6), "latitude": lat.round(6), "force": force.astype("str")})
    return table[table["force"] != ""].reset_index(drop=True)


def write_postcodes(file: Path, spots: pd.DataFrame) -> None:
    """Write postcodes in an order that has nothing to do with where they are, which is the slowest."""
    table = spots.assign(
        postcode=[f"X{i:08}" for i in range(len(spots))], refused="", remark="", district="E06000016", district_name="",
        ward_name="",
    )  # fmt: skip
    table.to_parquet(file, index=False)


def write_people(folder: Path, codes: pd.DataFrame, rng: np.random.Generator) -> None:
    """Write residents by postcode, jobs by output area and a class for each LSOA, all at postcodes."""
    parts = []
    for measure, unit, rows in ((RESIDENTS, POSTCODE, codes), (JOBS, OA, codes[::8])):
        values = rng.integers(1, 80, len(rows))
        parts.append(rows[["longitude", "latitude"]].assign(measure=measure, unit=unit, value=values))
    pd.concat(parts).to_parquet(folder / residents.FILE, index=False)
    whole = pd.DataFrame(
        {"kind": "district", "area": ["E06000016"], "measure": JOBS, "unit": OA, "value": 1, "counted": 1}
    )
    whole.to_parquet(folder / residents.TOTALS, index=False)
    classes = codes[::42][["longitude", "latitude"]]
    classes.assign(name=rng.choice(["Urban", "Rural"], len(classes))).to_parquet(
        folder / residents.CLASSES, index=False
    )


def write_records(file: Path, points: pd.DataFrame, how_many: int) -> None:
    """Write records at the points, months and categories at random."""
    with duckdb.connect() as db:
        db.execute("SET enable_progress_bar = false")
        db.register("points", points.reset_index(names="nth"))
        db.execute("SELECT setseed(0.5)")
        db.execute(
            "CREATE TABLE street AS SELECT month, force, category, longitude, latitude FROM "
            "(SELECT $months[1 + floor(random() * 36)::INT] AS month, "
            "$categories[1 + floor(random() * 14)::INT] AS category, floor(random() * $n)::INT AS nth "
            "FROM range($rows)) JOIN points USING (nth) ORDER BY latitude, longitude",
            {"months": MONTHS, "categories": [*CATEGORIES], "n": len(points), "rows": how_many},
        )
        db.execute(f"COPY street TO '{file}' (FORMAT parquet, COMPRESSION zstd)")


if __name__ == "__main__":
    main()
