"""Postcode files and force areas as people have them, and what a gap in them does."""

import json
import zipfile

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
import shapely

from crimenb import do_not_say, first_screen, title
from crimenb.charts.map import absent_forces
from crimenb.errors import PlaceNotFound, QueryError, SourceError
from crimenb.measures.place import place_of
from crimenb.query import Query
from crimenb.snapshot import collect
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from tests.bulkfiles import postcode_file, row, street_file
from tests.real import REAL, needs_real_data

CASES = REAL / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="recorded cases are not here (CRIMENB_REAL_DATA)")
HEAD = "pcds,doterm,gridind,ctry26cd,lad26cd,wd26cd,lsoa21cd,pfa23cd,lat,long\n"


@pytest.fixture
def src(tmp_path):
    """Return a folder with one street file of one record."""
    street_file(tmp_path / "src", [row()])
    return tmp_path / "src"


def archive(tmp_path, src, **options):
    build_archive([src], tmp_path / "A", **options)
    return Archive(tmp_path / "A")


def ons(path, *codes):
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [f"{c},,1,E92000001,E06000016,E05000001,E01000001,E23000021,52.63,-1.13\n" for c in codes]
    path.write_text(HEAD + "".join(rows))
    return path


# ------------------------------------------------------------------------ postcode files


def test_several_postcode_files_are_all_read(tmp_path, src):
    files = [ons(tmp_path / "one.csv", "LE1 1AA"), ons(tmp_path / "two.CSV", "LE1 1AB", "LE1 1AA")]
    opened = archive(tmp_path, src, postcodes=files)
    assert opened.inventory["gazetteer"]["postcodes"] == 2
    assert opened.place("LE1 1AB")["force"].iloc[0] == "leicestershire"


def test_one_of_several_that_holds_none_is_named(tmp_path, src):
    other = tmp_path / "sales.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(QueryError, match=r"sales\.csv' holds no postcodes"):
        archive(tmp_path, src, postcodes=[ons(tmp_path / "one.csv", "LE1 1AA"), other])
    other.write_text("pcds;lat;long\nLE1 1AA;52,63;-1,13\n")  # saved by a German Excel
    with pytest.raises(QueryError, match=r"with commas between the columns, of the ONS's files pcds, lat"):
        archive(tmp_path, src, postcodes=other)
    with pytest.raises(QueryError, match=r"gone\.csv' does not exist"):
        archive(tmp_path, src, postcodes=[tmp_path / "gone.csv"])


def test_a_cut_postcode_file_is_said_to_be_so(tmp_path, src):
    file = ons(tmp_path / "one.csv", "LE1 1AA", "LE1 1AB")
    file.write_text(file.read_text() + "LE1 1AD,,1,E92")
    with pytest.raises(SourceError, match=r"'one\.csv' is not a whole postcode file"):
        archive(tmp_path, src, postcodes=[file])


def test_the_whole_file_of_a_zip_is_read_and_names_come_from_its_documents(tmp_path, src):
    ons(tmp_path / "Data" / "NSPL_AUG_2026_UK.csv", "LE1 1AA")
    ons(tmp_path / "Data" / "multi_csv" / "NSPL_AUG_2026_UK_LE.csv", "LE1 1AA", "LE1 1AB")
    documents = tmp_path / "Documents"
    documents.mkdir()
    (documents / "LAD names and codes.csv").write_bytes(b"LAD26CD,LAD26NM\nE06000016,Leicester\n")
    (documents / "Ward names and codes.csv").write_bytes(
        "WD26CD,WD26NM\nE05000001,Caf\xe9 Ward\n".encode("cp1252")
    )
    with zipfile.ZipFile(tmp_path / "nspl.zip", "w") as whole:
        for folder in ("Data", "Documents"):
            for file in (tmp_path / folder).rglob("*.csv"):
                whole.write(file, file.relative_to(tmp_path))
    opened = archive(tmp_path, src, postcodes=tmp_path / "nspl.zip")
    assert opened.inventory["gazetteer"]["postcodes"] == 1
    place = opened.place("LE1 1AA").iloc[0]
    assert (place["ward"], place["district"]) == ("Café Ward", "Leicester")
    codes = pd.read_parquet(opened.folder / "postcodes.parquet").iloc[0]
    assert (codes["ward"], codes["district"], codes["country"]) == ("E05000001", "E06000016", "England")


def test_code_point_has_names_of_wards_in_its_workbook_and_beside_it(tmp_path, src):
    (tmp_path / "Data" / "CSV").mkdir(parents=True)
    (tmp_path / "Doc").mkdir()
    row = '"LE1 1AA",10,458746,304501,"E92000001","E19000002","E18000010","","E06000016","E0500000{}"\n'
    (tmp_path / "Data" / "CSV" / "le.csv").write_text(row.format(1) + row.format(2).replace("1AA", "1AB"))
    book = openpyxl.Workbook()
    book.active.append(["Leicester (B)", "E06000016"])
    sheet = book.create_sheet("UTW")
    for name, code in [("Castle Ward", "E05000001"), ("Abbey Ward (DET)", "E05000002"), (None, None)]:
        sheet.append([name, code])
    book.save(tmp_path / "Doc" / "Codelist.xlsx")
    (tmp_path / "names.csv").write_text("WD26CD,WD26NM\nE05000002,Abbey\n")
    opened = archive(tmp_path, src, postcodes=[tmp_path / "Data", tmp_path / "Doc", tmp_path / "names.csv"])
    places = [opened.place(p).iloc[0] for p in ("LE1 1AA", "LE1 1AB")]
    assert [(p["ward"], p["district"]) for p in places] == [("Castle", "Leicester"), ("Abbey", "Leicester")]
    with pytest.raises(QueryError, match="hold names of areas and no postcode; name Code-Point Open"):
        archive(tmp_path, src, postcodes=tmp_path / "names.csv")
    (tmp_path / "Doc" / "Codelist.xlsx").write_bytes(b"PK and no workbook")
    with pytest.raises(SourceError, match=r"'Codelist\.xlsx' is not a whole postcode file"):
        archive(tmp_path, src, postcodes=[tmp_path / "Data", tmp_path / "Doc"])


def test_a_parish_has_its_name_from_the_documents(tmp_path, src):
    head = "pcds,doterm,gridind,ctry26cd,lad26cd,wd26cd,parncp25cd,lsoa21cd,pfa23cd,lat,long\n"
    line = "{},,1,E92000001,E06000016,E05000001,{},E01000001,E23000021,52.63,-1.13\n"
    (tmp_path / "NSPL_UK.csv").write_text(
        head + line.format("LE1 1AA", "E04000992") + line.format("LE1 1AB", "E43000001")
    )
    (tmp_path / "p.csv").write_text(
        'PARNCP25CD,PARNCP25NM\nE04000992,Saltford\nE43000001,"Leicester, unparished area"\n'
    )
    opened = archive(tmp_path, src, postcodes=[tmp_path / "NSPL_UK.csv", tmp_path / "p.csv"])
    assert [opened.place(p)["parish"].iloc[0] for p in ("LE1 1AA", "LE1 1AB")] == ["Saltford", ""]


def test_rough_and_closed_positions_are_remarked(tmp_path, src):
    file = tmp_path / "one.csv"
    file.write_text(
        HEAD
        + "LE1 1AA,,6,E92000001,E06000016,,,E23000021,52.63,-1.13\n"
        + "LE1 1AB,202408,1,E92000001,E06000016,,,E23000021,52.63,-1.13\n"
    )
    archive(tmp_path, src, postcodes=file)
    spec = f"archive:{tmp_path / 'A'}"
    rough = collect(Query.parse("LE1 1AA", "2025-01", "2025-01"), spec)
    assert rough.places["remark"].iloc[0] == (
        "The position of this postcode is only rough (quality 6 of the postcode file): "
        "the centre may be off by more than the circle's radius."
    )
    assert rough.places["remark"].iloc[0] in title(rough).text
    with pytest.raises(PlaceNotFound, match=r"closed in 2024-08.*--closed-ok"):
        collect(Query.parse("LE1 1AB", "2025-01", "2025-01"), spec)


@needs_cases
def test_the_recorded_nspl_of_2026(tmp_path, src):
    opened = archive(tmp_path, src, postcodes=CASES / "nspl-2026")
    assert opened.inventory["gazetteer"]["refused"] == {"in Scotland": 1, "in the Crown dependencies": 1}
    assert opened.place("ST1 1AF")["force"].iloc[0] == "staffordshire"


# ------------------------------------------------------------------------ force areas


KML = '<?xml version="1.0" encoding="UTF-8"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
BOX = (
    "<Placemark><MultiGeometry><Point><coordinates>-1.13,52.63,0</coordinates></Point><Polygon><outerBoundaryIs>"
    "<LinearRing><coordinates>-1.3,52.5,0 -0.9,52.5,0 -0.9,52.8,0 -1.3,52.8,0 -1.3,52.5,0</coordinates>"
    "</LinearRing></outerBoundaryIs></Polygon></MultiGeometry></Placemark>"
)


@pytest.mark.parametrize("how", ["file", "folder", "zip"])
def test_police_uks_kml_is_named_by_its_force(how, tmp_path, src):
    folder = tmp_path / "kml"
    folder.mkdir()
    (folder / "leicestershire.kml").write_text(KML.format(BOX))
    (folder / "elsewhere.kml").write_text(KML.format(BOX))  # no force: passed over
    source = {"file": folder / "leicestershire.kml", "folder": folder}.get(how, tmp_path / "kmls.zip")
    if how == "zip":
        with zipfile.ZipFile(source, "w") as whole:
            whole.write(folder / "leicestershire.kml", "force kmls/leicestershire.kml")
    opened = archive(tmp_path, src, force_areas=source, postcodes=postcode_file(tmp_path))
    pull = opened.pull(opened.place("ZZ5 5AA"), ["2025-01"])
    shares = pull.coverage.set_index("force")["share"]
    assert shares["leicestershire"] == 1.0
    assert pull.coverage["method"].iloc[0].startswith("by area")


@needs_cases
def test_the_recorded_kml_of_staffordshire(tmp_path, src):
    opened = archive(
        tmp_path,
        src,
        force_areas=CASES / "force-areas-kml" / "staffordshire.kml",
        postcodes=CASES / "nspl-2026",
    )
    coverage = opened.pull(opened.place("ST1 1AF"), ["2025-01"]).coverage
    assert coverage.set_index("force")["share"]["staffordshire"] == 1.0


def test_areas_that_tell_no_force_are_refused(tmp_path, src):
    file = tmp_path / "area.kml"
    file.write_text(KML.format(BOX))
    with pytest.raises(QueryError, match="not named after a force"):
        archive(tmp_path, src, force_areas=file)


def test_force_areas_are_read_by_what_they_hold_and_nothing_else_is_opened(tmp_path, src):
    """A virtual file, which GDAL takes whatever it is called, would fetch what it points to."""
    box = shapely.box(-1.3, 52.5, -0.9, 52.8)
    shapes = gpd.GeoDataFrame(
        {"PFA23CD": ["E23000021"], "PFA23NM": ["Leicestershire"]}, geometry=[box], crs=4326
    )
    folder = tmp_path / "areas"
    folder.mkdir()
    shapes.to_crs(27700).to_file(folder / "PFA_DEC_2023.shp")
    for source in (folder, folder / "PFA_DEC_2023.shp"):
        opened = archive(tmp_path, src, force_areas=source, postcodes=postcode_file(tmp_path))
        coverage = opened.pull(opened.place("ZZ5 5AA"), ["2025-01"]).coverage
        assert coverage.set_index("force")["share"]["leicestershire"] == 1.0
    (folder / "PFA_DEC_2023.prj").unlink()
    with pytest.raises(QueryError, match="names no coordinate system"):
        archive(tmp_path, src, force_areas=folder)
    metres = tmp_path / "metres.geojson"
    metres.write_text(shapes.to_crs(27700).to_json(drop_id=True).replace("EPSG::27700", "OGC:1.3:CRS84"))
    with pytest.raises(QueryError, match="holds areas outside the United Kingdom"):
        archive(tmp_path, src, force_areas=metres)
    virtual = tmp_path / "virtual.geojson"
    virtual.write_text("<OGRVRTDataSource><OGRVRTLayer name='PFA_DEC_2023'><SrcDataSource>"
                       f"{folder}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>")  # fmt: skip
    with pytest.raises(QueryError, match="is a virtual file, which only points to others"):
        archive(tmp_path, src, force_areas=virtual)


# ------------------------------------------------------------------------ gaps


EDGE = "ZZ7 1FA"  # 800 m from where Leicestershire's postcodes end


def test_a_part_without_postcodes_is_unknown_and_never_whole(tmp_path, src):
    archive(tmp_path, src, postcodes=postcode_file(tmp_path))
    spec = f"archive:{tmp_path / 'A'}"
    both = collect(Query.parse(EDGE, "2025-01", "2025-01"), spec).coverage.set_index("force")["share"]
    archive(tmp_path, src, postcodes=postcode_file(tmp_path, west_only=True))
    data = collect(Query.parse(EDGE, "2025-01", "2025-01"), spec)
    shares = data.coverage.set_index("force")["share"]
    assert "" not in both.index
    assert both["warwickshire"] > 0.1
    assert abs(shares[""] - both["warwickshire"]) < 0.15
    assert data.coverage.set_index("force")["force_name"][""] == "unknown"
    assert shares.sum() == pytest.approx(1, abs=0.01)
    assert data.months["status"].tolist() == ["partly supplied"]
    assert (
        "its police force is not known (unless it is sea); build the archive with the neighbouring postcodes"
        in (data.months["why"].iloc[0])
    )
    # It is named where it is absent, and shaded, but decides nothing and has no file.
    assert place_of(data).forces == ["leicestershire", "warwickshire"]
    assert absent_forces(data) == {"Warwickshire", "unknown"}
    text = title(data).text + first_screen(data).text + do_not_say(data).text
    assert (
        "The other police areas here, Warwickshire and a force that is not known here, are not in these data."
        in text
    )
    assert "The rest is not in these data" in text
    inside = collect(Query.parse("ZZ5 5AA", "2025-01", "2025-01"), spec)
    assert inside.months["status"].tolist() == ["published"]


def test_force_areas_fill_a_gap_of_the_postcodes(tmp_path, src):
    feature = {
        "type": "Feature", "properties": {"force": "leicestershire"},
        "geometry": {"type": "Polygon", "coordinates": [[[-1.3, 52.5], [-1, 52.5], [-1, 52.8], [-1.3, 52.8], [-1.3, 52.5]]]},
    }  # fmt: skip
    file = tmp_path / "areas.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    opened = archive(tmp_path, src, postcodes=postcode_file(tmp_path, west_only=True), force_areas=file)
    assert opened.pull(opened.place(EDGE), ["2025-01"]).coverage["force"].tolist() == [
        "leicestershire",
        "btp",
    ]


@needs_real_data
def test_a_missing_neighbour_on_real_postcodes(tmp_path, src):
    """CV11 6JG: a seventh of its mile is in Leicestershire, whose postcodes begin with LE."""
    codes = REAL / "code-point-open"
    alone = archive(tmp_path, src, postcodes=codes / "cv.csv")
    shares = alone.pull(alone.place("CV11 6JG"), ["2025-01"]).coverage.set_index("force")["share"]
    assert shares[""] > 0.2
    both = archive(tmp_path, src, postcodes=[codes / "cv.csv", codes / "le.csv"])
    shares = both.pull(both.place("CV11 6JG"), ["2025-01"]).coverage.set_index("force")["share"]
    assert "" not in shares.index
    assert shares["leicestershire"] > 0.1


@needs_real_data
@pytest.mark.parametrize("postcode", ["LE1 6RN", "LE11 5EA", "CV32 4EA", "LE7 9AE", "CV35 8AA"])
def test_no_gap_is_seen_where_there_is_none(postcode, real_archive, tmp_path, src):
    codes = [REAL / "code-point-open" / f"{a}.csv" for a in ("le", "cv", "b")]
    opened = archive(tmp_path, src, postcodes=codes)
    try:
        place = opened.place(postcode)
    except PlaceNotFound:
        pytest.skip(f"{postcode} is not in this Code-Point")
    assert "" not in opened.pull(place, ["2025-01"]).coverage["force"].tolist()
