"""Residents of real places, against sums made with none of the package: csv, pyproj and shapely alone."""

import csv
import json
import zlib

import pyproj
import pytest
import shapely

from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.people_build import add_people
from tests.nomis import write
from tests.real import REAL, needs_real_data

pytestmark = needs_real_data
MILE = 1609.344
LSOAS = REAL / "geography" / "census-2021-usual-residents-by-lsoa2021.csv"
POLYGONS = REAL / "geography" / "lsoa2021-birmingham.geojson"


def positions():
    """Return where each postcode of three areas is, in metres; those without a position are left out."""
    texts = ((REAL / "code-point-open" / f"{a}.csv").read_text() for a in ("le", "cv", "b"))
    rows = (r for text in texts for r in csv.reader(text.splitlines()))
    return {"".join(r[0].split()): (int(r[2]), int(r[3])) for r in rows if r[1] != "90"}


def count(postcode, what):
    """Invent a number for a postcode; a tenth of them have nobody."""
    number = zlib.crc32(f"{what} {postcode}".encode()) % 50
    return number - 5 if number >= 5 else 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with an archive of real postcodes, and invented residents in the columns of P001 and P002."""
    root = tmp_path_factory.mktemp("real-residents")
    (root / "postcodes").mkdir()
    for area in ("le", "cv", "b"):
        (root / "postcodes" / f"{area}.csv").symlink_to(REAL / "code-point-open" / f"{area}.csv")
    files = [
        REAL / "police-uk-archive" / "2025-01" / f"2025-01-{f}-street.csv"
        for f in ("leicestershire", "warwickshire")
    ]
    areas = REAL / "geography" / "police-force-areas-simplified.geojson"
    build_archive(files, root / "A", postcodes=root / "postcodes", force_areas=areas)
    p001 = [("Postcode", "Sex (2 categories) Code", "Sex (2 categories)", "Count")]
    p002 = [("Postcode", "Count")]
    for n, postcode in enumerate(positions()):
        spaced = f"{postcode[:-3]}{' ' * (n % 3)}{postcode[-3:]}"
        for code, sex in (("1", "Female"), ("2", "Male")):
            if number := count(postcode, sex):  # only postcodes with residents are listed
                p001.append((spaced, code, sex, str(number)))
        if number := count(postcode, "homes"):
            p002.append((spaced, str(number)))
    write(root / "pcd_p001.csv", p001)
    write(root / "pcd_p002.csv", p002)
    return root


@pytest.fixture(scope="module")
def by_postcode(folder):
    add_people([folder / "pcd_p001.csv", folder / "pcd_p002.csv"], folder / "A")
    return Archive(folder / "A")


@pytest.fixture(scope="module")
def by_lsoa(folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("by-lsoa")
    files = [REAL / "police-uk-archive" / "2025-01" / "2025-01-warwickshire-street.csv"]
    build_archive(files, root / "A", postcodes=folder / "postcodes")
    add_people([LSOAS, POLYGONS], root / "A")
    return Archive(root / "A")


def here(source, postcode):
    table = source.pull(source.place(postcode), source.months()).context["residents"]
    return table[table["where"] == "here"].set_index("measure")


@pytest.mark.parametrize("postcode", ["LE1 6RN", "CV32 4EA", "LE7 9DB", "B29 6BD"])
def test_residents_and_households_by_postcode(by_postcode, postcode):
    where = positions()
    x, y = where[postcode.replace(" ", "")]
    inside = [p for p, (e, n) in where.items() if (e - x) ** 2 + (n - y) ** 2 <= MILE**2]
    people = [count(p, "Female") + count(p, "Male") for p in inside]
    found = here(by_postcode, postcode)
    listed = [p for p in inside if count(p, "Female") or count(p, "Male")]
    assert found.loc["residents", ["value", "counted"]].tolist() == [sum(people), len(listed)]
    assert found.loc["households", "value"] == sum(count(p, "homes") for p in inside)
    assert found.loc["residents", "unit"] == "postcodes"


@pytest.mark.parametrize("postcode", ["B1 1BB", "B29 6BD", "B13 8JP"])
def test_residents_by_lsoa_by_centre_and_by_share_of_area(by_lsoa, postcode):
    metres = pyproj.Transformer.from_crs(4326, 27700, always_xy=True)
    totals = {
        r["mnemonic"]: int(r["total"])
        for r in csv.DictReader(LSOAS.read_text().splitlines())
        if r["mnemonic"].startswith("E01")
    }
    circle = shapely.Point(*positions()[postcode.replace(" ", "")]).buffer(MILE, quad_segs=64)
    by_centre, centres, by_share = 0, 0, 0.0
    for feature in json.loads(POLYGONS.read_text())["features"]:
        degrees = shapely.from_geojson(json.dumps(feature["geometry"]))
        shape = shapely.transform(degrees, metres.transform, interleaved=False)
        number = totals[feature["properties"]["lsoa21cd"]]
        if shape.centroid.within(circle):
            by_centre, centres = by_centre + number, centres + 1
        by_share += number * shape.intersection(circle).area / shape.area
    found = here(by_lsoa, postcode)
    assert found.loc["residents", ["value", "counted", "unit"]].tolist() == [by_centre, centres, "LSOAs"]
    # A sum of areas whose centre is inside is off by what lies across the edge.
    assert by_centre == pytest.approx(by_share, rel=0.08)


def test_birmingham_is_known_to_be_whole_and_its_neighbours_are_not(by_lsoa):
    table = by_lsoa.pull(by_lsoa.place("B1 1BB"), by_lsoa.months()).context["residents"].set_index("where")
    assert table.loc["district", "name"] == "Birmingham"
    # The middle of an LSOA at the edge may be nearer to a postcode of the neighbour.
    assert table.loc["here", "value"] + table.loc["district", "value"] == pytest.approx(1_144_925, rel=0.003)
    # Solihull's LSOAs have no place here: a mile that reaches into it has no number.
    assert by_lsoa.pull(by_lsoa.place("B92 8JP"), by_lsoa.months()).context["residents"].empty
