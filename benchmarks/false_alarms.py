"""How often a report would call something unusual although nothing is.

Lays circles of a mile that do not overlap over real records, takes each month of 2025 in turn
as the latest, and counts the reports in which any verdict is called, by size of place; then
simulates two years for R8: false rate at lag-1 correlation 0 and 0.3, and power at a true fall
of 30 %. Run: python benchmarks/false_alarms.py (data in CRIMENB_REAL_DATA or ../shared/data).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import duckdb
import geopandas as gpd
import numpy as np
import pandas as pd
from crimenb.postcodes import shares_by_area
from scipy import stats
from scipy.spatial import cKDTree

from crimenb.geo import MILE_M, circle, to_lonlat, to_metres
from crimenb.measures.changes import weigh_recent, weigh_years
from crimenb.measures.months import weigh
from crimenb.query import days_in, months_between
from crimenb.schema import ASB, BTP, CATEGORIES, CRIME_CATEGORIES
from crimenb.sources.archive_build import build_archive

SEED = 20251231
YEAR = months_between("2025-01", "2025-12")
SIZES = [(0, 10), (10, 20), (20, 50), (50, 100), (100, 300), (300, 10**9)]
RUNS = 2000


def real_data() -> Path:
    root = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("CRIMENB_REAL_DATA", root.parent / "shared" / "data"))


def places(archive: Path) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Return month x category counts of each circle, and of the rest of its force."""
    with duckdb.connect() as db:
        rows = db.execute(
            f"SELECT force, month, category, longitude, latitude FROM '{archive}/street.parquet' "
            "WHERE month BETWEEN '2025-01' AND '2025-12' AND force <> ?",
            [BTP],
        ).df()
    held = rows.groupby("force")["month"].nunique()
    rows = rows[rows["force"].isin(held[held == len(YEAR)].index)]
    x, y = to_metres(rows["longitude"].to_numpy(), rows["latitude"].to_numpy())
    xy, areas = np.column_stack([x, y]), gpd.read_parquet(archive / "forces.parquet")
    month = rows["month"].map({m: i for i, m in enumerate(YEAR)}).to_numpy()
    category = rows["category"].map({c: i for i, c in enumerate(CATEGORIES)}).to_numpy()
    force, names = pd.factorize(rows["force"])
    total = np.zeros((len(names), len(YEAR), len(CATEGORIES)))
    np.add.at(total, (force, month, category), 1)
    tree, found = cKDTree(xy), []
    for centre in _centres(xy):
        at = np.array(tree.query_ball_point(centre, MILE_M))
        lon, lat = to_lonlat(*centre)
        share = shares_by_area(circle(float(lon), float(lat)), areas)
        main = max(share, key=lambda f: share[f], default="")
        if share.get(main, 0) < 0.98 or main not in names:
            continue
        at = at[force[at] == list(names).index(main)]
        here = np.zeros((len(YEAR), len(CATEGORIES)))
        np.add.at(here, (month[at], category[at]), 1)
        found.append((here, total[list(names).index(main)] - here, main))
    return found


def _centres(xy: np.ndarray) -> list[np.ndarray]:
    """Lay circles at random snapped points, each two radii from all before."""
    spots = np.unique(xy, axis=0)
    free, tree, chosen = np.ones(len(spots), bool), cKDTree(spots), []
    for i in np.random.default_rng(SEED).permutation(len(spots)):
        if free[i]:
            chosen.append(spots[i])
            free[tree.query_ball_point(spots[i], 2 * MILE_M)] = False
    return chosen


def reports(found: list[tuple[np.ndarray, np.ndarray, str]]) -> pd.DataFrame:
    """Judge every month of every place as the latest; one row a report."""
    days, rows = np.array([days_in(m) for m in YEAR], float), []
    slugs = list(CATEGORIES)
    for here, rest, force in found:
        crime = [slugs.index(c) for c in CRIME_CATEGORIES]
        series = {"crime": crime, "asb": [slugs.index(ASB)]} | {c: [slugs.index(c)] for c in CRIME_CATEGORIES}
        mean = here[:, crime].sum() / len(YEAR)
        for last in range(len(YEAR)):
            order = [i for i in range(len(YEAR)) if i != last] + [last]
            called = {}
            for live in (False, True):
                said = {
                    s: weigh(
                        here[order][:, k].sum(axis=1),
                        days[order],
                        None if live else rest[order][:, k].sum(axis=1),
                        series=s,
                    )
                    for s, k in series.items()
                }
                kind = "live" if live else "archive"
                called[f"{kind} crime"] = said["crime"].called
                called[f"{kind} asb"] = said["asb"].called
                called[f"{kind} category"] = any(said[c].called for c in CRIME_CATEGORIES)
                called[f"{kind} any"] = any(v.called for v in said.values())
                called[f"{kind} low"] = said["crime"].kind == "below"
                called[f"{kind} high"] = said["crime"].kind == "above"
            y, e = (m[:, crime].sum(axis=1) for m in (here, rest))
            recent = weigh_recent(y[order], days[order], e[order]).called if last == len(YEAR) - 1 else np.nan
            rows.append({"force": force, "mean": mean, "recent": recent, **called})
    return pd.DataFrame(rows)


def simulate(mean: float, lag: float, fall: float, rng: np.random.Generator, *, latent: bool) -> float:
    """Return the share of simulated pairs of years that R8 calls a clear change.

    Monthly counts have the usual dispersion phi = 1 + 0.12 * sqrt(mean). The lag-1 correlation is
    that of the counts (negative binomial, by a Gaussian copula) or, if `latent`, that of the
    level beneath them (log-normal, with Poisson counts), so that the counts have less.
    """
    z = rng.standard_normal((RUNS, 24))
    for t in range(1, 24):
        z[:, t] = lag * z[:, t - 1] + np.sqrt(1 - lag**2) * z[:, t]
    level = np.where(np.arange(24) < 12, mean, mean * (1 - fall))
    phi = 1 + 0.12 * np.sqrt(mean)
    if latent:
        spread = np.sqrt(np.log1p((phi - 1) / level))
        y = rng.poisson(level * np.exp(spread * z - spread**2 / 2)).astype(float)
    else:
        y = stats.nbinom.ppf(stats.norm.cdf(z), level / (phi - 1), 1 / phi)
    days = np.array([days_in(m) for m in YEAR], float)
    return float(np.mean([weigh_years(r[12:], r[:12], days, days).called for r in y]))


def main() -> int:
    source = real_data()
    if not (source / "police-uk-archive").is_dir():
        print(f"no real data in {source}; set CRIMENB_REAL_DATA")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "archive"
        areas = source / "geography" / "police-force-areas-simplified.geojson"
        build_archive([source / "police-uk-archive"], archive, force_areas=areas)
        found = places(archive)
    table = reports(found)
    print(f"{len(found)} places of one mile, {table['force'].nunique()} forces, {len(table):,} reports\n")
    rows = {}
    for low, high in SIZES:
        part = table[(table["mean"] >= low) & (table["mean"] < high)]
        name = f"{low} to {high}" if high < 10**9 else f"{low} or more"
        rows[name] = {"reports": len(part), **part.drop(columns=["force", "mean"]).astype(float).mean()}
    large = table[table["mean"] >= 10]
    rows["10 or more"] = {"reports": len(large), **large.drop(columns=["force", "mean"]).astype(float).mean()}
    shown = pd.DataFrame(rows).T
    print("Share of reports that call something, by crimes a month (per cent):")
    print(
        (shown.drop(columns="reports") * 100)
        .round(1)
        .assign(reports=shown["reports"].astype(int))
        .T.to_string()
    )
    rng = np.random.default_rng(SEED)
    for latent in (False, True):
        of = "the level beneath the counts" if latent else "the counts"
        print(f"\nR8 in {RUNS:,} simulated pairs of years, lag-1 correlation of {of} (per cent called):")
        sims = {
            mean: {
                f"{name}, lag {lag}": simulate(mean, lag, fall, rng, latent=latent) * 100
                for name, fall in (("no change", 0.0), ("a fall of 30 %", 0.3))
                for lag in (0.0, 0.3, 0.5)
            }
            for mean in (10, 20, 60, 100, 300, 1400)
        }
        print(pd.DataFrame(sims).rename_axis(columns="crimes a month").round(1).to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
