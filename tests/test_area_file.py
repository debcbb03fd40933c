"""A custom area: read from any format, refused with its own sentence, counted exactly, proved."""

import contextlib
import json
import os
import sqlite3
import warnings
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity

import crimenb as cn
from crimenb.area_file import read_area, read_areas
from crimenb.errors import CrimenbError, QueryError, SnapshotError
from crimenb.files import notebook_path
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.verify import verify
from crimenb.snapshot import collect, read, write
from crimenb.sources.outlines import LARGEST
from tests.real import REAL, needs_cases, needs_real_data

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
    "collection": (shapely.GeometryCollection([BOX.exterior]), 4326, "is a GeometryCollection and encloses"),
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
    (tmp_path / "x.csv").write_text("name,n\nAbbey,1\n")
    for name in ("x.geojson", "x.pdf", "x.csv"):
        with pytest.raises(QueryError, match="cannot be read as GeoJSON, GeoPackage, Shapefile or KML"):
            read_area(tmp_path / name)
    (tmp_path / "no.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    with pytest.raises(QueryError, match="holds no outline at all"):
        read_area(tmp_path / "no.geojson")
    (tmp_path / "null.geojson").write_text('{"type": "Feature", "properties": {}, "geometry": null}')
    with pytest.raises(QueryError, match=r"empty|no outline"):
        read_area(tmp_path / "null.geojson")
    both = save(tmp_path / "two.gpkg", BOX)
    gpd.GeoDataFrame(geometry=[BOX], crs=4326).to_file(both, layer="more")
    with pytest.raises(QueryError, match=r"holds 2 layers of outlines \(more, two\)"):
        read_area(both)
    save(tmp_path / "broken.shp", BOX)
    (tmp_path / "broken.shx").unlink()
    (tmp_path / "broken.shp").write_bytes((tmp_path / "broken.shp").read_bytes()[:60])
    with pytest.raises(QueryError, match=r"broken\.shp"):
        read_area(tmp_path / "broken.shp")


# ------------------------------------------------------------------------ as councils and QGIS export them


def feature(shape, **properties):
    return {"type": "Feature", "properties": properties, "geometry": json.loads(shapely.to_geojson(shape))}


def geojson(path, *features):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


def same(area, shape=BOX):
    return shapely.hausdorff_distance(area.geometry, shape) < 2e-7


@pytest.mark.parametrize("folder", ["", "boundaries/", "Ward files\\"])
def test_a_zipped_shapefile_is_read_from_any_folder_of_it(folder, tmp_path):
    save(tmp_path / "ward.shp", BOX, WD24NM=["Hanley"])
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        for part in tmp_path.glob("ward.*"):
            archive.writestr(f"{folder}{part.name}", part.read_bytes())
        archive.writestr("__MACOSX/._ward.shp", "x")
        archive.writestr("readme.txt", "x")
    area = read_area(tmp_path / "w.zip")
    assert area.name == "Hanley"
    assert same(area)
    with zipfile.ZipFile(tmp_path / "w.zip", "a") as archive:
        archive.writestr("more.geojson", "{}")
    with pytest.raises(QueryError, match=r"holds 2 files of outlines .*unzip it and give the one you mean"):
        read_area(tmp_path / "w.zip")


def test_a_zip_that_cannot_be_read_is_one_sentence(tmp_path):
    (tmp_path / "w.zip").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(QueryError, match="not a whole zip"):
        read_area(tmp_path / "w.zip")
    with zipfile.ZipFile(tmp_path / "none.zip", "w") as archive:
        archive.writestr("ward.tab", "x")
    with pytest.raises(QueryError, match="holds no files of outlines; give GeoJSON"):
        read_area(tmp_path / "none.zip")
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ward.geojson", b" " * (LARGEST + 1))
    with pytest.raises(QueryError, match="larger than 100 MB; export only"):
        read_area(tmp_path / "bomb.zip")


@pytest.mark.parametrize("ending", [".SHP", ".dbf", ".prj"])
def test_any_part_of_a_shapefile_names_it(ending, tmp_path):
    save(tmp_path / "ward.shp", BOX, WD24NM=["Hanley"])
    if ending == ".SHP":
        for part in list(tmp_path.iterdir()):
            part.rename(part.with_name(part.name.upper()))
    area = read_area(next(p for p in tmp_path.iterdir() if p.suffix == ending))
    assert (area.name, same(area)) == ("Hanley", True)
    (tmp_path / "alone.shp").write_bytes(b"\0\0\x27")
    with pytest.raises(QueryError, match=r"'alone.shp' is not a whole Shapefile; give the \.shp"):
        read_area(tmp_path / "alone.shp")


def test_the_styles_that_qgis_keeps_in_a_geopackage_are_no_layer(tmp_path):
    path = save(tmp_path / "w.gpkg", BOX, ward_name=["Abbey"])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, f_table_name TEXT, styleQML TEXT)")
        db.execute("INSERT INTO layer_styles VALUES (1, 'w', '<qgis/>')")
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('layer_styles', 'attributes', 'layer_styles')"
        )
        db.execute("PRAGMA journal_mode = wal")
        db.commit()
    area = read_area(path)
    assert (area.name, same(area)) == ("Abbey", True)
    gpd.GeoDataFrame(geometry=[BOX.centroid], crs=4326).to_file(path, layer="labels")
    with pytest.warns(UserWarning, match="'w.gpkg' holds points or lines beside its outlines"):
        assert same(read_area(path))


def test_points_and_lines_beside_the_outline_are_passed_over_with_a_word(tmp_path):
    path = geojson(tmp_path / "map.geojson", feature(BOX), feature(BOX.centroid), feature(BOX.exterior))
    with pytest.warns(UserWarning, match="holds points or lines beside its outlines; only the outlines"):
        assert same(read_area(path))
    mixed = shapely.GeometryCollection([BOX.exterior, shapely.GeometryCollection([BOX, BOX.centroid])])
    path = geojson(tmp_path / "mixed.geojson", feature(mixed, name="Hanley"))
    with pytest.warns(UserWarning, match="only the outlines"):
        area = read_area(path)
    assert (area.name, same(area)) == ("Hanley", True)


def test_a_row_without_a_shape_and_names_in_windows_letters_are_read(tmp_path):
    path = geojson(
        tmp_path / "w.geojson",
        {"type": "Feature", "properties": {}, "geometry": None},
        feature(BOX, name="Cafe"),
    )
    path.write_bytes(path.read_text().replace("Cafe", "Caf\u00e9").encode("cp1252"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_area(path).name == "Caf\u00e9"


def test_an_outline_that_touches_or_crosses_itself_a_little_is_mended(tmp_path):
    corners = [
        *BOX.exterior.coords[:-1],
        (-1.1401, 52.62),
        (-1.1401, 52.61995),
        (-1.1402, 52.62005),
        BOX.exterior.coords[0],
    ]
    faulty = shapely.Polygon(corners)
    assert not faulty.is_valid
    with pytest.warns(UserWarning, match="'ward' of 'ward.geojson' touches or crosses itself; it was mended"):
        area = read_area(geojson(tmp_path / "ward.geojson", feature(faulty)))
    assert area.geometry.is_valid
    assert area.geometry.area == pytest.approx(BOX.area, rel=0.002)
    east = affinity.translate(BOX, 0.01)
    over = read_area(geojson(tmp_path / "over.geojson", feature(shapely.MultiPolygon([BOX, east]))))
    assert same(over, BOX | east)  # parts that lie over each other count once


def test_what_nobody_drew_is_not_mended(tmp_path):
    """A thousand crossings would take minutes and all memory."""
    dice = np.random.default_rng(1)
    star = shapely.Polygon(
        np.column_stack([-1.14 + 0.02 * dice.random(3000), 52.62 + 0.02 * dice.random(3000)])
    )
    with pytest.raises(QueryError, match="broken outline"):
        read_area(geojson(tmp_path / "star.geojson", feature(star)))
    many = BOX.segmentize(7e-7)
    with pytest.raises(QueryError, match=r"has 1\d\d,\d{3} corners, more than 100,000; simplify it"):
        read_area(geojson(tmp_path / "many.geojson", feature(many)))


def test_the_boundary_of_the_services_own_form(tmp_path):
    path = tmp_path / "boundary.json"
    path.write_text(json.dumps([{"latitude": str(y), "longitude": str(x)} for x, y in BOX.exterior.coords]))
    assert same(read_area(path, "Hanley beat"))


KML = """<?xml version="1.0" encoding="UTF-8"?>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder>
<Placemark><name>Hall</name><Point><coordinates>-1.13,52.63,0</coordinates></Point></Placemark>
<Placemark><name>Abbey</name><ExtendedData><SchemaData><SimpleData name="WD24CD">E05000001</SimpleData></SchemaData>
</ExtendedData><MultiGeometry><Polygon><outerBoundaryIs><LinearRing><coordinates>
{outer}</coordinates></LinearRing></outerBoundaryIs><innerBoundaryIs><LinearRing><coordinates>{inner}
</coordinates></LinearRing></innerBoundaryIs></Polygon></MultiGeometry></Placemark>
<Placemark><name>Castle</name><Polygon><outerBoundaryIs><LinearRing><coordinates>{other}
</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark></Folder></Document></kml>"""


@pytest.mark.parametrize("asked", ["abbey", "E05000001"])
def test_kml_is_read_with_holes_names_and_codes(asked, tmp_path):
    hole = BOX.centroid.buffer(0.002)

    def corners(ring):
        return " ".join(f"{x},{y},0" for x, y in ring.coords)

    other = corners(affinity.translate(BOX, 0.1).exterior)
    text = KML.format(outer=corners(BOX.exterior), inner=corners(hole.exterior), other=other)
    (tmp_path / "w.kml").write_text(text)
    with zipfile.ZipFile(tmp_path / "w.kmz", "w") as archive:
        archive.writestr("doc.kml", text)
    for name in ("w.kml", "w.kmz"):
        with pytest.warns(UserWarning, match="only the outlines"):
            area = read_area(tmp_path / name, asked)
        assert area.name == "Abbey"
        assert same(area, BOX - hole)


def test_one_of_one_name_is_chosen_by_its_code(tmp_path):
    east, far = affinity.translate(BOX, 0.1), affinity.translate(BOX, 0.2)
    path = geojson(
        tmp_path / "wards.geojson",
        feature(BOX, WD24CD="E05000001", WD24NM="Central", LAD24NM="Stoke-on-Trent", LAD24CD="E06000021"),
        feature(east, WD24CD="E05000002", WD24NM="Central", LAD24NM="Stafford", LAD24CD="E07000197"),
        feature(far, WD24CD="E05000003", WD24NM="Hanley", LAD24NM="Stoke-on-Trent", LAD24CD="E06000021"),
    )
    for asked in ("Central", ""):
        with pytest.raises(QueryError, match="by its code") as caught:
            read_area(path, asked)
        assert "'E05000001': Central, Stoke-on-Trent; 'E05000002': Central, Stafford" in str(caught.value)
    area = read_area(path, "e05000002")
    assert (area.name, same(area, east)) == ("Central", True)
    assert same(read_area(path, "hanley"), far)
    with pytest.raises(QueryError, match="holds 3 outlines, none called 'Penkhull'; name one of them by its"):
        read_area(path, "Penkhull")
    alone = geojson(tmp_path / "one.geojson", feature(BOX, WD24CD="E05000001", WD24NM="Central"))
    with pytest.raises(QueryError, match="holds 1 outline, none called 'E05999999'"):
        read_area(alone, "E05999999")
    assert read_area(alone, "My patch").name == "My patch"


def test_one_partnership_in_two_outlines_is_joined(tmp_path):
    east = affinity.translate(BOX, 0.02)  # they share an edge
    path = geojson(
        tmp_path / "p.geojson", *(feature(s, id=n, CSP="x", NAME="North") for n, s in enumerate((BOX, east)))
    )
    with pytest.warns(
        UserWarning, match="The 2 outlines called 'North' in 'p.geojson' are joined to one area"
    ):
        area = read_area(path)
    assert (area.name, same(area, BOX | east)) == ("North", True)
    other = geojson(
        tmp_path / "q.geojson",
        feature(BOX, name="North", district="Leeds"),
        feature(east, name="North", district="York"),
    )
    with pytest.raises(QueryError, match=r"not told apart by name .*North, Leeds; North, York"):
        read_area(other)


OTHERS = {
    "ward.json": ('{"type": "Topology", "arcs": [], "objects": {}}', "is TopoJSON, .* save it as GeoJSON"),
    "esri.json": ('{"geometryType": "esriGeometryPolygon", "features": []}', "is Esri JSON"),
    "w.geojson": ("<OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>{other}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>",
                  "is a virtual file, which only points to others; give GeoJSON"),
    "x.kml": ("<kml><!-- <OGRVRTDataSource><OGRVRTLayer name='x'><SrcDataSource>{other}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource> --></kml>",
              "holds no outline at all"),
    "run.json": ('{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {other}"}', "cannot be read as"),
    "w.gml": ("<FeatureCollection/>", "is XML of the kind 'FeatureCollection'"),
    "deep.json": ("[" * 100_000, "cannot be read as"),
    "nan.json": ('{"type": "Polygon", "coordinates": [[[NaN, 1], [1, 2], [2, 3], [NaN, 1]]]}', r"cannot be read|no numbers"),
    "none.json": ("", "is empty; export it anew"),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_only_the_four_formats_are_read_and_nothing_that_they_point_to(name, tmp_path):
    other = save(tmp_path / "other.geojson", BOX)
    text, words = OTHERS[name]
    (tmp_path / name).write_text(text.replace("{other}", str(other)))
    with pytest.raises(QueryError, match=words):
        read_area(tmp_path / name)


def test_a_map_that_is_only_linked_to_says_how_to_export_it(tmp_path):
    link = "<NetworkLink><Link><href>https://example.org/map.kml</href></Link></NetworkLink>"
    (tmp_path / "map.kml").write_text(
        f"<kml xmlns='http://www.opengis.net/kml/2.2'><Document>{link}</Document></kml>"
    )
    with pytest.raises(
        QueryError, match="no outline but a link to a map on the network; export the map again"
    ):
        read_area(tmp_path / "map.kml")
    with pytest.raises(QueryError, match="but a folder; give the one file in it: GeoJSON"):
        read_area(tmp_path)


def test_only_regular_files_of_this_machine_are_opened(tmp_path):
    os.mkfifo(tmp_path / "ward.geojson")
    for name in (
        tmp_path / "ward.geojson",
        "/vsicurl/http://127.0.0.1:1/ward.geojson",
        tmp_path,
        "/dev/zero",
    ):
        with pytest.raises(QueryError, match=r"There is no file|is a pipe, a socket or a device"):
            read_area(name)


HOSTILE = {
    "a broken outline": (WRONG["crossing"][0], "broken outline"),
    "a point": (BOX.centroid, "is a Point"),
    "all of Europe": (BOX.buffer(3), "not within England|too large"),
    "too many corners": (BOX.segmentize(7e-7), "corners, more than"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_the_area_of_a_strangers_data_folder_is_checked_too(case, ward, tmp_path):
    shape, words = HOSTILE[case]
    write(ward, tmp_path / "data")
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_text())
    manifest["query"]["area"]["geometry"] = shapely.to_geojson(shape)
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(QueryError, match=words):
        read_area(tmp_path / "data")


@pytest.mark.parametrize(
    "geometry", ["no shape", {"type": "Polygon"}, '{"type": "Polygon", "coordinates": [[[1, 2]]]}', None]
)
def test_a_damaged_data_folder_is_one_sentence(geometry, ward, tmp_path):
    write(ward, tmp_path / "data")
    manifest = json.loads((tmp_path / "data" / "manifest.json").read_text())
    manifest["query"]["area"]["geometry"] = geometry
    (tmp_path / "data" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(CrimenbError, match=r"is damaged; pull the data anew|is empty"):
        read_area(tmp_path / "data")


CASES = {
    "area-geometrycollection/ward.geojson": ("Hanley", "only the outlines"),
    "area-police-api-boundary/boundary.json": ("boundary", ""),
    "area-polygon-and-marker/map.geojson": ("map", "only the outlines"),
    "area-self-intersecting/ward.geojson": ("Hanley", "it was mended"),
    "area-shapefile-zip/ward-flat.zip": ("Hanley", ""),
    "area-shapefile-zip/ward.zip": ("Hanley", ""),
}


@needs_cases
@pytest.mark.parametrize("file", CASES)
def test_files_that_went_wrong_are_read(file):
    name, words = CASES[file]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        area = read_area(REAL / "cases" / file)
    assert area.name == name
    assert [words in str(w.message) for w in caught] == [True] * bool(words)
    assert shapely.box(-2.19, 53.01, -2.16, 53.03).contains(area.geometry)


@needs_cases
def test_topojson_and_two_wards_of_one_name_are_named():
    with pytest.raises(QueryError, match="is TopoJSON"):
        read_area(REAL / "cases" / "area-topojson" / "ward.json")
    wards = REAL / "cases" / "area-two-wards-one-name" / "wards.geojson"
    with pytest.raises(
        QueryError, match="'E05000001': Central, Stoke-on-Trent; 'E05000002': Central, Stafford"
    ):
        read_area(wards, "Central")
    assert read_area(wards, "E05000002").name == "Central"


def test_a_shapefile_without_its_prj_is_refused(tmp_path):
    path = save(tmp_path / "a.shp", BOX)
    (tmp_path / "a.prj").unlink()
    with pytest.raises(QueryError, match=r"names no coordinate system; save it with one .*\.prj"):
        read_area(path)


def test_a_postcode_and_an_area_are_one_too_many():
    with pytest.raises(QueryError, match="and not both"):
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
    assert said.splitlines()[0] == "Fablemouth: Market Ward"
    assert "Demonstration data: an invented town" in said
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
    assert "<h1><b>Fablemouth:</b> Market Ward</h1>" in report.read_text()
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


def test_every_area_of_a_file_is_read_by_its_name_or_else_its_code(tmp_path):
    wards = read_areas(WARD.with_name("demo-wards.geojson"))
    assert [w.name for w in wards] == ["Harbour Ward", "Market Ward", "Quarry Ward"]
    assert wards[1] == read_area(WARD.with_name("demo-wards.geojson"), "Market Ward")
    assert not any(a.geometry.overlaps(b.geometry) for a in wards for b in wards)
    table = gpd.read_file(WARD.with_name("demo-wards.geojson"))
    table[["geometry"]].to_file(tmp_path / "nameless.geojson", driver="GeoJSON")
    with pytest.raises(
        QueryError, match="holds 3 outlines without a name or code for each; add a column 'name'"
    ):
        read_areas(tmp_path / "nameless.geojson")
    same = table.assign(name="Ward", code=["E05000001", "E05000002", "E05000003"])
    same.to_file(tmp_path / "coded.geojson", driver="GeoJSON")
    assert len({w.geometry.wkt for w in read_areas(tmp_path / "coded.geojson")}) == 3
