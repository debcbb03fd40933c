"""A custom area: read from any format, refused with its own sentence, counted exactly, proved."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity

import crimenb as cn
from crimenb.area_file import read_area
from crimenb.errors import QueryError, SnapshotError
from crimenb.files import notebook_path
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.verify import verify
from crimenb.snapshot import collect, read, write
from tests.real import REAL, needs_real_data

WARD = notebook_path().parent / "demo-ward.geojson"
SHAPE = gpd.read_file(WARD).geometry[0]
BOX = shapely.box(-1.14, 52.62, -1.12, 52.64)


def save(path, *shapes, crs="EPSG:4326", **columns):
    table = gpd.GeoDataFrame(columns or {"id": range(len(shapes))}, geometry=list(shapes), crs=crs)
    table.to_file(path)
    return path


@pytest.mark.parametrize(
    ("name", "crs"),
    [
        ("w.geojson", 4326),
        ("w.gpkg", 27700),
        ("w.gpkg", 3857),
        ("w.shp", 27700),
        ("w.shp", 4326),
        ("w.gpkg", 29902),
    ],
)
def test_every_format_and_system_gives_the_same_area(name, crs, tmp_path):
    table = gpd.GeoDataFrame({"WD24NM": ["Castle Ward"]}, geometry=[BOX], crs=4326).to_crs(crs)
    table.to_file(tmp_path / name)
    area = read_area(tmp_path / name)
    assert area.name == "Castle Ward"
    assert area.geometry.geom_type == "Polygon"
    assert shapely.hausdorff_distance(area.geometry, BOX) < 2e-7
    given = read_area(tmp_path / name, " My \n ward ")
    assert given.name == "My ward"


def test_the_name_comes_from_the_file_where_no_column_has_one(tmp_path):
    assert read_area(save(tmp_path / "city centre.geojson", BOX)).name == "city centre"
    assert read_area(save(tmp_path / "a.gpkg", BOX, name=[None], ward_name=["Abbey"])).name == "Abbey"
    assert read_area("") is None


def test_one_of_several_is_chosen_by_name(tmp_path):
    path = save(tmp_path / "w.gpkg", BOX, affinity.translate(BOX, 0.1), WD24NM=["Abbey", "Castle"])
    assert read_area(path, "castle").geometry.bounds[0] == pytest.approx(-1.04)
    with pytest.raises(QueryError, match=r"holds 2 outlines; name one of them \('Abbey', 'Castle'\)"):
        read_area(path)
    with pytest.raises(QueryError, match="holds 2 outlines; give a file with one"):
        read_area(save(tmp_path / "x.gpkg", BOX, BOX))


def test_a_multipolygon_with_a_hole_and_heights_is_one_area(tmp_path):
    ring = shapely.difference(BOX, BOX.centroid.buffer(0.002))
    both = shapely.force_3d(shapely.MultiPolygon([ring, affinity.translate(BOX, 0.1)]), 7.0)
    area = read_area(save(tmp_path / "w.gpkg", both))
    assert area.geometry.geom_type == "MultiPolygon"
    assert not area.geometry.has_z
    assert shapely.get_num_interior_rings(shapely.get_parts(area.geometry)).tolist() == [0, 1]


KM = affinity.scale(BOX, 0.01, 0.01)
WRONG = {
    "empty": (shapely.Polygon(), 4326, "is empty; draw it"),
    "point": (BOX.centroid, 4326, "is a Point and encloses nothing"),
    "line": (shapely.LineString([(-1.14, 52.6), (-1.12, 52.6)]), 4326, "is a LineString and encloses nothing"),
    "collection": (shapely.GeometryCollection([BOX]), 4326, "is a GeometryCollection and encloses"),
    "crossing": (shapely.Polygon([(-1.14, 52.6), (-1.12, 52.64), (-1.12, 52.6), (-1.14, 52.64)]), 4326,
                 r"broken outline \(Self-intersection\[-1.13 52.62\]\); mend it"),
    "huge": (BOX.buffer(0.5), 4326, "km², which is too large; give at most 500 km²"),
    "tiny": (KM, 4326, "m², less than the distance of two map points"),
    "metres said to be degrees": (shapely.box(458000, 304000, 459000, 305000), 4326,
                                  "look like metres of the National Grid"),
    "degrees said to be metres": (BOX, 27700, "which look like degrees; save it in EPSG:4326"),
    "swapped": (shapely.transform(BOX, np.fliplr), 4326, "longitude and latitude look swapped"),
    "Paris": (affinity.translate(BOX, 3.5, -3.8), 4326, "not within England, Wales and Northern Ireland"),
    "Shetland": (affinity.translate(BOX, 0, 7.6), 4326, "not within England, Wales and Northern Ireland"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_every_wrong_outline_has_its_own_sentence(case, tmp_path):
    shape, crs, words = WRONG[case]
    path = save(tmp_path / "a.gpkg", shape, crs=crs)
    with pytest.raises(QueryError, match=words) as caught:
        read_area(path)
    assert "'a.gpkg'" in str(caught.value)
    assert str(caught.value).endswith(".")


def test_every_wrong_file_has_its_own_sentence(tmp_path):
    with pytest.raises(QueryError, match="There is no file"):
        read_area("http://example.org/ward.geojson")
    (tmp_path / "x.geojson").write_text('{"type": "Feature')
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.4")
    for name in ("x.geojson", "x.pdf"):
        with pytest.raises(QueryError, match="cannot be read as GeoJSON"):
            read_area(tmp_path / name)
    (tmp_path / "x.csv").write_text("name,n\nAbbey,1\n")
    (tmp_path / "no.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    for name in ("x.csv", "no.geojson"):
        with pytest.raises(QueryError, match="holds no outline at all"):
            read_area(tmp_path / name)
    (tmp_path / "null.geojson").write_text('{"type": "Feature", "properties": {}, "geometry": null}')
    with pytest.raises(QueryError, match=r"empty|no outline"):
        read_area(tmp_path / "null.geojson")
    both = save(tmp_path / "two.gpkg", BOX)
    gpd.GeoDataFrame(geometry=[BOX], crs=4326).to_file(both, layer="more")
    with pytest.raises(QueryError, match=r"holds 2 layers \(two, more\)"):
        read_area(both)
    save(tmp_path / "broken.shp", BOX)
    (tmp_path / "broken.shx").unlink()
    (tmp_path / "broken.shp").write_bytes((tmp_path / "broken.shp").read_bytes()[:60])
    with pytest.raises(QueryError, match=r"broken\.shp"):
        read_area(tmp_path / "broken.shp")


def test_a_shapefile_without_its_prj_is_refused(tmp_path):
    path = save(tmp_path / "a.shp", BOX)
    (tmp_path / "a.prj").unlink()
    with pytest.raises(QueryError, match=r"names no coordinate system; save it with one .*\.prj"):
        read_area(path)


def test_a_postcode_and_an_area_are_one_too_many():
    with pytest.raises(QueryError, match="not both"):
        Query.parse("ZZ1 1AA", area=read_area(WARD))


@pytest.fixture(scope="module")
def ward():
    return collect(Query.parse(start="2025-01", end="2025-12", area=read_area(WARD)), "demo")


def test_the_records_are_those_inside(ward):
    around = collect(Query.parse("ZZ1 1AA", "2025-01", "2025-12"), "demo").crimes
    inside = around[around.within(SHAPE)].drop(columns="postcode")
    ours = ward.crimes.drop(columns="postcode")
    pd.testing.assert_frame_equal(ours, inside.reset_index(drop=True))
    near = ward.nearby
    assert ((near["distance_m"] <= 0) == near.within(SHAPE)).all()
    assert ward.crimes["postcode"].unique().tolist() == ["Market Ward"]


def test_its_name_stands_in_title_slug_and_guidance(ward):
    assert ward.query.slug.startswith("market-ward_2025-01_2025-12_")
    said = cn.title(ward).text
    assert said.splitlines()[0] == "Demonstration: recorded crime in Market Ward"
    assert "may be counted on the other side" in said
    assert "the mile" not in said + cn.at_a_glance(ward).text + cn.note("limits", ward).text
    assert "other side" not in cn.title(collect(Query.parse("ZZ9 9ZZ", "2025-12", "2025-12"), "demo")).text


def test_a_snapshot_keeps_the_area(ward, tmp_path):
    write(ward, tmp_path / "data")
    area = read_area(tmp_path / "data")
    assert area == ward.query.area
    assert read(tmp_path / "data", Query.parse(start="2025-01", area=area)).query == ward.query
    other = read_area(WARD, "Another name")
    with pytest.raises(SnapshotError, match="answers 'market-ward"):
        read(tmp_path / "data", Query.parse(start="2025-01", end="2025-12", area=other))
    circle = collect(Query.parse("ZZ9 9ZZ", "2025-12", "2025-12"), "demo")
    write(circle, tmp_path / "circle")
    with pytest.raises(QueryError, match="holds no custom area"):
        read_area(tmp_path / "circle")


@pytest.mark.slow
def test_a_report_on_an_area_needs_no_other_file_and_can_be_proved(ward, tmp_path):
    report = build_report(ward.query, "demo", tmp_path)
    assert report.parent.name == ward.query.slug
    assert "<h1>Demonstration: recorded crime in Market Ward</h1>" in report.read_text()
    before = report.read_bytes()
    assert build_report(ward.query, "demo", tmp_path).read_bytes() == before
    verdict = verify(report.parent)
    assert verdict.holds, verdict.findings


@needs_real_data
def test_a_ward_of_leicester_holds_exactly_what_the_files_hold(real_archive, tmp_path):
    """A polygon drawn by hand around Leicester's castle, against plain CSVs."""
    corners = [(-1.1475, 52.6262), (-1.1405, 52.6225), (-1.1302, 52.6248), (-1.1248, 52.6301),
               (-1.1291, 52.6372), (-1.1388, 52.6391), (-1.1462, 52.6340)]  # fmt: skip
    shape = shapely.Polygon(corners)
    path = save(
        tmp_path / "ward.gpkg", gpd.GeoSeries([shape], crs=4326).to_crs(27700)[0], crs=27700, name=["Castle"]
    )
    query = Query.parse(start="2025-01", end="2025-12", area=read_area(path))
    data = collect(query, f"archive:{real_archive}")
    expected = 0
    for file in sorted((REAL / "police-uk-archive").glob("2025-*/*-street.csv")):
        rows = pd.read_csv(file, usecols=["Longitude", "Latitude"]).dropna()
        expected += int(shapely.contains_xy(shape, rows["Longitude"], rows["Latitude"]).sum())
    assert len(data.crimes) == expected > 5000
    assert set(data.months["status"]) == {"published"}
    assert data.coverage["share"].iloc[0] == pytest.approx(1.0)
