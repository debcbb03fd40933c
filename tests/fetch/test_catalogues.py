"""Ordnance Survey's and the ONS's catalogues: editions change, guides share a title, items go, pages end."""

from contextlib import ExitStack

import duckdb
import geopandas as gpd
import pytest
import shapely

from crimenb.errors import QueryError, SourceError, SourceUnavailable
from crimenb.fetch import catalogues
from crimenb.geo import to_metres
from crimenb.sources import gazetteer, kept_streets
from crimenb.sources.archive import demo
from crimenb.sources.outlines import read_outlines
from tests.downloads import ONS, POSTCODE, make_zip, outlines

ITEM = "/sharing/rest/content/items/{}/data"
SEARCH = "/sharing/rest/search"


@pytest.fixture
def opened(client):
    """Return a function that calls one of the catalogue with a client and a stack, and takes what it says."""
    with client() as web, ExitStack() as stack:

        def take(what, *args, **options):
            return what(web, *args, stack=stack, **options).take()

        take.web = web
        yield take


@pytest.fixture
def ordnance(site, tmp_path):
    """Offer postcodes, and roads of three squares, with names of 4,100 wards beside."""
    names = {
        f"Data/CSV/{a}.csv": POSTCODE.replace("LE1", f"{a.upper()}1").encode() for a in ("le", "cv", "b")
    }
    site.add_os(
        "CodePointOpen", "2025-11", "CSV", make_zip(tmp_path / "cp.zip", names | {"Doc/licence.txt": b"OGL"})
    )
    roads = {
        f"data/{s}_RoadLink.{end}": f"{s} {end}".encode() * 9
        for s in ("SK", "SP", "TQ")
        for end in ("shp", "dbf", "shx")
    }
    nodes = {"data/SK_RoadNode.shp": b"nodes", "doc/licence.txt": b"OGL"}
    site.add_os("OpenRoads", "2026-04", "ESRI® Shapefile", make_zip(tmp_path / "roads.zip", roads | nodes))
    districts = outlines("LAD26CD", "LAD26NM", 3)
    districts[0]["properties"] |= {"LAD26CD": "E06000016", "LAD26NM": "Leicester"}
    wards = outlines("WD26CD", "WD26NM", 4100)
    site.add_areas({"WD_DEC_2025_UK_BGC": wards[:5], "WD_MAY_2026_UK_BGC": wards, "WD_MAY_2026_UK_BFC": wards[:1],
                    "Local_Authority_Districts_May_2026_Boundaries_UK_BGC": districts})  # fmt: skip
    return site


def test_postcodes_come_with_the_names_of_wards_and_districts(ordnance, opened, tmp_path):
    folder = opened(catalogues.code_point, tmp_path / "d")
    assert folder.name == "code-point-open-2025-11"
    wards = (folder / "names-of-wards-2026-05.csv").read_text().splitlines()
    assert len(wards) == 4101
    assert len(set(wards)) == 4101
    (tmp_path / "tmp").mkdir()
    with duckdb.connect() as db:
        found = gazetteer.build([folder], tmp_path / "p.parquet", tmp_path / "tmp", db)
        rows = db.execute(
            "SELECT postcode, district_name, ward_name FROM read_parquet(?)", [str(tmp_path / "p.parquet")]
        )
        assert ("LE1 6RN", "Leicester", "Ward 1") in rows.fetchall()
    assert found["postcodes"] == 3
    before = len(ordnance.asked)
    assert opened(catalogues.code_point, tmp_path / "d") == folder
    assert len(ordnance.asked) - before == 2, "the end of the zip, by its redirect; the catalogue is kept"


def test_postcodes_do_not_appear_without_the_names(ordnance, opened, tmp_path):
    place = f"{ONS}/WD_MAY_2026_UK_BGC/FeatureServer/0/query"
    answer = ordnance.texts[place]
    ordnance.texts[place] = lambda asked: (
        answer(asked)
        if "returnCountOnly" in asked or asked["resultOffset"] == "0"
        else {"error": {"code": 499, "message": "Token"}}
    )
    with pytest.raises(SourceUnavailable, match=r"WD_MAY_2026_UK_BGC\), asked 6 times \(it says 'Token'"):
        opened(catalogues.code_point, tmp_path / "d")
    assert not (tmp_path / "d" / "code-point-open-2025-11").exists()
    ordnance.texts[place] = answer
    sent = ordnance.sent
    folder = opened(catalogues.code_point, tmp_path / "d")
    assert (folder / "le.csv").is_file()
    assert ordnance.sent - sent < 2000, "the postcodes were kept"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "GML"}, "offers CodePointOpen 2025-11 as .*GML of GB.*, not as CSV of GB"),
        ({"url": "https://elsewhere.example/x.zip"}, "which is no host of its own"),
        ({"size": 7}, "where Ordnance Survey lists 7"),
    ],
)
def test_a_listing_that_does_not_fit_is_one_sentence(ordnance, opened, tmp_path, change, said):
    ordnance.texts["/downloads/v1/products/CodePointOpen/downloads"][1] |= change
    with pytest.raises(SourceError, match=said):
        opened(catalogues.code_point, tmp_path)


def test_roads_of_the_squares_wanted_and_more_later(ordnance, opened, tmp_path):
    folder = opened(catalogues.open_roads, tmp_path / "d", squares=["sk"])
    assert {p.name for p in folder.glob("*.*")} - {"crimenb-edition.json"} == {
        f"SK_RoadLink.{e}" for e in ("shp", "dbf", "shx")
    }
    opened(catalogues.open_roads, tmp_path / "d", squares=["TQ", "SK"])
    assert len([*folder.glob("*_RoadLink.*")]) == 6
    assert (folder / "TQ_RoadLink.shp").read_bytes() == b"TQ shp" * 9
    with pytest.raises(QueryError, match="has no square 'NZ'; its squares are SK, SP, TQ"):
        opened(catalogues.open_roads, tmp_path / "d", squares=["NZ"])


def test_the_squares_of_an_archive_are_those_of_its_records():
    town = demo()
    x, y = town.cells()["x"].median(), town.cells()["y"].median()
    expected = kept_streets.letters(*(int(v // 100_000) for v in to_metres(x, y)))
    found = catalogues.squares_of(town.folder)
    town.close()
    assert expected in found
    assert len(found) <= 4
    # Named places and the squares that the Ordnance Survey prints for them.
    assert [kept_streets.letters(*e) for e in ((4, 3), (5, 1), (0, 0), (4, 5), (2, 8), (4, 12))] == [
        "SK", "TQ", "SV", "NZ", "NH", "HP",
    ]  # fmt: skip


def item(key, name, title="ONS Postcode Directory (May 2026)"):
    return {"id": key, "name": name, "title": title, "type": "CSV Collection", "modified": 1}


@pytest.fixture
def directory(site, tmp_path):
    """Offer two editions of the ONSPD, of which the newer is listed below a guide and an older one."""
    for key, month in (("aa", "FEB"), ("bb", "MAY")):
        members = {
            f"Data/ONSPD_{month}_2026_UK.csv": b"whole", f"Data/multi_csv/ONSPD_{month}_2026_UK_LE.csv": month.encode(),
            "Documents/Ward names and codes.csv": b"WD26CD,WD26NM\n", "User Guide/guide.pdf": b"%PDF",
        }  # fmt: skip
        site.zips[ITEM.format(key)] = make_zip(tmp_path / f"{key}.zip", members)
    guide = item("gg", "ONSPD_User_Guide_May_2026.pdf")
    site.texts[SEARCH] = {
        "total": 4,
        "results": [
            guide,
            item("aa", "ONSPD_FEB_2026.zip"),
            item("cc", None),
            item("bb", "ONSPD_MAY_2026.zip"),
        ],
    }
    site.uses = 1  # its links serve once
    return site


def test_the_newest_directory_is_taken_by_its_name(directory, opened, tmp_path):
    folder = opened(catalogues.onspd, tmp_path / "d")
    assert folder.name == "onspd-2026-05"
    names = {p.name for p in folder.iterdir()} - {"crimenb-edition.json"}
    assert names == {"ONSPD_MAY_2026_UK_LE.csv", "Ward names and codes.csv"}


@pytest.mark.parametrize("how", ["404", "told"])
def test_of_an_item_that_has_gone_the_edition_before_is_taken_with_a_notice(directory, opened, tmp_path, how):
    del directory.zips[ITEM.format("bb")]
    if how == "told":
        directory.texts[ITEM.format("bb")] = {"error": {"code": 400, "message": "Item does not exist"}}
    said = []
    folder = opened(catalogues.onspd, tmp_path / "d", notice=said.append)
    assert folder.name == "onspd-2026-02"
    assert len(said) == 1
    assert said[0].startswith("ONSPD_MAY_2026.zip is listed but cannot be had (")
    del directory.zips[ITEM.format("aa")]
    with pytest.raises(
        SourceError, match=r"lists ONSPD_MAY_2026\.zip, ONSPD_FEB_2026\.zip, and gives none of them"
    ):
        opened(catalogues.onspd, tmp_path / "e")


def test_a_catalogue_of_guides_alone_and_one_that_refuses(directory, opened, tmp_path):
    listed = directory.texts[SEARCH]
    directory.texts[SEARCH] = {"error": {"code": 498, "message": "Invalid token."}}
    with pytest.raises(SourceUnavailable, match=r"it says 'Invalid token\.'"):
        opened(catalogues.onspd, tmp_path)
    directory.texts[SEARCH] = {"results": listed["results"][:1]}
    with pytest.raises(SourceError, match=r"lists no ONSPD_MONTH_YEAR\.zip"):
        opened(catalogues.onspd, tmp_path)


def area(opened, kind, into):
    return catalogues.fetch_area(opened.web, catalogues.layers(opened.web, [kind])[0], into)


def test_outlines_come_whole_though_an_answer_ends_at_two_thousand(site, opened, tmp_path, monkeypatch):
    monkeypatch.setattr(catalogues, "SHAPES_A_PAGE", 5000)
    site.add_areas(
        {"PARNCP_DEC_2024_EW_BGC": [], "PARNCP_DEC_2025_EW_BGC": outlines("PARNCP25CD", "PARNCP25NM", 4100)}
    )
    path = area(opened, "parishes", tmp_path)
    assert path.name == "parishes-2025-12.geojson"
    frame = next(iter(read_outlines(path).values()))
    assert len(frame) == frame["PARNCP25CD"].nunique() == 4100
    asked = [p for _, p in site.asked if "/query" in p]
    assert len(asked) == 4
    assert area(opened, "parishes", tmp_path) == path
    assert [p for _, p in site.asked if "/query" in p] == asked, "nothing is asked twice"


def test_force_areas_are_what_an_archive_takes(site, opened, tmp_path):
    rows = outlines("PFA24CD", "PFA24NM", 1)
    rows[0]["properties"]["PFA24CD"] = "E23000021"
    site.add_areas(
        {"Police_Force_Areas_December_2023_EW_BGC": [], "Police_Force_Areas_Dec_2024_EW_BGC": rows}
    )
    path = area(opened, "forces", tmp_path)
    gazetteer.build_force_areas(path, tmp_path / "forces.parquet", tmp_path)
    known = gpd.read_parquet(tmp_path / "forces.parquet")
    assert known["force"].tolist() == ["leicestershire"]
    assert known.geometry.iloc[0].equals(shapely.geometry.shape(rows[0]["geometry"]))


def test_outlines_that_end_early_or_repeat_are_one_sentence(site, opened, tmp_path):
    rows = outlines("WD26CD", "WD26NM", 900)
    name = "WD_MAY_2026_UK_BGC"
    site.add_areas({name: rows})
    place = f"{ONS}/{name}/FeatureServer/0/query"
    right = site.texts[place]
    site.texts[place] = lambda a: right(a) if a.get("resultOffset", "0") == "0" else {"features": []}
    with pytest.raises(SourceUnavailable, match="it counts 900 rows and gives none after the first 500"):
        area(opened, "wards", tmp_path)
    # Pages that repeat the first one, as where an offset is not known to the service.
    site.texts[place] = lambda a: right(a) if "returnCountOnly" in a else {"features": rows[:450]}
    site.add_areas({"WD_JUN_2026_UK_BGC": rows})
    site.texts[f"{ONS}/WD_JUN_2026_UK_BGC/FeatureServer/0/query"] = site.texts[place]
    layer = catalogues.Layer("wards", "2026-06", "WD_JUN_2026_UK_BGC")
    with pytest.raises(SourceError, match=r"counts 900 rows of wards .* and gave 450"):
        catalogues.fetch_area(opened.web, layer, tmp_path)
    assert not [*tmp_path.glob("wards*")]


def test_a_service_under_no_known_name_and_a_kind_that_is_none(site, opened):
    site.add_areas({"Wards_as_they_were": []})
    with pytest.raises(SourceError, match="offers no outlines of wards under a name that is known here"):
        catalogues.layers(opened.web, ["wards"])
    with pytest.raises(QueryError, match="no areas of the kind 'beats'; choose from forces, wards"):
        catalogues.layers(opened.web, ["beats"])
