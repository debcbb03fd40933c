"""The streets of Bath, with recorded crimes: counted again by code that uses none of the package."""

import csv
import html
import json
import re

import numpy as np
import pyproj
import pytest
import shapely

from crimenb.cli import main
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
    """Return the page of BA1 1LZ, from the rows of the files that lie around it."""
    folder = tmp_path_factory.mktemp("bath")
    west, south, east, north = BOX
    for month in MONTHS:
        name = f"2025-{month}-avon-and-somerset-street.csv"
        text = (REAL / "police-uk-archive" / f"2025-{month}" / name).read_text("utf-8").splitlines(keepends=True)
        (folder / "src" / f"2025-{month}").mkdir(parents=True)
        with (folder / "src" / f"2025-{month}" / name).open("w", encoding="utf-8") as out:
            out.write(text[0])
            for line in text[1:]:
                lon, lat = (line.split(",")[i] or 0 for i in (4, 5))
                if west < float(lon) < east and south < float(lat) < north:
                    out.write(line)
    streets = REAL / "streets"
    archive = str(folder / "A")
    run("archive", "build", folder / "src", "--into", archive, "--postcodes", REAL / "code-point-open-more" / "ba.csv",
        "--force-areas", REAL / "geography" / "police-force-areas-simplified.geojson")  # fmt: skip
    run("archive", "streets", streets / "bath-roads.geojson", "--into", archive, "--year", "2017",
        "--water", streets / "bath-water.geojson", "--railway", streets / "bath-railway.geojson")  # fmt: skip
    run("report", "BA1 1LZ", "--source", f"archive:{archive}", "--from", "2025-01", "--to", "2025-12", "--out", folder)
    return next(folder.glob("ba1*/report.html")).read_text("utf-8")


def run(*words):
    with pytest.raises(SystemExit) as ended:
        main([*map(str, words)])
    assert ended.value.code == 0


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
        xy = np.column_stack(METRES.transform(*np.array(feature["geometry"]["coordinates"]).T))
        for name in {plain(feature["properties"]["distname"]), plain(feature["properties"]["roadnumber"])} - {""}:
            lines.setdefault(name, []).append(shapely.LineString(xy))
    on_street = {}
    for x, y, where, _ in rows:
        near = (line.distance(shapely.Point(x, y)) for line in lines.get(plain(where), []))
        on_street.setdefault((x, y), any(away <= 10 for away in near))
    share = np.mean([on_street[x, y] for x, y, _, _ in rows])
    assert np.mean([*on_street.values()]) >= 0.83
    assert share >= 0.62
    crimes = sum(is_crime for *_, is_crime in rows)
    streets = sum(is_crime for x, y, _, is_crime in rows if on_street[x, y])
    # What the page says, and what it draws.
    said = re.search(r"The map draws ([\d,]+) crimes as streets and ([\d,]+) as circles\.", bath)
    assert [int(n.replace(",", "")) for n in said.groups()] == [streets, crimes - streets]
    spec = json.loads(re.search(r'data-chart="snapped-points".*?<script type="application/json">(.*?)</script>', bath)[1])
    drawn = [r for data in spec["datasets"].values() for r in data if "crimes" in r]
    as_street = [r["crimes"] for r in drawn if "s" in r]
    assert (sum(as_street), sum(r["crimes"] for r in drawn)) == (streets, crimes)
    assert len(as_street) == len({(x, y) for x, y, _, is_crime in rows if is_crime and on_street[x, y]})
    # Each is a path that the page holds, once, and none goes farther than 200 m from its map point.
    paths = dict(re.findall(r'<path id="metres-(\d+)" d="([^"]+)"/>', bath))
    shapes = [r["s"].removeprefix("@").split(".") for r in drawn if "s" in r]
    assert all(paths[place].split("M")[int(at)] for place, at in shapes)
    assert "Streets: Contains OS data © Crown copyright and database right 2017." in html.unescape(bath)
    assert len({path for path in paths.values()}) == len(paths)


def test_the_shapes_take_less_than_forty_kilobytes(bath):
    shapes = re.findall(r'<path id="metres-\d+" d="[^"]+"/>', bath)
    assert 20_000 < sum(map(len, shapes)) < 40_000
