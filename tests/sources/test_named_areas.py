"""Wards, parishes and neighbourhoods by code or name: from files given to an archive, and live."""

import csv
import json
import shutil
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner

import crimenb as cn
from crimenb.batch.plan import AreasOf, plan_batch
from crimenb.cli import main
from crimenb.errors import QueryError, SourceError, SourceUnavailable
from crimenb.measures.place import place_of
from crimenb.query import Query
from crimenb.sources.archive import Archive
from crimenb.sources.archive_add import add_areas
from crimenb.sources.archive_build import build_archive
from tests.ons import OpenGeography
from tests.real import REAL, needs_cases, needs_real_data
from tests.town import CENTRE, MONTHS, write_street_files

X, Y = CENTRE
SQUARE = shapely.box(X - 0.02, Y - 0.01, X, Y + 0.01)
STREET = REAL / "police-uk-archive" / "2025-12" / "2025-12-avon-and-somerset-street.csv"
needs_streets = pytest.mark.skipif(
    not (REAL / "streets").is_dir(), reason="outlines of Bath are not here (CRIMENB_REAL_DATA)"
)


def saved(path, shapes, **columns):
    gpd.GeoDataFrame(columns, geometry=shapes, crs=4326).to_file(path)
    return path


@pytest.fixture
def folder(town, tmp_path):
    """Return a copy of the town's archive."""
    return shutil.copytree(town.folder.parents[1], tmp_path / "A", ignore=shutil.ignore_patterns("*.lock"))


# ------------------------------------------------------------------------ Bath


@pytest.fixture(scope="module")
def bath(tmp_path_factory):
    """Return an archive of a real month around Bath, with its wards and parishes."""
    folder = tmp_path_factory.mktemp("bath")
    postcodes = [REAL / "code-point-open-more" / "ba.csv", REAL / "code-point-open" / "bs.csv"]
    build_archive([STREET], folder / "A", postcodes=postcodes)
    (folder / "wards.geojson").symlink_to(REAL / "streets" / "bath-wards.geojson")
    add_areas([folder / "wards.geojson", REAL / "streets" / "bath-parishes.geojson"], folder / "A")
    return folder / "A"


@pytest.fixture(scope="module")
def positions():
    """Return where the records of the month are, read without the package."""
    with STREET.open(encoding="utf-8-sig", newline="") as stream:
        rows = [r for r in csv.DictReader(stream) if r["Longitude"]]
    return np.array([(float(r["Longitude"]), float(r["Latitude"])) for r in rows]).T


def counted(positions, file, column):
    """Count the records inside each outline of a file, by its code, without the package."""
    features = json.loads((REAL / "streets" / file).read_text("utf-8"))["features"]
    outlines = {f["properties"][column]: shapely.from_geojson(json.dumps(f["geometry"])) for f in features}
    return {code: int(shapely.intersects_xy(s, *positions).sum()) for code, s in outlines.items() if code}


@needs_real_data
@needs_streets
@pytest.mark.parametrize(
    ("kind", "file", "column", "how_many"),
    [("ward", "bath-wards.geojson", "wd11cd", 37), ("parish", "bath-parishes.geojson", "code", 51)],
)
def test_every_ward_and_parish_of_bath_has_the_records_that_lie_in_it(
    bath, positions, kind, file, column, how_many
):
    expected = counted(positions, file, column)
    archive = Archive(bath)
    outlines = archive.named_in(kind, "bath & north east somerset")
    assert {o.code for o in outlines} == set(expected)
    assert len(outlines) == how_many
    records = {}
    for outline in sorted(outlines, key=lambda o: -expected[o.code])[::8]:
        place = archive.custom_place(cn.named_area(kind, outline.code, source=archive))
        records[outline.code] = len(archive.pull(place, ["2025-12"]).crimes)
    assert records == {code: expected[code] for code in records}
    assert sum(records.values()) > 50
    archive.close()


@needs_real_data
@needs_streets
def test_a_neighbourhood_of_bath_has_the_records_that_lie_in_it(bath, positions, tmp_path, serve, live):
    ring = [
        (-2.3731, 51.3789),
        (-2.3534, 51.3778),
        (-2.3519, 51.3871),
        (-2.3648, 51.3898),
        (-2.3731, 51.3789),
    ]
    expected = int(shapely.intersects_xy(shapely.Polygon(ring), *positions).sum())
    copy = shutil.copytree(bath, tmp_path / "A", ignore=shutil.ignore_patterns("*.lock"))
    (tmp_path / "avon-and-somerset").mkdir()
    boundary = tmp_path / "avon-and-somerset" / "BN110.json"  # as police.uk's service gives it
    boundary.write_text(json.dumps([{"latitude": str(y), "longitude": str(x)} for x, y in ring]))
    assert add_areas([boundary], copy) == ["1 neighbourhood of 1 force."]
    archive = Archive(copy)
    service = serve(archive)
    about = {"force": "avon-and-somerset", "neighbourhood": "BN110", "name": "Bath City Centre"}
    shape = {"geometry": {"type": "Polygon", "coordinates": [ring]}}
    service.records.teams = [{"neighbourhoods": about | shape}]
    areas = [cn.named_area("neighbourhood", "avon-and-somerset/BN110", source=s) for s in (archive, live())]
    assert areas[0].geometry == areas[1].geometry
    for source, area in zip((archive, live()), areas, strict=True):
        assert len(source.pull(source.custom_place(area), ["2025-12"]).crimes) == expected > 200
    archive.close()


@needs_real_data
@needs_streets
def test_a_ward_of_bath_is_asked_for_as_people_call_it(bath):
    names = [
        "Abbey",
        "abbey, Bath and North East Somerset",
        "Abbey ward, Bath & North East Somerset",
        "e05001935",
    ]
    areas = {cn.named_area("ward", name, source=bath) for name in names}
    assert [(a.name, a.drawn) for a in areas] == [
        ("Abbey ward, Bath and North East Somerset", "ward E05001935, as drawn in wards.geojson of 2011")
    ]
    assert cn.named_area("parish", "Peasedown St John", source=bath).name.startswith(
        "Peasedown St. John parish"
    )
    with pytest.raises(
        QueryError, match=r"no parish 'Saltfard' among 51 parishes; did you mean Saltford, Bath and"
    ):
        cn.named_area("parish", "Saltfard", source=bath)
    with pytest.raises(
        QueryError, match=r"no wards of 'Bristol'; it has those of Bath and North East Somerset\."
    ):
        cn.named_areas("ward", of="Bristol", source=bath)


@needs_real_data
@needs_streets
def test_places_in_bath_have_words(bath):
    found = cn.locate(["BA1 1LZ", "BS31 3DP", "BA2 9HD"], source=bath)
    assert found[["ward", "parish", "district"]].iloc[0].tolist() == [
        "Abbey",
        "",
        "Bath and North East Somerset",
    ]
    data = cn.collect(cn.named_area("ward", "Abbey", source=bath), "2025-12", "2025-12", source=bath)
    said = cn.title(data).text
    assert said.startswith("Abbey ward, Bath and North East Somerset\n")
    inside, outside = place_of(data).near_edge
    assert min(inside, outside) > 10
    assert f"This is {data.query.area.drawn}. Crimes are mapped" in said
    assert f"{inside} crimes lie within 100 m inside the edge and {outside} within 100 m outside." in said


@needs_real_data
@needs_streets
def test_every_parish_of_the_district_is_in_one_batch(bath, tmp_path):
    plan = plan_batch(
        AreasOf("parish", "Bath and North East Somerset"), f"archive:{bath}", tmp_path, start="2025-12"
    )
    assert len(plan.todo) == len({o.query.slug for o in plan.todo}) == 51
    assert plan.lines() == ["51 reports asked for, 0 there already, 51 to make; 0 lines left out."]
    assert all(o.query.area.name.endswith(" parish, Bath and North East Somerset") for o in plan.todo)


# ------------------------------------------------------------------------ an archive and its outlines


@needs_cases
def test_two_wards_of_one_name_are_told_apart(folder):
    add_areas([REAL / "cases" / "area-two-wards-one-name" / "wards.geojson"], folder)
    with pytest.raises(QueryError) as caught:
        cn.named_area("ward", "Central", source=folder)
    assert str(caught.value) == (
        "2 wards are called 'Central': E05000002 (Stafford), E05000001 (Stoke-on-Trent); "
        "give the code, or the district behind the name."
    )
    one, other = (cn.named_area("ward", w, source=folder) for w in ("Central, Stafford", "E05000001"))
    assert (one.name, other.name) == ("Central ward, Stafford", "Central ward, Stoke-on-Trent")
    assert not one.geometry.intersects(other.geometry)


def test_outlines_make_a_new_version_that_a_reader_of_the_old_one_does_not_notice(folder, tmp_path):
    before = Archive(folder)
    wards = saved(
        tmp_path / "w.geojson", [SQUARE], WD25CD=["E05000009"], WD25NM=["West"], LAD25CD=["E06000016"]
    )
    said = CliRunner().invoke(main, ["archive", "areas", str(wards), "--into", str(folder)])
    assert (said.exit_code, said.output) == (0, f"1 ward of 1 district.\n{folder}\n")
    after = Archive(folder)
    assert before.folder != after.folder
    assert before.inventory["files"] == after.inventory["files"]
    with pytest.raises(
        QueryError, match="holds no outlines of wards; add them with 'crimenb archive areas FILE"
    ):
        before.named("ward", "West")
    area = cn.named_area("ward", "West", source=after)
    assert area.name == "West ward, Leicester"
    there, here = ((a.folder / "street.parquet") for a in (before, after))
    assert there.read_bytes() == here.read_bytes()
    before.close()
    # A later build keeps them, and the same outlines are the same version.
    name = after.folder.name
    after.close()
    assert add_areas([wards], folder) == ["1 ward of 1 district."]
    assert json.loads((folder / "crimenb-archive.json").read_text())["version"] == name
    more = [write_street_files(tmp_path / "more", months=["2025-12"])]
    for add in (True, False):
        build_archive(more, folder, add=add)
        assert cn.named_area("ward", "E05000009", source=folder) == area


def test_bad_outlines_leave_the_archive_as_it_was(folder, tmp_path):
    version = (folder / "crimenb-archive.json").read_bytes()
    nameless = saved(tmp_path / "mine.geojson", [SQUARE], name=["My patch"])
    with pytest.raises(
        QueryError, match=r"'.*mine\.geojson' has no codes of wards, parishes or LSOAs \(a column"
    ):
        add_areas([nameless], folder)
    with pytest.raises(QueryError, match="is not an archive"):
        add_areas([nameless], tmp_path)
    assert (folder / "crimenb-archive.json").read_bytes() == version
    assert not [p for p in folder.iterdir() if p.name.startswith(".new")]
    damaged = folder / "versions" / json.loads(version)["version"] / "areas.parquet"
    damaged.write_bytes(b"PAR1 and then nothing")
    with pytest.raises(SourceError, match=r"areas\.parquet' is damaged"):
        Archive(folder).named("ward", "West")


def test_a_neighbourhood_is_known_by_its_folder_and_file(folder, tmp_path):
    (tmp_path / "2025-12" / "leicestershire").mkdir(parents=True)
    saved(tmp_path / "2025-12" / "leicestershire" / "NC04.geojson", [SQUARE], name=["City West"])
    assert add_areas([tmp_path / "2025-12"], folder) == ["1 neighbourhood of 1 force."]
    for words in ("leicestershire/NC04", "leicestershire/city west", "City West"):
        area = cn.named_area("neighbourhood", words, source=folder)
        assert area.name == "City West neighbourhood, Leicestershire"


def test_a_named_area_is_counted_as_the_same_outline_from_a_file(folder, tmp_path):
    wards = saved(
        tmp_path / "w.geojson", [SQUARE], WD25CD=["E05000009"], WD25NM=["West"], LAD25CD=["E06000016"]
    )
    add_areas([wards], folder)
    named = cn.collect(cn.named_area("ward", "West", source=folder), MONTHS[-2], MONTHS[-1], source=folder)
    drawn = cn.collect(cn.read_area(wards), MONTHS[-2], MONTHS[-1], source=folder)
    assert len(named.crimes) == len(drawn.crimes) > 20
    assert named.query.area.geometry == drawn.query.area.geometry
    assert (
        cn.title(drawn).text.splitlines()[0] != cn.title(named).text.splitlines()[0] == "West ward, Leicester"
    )


LSOAS = {"LSOA21CD": ["E01013600", "E01013601"], "LSOA21NM": ["Leicester 041A", "Leicester 041B"]}
HALVES = [shapely.box(X - 0.02, Y - 0.01, X, Y), shapely.box(X - 0.02, Y, X, Y + 0.01)]


def test_a_report_on_an_lsoa_counts_what_lies_in_it(folder, tmp_path):
    assert add_areas([saved(tmp_path / "LSOA.geojson", HALVES, **LSOAS)], folder) == [
        "2 LSOAs of 1 district."
    ]
    words = (
        "--source",
        f"archive:{folder}",
        "--from",
        MONTHS[-2],
        "--to",
        MONTHS[-1],
        "--out",
        str(tmp_path / "r"),
    )
    said = CliRunner().invoke(main, ["report", "--lsoa", "leicester 041b", *words])
    assert said.exit_code == 0, said.output
    data = cn.collect(
        cn.named_area("lsoa", "E01013601", source=folder), MONTHS[-2], MONTHS[-1], source=folder
    )
    assert data.query.area.drawn == "LSOA E01013601, as drawn in LSOA.geojson of 2021"
    rows = pd.read_parquet(Archive(folder).folder / "street.parquet")
    inside = shapely.intersects_xy(HALVES[1], rows["longitude"], rows["latitude"]) & rows["month"].isin(
        MONTHS[-2:]
    )
    assert len(data.crimes) == inside.sum() >= 10
    page = Path(said.stdout.strip()).read_text("utf-8")
    assert "Leicester 041B LSOA" in page.partition("<title>")[2].partition("</title>")[0]
    assert "This is LSOA E01013601, as drawn in LSOA.geojson of 2021." in page
    assert "Contains OS data © Crown copyright and database right 2021." in page
    said = CliRunner().invoke(main, ["report", "--lsoa", "Leicester 041", *words])
    assert (said.exit_code, said.stderr) == (
        2,
        "The archive has no LSOA 'Leicester 041' among 2 LSOAs; did you mean Leicester 041A, Leicester (E01013600); "
        "or Leicester 041B, Leicester (E01013601)?\n",
    )


# ------------------------------------------------------------------------ live


def test_live_an_lsoa_is_asked_for_by_code_and_by_name(town, serve, live, ons):
    serve(town)
    names = [dict(zip(LSOAS, row, strict=True)) for row in zip(*LSOAS.values(), strict=True)]
    service = "Lower_layer_Super_Output_Areas_December_2021_Boundaries_EW_BGC_V5"
    older = service.replace("V5", "V3")
    ons(layers() | {service: [*zip(names, HALVES, strict=True)], older: [(names[0], SQUARE)]})
    source = live()
    area = cn.named_area("lsoa", "E01013601", source=source)
    assert area == cn.named_area("lsoa", "Leicester 041B", source=source)
    assert (area.name, area.drawn) == (
        "Leicester 041B LSOA", f"LSOA E01013601, as drawn in {service} of ONS Open Geography"
    )  # fmt: skip
    there, here = (cn.collect(area, MONTHS[-1], MONTHS[-1], source=s) for s in (source, town))
    assert len(there.crimes) == len(here.crimes) > 3
    with pytest.raises(QueryError, match=f"has no LSOA 'E01099999' in {service}"):
        source.named("lsoa", "E01099999")


def layers(wards="WD_MAY_2026_UK_BGC", *, with_district=True):
    """Return services like those of the ONS: two districts beside each other, and older ones of last year."""
    west, east = shapely.box(X - 0.04, Y - 0.02, X, Y + 0.02), shapely.box(X, Y - 0.02, X + 0.04, Y + 0.02)
    districts = [
        ({"LAD26CD": "E06000016", "LAD26NM": "Leicester"}, west),
        ({"LAD26CD": "E07000129", "LAD26NM": "Blaby"}, east),
    ]
    rows = []
    for n, (name, left) in enumerate(
        [("Abbey", -0.04), ("Castle", -0.03), ("Abbey", 0.01), ("St. Ann's", 0.02)]
    ):
        columns = {"WD26CD": f"E0500000{n}", "WD26NM": name}
        district = districts[left > 0][0]
        shape = shapely.box(X + left, Y - 0.01, X + left + 0.01, Y + 0.01)
        rows.append((columns | (district if with_district else {}), shape))
    old = [({"WD24CD": "E05999999", "WD24NM": "Old"}, west)]
    return {
        "Wards_December_2024_Boundaries_UK_BGC": old, wards: rows, "WD_MAY_2026_UK_BFC": old, "Roads": old,
        "Local_Authority_Districts_May_2026_Boundaries_UK_BGC": districts,
    }  # fmt: skip


@pytest.fixture
def ons(monkeypatch):
    """Start services of outlines; the variable names the last one."""
    started = []

    def start(*args, **options):
        server = OpenGeography(*args, **options).__enter__()
        started.append(server)
        monkeypatch.setenv("CRIMENB_ONS_URL", server.url)
        return server

    yield start
    for server in started:
        server.__exit__()


@pytest.mark.parametrize("with_district", [True, False])
def test_live_the_newest_outlines_are_asked_page_by_page(town, serve, live, ons, with_district):
    serve(town)
    server = ons(layers(with_district=with_district), page=3)
    source = live()
    area = cn.named_area("ward", "Abbey, Blaby", source=source)
    assert area == (
        "Abbey ward, Blaby", area.geometry, "ward E05000002, as drawn in WD_MAY_2026_UK_BGC of ONS Open Geography"
    )  # fmt: skip
    assert {p.split("/")[5] for p, _ in server.asked if "WD" in p or "Wards" in p} == {"WD_MAY_2026_UK_BGC"}
    pages = [
        q["resultOffset"] for p, q in server.asked if q.get("returnGeometry") == "false" and "WD_MAY" in p
    ]
    assert pages == ["0", "3"]
    with pytest.raises(
        QueryError, match=r"2 wards are called 'abbey': E05000002 \(Blaby\), E05000000 \(Leicester\)"
    ):
        source.named("ward", "abbey")
    assert source.named("ward", "st anns").code == "E05000003"
    assert [o.title for o in source.named_in("ward", "E06000016")] == [
        "Abbey ward, Leicester",
        "Castle ward, Leicester",
    ]
    asked = len(server.asked)
    assert [a.name for a in cn.named_areas("ward", of="leicester", source=source)] == [
        "Abbey ward, Leicester", "Castle ward, Leicester"
    ]  # fmt: skip
    assert len(server.asked) == asked, "what was answered is kept"


def test_live_what_is_not_there_is_said(town, serve, live, ons):
    serve(town)
    server = ons(layers())
    source = live()
    with pytest.raises(
        QueryError, match=r"no ward 'E05012345' in WD_MAY_2026_UK_BGC; codes change with each review"
    ):
        source.named("ward", "E05012345")
    with pytest.raises(QueryError, match=r"no district 'Rutlund' in Local_Authority_Districts_May_2026"):
        source.named_in("ward", "Rutlund")
    with pytest.raises(SourceUnavailable, match="offers no outlines of parishes now"):
        source.named("parish", "Saltford")
    server.error = {"code": 499, "message": "Token Required"}
    with pytest.raises(
        SourceUnavailable, match=r"ONS Open Geography gave no usable answer .* \(error 499: Token Req"
    ):
        live().named("ward", "E05000001")


def test_live_a_ward_has_the_records_of_the_archive_and_the_numbers_of_the_caveat(town, serve, live, ons):
    serve(town)
    ons(layers())
    area = cn.named_area("ward", "Castle", source=live())
    there = cn.collect(area, MONTHS[-1], MONTHS[-1], source=live())
    here = cn.collect(area, MONTHS[-1], MONTHS[-1], source=town)
    assert len(there.crimes) == len(here.crimes) > 3
    assert place_of(there).near_edge == place_of(here).near_edge
    assert min(place_of(there).near_edge) > 0


def test_live_a_neighbourhood_is_asked_of_police_uk(town, serve, live):
    service = serve(town)
    ring = {"type": "Polygon", "coordinates": [shapely.get_coordinates(SQUARE).tolist()]}
    about = {"force": "leicestershire", "neighbourhood": "NC04", "name": "City <b>West</b>", "geometry": ring}
    service.records.teams = [{"neighbourhoods": about}]
    source = live()
    area = cn.named_area("neighbourhood", "Leicestershire/NC04", source=source)
    assert area[0::2] == (
        "City West neighbourhood, Leicestershire", "neighbourhood leicestershire/NC04, as drawn by police.uk"
    )  # fmt: skip
    assert shapely.equals(area.geometry, SQUARE)
    assert cn.named_area("neighbourhood", "leicestershire/City West", source=source) == area
    pulled = source.pull(source.custom_place(area), MONTHS[-2:]).crimes
    rows = [r for m in MONTHS[-2:] for r in service.records.street[m].itertuples()]
    assert len(pulled) == sum(SQUARE.intersects(shapely.Point(r.longitude, r.latitude)) for r in rows) > 20
    with pytest.raises(QueryError, match="write the force's id and the neighbourhood's"):
        source.named("neighbourhood", "City West")
    with pytest.raises(
        QueryError, match=r"police\.uk has no neighbourhood 'leicestershire/NC05' among 1 neighbourhood"
    ):
        source.named("neighbourhood", "leicestershire/NC05")


# ------------------------------------------------------------------------ the commands


def test_the_commands_take_one_place(tmp_path):
    run = CliRunner().invoke
    said = run(main, ["report", "LE1 6RN", "--ward", "Abbey"])
    assert (said.exit_code, said.stderr) == (
        2, "Give one place: a postcode, --area, or one of --ward, --parish, --lsoa and --neighbourhood.\n"
    )  # fmt: skip
    said = run(main, ["report", "--ward", "Abbey", "--source", "demo"])
    assert (said.exit_code, said.stderr) == (
        2,
        "The archive has no ward 'Abbey' among 3 wards; check the spelling; codes change with each review.\n",
    )
    said = run(main, ["batch", "--wards-of", "Fablemouth", "--parishes-of", "Fablemouth"])
    assert said.exit_code == 2
    said = run(
        main,
        ["batch", "--wards-of", "fablemouth", "--source", "demo", "--dry-run", "--out", str(tmp_path / "o")],
    )
    assert (said.exit_code, said.stderr) == (
        0, "3 reports asked for, 0 there already, 3 to make; 0 lines left out.\n"
    )  # fmt: skip


def test_the_snapshot_keeps_which_outline_it_is(tmp_path):
    ward = cn.named_area("ward", "Market", source="demo")
    data = cn.collect(ward, "2025-12", "2025-12", source="demo")
    assert data.query == Query.parse(start="2025-12", end="2025-12", area=ward)
    assert data.query.area.drawn == "ward Z05000002, as drawn in WD_INVENTED.geojson of 2025"
    with pytest.raises(
        QueryError, match="There is no kind of area 'county'; choose one of ward, parish, lsoa"
    ):
        cn.named_area("county", "Kent", source="demo")
    shutil.rmtree(tmp_path)
