"""Whether a position among places like a place is there in other months, and how often one is named by chance (R25).

The records of whole forces, in miles whose centres are half a mile apart: nearer than in an archive, where they do
not overlap, because a few forces have too few miles otherwise. What overlaps the place itself is left out. Like
are miles within a factor of 1.5 in crime. A position is found in the odd months of a year and looked at in the even
ones. Then years are simulated in which all places are alike, and in which they differ as the real ones do.
Run: python -m benchmarks.like ARCHIVE... (built with postcodes and force areas).
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from crimenb.geo import MILE_M, to_metres
from crimenb.measures.comparisons import T
from crimenb.measures.like import BEYOND, LEAST_PLACES, Position, position
from crimenb.measures.months import spread_of
from crimenb.query import month_before
from crimenb.schema import ASB, BTP, CRIME_CATEGORIES
from crimenb.sources.archive import Archive
from crimenb.sources.candidates import FACTOR

APART_M = MILE_M / 2
SIZES = [(0, 10**9), (0, 10), (10, 30), (30, 100), (100, 10**9)]
"""Crimes a month, from and to."""
SERIES = [c for c in CRIME_CATEGORIES if c != "public-order"]
"""What is compared across forces."""

POINTS = {"position alone": 0.0, "t = 1.96": 1.96, "t = 3.11": 3.106, "t = 3.55": 3.552}
RUNS, PLACES, YEAR = 1000, 60, 12


class Year(NamedTuple):
    """Counts of some miles: place x month x category, their months, and which miles each may be compared with."""

    counts: np.ndarray
    months: list[str]
    others: list[np.ndarray]


def years(archive: Archive) -> list[Year]:
    """Return each whole year that the same forces supplied, counted back from the newest month."""
    found = []
    end = archive.months()[-1]
    while (start := month_before(end, YEAR - 1)) >= archive.months()[0]:
        months = [month_before(end, k) for k in range(YEAR)][::-1]
        forces = {f for f, _ in archive.supplied if f != BTP}
        whole = sorted(f for f in forces if all(archive.supplied_whole(f, m) for m in months))
        found.append(_year(archive, months, whole))
        end = month_before(start)
    return found


def _year(archive: Archive, months: list[str], forces: list[str]) -> Year:
    with duckdb.connect() as db:
        rows = db.execute(
            f"SELECT month, category, longitude, latitude FROM '{archive.folder}/street.parquet' "
            "WHERE list_contains(?, month) AND list_contains(?, force)",
            [months, forces],
        ).df()
        codes = db.execute(
            f"SELECT longitude, latitude FROM '{archive.folder}/postcodes.parquet' "
            "WHERE refused = '' AND list_contains(?, force) ORDER BY postcode",
            [forces],
        ).df()
    centres = _picked(np.column_stack(to_metres(codes["longitude"], codes["latitude"])))
    xy = np.column_stack(to_metres(rows["longitude"], rows["latitude"]))
    month = rows["month"].map({m: i for i, m in enumerate(months)}).to_numpy()
    kind = (
        rows["category"].map({c: i for i, c in enumerate(CRIME_CATEGORIES)}).fillna(-1).astype(int).to_numpy()
    )
    counts = np.zeros((len(centres), YEAR, len(CRIME_CATEGORIES)))
    for one, at in zip(counts, cKDTree(xy).query_ball_point(centres, MILE_M), strict=True):
        inside = np.array(at, int)
        inside = inside[kind[inside] >= 0]
        np.add.at(one, (month[inside], kind[inside]), 1)
    total = counts.sum(axis=(1, 2))
    others = []
    for centre, own in zip(centres, total, strict=True):
        far = np.hypot(*(centres - centre).T) >= 2 * MILE_M
        others.append(np.flatnonzero(far & (total >= own / FACTOR) & (total <= own * FACTOR) & (own > 0)))
    return Year(counts, months, others)


def _picked(xy: np.ndarray) -> np.ndarray:
    free, tree, chosen = np.ones(len(xy), bool), cKDTree(xy), []
    for i in range(len(xy)):
        if free[i]:
            chosen.append(i)
            free[tree.query_ball_point(xy[i], APART_M)] = False
    return xy[chosen]


def called(found: Position, t: float) -> int:
    """Return 1 for "more", -1 for "fewer" and 0 for neither, with another t in the interval."""
    n, of = found.records, len(found.others)
    root = np.sqrt(n)
    low = (root - min(root, (root - np.sqrt(found.low)) * t / T)) ** 2 if found.low else 0.0
    high = (root + (np.sqrt(found.high) - root) * t / T) ** 2
    if found.fewer > BEYOND * of and n >= 20 and low > found.median:
        return 1
    return -1 if found.more > BEYOND * of and found.median >= 20 and high < found.median else 0


def odd_and_even(found: list[Year]) -> pd.DataFrame:
    """Name positions in the odd months; say where the same series lies in the even ones. A row a size and t."""
    odd = np.arange(YEAR) % 2 == 0
    pages: list[dict[str, float]] = []
    for year in found:
        months = [m for m, is_odd in zip(year.months, odd, strict=True) if is_odd]
        for here, among in zip(year.counts, year.others, strict=True):
            if len(among) < LEAST_PLACES:
                continue
            page = {"mean": here.sum() / YEAR, "places": len(among)}
            for series in SERIES:
                k = CRIME_CATEGORIES.index(series)
                one = position(series, here[odd, k], months, year.counts[among][:, odd, k].sum(axis=1))
                again, theirs = here[~odd, k].sum(), year.counts[among][:, ~odd, k].sum(axis=1)
                below = float(np.mean(theirs < again) + np.mean(theirs == again) / 2)
                for name, t in POINTS.items():
                    if side := called(one, t):
                        beyond = below if side > 0 else 1 - below
                        for what, is_so in (
                            ("named", True),
                            ("stay", beyond > 0.75),
                            ("wrong", beyond < 0.5),
                        ):
                            page[f"{name}, {what}"] = page.get(f"{name}, {what}", 0) + is_so
            pages.append(page)
    table = pd.DataFrame(pages).fillna(0)
    rows = {}
    for low, high in SIZES:
        part = table[(table["mean"] >= low) & (table["mean"] < high)]
        for name in POINTS if len(part) else ():
            named, stay, wrong = (
                part.get(f"{name}, {what}", pd.Series(0)) for what in ("named", "stay", "wrong")
            )
            every = max(named.sum(), 1)
            rows[f"{low} to {high} a month, {name}" if high < 10**9 else f"{low} or more, {name}"] = {
                "pages": len(part), "places like it": part["places"].median(), "named": named.sum(),
                "beyond the top quarter": 100 * stay.sum() / every,
                "beyond the median": 100 - 100 * wrong.sum() / every,
                "pages that name": 100 * (named > 0).mean(), "pages that name falsely": 100 * (wrong > 0).mean(),
            }  # fmt: skip
    return pd.DataFrame(rows).T.round(1)


SHARES = {
    "violent-crime": 0.34, "shoplifting": 0.11, "public-order": 0.08, "criminal-damage-arson": 0.10,
    "vehicle-crime": 0.08, "other-theft": 0.08, "burglary": 0.05,
    "drugs": 0.04, "other-crime": 0.03, "robbery": 0.02, "bicycle-theft": 0.02,
    "theft-from-the-person": 0.02, "possession-of-weapons": 0.01, ASB: 0.25,
}  # fmt: skip
"""What each category, and the reports of anti-social behaviour, are beside all crime, about."""


def simulate(mean: float, spread: float, rng: np.random.Generator) -> dict[str, float]:
    """Simulate pages of a place among sixty others; return the shares that name, and that name falsely, in per cent.

    Parameters
    ----------
    mean
        Crimes of a month.
    spread
        Standard deviation of the logarithm of each place's level of a category; 0 where all are alike.
    """
    months = [f"2025-{k:02d}" for k in range(1, YEAR + 1)]
    tally = {name: [0, 0] for name in POINTS}
    for _ in range(RUNS):
        page = {name: [False, False] for name in POINTS}
        drawn = {}
        for series, share in SHARES.items():
            level = mean * share * np.exp(rng.normal(0, spread, PLACES + 1))
            phi = 1 + spread_of("asb" if series == ASB else series) * np.sqrt(level)
            drawn[series] = level, rng.poisson(rng.gamma(level / (phi - 1), phi - 1, (YEAR, PLACES + 1))).T
        whole = [pair for series, pair in drawn.items() if series != ASB]
        drawn["crime"] = sum(level for level, _ in whole), sum(y for _, y in whole)
        for series, (level, y) in drawn.items():
            one = position(series, y[0], months, y[1:].sum(axis=1))
            below = float(np.mean(level[1:] < level[0]))
            for name, t in POINTS.items():
                if side := called(one, t):
                    page[name][0] = True
                    # Where all are alike any is false; else what is truly on the other side of their middle.
                    page[name][1] |= spread == 0 or (below if side > 0 else 1 - below) < 0.5
        for name, (names, false) in page.items():
            tally[name][0] += names
            tally[name][1] += false
    return {
        f"{name}, {what}": 100 * n / RUNS
        for name, both in tally.items()
        for what, n in zip(("name", "falsely"), both, strict=True)
    }


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("archives", type=Path, nargs="+")
    asked = parser.parse_args()
    found = [year for folder in asked.archives for year in years(Archive(folder))]
    print(f"{len(found)} years, {sum(len(y.others) for y in found):,} miles and years")
    print(odd_and_even(found).to_string())
    rng = np.random.default_rng(20261127)
    rows = {
        f"{mean} a month, {'all alike' if not spread else 'as different as real ones'}": simulate(mean, spread, rng)
        for spread in (0.0, 0.35) for mean in (30, 100, 300)
    }  # fmt: skip
    print(pd.DataFrame(rows).T.round(1).to_string())


if __name__ == "__main__":
    main()
