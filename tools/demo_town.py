"""The invented country of the demonstration data: where its streets, forces and postcodes lie.

Nothing here is a real place. Fablemouth, its suburb Upper Fable and the village Little Fable
lie in the North Sea, some hundred kilometres off the coast; the streets are named after
stories, the two police forces after fables, and the postcode area ZZ belongs to nobody.

Everything is laid out in metres from the market place and turned into longitude and latitude
(EPSG:4326) through the British National Grid (EPSG:27700), so that distances are true.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from crimenb.geo import METRES, MILE_M, to_lonlat, to_metres

MARKET_PLACE = (1.2, 54.6)
"""Longitude and latitude of the middle of Fablemouth, in the North Sea."""

CENTRE, SUBURB, VILLAGE, HAMLET = "ZZ1 1AA", "ZZ2 2BB", "ZZ9 9ZZ", "ZZ9 8ZZ"
TOWNS = {
    "Fablemouth": (0.0, 0.0),
    "Upper Fable": (4600.0, 1200.0),
    "Little Fable": (-9000.0, -4000.0),
    "Talebridge": (-22000.0, 9000.0),
    "Yarnwick": (-15000.0, -20000.0),
    "Mythmoor": (20000.0, 5000.0),
}
"""Each town's middle, in metres east and north of the market place."""

VALE, MOOR = "demo-vale", "demo-moor"
FORCES = {VALE: "Fable Vale Police (invented)", MOOR: "Fable Moor Police (invented)"}
AREA_CODES = {VALE: "Z99000001", MOOR: "Z99000002"}

_STEMS = (
    "Proverb Riddle Ballad Sonnet Stanza Parable Folio Quill Inkwell Margin Prologue Epilogue "
    "Chapter Paragraph Comma Colon Hyphen Ampersand Asterisk Footnote Preface Appendix Index "
    "Glossary Vellum Parchment Papyrus Scribe Minstrel Chronicle Legend Saga Allegory Anecdote "
    "Metaphor Simile Limerick Couplet Refrain Chorus Verse Rhyme Haiku Elegy Fiction Novella "
    "Subplot Narrator Typeset Italic Serif Octavo Quarto Bookend Cliffhanger Foreword"
).split()
_KINDS = "Street Lane Road Avenue Close Terrace Way Row Gardens Walk Crescent Mews".split()

# What stands at some points besides streets, as police.uk names such places.
_PLACES = {
    "Fablemouth": [
        ("Shopping Area", 6, 550), ("Supermarket", 6, 1500), ("Parking Area", 12, 1500),
        ("Nightclub", 3, 500), ("Petrol Station", 4, 1900), ("Park/Open Space", 4, 1500),
        ("Sports/Recreation Area", 3, 1500), ("Theatre/Concert Hall", 1, 500),
        ("Further/Higher Educational Building", 1, 1200), ("Hospital", 1, 1200),
        ("Police Station", 1, 600), ("Fablemouth (Station)", 1, 700),
    ],
    "Upper Fable": [
        ("Supermarket", 1, 700), ("Parking Area", 2, 900), ("Shopping Area", 1, 500),
        ("Petrol Station", 1, 1500), ("Park/Open Space", 2, 1200),
    ],
    "Talebridge": [
        ("Supermarket", 2, 600), ("Shopping Area", 3, 400), ("Parking Area", 3, 600),
        ("Hospital", 1, 700), ("Talebridge (Station)", 1, 500),
    ],
    "Yarnwick": [("Supermarket", 2, 600), ("Shopping Area", 2, 400), ("Prison", 1, 900)],
    "Mythmoor": [("Supermarket", 2, 600), ("Shopping Area", 2, 400), ("Parking Area", 2, 600)],
}  # fmt: skip

JUST_OUTSIDE = "Epigram Street"
"""The street whose one point lies 21 m outside the mile around the centre (R13)."""

BLANK_EVERY = 31
"""One street in so many has no name: the files write "On or near " and nothing more."""


def lonlat(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return longitude and latitude, six decimals, of metres from the market place."""
    east, north = to_metres(*MARKET_PLACE)
    lon, lat = to_lonlat(np.asarray(x) + east, np.asarray(y) + north)
    return lon.round(6), lat.round(6)


def force_at(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the force id at metres from the market place: east of the boundary lies the Moor."""
    return np.where(np.asarray(x) > _boundary_x(np.asarray(y)), MOOR, VALE)


def _boundary_x(y: np.ndarray) -> np.ndarray:
    """Return where the forces meet, a brook that cuts the suburb's mile: a seventh is the Moor."""
    return TOWNS["Upper Fable"][0] + 0.6 * MILE_M + 60 * np.sin(y / 300)


def force_areas() -> dict[str, shapely.Polygon]:
    """Return each force's area in EPSG:4326."""
    y = np.arange(-60_000, 60_001, 150.0)
    line = np.column_stack([_boundary_x(y), y])
    areas = {}
    for force, edge in ((VALE, -75_000.0), (MOOR, 70_000.0)):
        ring = np.vstack([line, [[edge, 60_000.0], [edge, -60_000.0]]])
        areas[force] = shapely.Polygon(np.column_stack(lonlat(ring[:, 0], ring[:, 1])))
    return areas


def points(rng: np.random.Generator) -> pd.DataFrame:
    """Return every anonymous map point: town, street, kind, x, y (m), r (m), lon, lat, force."""
    names = _street_names(rng)
    reach = {"Fablemouth": 2350, "Upper Fable": 2000} | dict.fromkeys(
        ["Talebridge", "Yarnwick", "Mythmoor"], 900
    )
    rows: list[tuple[str, str, float, float]] = []
    for town, size in reach.items():
        layout = _grid(rng, 0, size, 0.35) if town == "Upper Fable" else _town(rng, size)
        for street, (x, y) in _named(layout, names):
            if town != "Fablemouth" or abs(y - _river_y(x)) > 55:
                rows.append((town, street, x, y))
    rows += [("Little Fable", street, x, y) for street, x, y in _VILLAGE]
    rows.append(("Fablemouth", JUST_OUTSIDE, *_polar(MILE_M + 21, 2.3)))
    # A few records lie far from their force, as in real files; here, further out at sea.
    rows += [("far", next(names), x, y) for x, y in ((52e3, 38e3), (-41e3, -30e3), (33e3, -44e3))]
    table = pd.DataFrame(rows, columns=["town", "street", "x", "y"])
    table["r"] = np.hypot(table["x"], table["y"])
    table["kind"], table["of"] = "street", table["street"]
    nameless = table["town"].isin(reach) & (table.index % BLANK_EVERY == 7)
    table.loc[nameless & (table["street"] != JUST_OUTSIDE), "street"] = ""
    for town, places in _PLACES.items():
        _settle(table, town, places, rng)
    middle = table["town"].map(lambda t: TOWNS.get(t, (0.0, 0.0)))
    table["x"] += [m[0] for m in middle]
    table["y"] += [m[1] for m in middle]
    table["lon"], table["lat"] = lonlat(table["x"], table["y"])
    table["force"] = force_at(table["x"], table["y"])
    return table.drop_duplicates(["lon", "lat"], ignore_index=True)


def streets(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the streets that the map points lie on, in the columns of OS Open Roads (EPSG:27700)."""
    rows = []
    for name, spots in table[~table["of"].isin(_NO_STREET)].groupby("of"):
        xy = spots[["x", "y"]].to_numpy()
        out = xy[0] - TOWNS.get(str(spots["town"].iloc[0]), (0.0, 0.0))
        along = np.array([-out[1], out[0]]) if len(xy) == 1 else np.linalg.svd(xy - xy.mean(axis=0))[2][0]
        along = along / max(np.hypot(*along), 1.0)
        xy = xy[np.argsort(xy @ along)]
        line = np.vstack([xy[0] - _END_M * along, xy, xy[-1] + _END_M * along])
        rows.append({"id": f"demo-{len(rows):05d}", "name_1": name, "name_2": "", "road_classification_number": "",
                     "road_classification": "B Road" if len(xy) > 6 else "Unclassified",
                     "geometry": shapely.LineString(line)})  # fmt: skip
    return _at_sea(rows)


def water() -> gpd.GeoDataFrame:
    """Return the river of Fablemouth (EPSG:27700)."""
    line = shapely.LineString([(x, _river_y(x)) for x in np.arange(-2900.0, 2901.0, 100.0)])
    return _at_sea([{"id": "demo-river", "geometry": line.buffer(26)}])


def railway(table: pd.DataFrame) -> gpd.GeoDataFrame:
    """Return the railway through Fablemouth's station (EPSG:27700)."""
    x, y = table.loc[(table["town"] == "Fablemouth") & (table["kind"] == "Station"), ["x", "y"]].iloc[0]
    line = shapely.LineString(
        [(x + d, y + 0.35 * d + 5e-5 * d * d) for d in np.arange(-3000.0, 3001.0, 250.0)]
    )
    return _at_sea([{"id": "demo-railway", "geometry": line}])


def _at_sea(rows: list[dict[str, Any]]) -> gpd.GeoDataFrame:
    shapes = gpd.GeoDataFrame(rows, geometry="geometry", crs=METRES)
    east, north = to_metres(*MARKET_PLACE)
    return shapes.set_geometry(
        shapes.translate(float(east), float(north)).set_crs(METRES, allow_override=True)
    )


_END_M = 48.0
"""So far a street goes on beyond its last map points, in metres."""


def _settle(
    table: pd.DataFrame, town: str, places: list[tuple[str, int, int]], rng: np.random.Generator
) -> None:
    """Let some street points of a town stand for places, each within its distance."""
    for kind, how_many, within in places:
        free = table.index[
            (table["town"] == town) & (table["kind"] == "street") & (table["r"] < within)
            & (table["street"] != JUST_OUTSIDE)
        ]  # fmt: skip
        chosen = rng.choice(free, how_many, replace=False)
        table.loc[chosen, ["street", "kind"]] = kind, kind.split(" (")[-1].rstrip(")")


def _street_names(rng: np.random.Generator) -> Iterator[str]:
    names = [f"{stem} {kind}" for stem, kind in itertools.product(_STEMS, _KINDS)]
    return iter([names[i] for i in rng.permutation(len(names))])


def _named(
    layout: Iterator[list[tuple[float, float]]], names: Iterator[str]
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Name each street once; a long one has several map points under one name."""
    for street in layout:
        name = next(names) if street else ""
        for spot in street:
            yield name, spot


def _town(rng: np.random.Generator, reach: float) -> Iterator[list[tuple[float, float]]]:
    """Lay out a town: a web of lanes around its middle, estates on grids beyond."""
    arms = np.sort(np.arange(9) * 2 * np.pi / 9 + rng.uniform(-0.13, 0.13, 9))
    web = min(900.0, reach)
    rings = [r for r in (150.0, 320.0, 540.0, 800.0) if r < web]
    for i, arm in enumerate(arms):
        wide = (arms[(i + 1) % 9] - arm) % (2 * np.pi)
        for low, high in itertools.pairwise([40.0, 430.0, web]):
            yield [_bent(r, arm, rng) for r in np.arange(low, high, 88.0)]
        for ring in rings:
            steps = max(1, round(ring * wide / 95))
            yield [_bent(ring, arm + wide * (k + 0.5) / steps, rng) for k in range(steps)]
        if reach > web:
            yield [_bent(r, arm, rng) for r in np.arange(web, reach, 130.0)]
            yield from _estate(rng, arm, wide, web + 90, reach)


def _estate(
    rng: np.random.Generator, arm: float, wide: float, low: float, high: float
) -> Iterator[list[tuple[float, float]]]:
    """Lay streets on a grid in the sector between two arms, leaving open ground here and there."""
    axis = arm + wide / 2
    along, across = np.array([np.cos(axis), np.sin(axis)]), np.array([-np.sin(axis), np.cos(axis)])
    for u in np.arange(low, high, rng.uniform(150, 185)):
        street: list[tuple[float, float]] = []
        for v in np.arange(-0.5, 0.5001, 0.125) * u * wide * 0.86:
            if rng.random() < 0.28:  # open ground ends a street; the next one has another name
                yield street
                street = []
                continue
            x, y = u * along + (v + rng.normal(0, 6)) * across
            street.append((float(x), float(y)))
        yield street


def _grid(
    rng: np.random.Generator, low: float, high: float, turn: float
) -> Iterator[list[tuple[float, float]]]:
    """Lay out a suburb on one grid, a little bent, with gaps."""
    for u in np.arange(-high, high, 225.0):
        street: list[tuple[float, float]] = []
        for v in np.arange(-high, high, 160.0):
            if not low <= np.hypot(u, v) <= high or rng.random() < 0.22:
                yield street
                street = []
                continue
            bend = turn + 0.10 * np.sin(v / 700)
            x, y = u + rng.normal(0, 9), v + rng.normal(0, 9)
            street.append((x * np.cos(bend) - y * np.sin(bend), x * np.sin(bend) + y * np.cos(bend)))
        yield street


def _polar(r: float, angle: float) -> tuple[float, float]:
    return float(r * np.cos(angle)), float(r * np.sin(angle))


def _bent(r: float, angle: float, rng: np.random.Generator) -> tuple[float, float]:
    x, y = _polar(r, angle + 0.10 * np.sin(r / 420))
    return x + rng.normal(0, 5), y + rng.normal(0, 5)


def _river_y(x: float) -> float:
    return 260 * float(np.sin(x / 800)) - 330


_NO_STREET = ("", "Park/Open Space", "Rover Farm", "Thrice Farm", "Petrol Station")
_VILLAGE = [
    ("Prose Street", 20, 10), ("Prose Street", -130, 45), ("Prose Street", 190, -30),
    ("Church Tale", -40, 160), ("Mill Story", 260, 210), ("Back Page", -210, -120),
    ("Old Tale Lane", 90, -260), ("Old Tale Lane", 140, -480), ("Once Green", -90, 80),
    ("Upon Close", 330, 60), ("Park/Open Space", -300, 250), ("Rover Farm", 1180, 690),
    ("Thrice Farm", -1240, 320), ("Petrol Station", 420, -1290),
]  # fmt: skip


def gazetteer(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Return postcodes in the columns of the ONSPD: three known ones, some 300 around them."""
    wanted = {
        "ZZ1": ("Fablemouth", 130), "ZZ2": ("Upper Fable", 70), "ZZ3": ("Talebridge", 40),
        "ZZ4": ("Yarnwick", 35), "ZZ5": ("Mythmoor", 35), "ZZ9": ("Little Fable", 10),
    }  # fmt: skip
    known = {CENTRE: "Fablemouth", SUBURB: "Upper Fable", VILLAGE: "Little Fable"}
    rows = [(code, town, *TOWNS[town]) for code, town in known.items()]
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    for outward, (town, how_many) in wanted.items():
        near = table[(table["town"] == town)]
        for k, i in enumerate(rng.choice(near.index, how_many, replace=how_many > len(near))):
            code = f"{outward} {3 + k // 40}{letters[k // 2 % 20]}{letters[(k * 7 + 3) % 20]}"
            x, y = near.loc[i, ["x", "y"]].astype(float) + rng.normal(0, 35, 2)
            rows.append((code, town, x, y))
    x, y = TOWNS["Little Fable"]
    rows.append((HAMLET, "Little Fable", x - 2700, y + 500))  # its mile has one farm of the village
    found = pd.DataFrame(rows, columns=["pcds", "town", "x", "y"]).drop_duplicates("pcds")
    found["long"], found["lat"] = lonlat(found["x"], found["y"])
    found["pfa"] = pd.Series(force_at(found["x"], found["y"]), index=found.index).map(AREA_CODES)
    district = found["town"].where(found["town"] != "Mythmoor", "Mythmoor and the Moor")
    found = found.assign(
        doterm="", osgrdind="1", ctry="E92000001", oslaua=district.where(
            ~found["town"].isin(["Upper Fable", "Little Fable"]), "Fablemouth"
        ), osward=found["town"], lsoa21=found["town"] + " 001A",
    )  # fmt: skip
    found = found.drop(columns=["town", "x", "y"]).reset_index(drop=True)
    # One closed, one only roughly placed, one without a position: what a real file holds too.
    found.loc[len(found)] = found.iloc[20].to_dict() | {"pcds": "ZZ1 9ZA", "doterm": "202403"}
    found.loc[len(found)] = found.iloc[30].to_dict() | {"pcds": "ZZ1 9ZB", "osgrdind": "6"}
    nowhere = {"pcds": "ZZ1 9ZD", "osgrdind": "9", "lat": 99.999999, "long": 0.0}
    found.loc[len(found)] = found.iloc[40].to_dict() | nowhere
    return found


_LIVE = {
    "Fablemouth": (9000, 3400, 14_000), "Upper Fable": (12_000, 1500, 3000), "Little Fable": (900, 140, 190),
    "Talebridge": (88_000, 0, 41_000), "Yarnwick": (70_000, 0, 29_000), "Mythmoor": (55_000, 0, 24_000),
}  # fmt: skip
"""Residents in the mile around the middle of each town, residents beyond it, and jobs in the mile."""

_IN_AN_OA, _OAS_IN_AN_LSOA = 2, 4
URBAN = ("UN1", "Urban: Nearer to a major town or city")
_RURAL = ("RSF1", "Smaller rural: Further from a major town or city")


def people(codes: pd.DataFrame, rng: np.random.Generator, folder: Path) -> list[Path]:
    """Write invented residents, households and jobs in the columns of Nomis and the ONS; return the files."""
    placed = codes[(codes["osgrdind"] != "9") & (codes["doterm"] == "")].copy()
    east, north = to_metres(*MARKET_PLACE)
    x, y = to_metres(placed["long"].to_numpy(), placed["lat"].to_numpy())
    placed["x"], placed["y"] = x - east, y - north
    parts = []
    for n, (town, (inside, beyond, jobs)) in enumerate(_LIVE.items()):
        here = placed[placed["osward"] == town].copy()
        here["dx"], here["dy"] = (here[c] - middle for c, middle in zip("xy", TOWNS[town], strict=True))
        away = np.hypot(here["dx"], here["dy"])
        near = (away <= MILE_M) | (beyond == 0)
        share = rng.gamma(3.0, 1.0, len(here))
        work = rng.gamma(1.0, 1.0, len(here)) * np.exp(-away / 600)
        for kept, residents in ((near, inside), (~near, beyond)):
            share = np.where(kept, share * residents / max(share[kept].sum(), 1e-9), share)
        here["residents"] = share.round().astype("int64")
        here["jobs"] = (work * jobs / work[near].sum()).round().astype("int64")
        # Output areas are neighbours in the direction from the middle, and LSOAs neighbours among these.
        here = here.assign(near=near, angle=np.arctan2(here["dy"], here["dx"])).sort_values(["near", "angle"])
        here["oa"] = here.groupby("near").cumcount() // _IN_AN_OA + 400 * here["near"] + 800 * n
        here["lsoa"] = np.where(here["near"], here["oa"] // _OAS_IN_AN_LSOA, 5000 + here["oa"])
        parts.append(here)
    table = pd.concat(parts)
    women = (table["residents"] * 0.51).round().astype("int64")
    sexes = [
        pd.DataFrame({
            "Postcode": table["pcds"], "Sex (2 categories) Code": code, "Sex (2 categories)": sex, "Count": count,
        })
        for code, sex, count in ((1, "Female", women), (2, "Male", table["residents"] - women))
    ]  # fmt: skip
    homes = (table["residents"] / 2.3).round().astype("int64")
    oas = table.groupby("oa")[["jobs"]].sum().reset_index()
    lsoas = table.groupby("lsoa").agg(
        town=("osward", "first"), jobs=("jobs", "sum"), residents=("residents", "sum")
    )
    lsoas = lsoas.reset_index()
    grown = (lsoas["residents"] * rng.normal(1.02, 0.015, len(lsoas))).round().astype("int64")
    rural = (lsoas["town"] == "Little Fable").to_numpy()
    numbers = {"DATE": 2024, "GEOGRAPHY_CODE": _coded(lsoas["lsoa"], 1), "RECORD_COUNT": len(lsoas)}
    tables = {
        "pcd_p001": pd.concat(sexes),
        "pcd_p002": pd.DataFrame({"Postcode": table["pcds"], "Count": homes}),
        "WP001_oa": pd.DataFrame({"Output Areas Code": _coded(oas["oa"], 0), "Count": oas["jobs"]}),
        "jobs": pd.DataFrame(numbers | {
            "INDUSTRY": 37748736, "EMPLOYMENT_STATUS": 1, "MEASURE": 1, "OBS_VALUE": (lsoas["jobs"] / 5).round() * 5,
        }),
        "estimates": pd.DataFrame(numbers | {"GENDER": 0, "C_AGE": 200, "OBS_VALUE": grown}),
        "LSOA21_RUC21_EW_LU": pd.DataFrame({
            "LSOA21CD": _coded(lsoas["lsoa"], 1), "RUC21CD": np.where(rural, _RURAL[0], URBAN[0]),
            "RUC21NM": np.where(rural, _RURAL[1], URBAN[1]),
        }),
        "OA_PWC": _middles(table, "oa", 0),
        "LSOA_PopCentroids": _middles(table, "lsoa", 1),
    }  # fmt: skip
    files = []
    for name, rows in tables.items():
        files.append(folder / f"{name}.csv")
        rows.to_csv(files[-1], index=False, lineterminator="\n")
    return files


def _coded(number: pd.Series, kind: int) -> pd.Series:
    return number.map(lambda n: f"Z0{kind}{n:06d}")


def _middles(table: pd.DataFrame, unit: str, kind: int) -> pd.DataFrame:
    """Return where the middle of the residents of each area is."""
    east, north = to_metres(*MARKET_PLACE)
    weighed = table.assign(x=table["x"] * table["residents"], y=table["y"] * table["residents"])
    sums = weighed.groupby(unit)[["x", "y", "residents"]].sum()
    middle = {c: (sums[c] / sums["residents"] + start).round(1) for c, start in (("x", east), ("y", north))}
    code = "OA21CD" if kind == 0 else "LSOA21CD"
    return pd.DataFrame({code: _coded(sums.index.to_series(), kind)} | middle)


def outlines(folder: Path) -> list[Path]:
    """Write the invented wards of Fablemouth and the village's parish in the columns of the ONS; return the files."""
    wards = json.loads((Path(__file__).parents[1] / "notebooks" / "demo-wards.geojson").read_text("utf-8"))
    found = [(f["properties"]["name"].removesuffix(" Ward"), f["geometry"]) for f in wards["features"]]
    x, y = TOWNS["Little Fable"]
    corners = np.array([(-1500, -1400), (1400, -1500), (1600, 300), (700, 1300), (-1300, 1100)])
    village = shapely.Polygon(np.column_stack(lonlat(x + corners[:, 0], y + corners[:, 1])))
    parish = [("Little Fable", json.loads(shapely.to_geojson(village)))]
    files = []
    for kind, areas in {"WD": found, "PARNCP": parish}.items():
        features = [
            {"type": "Feature", "geometry": shape, "properties": {
                f"{kind}25CD": f"Z0{4 + (kind == 'WD')}{n:06d}", f"{kind}25NM": name,
                "LAD25CD": "Fablemouth", "LAD25NM": "Fablemouth",
            }}
            for n, (name, shape) in enumerate(areas, 1)
        ]  # fmt: skip
        files.append(folder / f"{kind}_INVENTED.geojson")
        files[-1].write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    return files


def teams() -> str:
    """Return the invented neighbourhood teams with their boundaries, as JSON."""
    found = json.loads((Path(__file__).parent / "demo_teams.json").read_text("utf-8"))
    for team in found:
        one = team["neighbourhoods"]
        (x, y), corners = one.pop("middle"), one.pop("corners")
        angle = np.linspace(0, 2 * np.pi, len(corners), endpoint=False)
        reach = np.array(corners, float)
        lon, lat = lonlat(x + reach * np.cos(angle), y + reach * np.sin(angle))
        ring = shapely.Polygon(np.column_stack([lon, lat]))
        one["geometry"] = json.loads(shapely.to_geojson(ring))
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"
