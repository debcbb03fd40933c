"""Make the demonstration archive: three years of an invented country, from one seed.

Run `python tools/make_demo.py`; it writes src/crimenb/reference/demo, the same bytes every time (with
the versions in requirements.lock). It invents official street files, postcodes and force areas in
a temporary folder and hands them to `build_archive`, as a user would.

What is built in, so that a report on it shows what a real one must cope with:

- few points hold most records (Zipf), some points have no name, two are institutions
  (a hospital, a police station), one lies 21 m outside the centre's mile and holds over 2 %;
- anti-social behaviour has no id and no outcome, many identical rows, and a summer;
- British Transport Police at the stations, no ids, no outcomes, no file for 2025-02 to 2025-08;
- Fable Vale has no file for 2024-10 and only two thirds of 2023-09; Fable Moor, a seventh of
  the suburb's mile, has none for 2023-12, 2024-08 and 2025-08;
- records without location, 2 % rising to 3 % in the Vale, 2 to 8 % in the Moor;
- outcomes settle with age; "awaiting court" ages into "result unavailable"; in 2024-06 the
  Vale supplied "status update unavailable" for four in ten;
- counts vary more than chance alone (phi 1.3 to 3.5), as real ones do;
- a few ids stand on two rows, two rows with an id are wholly repeated, a few records lie far away;
- a batch of shoplifting at one supermarket in 2025-09 (a burst);
- searches by the police of Fable Vale, with two months missing (demo_searches.py);
- forty further towns known only as places to compare with (demo_distant.py);
- ONE TRUE CHANGE: vehicle crime in Fablemouth is 40 % lower from 2025-01 on. Nothing else
  changes but the season, and a slow fall of 2 % a year everywhere.

Crime ids are running numbers in the order of the archive, not hashes: hashes do not compress,
and three years of them would make the package twice as large.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from pathlib import Path

import click
import demo_distant
import demo_searches
import demo_town as town
import geopandas as gpd
import numpy as np
import pandas as pd

from crimenb.geo import LONLAT, MILE_M
from crimenb.query import days_in, months_between
from crimenb.schema import ASB, BTP, CATEGORIES
from crimenb.sources.archive_add import add_areas
from crimenb.sources.archive_build import build_archive
from crimenb.sources.official_files import STREET
from crimenb.sources.people_build import add_people
from crimenb.sources.streets_build import add_streets
from crimenb.sources.versions import INVENTORY, resolve

SEED = 2
BUILT = "2026-02-20T09:00:00+00:00"
DEMO = Path(__file__).parents[1] / "src" / "crimenb" / "reference" / "demo"
MONTHS = months_between("2023-01", "2025-12")
# The first half-year was added later, from draws of its own, so that the records after it stayed as they were.
SPANS = [MONTHS[6:], MONTHS[:6]]
SINCE = {month: k for k, month in enumerate(MONTHS, -6)}
"""How many months a month comes after 2023-07."""

ABSENT = {
    town.VALE: ["2024-10"],
    town.MOOR: ["2023-12", "2024-08", "2025-08"],
    BTP: months_between("2025-02", "2025-08"),
}
THIN = (town.VALE, "2023-09", 0.64)
FAULT = (town.VALE, "2024-06", 0.45)
BURST = ("2025-09", "shoplifting", 24)
CHANGE = ("Fablemouth", "vehicle-crime", "2025-01", 0.60)

# A month of each town: violence, shoplifting, public order, damage, vehicle, other theft, burglary,
# drugs, from the person, bicycle, robbery, weapons, other, anti-social behaviour.
A_MONTH = {
    "Fablemouth": [128, 50, 41, 30, 42, 33, 17, 14, 14, 15, 8, 6, 8, 62],
    "Upper Fable": [34, 6, 8, 10, 11, 7, 7, 3, 0.8, 1.2, 0.7, 0.8, 2.5, 19],
    "Little Fable": [1.5, 0.1, 0.3, 0.6, 0.4, 0.4, 0.35, 0.05, 0, 0.05, 0, 0, 0.15, 0.5],
    "Talebridge": [290, 95, 84, 77, 88, 66, 45, 29, 13, 22, 10, 9, 22, 135],
    "Yarnwick": [240, 62, 70, 66, 70, 52, 40, 23, 8, 15, 8, 8, 19, 112],
    "Mythmoor": [205, 48, 50, 52, 46, 40, 30, 17, 5, 9, 5, 6, 16, 92],
    "far": [0.9, 0, 0.1, 0, 0, 0.1, 0, 0, 0, 0, 0, 0, 0.1, 0],
}
PHI = dict.fromkeys(CATEGORIES, 1.6) | {
    "shoplifting": 3.5, "violent-crime": 2.0, ASB: 1.4, "vehicle-crime": 1.3, "burglary": 2.0,
}  # fmt: skip
SUMMER = {  # relative to the year's mean, January to December
    ASB: [0.74, 0.79, 0.89, 1.02, 1.09, 1.17, 1.26, 1.25, 1.10, 1.06, 0.90, 0.69],
    "bicycle-theft": [0.65, 0.7, 0.85, 0.95, 1.1, 1.2, 1.3, 1.3, 1.25, 1.15, 0.9, 0.65],
    "shoplifting": [0.96, 0.97, 1.0, 1.0, 1.0, 0.98, 0.98, 0.98, 1.0, 1.03, 1.06, 1.04],
}

# How much likelier a category is at a kind of place than at a street as busy.
DRAWN_TO = {
    "shoplifting": {"Supermarket": 90, "Shopping Area": 70, "Petrol Station": 15, "street": 0.35},
    "violent-crime": {"Hospital": 8, "Police Station": 2, "Nightclub": 5},
    "public-order": {"Hospital": 5, "Police Station": 3, "Nightclub": 6, "Shopping Area": 3},
    "vehicle-crime": {"Parking Area": 4, "Supermarket": 0.3, "Hospital": 0.1},
    "bicycle-theft": {"Station": 10, "Further/Higher Educational Building": 8, "Shopping Area": 4},
    "theft-from-the-person": {"Nightclub": 12, "Shopping Area": 8},
    "drugs": {"Police Station": 4, "Nightclub": 5},
    "criminal-damage-arson": {"Police Station": 2, "Parking Area": 2},
    "other-theft": {"Supermarket": 3, "Petrol Station": 10, "Hospital": 0.2},
    ASB: {"Park/Open Space": 5, "Shopping Area": 5, "Supermarket": 3},
}
NEVER = {"Hospital", "Police Station", "Prison"}
AT_INSTITUTIONS = {"violent-crime", "public-order", "criminal-damage-arson", "drugs"}

NSI, UNABLE = "Investigation complete; no suspect identified", "Unable to prosecute suspect"
NOTICE = "Offender given penalty notice"  # the files' spelling; the API writes "a penalty notice"
CHARGED, FAULTY = "Awaiting court outcome", "Status update unavailable"
FATES = [
    NSI, UNABLE, CHARGED, "Local resolution", "Offender given a caution",
    "Action to be taken by another organisation",
    "Further investigation is not in the public interest",
    "Suspect charged as part of another case", FAULTY,
]  # fmt: skip
USUAL_FATE = [0.60, 0.24, 0.07, 0.02, 0.01, 0.015, 0.01, 0.002, 0.03]
FATE_OF = {slug: USUAL_FATE for slug in CATEGORIES} | {
    "violent-crime": [0.19, 0.54, 0.11, 0.03, 0.02, 0.05, 0.02, 0.002, 0.035],
    "shoplifting": [0.52, 0.10, 0.27, 0.05, 0.01, 0.005, 0.005, 0.01, 0.03],
    "public-order": [0.37, 0.36, 0.13, 0.05, 0.02, 0.02, 0.02, 0.002, 0.03],
    "vehicle-crime": [0.86, 0.08, 0.03, 0, 0, 0, 0, 0.002, 0.03],
    "bicycle-theft": [0.90, 0.05, 0.02, 0, 0, 0, 0, 0, 0.03],
    "drugs": [0.16, 0.14, 0.26, 0.30, 0.06, 0.01, 0.02, 0.002, 0.05],
    "possession-of-weapons": [0.10, 0.28, 0.44, 0.05, 0.05, 0.02, 0.02, 0, 0.04],
}
# By age, newest month first: share still under investigation, and of charges still in court.
UNDECIDED = [0.50, 0.30, 0.17, 0.09, 0.05, 0.03, 0.02, 0.015, 0.01]
IN_COURT = [1, 1, 0.97, 0.9, 0.8, 0.66, 0.5, 0.4, 0.3, 0.22, 0.16, 0.12, 0.08, 0.05, 0.03]


def main(into: Path) -> None:
    """Write the demonstration archive into a folder."""
    rng = np.random.default_rng(SEED)
    places = town.points(rng)
    busy = {name: _busyness(places[places["town"] == name], rng) for name in A_MONTH}
    draws = [rng, np.random.default_rng([SEED, 98])]
    records = pd.concat([invent(places, busy, span, draws[span]) for span in range(len(SPANS))])
    codes = town.gazetteer(places, rng)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write_street_files(records, work / "street")
        demo_searches.write(places, MONTHS, work / "street", [SEED, 95])
        codes.to_csv(work / "ONSPD_INVENTED_UK.csv", index=False, lineterminator="\n")
        areas = town.force_areas()
        shapes = gpd.GeoDataFrame({"force": [*areas]}, geometry=[*areas.values()], crs=LONLAT)
        shapes.to_file(work / "forces.geojson", driver="GeoJSON")
        built = build_archive(
            [work / "street"], work / "archive", postcodes=work / "ONSPD_INVENTED_UK.csv",
            force_areas=work / "forces.geojson", release=MONTHS[-1],
        )  # fmt: skip
        add_areas(town.outlines(work), work / "archive")
        ground = {"roads": town.streets(places), "water": town.water(), "railway": town.railway(places)}
        for name, layer in ground.items():
            layer.to_file(work / f"{name}.gpkg", layer=name)
        roads, water, railway = (work / f"{name}.gpkg" for name in ground)
        add_streets(
            [roads], work / "archive", water=[water], railway=[railway], attribution="invented, like the town"
        )
        add_people(town.people(codes, np.random.default_rng([SEED, 97]), work), work / "archive")
        version = resolve(work / "archive")
        into.mkdir(parents=True, exist_ok=True)
        for file in version.iterdir():
            shutil.copyfile(file, into / file.name)
    further = demo_distant.add(into, MONTHS, [SEED, 96])
    inventory = json.loads((into / INVENTORY).read_text("utf-8"))
    inventory = {"format": inventory["format"], "name": "demo"} | inventory | {"built": BUILT}
    inventory["candidates"] += further
    inventory["gazetteer"]["complete"] = True  # the country has no other postcodes
    for series in (*inventory["residents"], inventory["rural_urban"]):
        series["source"] = f"{series['source'].removeprefix('ONS ')}, invented"
    del inventory["version_id"]  # the demonstration is no folder of versions
    (into / INVENTORY).write_text(json.dumps(inventory, indent=1) + "\n", "utf-8")
    (into / "neighbourhoods.json").write_text(town.teams(), "utf-8")
    for line in built.lines():
        click.echo(line)
    size = sum(f.stat().st_size for f in into.iterdir())
    click.echo(f"Wrote {into}: {size:,} bytes in {len(list(into.iterdir()))} files.")


def invent(
    places: pd.DataFrame, busy: dict[str, np.ndarray], span: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Return every record of every force and month of a span, in the order of the archive."""
    parts = [_of_town(name, places, busy[name], span) for name in A_MONTH]
    records = pd.concat([*parts, _transport_police(places, SPANS[span], rng)], ignore_index=True)
    records["snapped_to"] = records["street"]
    records = _unlocated(records, rng)
    records["outcome"] = _outcomes(records, rng)
    gone = np.zeros(len(records), dtype=bool)
    for force, months in ABSENT.items():
        gone |= ((records["force"] == force) & records["month"].isin(months)).to_numpy()
    force, month, share = THIN
    thin = ((records["force"] == force) & (records["month"] == month)).to_numpy()
    gone |= thin & (rng.random(len(records)) > share)
    return _numbered(records[~gone], span, rng)


def _of_town(name: str, places: pd.DataFrame, busy: np.ndarray, span: int) -> pd.DataFrame:
    here = places[places["town"] == name].reset_index(drop=True)
    months = SPANS[span]
    weather = np.random.default_rng([SEED, 99, span]).normal(0, 0.06, len(months))  # the same everywhere
    parts = []
    for number, (slug, usual) in enumerate(zip(CATEGORIES, A_MONTH[name], strict=True)):
        # Draws of its own, so that a change to one category leaves the others as they were.
        rng = np.random.default_rng([SEED, [*A_MONTH].index(name), number, span])
        weights = _weights(here, slug, busy)
        for k, month in enumerate(months):
            mean = usual * days_in(month) / 30.44 * (1 - 0.02 * SINCE[month] / 12)
            mean *= SUMMER.get(slug, [1] * 12)[int(month[5:]) - 1]
            mean *= np.exp(weather[k]) if slug == ASB else 1
            if (name, slug) == CHANGE[:2] and month >= CHANGE[2]:
                mean *= CHANGE[3]
            spots = rng.choice(len(here), _count(mean, PHI[slug], rng), p=weights)
            spots = _batches(spots, slug, rng)
            if (month, slug) == BURST[:2] and name == "Fablemouth":
                spots = np.append(spots, np.full(BURST[2], _quiet_supermarket(here, weights)))
            found = here.loc[spots, ["street", "lon", "lat", "force"]]
            parts.append(found.assign(month=month, category=slug))
    return pd.concat(parts, ignore_index=True)


def _count(mean: float, phi: float, rng: np.random.Generator) -> int:
    """Draw a count whose variance is phi times its mean; few records vary by chance alone."""
    if mean < 5:
        return int(rng.poisson(mean))
    return int(rng.poisson(rng.gamma(mean / (phi - 1), phi - 1)))


def _busyness(here: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Give each point its share: Zipf's law over a random order that favours the middle."""
    reach = max(float(here["r"].max()), 1.0)
    order = np.argsort(here["r"] / reach * 1.1 + rng.random(len(here)))
    rank = np.empty(len(here))
    rank[order] = np.arange(1, len(here) + 1)
    return (rank + 9) ** -0.9


def _weights(here: pd.DataFrame, slug: str, busy: np.ndarray) -> np.ndarray:
    kinds = here["kind"]
    pull = kinds.map(DRAWN_TO.get(slug, {})).fillna(1.0).to_numpy().copy()
    if slug not in AT_INSTITUTIONS:
        pull[kinds.isin(NEVER)] *= 0.05
    weights = busy * pull
    if slug == "shoplifting":  # a shop's takings do not depend on its street
        shop = kinds.isin(["Supermarket", "Shopping Area", "Petrol Station"]).to_numpy()
        weights = np.where(shop, (busy.mean() + busy) * pull / 2, weights)
    outside = (here["street"] == town.JUST_OUTSIDE).to_numpy()
    if outside.any():
        weights[outside] = weights.sum() * (0.044 if slug in AT_INSTITUTIONS else 0.004)
    return weights / weights.sum()


def _batches(spots: np.ndarray, slug: str, rng: np.random.Generator) -> np.ndarray:
    """Let some reports of anti-social behaviour repeat another: one trouble, several callers."""
    if slug != ASB or not len(spots):
        return spots
    troubles = spots[: 1 + len(spots) // 8]
    return np.where(rng.random(len(spots)) < 0.16, rng.choice(troubles, len(spots)), spots)


def _quiet_supermarket(here: pd.DataFrame, weights: np.ndarray) -> int:
    """Return the least busy supermarket inside the mile."""
    shops = here.index[(here["kind"] == "Supermarket") & (here["r"] < MILE_M - 100)]
    return int(min(shops, key=lambda i: weights[i]))


def _transport_police(places: pd.DataFrame, months: list[str], rng: np.random.Generator) -> pd.DataFrame:
    mix = {"violent-crime": 0.3, "public-order": 0.25, "theft-from-the-person": 0.15,
           "bicycle-theft": 0.15, "other-theft": 0.1, "criminal-damage-arson": 0.05}  # fmt: skip
    parts = []
    for i in places.index[places["kind"] == "Station"]:
        for month in months:
            found = rng.choice([*mix], _count(8, 1.5, rng), p=[*mix.values()])
            parts.append(pd.DataFrame({"category": found, "month": month}).assign(
                **places.loc[i, ["street", "lon", "lat"]].to_dict(), force=BTP))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def _unlocated(records: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Take the location from some records, at a rate that drifts."""
    month = records["month"].map(SINCE).to_numpy()
    vale = 0.020 + 0.010 * month / 30
    moor = 0.050 + 0.030 * np.sin(month / 4)
    rate = np.where(records["force"] == town.MOOR, moor, np.where(records["force"] == BTP, 0, vale))
    nowhere = rng.random(len(records)) < rate
    return records.assign(
        lon=records["lon"].mask(nowhere), lat=records["lat"].mask(nowhere),
        snapped_to=records["snapped_to"].mask(nowhere, "No Location"),
    )  # fmt: skip


def _outcomes(records: pd.DataFrame, rng: np.random.Generator) -> np.ndarray:
    """Draw what became of each crime by the day of the release, which depends on its age."""
    fates = np.empty(len(records), dtype=object)
    for slug, odds in FATE_OF.items():
        rows = (records["category"] == slug).to_numpy()
        fates[rows] = rng.choice(FATES, rows.sum(), p=np.array(odds) / sum(odds))
    age = records["month"].map({m: i for i, m in enumerate(reversed(MONTHS))}).to_numpy()
    charged = fates == CHARGED
    in_court = np.array(IN_COURT + [0.01] * len(MONTHS))[age]
    fates[charged & (rng.random(len(records)) > in_court)] = "Court result unavailable"
    force, month, share = FAULT
    fault = ((records["force"] == force) & (records["month"] == month)).to_numpy() & ~charged
    fates[fault & (rng.random(len(records)) < share)] = FAULTY
    fates[(fates == "Offender given a caution") & (rng.random(len(records)) < 0.3)] = NOTICE
    undecided = np.array(UNDECIDED + [0.008] * len(MONTHS))[age]
    # Charges come quickly: a crime still undecided is seldom one that will be charged.
    open_ = rng.random(len(records)) < undecided * np.where(charged, 0.3, 1)
    fates[open_] = "Under investigation"
    fates[((records["category"] == ASB) | (records["force"] == BTP)).to_numpy()] = ""
    return fates


def _numbered(records: pd.DataFrame, span: int, rng: np.random.Generator) -> pd.DataFrame:
    """Sort as the archive sorts and number the crimes; repeat a few rows and a few ids."""
    cell = np.floor((records["lat"] - 49) / 0.01) * 1000 + np.floor((records["lon"] + 9) / 0.016)
    order = ["cell", "month", "category", "lon", "lat", "snapped_to", "force", "outcome"]
    records = records.assign(cell=cell).sort_values(order, ignore_index=True, kind="stable")
    known = (records["category"] != ASB) & (records["force"] != BTP)
    records["id"] = [f"{span}{n:07x}" if k else "" for n, k in zip(known.cumsum(), known, strict=True)]
    located = records.index[known & records["lon"].notna()]
    again = records.loc[rng.choice(located, 3 * len(SPANS[span]), replace=False)].reset_index(drop=True)
    other = np.where(again["outcome"] == NSI, UNABLE, NSI)
    again["outcome"] = np.where(again.index < 2, again["outcome"], other)
    return pd.concat([records, again], ignore_index=True)


def write_street_files(records: pd.DataFrame, folder: Path) -> None:
    """Write the records as police.uk's bulk files: one a month and force."""
    names = town.FORCES | {BTP: "British Transport Police"}
    known = records["lon"].notna()
    table = pd.DataFrame({
        "Crime ID": records["id"], "Month": records["month"],
        "Reported by": records["force"].map(names), "Falls within": records["force"].map(names),
        "Longitude": records["lon"].map("{:.6f}".format).where(known, ""),
        "Latitude": records["lat"].map("{:.6f}".format).where(known, ""),
        "Location": ("On or near " + records["snapped_to"]).where(known, "No Location"),
        "LSOA code": "", "LSOA name": "", "Crime type": records["category"].map(CATEGORIES),
        "Last outcome category": records["outcome"], "Context": "",
    })[STREET.split(",")]  # fmt: skip
    for (force, month), rows in table.groupby([records["force"], records["month"]], sort=True):
        file = folder / str(month) / f"{month}-{force}-street.csv"
        file.parent.mkdir(parents=True, exist_ok=True)
        rows.to_csv(file, index=False, lineterminator="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DEMO)
