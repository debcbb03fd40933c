"""How often a report would call something unusual although nothing is.

Lays circles of a mile that do not overlap over real records, takes months in turn as the latest, and
counts the reports in which any verdict is called, by size of place, with the rules of 0.1.0 and with
today's; then simulates two years for R8 (false rate and power), looks for thin months (R10) in the longest
series, and names categories between odd and even months (R11).
Run: python -m benchmarks.false_alarms (data in CRIMENB_REAL_DATA or ../shared/data).
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
from scipy import stats
from scipy.spatial import cKDTree

from crimenb.geo import MILE_M, circle, to_lonlat, to_metres
from crimenb.measures.changes import weigh_recent, weigh_years
from crimenb.measures.comparisons import LEAST_TOTAL, LESS, MORE, NEVER_LOW, shares
from crimenb.measures.months import weigh
from crimenb.month_status import LEAST_CRIME, SEASON, SEASON_ASB, thin_months
from crimenb.query import days_in, months_between
from crimenb.schema import ASB, BTP, CATEGORIES, CRIME_CATEGORIES
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.gazetteer import parts_by_area
from crimenb.usual_range import dispersion

SEED = 20251231
YEAR, LONG = months_between("2025-01", "2025-12"), months_between("2021-05", "2024-04")
SIZES = [(0, 10), (10, 20), (20, 50), (50, 100), (100, 300), (300, 10**9)]
RUNS = 2000


def real_data() -> Path:
    root = Path(__file__).resolve().parent.parent
    return Path(os.environ.get("CRIMENB_REAL_DATA", root.parent / "shared" / "data"))


Found = tuple[np.ndarray, np.ndarray, str]
"""Month x category counts of a circle, those of the rest of its force, and the force."""


def places(archive: Archive, months: list[str]) -> list[Found]:
    """Count the records of circles that lie in one force that supplied all the months."""
    with duckdb.connect() as db:
        rows = db.execute(
            f"SELECT force, month, category, longitude, latitude FROM '{archive.folder}/street.parquet' "
            "WHERE month BETWEEN ? AND ? AND force <> ?",
            [months[0], months[-1], BTP],
        ).df()
    supplied = rows.groupby("force")["month"].nunique()
    rows = rows[rows["force"].isin(supplied[supplied == len(months)].index)]
    x, y = to_metres(rows["longitude"].to_numpy(), rows["latitude"].to_numpy())
    xy, areas = np.column_stack([x, y]), gpd.read_parquet(archive.folder / "forces.parquet")
    month = rows["month"].map({m: i for i, m in enumerate(months)}).to_numpy()
    category = rows["category"].map({c: i for i, c in enumerate(CATEGORIES)}).to_numpy()
    force, names = pd.factorize(rows["force"])
    total = np.zeros((len(names), len(months), len(CATEGORIES)))
    np.add.at(total, (force, month, category), 1)
    tree, found = cKDTree(xy), []
    for centre in _centres(xy):
        at = np.array(tree.query_ball_point(centre, MILE_M))
        lon, lat = to_lonlat(*centre)
        shape = circle(float(lon), float(lat))
        parts = parts_by_area(shape, areas)
        main = max(parts, key=lambda f: parts[f].area, default="")
        if not parts or parts[main].area < 0.98 * shape.area or main not in names:
            continue
        at = at[force[at] == list(names).index(main)]
        here = np.zeros((len(months), len(CATEGORIES)))
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


# ------------------------------------------------------------------ the rules of 0.1.0, to compare


def _old_range(y: np.ndarray, e: np.ndarray, level: float) -> tuple[float, float]:
    n, latest = len(y) - 1, e[-1]
    rate = y[:-1].sum() / e[:-1].sum()
    expected, mu = rate * latest, rate * e[:-1]
    own = ((y[:-1] - mu) ** 2 / mu).sum() / (n - 1) if (mu > 0).all() else 1.0
    phi = max(1.0, ((n - 1) * own + 10 * (1 + 0.12 * np.sqrt(expected))) / (n + 9))
    half = stats.t.ppf((1 + level) / 2, n + 9) * np.sqrt(phi * (1 + 1 / n)) / 2
    root = np.sqrt(expected + 0.375)
    return max(0.0, root - half) ** 2 - 0.375, (root + half) ** 2 - 0.375


def old_call(y: np.ndarray, days: np.ndarray, rest: np.ndarray, series: str) -> bool:
    """Return whether 0.1.0 called a month: outside both its own range and that of the force."""
    if y[:-1].sum() / days[:-1].sum() * days[-1] < 10:
        return False
    valid = (rest > 0).all() and rest[:-1].sum() >= 3 * y[:-1].sum()
    if series == "asb" and not valid:
        return False
    level = 0.95 if series in ("crime", "asb") else 0.998
    ranges = [_old_range(y, e, level) for e in ([days, rest] if valid else [days])]
    return all(y[-1] < np.floor(low) for low, _ in ranges) or all(
        y[-1] > np.floor(high) for _, high in ranges
    )


def old_recent(y: np.ndarray, rest: np.ndarray) -> bool:
    """Return whether 0.1.0 called the last three months against all before (R7 at 2.58)."""
    a, b = y[-3:].sum(), y[:-3].sum()
    if min(a, b) < 50 or not (rest > 0).all() or rest.sum() < 3 * y.sum():
        return False
    squares = 0.0
    for part in (slice(None, -3), slice(-3, None)):
        mu = y[part].sum() / rest[part].sum() * rest[part]
        squares += ((y[part] - mu) ** 2 / mu).sum()
    phi = max(1.0, (squares + 10 * (1 + 0.12 * np.sqrt(y.mean()))) / (len(y) - 2 + 10))
    q = (a / b) / (rest[-3:].sum() / rest[:-3].sum())
    return abs(np.log(q)) > 2.58 * np.sqrt(phi * (1 / a + 1 / b)) and abs(q - 1) >= 0.1


def old_year(y: np.ndarray, x: np.ndarray, days: np.ndarray, before: np.ndarray) -> bool:
    """Return whether 0.1.0 called a year (R8 at 2.58, one spread for every series)."""
    a, b = y.sum(), x.sum()
    if min(a, b) < 50:
        return False
    squares = 0.0
    for counts, e in ((x, before), (y, days)):
        mu = counts.sum() / e.sum() * e
        squares += ((counts - mu) ** 2 / mu).sum()
    phi = max(1.0, (squares + 10 * (1 + 0.12 * np.sqrt((a + b) / 24))) / (22 + 10))
    ratio = (a / days.sum()) / (b / before.sum())
    same = ((y / days - x / before) * (ratio - 1) > 0).sum()
    return abs(np.log(ratio)) > 2.58 * np.sqrt(phi * (1 / a + 1 / b)) and abs(ratio - 1) >= 0.1 and same >= 9


# ------------------------------------------------------------------------------- whole reports


def reports(found: list[Found], months: list[str], *, wide: bool) -> pd.DataFrame:
    """Judge months of every place as the latest; one row a report, "old" 0.1.0's rules, "new" today's.

    Parameters
    ----------
    wide
        Whether there are months enough before each latest one: with one year, all others are before it.
    """
    slugs = list(CATEGORIES)
    crime = [slugs.index(c) for c in CRIME_CATEGORIES]
    series = {"crime": crime, "asb": [slugs.index(ASB)]} | {c: [slugs.index(c)] for c in CRIME_CATEGORIES}
    days_of = np.array([days_in(m) for m in months], float)
    rows = []
    for here, rest, force in found:
        for last in range(24, len(months)) if wide else range(len(months)):
            order = list(range(last + 1)) if wide else [i for i in range(len(months)) if i != last] + [last]
            days, row = days_of[order], {"force": force, "mean": here[order][:, crime].sum() / len(order)}
            y = {s: here[order][:, k].sum(axis=1) for s, k in series.items()}
            e = {s: rest[order][:, k].sum(axis=1) for s, k in series.items()}
            near = slice(-13, None)
            new = {s: weigh(y[s][near], days[near], e[s][near], series=s).called for s in series}
            old = {s: old_call(y[s][-25:], days[-25:], e[s][-25:], s) for s in series}
            for name, called in (("old", old), ("new", new)):
                row[f"{name} crime"], row[f"{name} asb"] = called["crime"], called["asb"]
                row[f"{name} category"] = any(called[c] for c in CRIME_CATEGORIES)
            if wide:
                now, then = slice(-12, None), slice(-24, -12)
                years = {
                    s: weigh_years(y[s][now], y[s][then], days[now] / days[then], series=s).called
                    for s in series
                }
                was = {s: old_year(y[s][now], y[s][then], days[now], days[then]) for s in series}
                row["old change"], row["new change"] = any(was.values()), any(years.values())
            else:
                row["old change"] = old_recent(y["crime"], e["crime"])
                row["new change"] = weigh_recent(y["crime"][near], days[near], e["crime"][near]).called
            for name in ("old", "new"):
                row[f"{name} any"] = any(
                    row[f"{name} {what}"] for what in ("crime", "asb", "category", "change")
                )
            rows.append(row)
    return pd.DataFrame(rows)


def by_size(table: pd.DataFrame) -> pd.DataFrame:
    """Return the share of reports that call something, in per cent, by crimes a month."""
    columns = [f"{n} {w}" for w in ("crime", "asb", "category", "change", "any") for n in ("old", "new")]
    rows = {}
    for low, high in [*SIZES, (10, 10**9)]:
        part = table[(table["mean"] >= low) & (table["mean"] < high)]
        name = f"{low} to {high}" if high < 10**9 else f"{low} or more"
        if len(part):
            rows[name] = {"reports": len(part), **(part[columns].astype(float).mean() * 100).round(1)}
    return pd.DataFrame(rows).T


SEASON_OF = {"crime": SEASON, "asb": SEASON_ASB, "drugs": SEASON}
"""What the months of a year are of its mean, in the simulation."""

SPREAD_OF = {"crime": 0.12, "asb": 0.20, "drugs": 0.17}
"""How fast the dispersion of a series grows with its size (R5)."""


def simulate(series: str, mean: float, lag: float, fall: float, rng: np.random.Generator) -> dict[str, float]:
    """Return how many pairs of years in a hundred R8 calls a clear change, by the old rule and today's.

    Monthly counts follow the season and have the usual dispersion of their series (negative binomial);
    the months' correlation is that of the counts (a Gaussian copula).
    """
    z = rng.standard_normal((RUNS, 24))
    for t in range(1, 24):
        z[:, t] = lag * z[:, t - 1] + np.sqrt(1 - lag**2) * z[:, t]
    level = np.tile(SEASON_OF[series], 2) * np.where(np.arange(24) < 12, mean, mean * (1 - fall))
    phi = 1 + SPREAD_OF[series] * np.sqrt(mean)
    y = stats.nbinom.ppf(stats.norm.cdf(z), level / (phi - 1), 1 / phi)
    same = np.ones(12)
    return {
        "old": 100 * float(np.mean([old_year(r[12:], r[:12], same, same) for r in y])),
        "new": 100 * float(np.mean([weigh_years(r[12:], r[:12], same, series=series).called for r in y])),
    }


def years() -> pd.DataFrame:
    """Simulate R8: false calls at two correlations, and true falls of 20 and 30 per cent that are found."""
    rng, rows = np.random.default_rng(SEED), {}
    tries = {"false, lag 0": (0, 0), "false, lag 0.3": (0.3, 0), "-20%": (0, 0.2), "-30%": (0, 0.3)}
    for series, means in (
        ("crime", (20, 60, 150, 300)),
        ("asb", (20, 60, 150, 300)),
        ("drugs", (20, 60, 150)),
    ):
        for mean in means:
            found = {name: simulate(series, mean, lag, fall, rng) for name, (lag, fall) in tries.items()}
            name = "a category" if series == "drugs" else series
            rows[f"{name}, {mean}"] = {f"{n}, {k}": v for n, f in found.items() for k, v in f.items()}
    return pd.DataFrame(rows).T.round(1)


def thin(archive: Archive, months: list[str]) -> pd.DataFrame:
    """Look for thin months (R10) in every run of 12, 24 and 36 months of a force, as they are and cut.

    Old: all records a day below 0.80 of the median month.
    """
    counts = pd.read_parquet(archive.folder / "counts.parquet")
    counts = counts[counts["month"].isin(months) & (counts["force"] != BTP)]
    n = counts.assign(n=counts["located"] + counts["unlocated"], asb=counts["category"] == ASB)
    rows: dict[str, list[dict[str, float]]] = {}
    for _, force in n.groupby("force"):
        by = force.groupby(["month", "asb"])["n"].sum().unstack(fill_value=0)
        if len(by) < len(months):
            continue
        daily = by.div([days_in(m) for m in by.index], axis=0)
        for length in (12, 24, 36):
            for first in range(len(by) - length + 1):
                run = daily.iloc[first : first + length]
                for month in run.index:
                    row = {}
                    for name, left in (("as it is", 1.0), ("70% left", 0.7), ("half left", 0.5)):
                        cut = run.mul(np.where(run.index == month, left, 1.0), axis=0)
                        every = cut.sum(axis=1)
                        row[f"{name}, old"] = every[month] < 0.8 * every.median()
                        row[f"{name}, new"] = month in thin_months(cut[False], SEASON, LEAST_CRIME)
                    rows.setdefault(f"{length} months", []).append(row)
    return pd.DataFrame({k: pd.DataFrame(v).mean() * 100 for k, v in rows.items()}).T.round(1)


def odd_and_even(found: list[Found], months: list[str]) -> pd.DataFrame:
    """Compare the odd months of each place with its even ones (R11): whatever is named is named falsely.

    Old: the 97.5 % point (2.2) and the dispersion of crime (0.12) in place of today's.
    """
    slugs, rows = list(CATEGORIES), []
    for here, _, _ in found:
        table = pd.DataFrame(here, columns=slugs)[CRIME_CATEGORIES]
        odd, even = table.iloc[::2], table.iloc[1::2]
        if min(odd.to_numpy().sum(), even.to_numpy().sum()) < LEAST_TOTAL:
            continue
        new = shares(odd, even, months[::2])
        days = np.array([days_in(m) for m in months[::2]], float)
        old = False
        for row in new.dropna(subset="quotient").itertuples():
            spread = 0.0
            for part, n, of in ((odd, row.here, odd), (even, row.there, even)):
                y = part[row.category].to_numpy(float)
                phi = dispersion(y, days, y.sum() / days.sum() * days[-1], spread=0.12)
                spread += phi * (1 / n - 1 / of.to_numpy().sum())
            beyond = abs(np.log(row.quotient)) > 2.2 * np.sqrt(spread)
            low = row.quotient <= LESS and row.category != NEVER_LOW
            old |= bool(beyond and (row.quotient >= MORE or low))
        rows.append(
            {"mean": table.to_numpy().sum() / 12, "old": old, "new": bool((new["named"] != "").any())}
        )
    table = pd.DataFrame(rows)
    return pd.DataFrame({
        f"{low} to {high}" if high < 10**9 else f"{low} or more": {
            "pages": len(part), **(part[["old", "new"]].astype(float).mean() * 100).round(2)
        }
        for low, high in [*SIZES[1:], (0, 10**9)]
        if len(part := table[(table["mean"] >= low) & (table["mean"] < high)])
    }).T  # fmt: skip


def main() -> int:
    source = real_data()
    if not (source / "police-uk-archive").is_dir():
        print(f"no real data in {source}; set CRIMENB_REAL_DATA")
        return 1
    areas = source / "geography" / "police-force-areas-simplified.geojson"
    for name, months in (("police-uk-archive", YEAR), ("police-uk-36-months", LONG)):
        with tempfile.TemporaryDirectory() as folder:
            build_archive([source / name], Path(folder) / "archive", force_areas=areas)
            archive = Archive(Path(folder) / "archive")
            found = places(archive, months)
            low = thin(archive, months)
        table = reports(found, months, wide=len(months) > len(YEAR))
        forces = table["force"].nunique()
        print(f"\n{name}, {months[0]} to {months[-1]}: {len(found)} places of one mile, {forces} forces")
        print("Reports that call something, per cent, by crimes a month (old: the rules of 0.1.0):")
        print(by_size(table).to_string())
        print("Months called suspiciously low (R10), per cent of months in runs of so many:")
        print(low.to_string())
        if months == YEAR:
            print(
                "Pages that name a category between odd and even months (R11), per cent, by crimes a month:"
            )
            print(odd_and_even(found, months).to_string())
    print(f"\nR8 in {RUNS:,} simulated pairs of years a line (per cent called; series, records a month):")
    print(years().to_string())
    return 0


if __name__ == "__main__":
    sys.exit(main())
