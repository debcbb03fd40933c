"""The streets of Bath, with recorded crimes: counted again by code that uses none of the package."""

import csv
import json
import re

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import shape

import crimenb as cn
from crimenb.charts.theme import specified
from crimenb.report.sections import map_key, map_names
from crimenb.sources.archive_build import build_archive
from crimenb.sources.streets_build import add_streets
from tests.real import REAL, needs_real_data

pytestmark = needs_real_data

MONTHS = ("01", "02", "03", "04", "09", "12")
BOX = (-2.42, 51.35, -2.30, 51.42)
CRIMES = "Anti-social behaviour"
METRES = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:27700", always_xy=True)


def plain(name):
    return (name or "").casefold().replace("'", "").replace("’", "")


@pytest.fixture(scope="module")
def bath(tmp_path_factory):
    """Return the data of BA1 1LZ, from the rows of the files that lie around it."""
    folder = tmp_path_factory.mktemp("bath")
    west, south, east, north = BOX
    for month in MONTHS:
        name = f"2025-{month}-avon-and-somerset-street.csv"
        text = (
            (REAL / "police-uk-archive" / f"2025-{month}" / name).read_text("utf-8").splitlines(keepends=True)
        )
        (folder / "src" / f"2025-{month}").mkdir(parents=True)
        with (folder / "src" / f"2025-{month}" / name).open("w", encoding="utf-8") as out:
            out.write(text[0])
            for line in text[1:]:
                lon, lat = (line.split(",")[i] or 0 for i in (4, 5))
                if west < float(lon) < east and south < float(lat) < north:
                    out.write(line)
    codes = (REAL / "code-point-open-more" / "ba.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "ba.csv").write_text(
        "".join(c for c in codes if c.startswith(('"BA1', "BA1")) or c is codes[0]), "utf-8"
    )
    build_archive([folder / "src"], folder / "A", postcodes=folder / "ba.csv")
    roads, water, railway = (REAL / "streets" / f"bath-{n}.geojson" for n in ("roads", "water", "railway"))
    add_streets([roads], folder / "A", water=[water], railway=[railway], year=2017)
    return cn.collect("BA1 1LZ", "2025-01", "2025-12", source=folder / "A")


@pytest.fixture(scope="module")
def rows():
    """Return the records within a mile of the postcode: point, name, whether it is a crime."""
    with (REAL / "code-point-open-more" / "ba.csv").open(encoding="utf-8-sig") as file:
        found = [r for r in csv.reader(file) if r[0].replace(" ", "") == "BA11LZ"]
    x0, y0 = (float(v) for v in found[0][2:4])
    kept = []
    for month in MONTHS:
        file = REAL / "police-uk-archive" / f"2025-{month}" / f"2025-{month}-avon-and-somerset-street.csv"
        for r in csv.DictReader(file.read_text("utf-8").splitlines()):
            if r["Longitude"] and abs(float(r["Longitude"]) + 2.36) < 0.1:
                x, y = METRES.transform(float(r["Longitude"]), float(r["Latitude"]))
                if np.hypot(x - x0, y - y0) <= 1609.344:
                    where = r["Location"].removeprefix("On or near ").strip()
                    kept.append((x, y, where, r["Crime type"] != CRIMES))
    return kept


def test_most_points_and_records_are_drawn_as_streets_and_all_add_up(bath, rows):
    lines = {}
    for feature in json.loads((REAL / "streets" / "bath-roads.geojson").read_text("utf-8"))["features"]:
        line = shapely.transform(shape(feature["geometry"]), METRES.transform, interleaved=False)
        for name in {plain(feature["properties"]["distname"]), plain(feature["properties"]["roadnumber"])} - {
            ""
        }:
            lines.setdefault(name, []).append(line)
    on_street = {}
    for x, y, where, _ in rows:
        near = (line.distance(shapely.Point(x, y)) for line in lines.get(plain(where), []))
        on_street.setdefault((x, y), any(away <= 10 for away in near))
    share = np.mean([on_street[x, y] for x, y, _, _ in rows])
    assert np.mean([*on_street.values()]) >= 0.83
    assert share >= 0.62
    crimes = sum(is_crime for *_, is_crime in rows)
    streets = sum(is_crime for x, y, _, is_crime in rows if on_street[x, y])
    # What the report says, and what it draws.
    said = re.search(
        r"The map draws ([\d,]+) crimes as streets and ([\d,]+) as circles\.", map_key(bath).text
    )
    assert [int(n.replace(",", "")) for n in said.groups()] == [streets, crimes - streets]
    assert map_names(bath, is_enlarged=True).text.endswith(
        "Streets: Contains OS data © Crown copyright and database right 2017."
    )
    data = specified(cn.point_map(bath))["datasets"].values()
    drawn = [r for some in data for r in some if "crimes" in r]
    as_street = {r["s"]: r["crimes"] for r in drawn if "s" in r}
    assert (sum(as_street.values()), sum(r["crimes"] for r in drawn)) == (streets, crimes)
    assert len(as_street) == len({(x, y) for x, y, _, is_crime in rows if is_crime and on_street[x, y]})
    shapes = [r["s"] for some in data for r in some if r.get("s")]
    assert 20_000 < sum(map(len, shapes)) < 40_000


def test_no_stretch_goes_farther_than_its_points_nearest_ground(bath):
    own = bath.stretches[bath.stretches["how"] == "name"].to_crs("EPSG:27700")
    spots = np.column_stack(METRES.transform(bath.nearby.geometry.x, bath.nearby.geometry.y))
    x, y = METRES.transform(own["longitude"].to_numpy(), own["latitude"].to_numpy())
    for line, at in zip(own.geometry, np.column_stack([x, y]), strict=True):
        ends = shapely.get_coordinates(line)
        mine = np.hypot(*(ends - at).T)
        nearest = np.hypot(*(ends[:, None] - spots).transpose(2, 0, 1)).min(axis=1)
        assert (mine <= 205).all()
        assert (mine <= nearest + 9).all()  # the lines are simplified by four metres
