"""Streets of an archive: what is read of the Ordnance Survey's files, and which stretch is whose."""

import json
import shutil
import sqlite3
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

from crimenb.cli import main
from crimenb.errors import QueryError, SourceError
from crimenb.geo import METRES, MILE_M, in_metres, to_lonlat
from crimenb.query import Query
from crimenb.snapshot import collect
from crimenb.sources import streets
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.place_frames import place_row
from crimenb.sources.streets_build import add_streets
from crimenb.sources.versions import INVENTORY, STREETS, resolve
from tests.bulkfiles import postcode_file, row, street_file

EAST, NORTH = 460_000.0, 300_000.0


def links(*rows):
    """Return links as OS Open Roads has them: name, number, corners in metres from a middle."""
    table = [
        {
            "id": f"{i:036x}", "fictitious": False, "road_classification": "A Road" if number else "Unclassified",
            "road_function": "Local Road", "form_of_way": "Single Carriageway", "road_classification_number": number,
            "name_1": name, "name_1_lang": None, "name_2": None, "name_2_lang": None, "road_structure": None,
            "length": 1, "length_uom": "m", "loop": False, "primary_route": False, "trunk_road": False,
            "start_node": "", "end_node": "", "road_number_toid": None, "road_name_toid": None,
            "geometry": shapely.LineString(np.add(corners, (EAST, NORTH))),
        }
        for i, (name, number, corners) in enumerate(rows)
    ]  # fmt: skip
    return gpd.GeoDataFrame(table, geometry="geometry", crs=METRES)


TOWN = links(
    ("High Street", None, [(0, 0), (400, 0)]),
    ("St John's Road", None, [(0, 100), (300, 100)]),
    ("St John's Road", None, [(300, 130), (500, 130)]),  # within 50 m: the same street
    ("St John's Road", None, [(0, 1000), (300, 1000)]),  # another one
    (None, "A47", [(-600, -300), (600, -300)]),
    (None, None, [(0, 0), (0, 100)]),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    street_file(folder / "src", [row("2025-01")], "2025-01")
    build_archive([folder / "src"], folder / "A", postcodes=postcode_file(folder))
    return folder / "A"


@pytest.fixture
def archive(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "A"))


def stored(archive):
    table = pd.read_parquet(resolve(archive) / STREETS)
    return table.assign(geometry=shapely.from_wkb(table["geometry"]))


def test_a_geopackage_in_the_shape_of_os_open_roads_is_read_in_whole_metres(archive, tmp_path):
    shifted = TOWN.set_geometry(TOWN.translate(0.3, -0.4))
    shifted.to_file(tmp_path / "oproad_gb.gpkg", layer="road_link")
    gpd.GeoDataFrame(geometry=[shapely.Point(EAST, NORTH)], crs=METRES).to_file(
        tmp_path / "oproad_gb.gpkg", layer="road_node"
    )
    found = add_streets([tmp_path / "oproad_gb.gpkg"], archive, year=2026)
    assert found == {
        "street": 6, "water": 0, "railway": 0,
        "attribution": "Contains OS data © Crown copyright and database right 2026",
    }  # fmt: skip
    table = stored(archive)
    assert sorted(table["name"]) == ["", "", "High Street", *["St John's Road"] * 3]
    assert table.loc[table["number"] == "A47", "road_class"].tolist() == ["A Road"]
    high = table.loc[table["name"] == "High Street"].iloc[0]
    assert shapely.get_coordinates(high["geometry"]).tolist() == [[EAST, NORTH], [EAST + 400, NORTH]]
    assert high[["x0", "y0", "x1", "y1"]].tolist() == [EAST, NORTH, EAST + 400, NORTH]


def test_squares_of_shapefiles_are_read_and_what_two_of_them_hold_is_kept_once(archive, tmp_path):
    names = {"id": "identifier", "road_classification": "class", "road_classification_number": "roadNumber"}
    table = TOWN.rename(columns=names | {"name_1": "name1", "name_2": "name2"})
    table = table[["identifier", "class", "roadNumber", "name1", "name2", "geometry"]]
    with zipfile.ZipFile(tmp_path / "oproad_essh_gb.zip", "w") as out:
        for square, rows in (("SK", table), ("SP", table.iloc[:2])):
            rows.to_file(tmp_path / f"{square}_RoadLink.shp")
            table.to_file(tmp_path / f"{square}_RoadNode.shp")
            for file in tmp_path.glob(f"{square}_Road*.*"):
                out.write(file, f"data/{file.name}")
    assert add_streets([tmp_path / "oproad_essh_gb.zip"], archive)["street"] == 6
    assert sorted(stored(archive)["number"]) == ["", "", "", "", "", "A47"]


GML = """<?xml version="1.0"?>
<os:FeatureCollection xmlns:os="http://namespaces.os.uk/product/1.0" xmlns:road="http://namespaces.os.uk/Open/Roads/1.0"
 xmlns:gml="http://www.opengis.net/gml/3.2" xmlns:net="urn:x-inspire:specification:gmlas:Network:3.2">
<os:featureMember><road:RoadNode gml:id="n"><gml:pos>1 2</gml:pos></road:RoadNode></os:featureMember>
<os:featureMember><road:RoadLink gml:id="a"><net:centrelineGeometry><gml:LineString gml:id="a-0" srsDimension="2">
<gml:posList>460000.2 300000 460400 300000.3</gml:posList></gml:LineString></net:centrelineGeometry>
<road:roadClassification>A Road</road:roadClassification><road:name1>High Street</road:name1>
<road:roadClassificationNumber>A47</road:roadClassificationNumber></road:RoadLink></os:featureMember>
</os:FeatureCollection>"""


def test_squares_of_gml_are_read(archive, tmp_path):
    with zipfile.ZipFile(tmp_path / "oproad_gml3_gb.zip", "w") as out:
        for square in ("SK", "SP"):
            out.writestr(f"data/OSOpenRoads_{square}.gml", GML)
    assert add_streets([tmp_path / "oproad_gml3_gb.zip"], archive)["street"] == 1
    line = stored(archive).iloc[0]
    assert line[["name", "number", "road_class"]].tolist() == ["High Street", "A47", "A Road"]
    assert shapely.get_coordinates(line["geometry"]).tolist() == [[EAST, NORTH], [EAST + 400, NORTH]]


OML = """<?xml version="1.0"?>
<os:FeatureCollection xmlns:os="http://namespaces.os.uk/product/1.0" xmlns:gml="http://www.opengis.net/gml/3.2"
 xmlns:oml="http://namespaces.os.uk/open/oml/1.0">
<os:featureMember><oml:Building gml:id="b"><oml:geometry>{box}</oml:geometry></oml:Building></os:featureMember>
<os:featureMember><oml:SurfaceWater_Area gml:id="w"><oml:geometry>{box}</oml:geometry>
<oml:featureCode>15609</oml:featureCode></oml:SurfaceWater_Area></os:featureMember>
<os:featureMember><oml:RailwayTrack gml:id="r"><oml:geometry><gml:LineString><gml:posList>460000 300000 460400.4 300000
</gml:posList></gml:LineString></oml:geometry><oml:classification>Multi Track</oml:classification></oml:RailwayTrack>
</os:featureMember></os:FeatureCollection>"""
RING = "<gml:LinearRing><gml:posList>{0} {1} {2} {1} {2} {3} {0} {3} {0} {1}</gml:posList></gml:LinearRing>"
LAKE = (
    "<gml:Surface><gml:patches><gml:PolygonPatch><gml:exterior>"
    f"{RING.format(460000, 300000, 460090, 300090)}</gml:exterior><gml:interior>"
    f"{RING.format(460010, 300010, 460020, 300020)}</gml:interior></gml:PolygonPatch></gml:patches></gml:Surface>"
)


def test_water_and_railways_are_read_of_gml_too_with_their_islands(archive, tmp_path):
    TOWN.to_file(tmp_path / "roads.gpkg", layer="road_link")
    more = tmp_path / "opmplc_gml3_gb.zip"
    with zipfile.ZipFile(more, "w") as out:
        for square in ("SK", "SP"):
            out.writestr(f"data/{square}.gml", OML.format(box=LAKE))
    found = add_streets([tmp_path / "roads.gpkg"], archive, water=[more], railway=[more], year=2026)
    assert (found["street"], found["water"], found["railway"]) == (6, 1, 1)
    table = stored(archive).set_index("kind")
    assert table.loc["water", "geometry"].area == 90 * 90 - 10 * 10
    assert shapely.get_coordinates(table.loc["railway", "geometry"]).tolist() == [
        [EAST, NORTH],
        [EAST + 400, NORTH],
    ]
    assert table.loc["railway", "road_class"] == ""
    with pytest.raises(SourceError, match="holds no street; give OS Open Roads"):
        add_streets([more], archive)


def test_water_and_railways_are_kept_beside_and_lines_are_no_water(archive, tmp_path):
    TOWN.to_file(tmp_path / "roads.gpkg", layer="road_link")
    with zipfile.ZipFile(tmp_path / "opmplc_sk.zip", "w") as out:
        lake = gpd.GeoDataFrame(
            geometry=[shapely.box(EAST, NORTH, EAST + 9, NORTH + 9), TOWN.geometry[0]], crs=METRES
        )
        for name, layer in (
            ("SK_SurfaceWater_Area", lake.iloc[:1]),
            ("SK_RailwayTrack", TOWN[["geometry"]].iloc[:2]),
        ):
            layer.to_file(tmp_path / f"{name}.shp")
            for file in tmp_path.glob(f"{name}.*"):
                out.write(file, f"data/{file.name}")
    more = tmp_path / "opmplc_sk.zip"
    found = add_streets(
        [tmp_path / "roads.gpkg"], archive, water=[more], railway=[more], attribution="nobody"
    )
    assert found == {"street": 6, "water": 1, "railway": 2, "attribution": "nobody"}


def test_streets_make_a_new_version_which_an_open_archive_does_not_notice(archive, tmp_path):
    TOWN.to_file(tmp_path / "roads.gpkg", layer="road_link")
    before = Archive(archive)
    result = CliRunner().invoke(
        main, ["archive", "streets", str(tmp_path / "roads.gpkg"), "--into", str(archive)]
    )
    assert result.exit_code == 0, result.output
    assert "6 lines" in result.output
    after = Archive(archive)
    assert before.folder != after.folder
    assert not (before.folder / STREETS).exists()
    assert "streets" not in before.describe()
    assert "Crown copyright" in after.describe()["streets"]
    query = Query.parse("ZZ5 5AA", "2025-01", "2025-01")
    assert len(collect(query, before).crimes) == len(collect(query, after).crimes)
    street_file(tmp_path / "src", [row("2025-02")] * 2, "2025-02")
    for add in (True, False):
        build_archive([tmp_path / "src"], archive, add=add)
        assert len(stored(archive)) == 6
        assert json.loads((resolve(archive) / INVENTORY).read_text())["streets"]["street"] == 6


@pytest.mark.parametrize(
    ("name", "raw", "says"),
    [
        ("nothing.gpkg", None, "There is no file .*; give OS Open Roads"),
        ("torn.gpkg", b"SQLite format 3\0torn", "'torn.gpkg' cannot be read .*; download it again"),
        ("torn.zip", b"PK\x03\x04torn", "not a whole zip file"),
        (
            "other.geojson",
            b'{"type": "Point", "coordinates": [0, 52]}',
            "holds no street; give OS Open Roads",
        ),
    ],
)
def test_what_is_no_street_file_is_refused_in_one_sentence(name, raw, says, archive, tmp_path):
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    version = resolve(archive)
    with pytest.raises((QueryError, SourceError), match=says):
        add_streets([tmp_path / name], archive)
    assert resolve(archive) == version
    assert not list(archive.glob(".new*"))


def test_a_geopackage_without_roads_names_its_layers(archive, tmp_path):
    for layer in ("woods", "sites"):
        TOWN.to_file(tmp_path / "other.gpkg", layer=layer)
    with pytest.raises(SourceError, match=r"no layer of the kind 'street' \(it has sites, woods\)"):
        add_streets([tmp_path / "other.gpkg"], archive)
    with sqlite3.connect(tmp_path / "other.gpkg") as db:
        db.execute("ALTER TABLE woods RENAME TO road_link")
        db.execute("CREATE VIEW woods AS SELECT * FROM road_link")
    with pytest.raises(SourceError, match="no layer of the kind"):
        add_streets([tmp_path / "other.gpkg"], archive)


def cut(*points, table=TOWN):
    """Return the stretches of map points, named and placed in metres from the middle."""
    lon, lat = (float(v) for v in to_lonlat(EAST, NORTH))
    place = place_row({"postcode": "ZZ5 5AA", "longitude": lon, "latitude": lat})
    xy = np.add([p[1:] for p in points], (EAST, NORTH))
    lons, lats = to_lonlat(xy[:, 0], xy[:, 1])
    known = pd.DataFrame({"longitude": lons, "latitude": lats, "snapped_to": [p[0] for p in points]})
    rows = pd.DataFrame({
        "kind": "street", "road_class": "", "name": table["name_1"].fillna(""), "other_name": "",
        "number": table["road_classification_number"].fillna(""), "geometry": table.geometry.to_wkb(),
    })  # fmt: skip
    found = streets.cut(rows, place, known)[1]
    order = known.merge(found, on=["longitude", "latitude"], how="left")
    shapes = [in_metres(s) if s is not None else None for s in order["geometry"]]
    return order.assign(geometry=shapes)


def reach(shape):
    """Return west and east end of a stretch, in metres from the middle."""
    west, _, east, _ = shape.bounds
    return round(west - EAST), round(east - EAST)


def test_a_stretch_is_what_is_nearer_to_its_point_than_to_any_other():
    found = cut(("High Street", 100, 0), ("Supermarket", 200, 3))
    assert found["how"].tolist() == ["name", "near"]
    assert reach(found["geometry"][0]) == (0, 150)
    assert found["street"][1] == "High Street"
    # Alone, it ends after 200 m, the length of the street or not.
    assert reach(cut(("High Street", 100, 0))["geometry"][0]) == (0, 300)


def test_names_are_compared_as_police_uk_writes_them_and_only_the_part_at_the_point_counts():
    found = cut(("St John'S Road", 290, 100), ("A47", 0, -300), ("ST JOHNS ROAD", 10, 1009))
    assert found["how"].tolist() == ["name"] * 3
    assert reach(found["geometry"][0]) == (90, 487)  # across the gap of 30 m, and in the disc of 200 m
    assert reach(found["geometry"][1]) == (-200, 200)
    assert found["geometry"][2].bounds[1] == pytest.approx(NORTH + 1000, abs=0.1)


def test_a_point_without_a_street_of_its_name_within_ten_metres_is_none():
    found = cut(("High Street", 100, 11), ("Low Street", 100, 0), ("", 200, 4), ("", 300, 6))
    assert found["how"].tolist() == ["near", "near", "nearest", "near"]
    assert found["street"].tolist() == ["High Street"] * 4
    assert all(shape.is_empty for shape in found["geometry"])


def test_a_place_without_points_or_streets_has_none():
    assert cut(("High Street", 2 * MILE_M, 0))["how"].isna().all()
    empty = cut(("High Street", 0, 0), table=TOWN.iloc[:0])
    assert empty["how"].tolist() == [""]
