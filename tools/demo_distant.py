"""Forty further towns of the invented country, known only as places to compare with.

Their records are in no street file: three years of them would make the package twenty times as large. So they are
in no total of their force. Most are like Fablemouth in residents and jobs; it has more bicycle theft than nearly all.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import demo_town as town
import duckdb
import numpy as np
import pandas as pd

from crimenb.query import days_in
from crimenb.schema import CATEGORIES
from crimenb.sources.candidates import COUNTS, FILE

TOWNS = 40
UNLIKE = 4
"""So many of them have too few jobs to be like Fablemouth."""

RESIDENTS, JOBS = 9000, 1.55
SPREAD = 0.22
"""How much the level of a category differs from town to town (standard deviation of its logarithm)."""

LEVEL = {"bicycle-theft": 0.45, "theft-from-the-person": 0.7}
"""Of what Fablemouth has, where that is not the usual."""

_NAMES = [a + b for b, a in product(("wick", "ham", "ford", "bury"), (
    "Ballad", "Canto", "Dirge", "Elegy", "Idyll", "Limerick", "Madrigal", "Ode", "Proverb", "Sonnet",
))]  # fmt: skip


def add(folder: Path, months: list[str], seed: list[int]) -> int:
    """Add the towns to the candidates of an archive's version; return how many.

    Parameters
    ----------
    folder
        The version; in order of postcode the mile of Fablemouth is its first candidate.
    months
        The months.
    seed
        Seed of the draws.
    """
    rng = np.random.default_rng(seed)
    own = pd.read_parquet(folder / COUNTS).query(f"candidate == '{town.CENTRE}'")
    usual = own.groupby("category")["records"].sum() / own["month"].nunique()
    n = np.arange(TOWNS)
    lon, lat = town.lonlat(-60_000.0 + 4000 * (n % 8), -40_000.0 + 4000 * (n // 8))
    residents = (RESIDENTS * rng.uniform(0.8, 1.2, TOWNS)).round(-1).astype(int)
    jobs = residents * JOBS * np.where(n < UNLIKE, 0.3, rng.uniform(0.82, 1.18, TOWNS))
    places = pd.DataFrame({
        "postcode": [f"ZZ7 {k // 10}{'ABDEFGHJLN'[k % 10]}A" for k in n], "name": _NAMES[:TOWNS], "force": town.VALE,
        "longitude": lon, "latitude": lat, "rural_urban": town.URBAN[1], "residents": residents,
        "jobs": jobs.round(-1).astype(int),
    })  # fmt: skip
    parts = []
    for slug in CATEGORIES:
        level = usual[slug] * LEVEL.get(slug, 1.0) * np.exp(rng.normal(0, SPREAD, TOWNS))
        for month in months:
            mean = level * days_in(month) / 30.44
            records = rng.poisson(rng.gamma(mean / 0.6, 0.6))  # their variance is 1.6 times the mean
            one = {"candidate": places["postcode"], "month": month, "category": slug, "records": records}
            parts.append(pd.DataFrame(one))
    with duckdb.connect() as db:
        for file, rows, key in (
            (FILE, places, "postcode"),
            (COUNTS, pd.concat(parts), "candidate, month, category"),
        ):
            path = folder / file
            db.register("further", rows[rows["records"] > 0] if file == COUNTS else rows)
            db.execute("CREATE OR REPLACE TABLE whole AS SELECT * FROM read_parquet(?) LIMIT 0", [str(path)])
            db.execute("INSERT INTO whole SELECT * FROM read_parquet(?)", [str(path)])
            db.execute("INSERT INTO whole BY NAME SELECT * FROM further")
            db.execute(
                f"COPY (SELECT * FROM whole ORDER BY {key}) TO $path (FORMAT parquet, COMPRESSION zstd)",
                {"path": str(path)},
            )
            db.unregister("further")
    return TOWNS
