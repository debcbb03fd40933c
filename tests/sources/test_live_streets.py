"""Streets of live reports: fetched once into the cache, drawn as those of an archive."""

import json
import shutil

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from pandas.testing import assert_frame_equal

import crimenb.sources.http as web
from crimenb.cli import main
from crimenb.errors import SourceError
from crimenb.geo import METRES, to_lonlat, to_metres
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.verify import verify
from crimenb.snapshot import collect
from crimenb.sources import kept_streets
from crimenb.sources.archive import Archive
from crimenb.sources.live import Live
from crimenb.sources.place_frames import place_row
from crimenb.sources.streets_build import add_streets, keep_squares
from tests.downloads import Site, make_zip
from tests.town import BUSY, build_town

YEAR = Query.parse(BUSY, "2025-01", "2025-12")


def roads(points, path):
    """Write a Shapefile with a street of 90 m through each map point that has a name."""
    named = points[points["snapped_to"] != ""]
    x, y = to_metres(named["longitude"].to_numpy(), named["latitude"].to_numpy())
    lines = [shapely.LineString([(a - 45, b), (a + 45, b)]) for a, b in zip(x, y, strict=True)]
    ids = [str(i) for i in range(len(lines))]
    table = {"identifier": ids, "name1": named["snapped_to"].tolist(), "class": "Unclassified"}
    gpd.GeoDataFrame(table, geometry=lines, crs=METRES).to_file(path)
    return path


@pytest.fixture(scope="module")
def shapefile(town, tmp_path_factory):
    rows = pd.read_parquet(town.folder / "street.parquet", columns=["longitude", "latitude", "snapped_to"])
    return roads(rows.drop_duplicates(), tmp_path_factory.mktemp("roads") / "SK_RoadLink.shp")


@pytest.fixture
def offered(shapefile, town, serve, tmp_path, monkeypatch, unlimited):
    """Offer the roads of two squares, and the town's records; return what calls a command."""
    service = serve(town)
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "kept"))
    monkeypatch.setattr(web, "_process_limiter", lambda: unlimited)
    monkeypatch.setattr("crimenb.sources.live._said", set())
    files = {
        f"data/{square}_RoadLink.{end}": shapefile.with_suffix(f".{end}").read_bytes()
        for square in ("SK", "TQ") for end in ("shp", "shx", "dbf", "prj")
    }  # fmt: skip
    with Site() as site:
        site.add_os("OpenRoads", "2026-04", "ESRI® Shapefile", make_zip(tmp_path / "roads.zip", files))
        for name, value in site.variables.items():
            monkeypatch.setenv(name, value)
        site.service = service
        site.call = lambda *words: CliRunner().invoke(main, [*words], catch_exceptions=False)
        yield site


def test_streets_that_were_fetched_are_those_of_an_archive(offered, shapefile, town, tmp_path):
    said = offered.call("fetch", "streets", "--near", BUSY, "--yes")
    assert said.exit_code == 0, said.stderr
    assert "OS Open Roads 2026-04: 4 files," in said.stderr
    folder = tmp_path / "kept" / "streets" / "2026-04"
    assert said.stdout == f"{folder}\n"
    assert {p.name for p in folder.iterdir()} == {"SK.parquet", "streets.json", "crimenb-edition.json"}
    data = collect(YEAR, "live")
    assert data.source["edition of the streets"] == "2026-04"
    credit = "Contains OS data © Crown copyright and database right 2026"
    assert data.source["streets"] == credit
    copied = shutil.copytree(town.folder.parents[1], tmp_path / "A")
    add_streets([shapefile], copied)
    held = collect(YEAR, Archive(copied))
    assert len(data.streets) > 30
    assert_frame_equal(data.streets, held.streets)
    # The archive knows points beyond the mile as well, and all months; so stretches at its edge are shorter there.
    known = held.stretches.set_index(["longitude", "latitude"])["how"]
    assert (data.stretches["how"] == "name").sum() > 30
    at = pd.MultiIndex.from_frame(data.stretches[["longitude", "latitude"]])
    assert data.stretches["how"].tolist() == known.reindex(at).tolist()
    # Once is enough, and another square goes beside.
    before = (folder / "SK.parquet").stat().st_mtime_ns
    again = offered.call("fetch", "streets", "--near", BUSY)
    assert (again.exit_code, again.stdout) == (0, f"{folder}\n")
    assert "here already, in" in again.stderr
    assert (folder / "SK.parquet").stat().st_mtime_ns == before
    assert offered.call("fetch", "streets", "--squares", "TQ", "--yes").exit_code == 0
    assert {p.stem for p in folder.glob("*.parquet")} == {"SK", "TQ"}
    assert "Streets for live reports, squares SK, TQ: " in offered.call("cache", "info").stdout
    assert offered.call("cache", "clear").exit_code == 0
    assert not [*folder.glob("*")]


def test_a_live_report_names_whose_streets_it_draws_and_is_the_same_again(offered, tmp_path):
    offered.call("fetch", "streets", "--near", BUSY, "--yes")
    page = build_report(YEAR, "live", tmp_path / "reports")
    text = page.read_text("utf-8")
    assert "Streets: Contains OS data © Crown copyright and database right 2026." in text
    assert "crimes as streets" in text
    verdict = verify(page.parent)
    assert verdict.holds, verdict.findings
    asked = len(offered.service.log)
    other = build_report(YEAR, "live", tmp_path / "more")
    assert len(offered.service.log) == asked
    assert other.read_bytes() == page.read_bytes()


def test_without_streets_the_map_is_as_before_and_one_sentence_says_how_to_get_them(offered, tmp_path):
    words = ("--from", "2025-10", "--to", "2025-12", "--source", "live", "--out", str(tmp_path / "r"))
    said = offered.call("report", BUSY, *words)
    assert said.exit_code == 0, said.stderr
    page = next((tmp_path / "r").glob("*/report.html")).read_text("utf-8")
    assert "Streets are not drawn: none were fetched before this report. “crimenb fetch streets” gets" in page
    assert not collect(YEAR, "live").streets.size


def test_the_sentence_names_the_command_once_for_a_square(offered, caplog):
    live = Live()
    for _ in range(2):
        live.pull(live.place(BUSY), ["2025-12"])
    live.close()
    assert [r.getMessage() for r in caplog.records if "streets" in r.getMessage()] == [
        "The map of LE1 1AA is drawn without streets. 'crimenb fetch streets --near LE11AA' gets them once, for all "
        "live reports there; make the report again with --refresh then."
    ]
    assert offered.call("fetch", "streets", "--near", "LE11AA", "--yes").exit_code == 0


def test_points_from_before_july_2022_make_no_stretch(offered, serve, tmp_path):
    months = ["2022-05", "2022-06", "2022-07"]
    serve(build_town(tmp_path / "older", months=months, busy=40))
    offered.call("fetch", "streets", "--near", BUSY, "--yes")
    data = collect(Query.parse(BUSY, "2022-05", "2022-07"), "live")
    key = ["longitude", "latitude"]
    located = data.crimes[~data.crimes.geometry.is_empty]
    located = located.assign(longitude=located.geometry.x, latitude=located.geometry.y)
    newer = located[located["month"] == "2022-07"][key].drop_duplicates()
    assert len(newer) < len(located[key].drop_duplicates())
    assert len(data.stretches) == len(newer.merge(data.stretches, on=key))
    assert len(data.stretches) > 10


BORDER = (458_800.0, 300_500.0)  # metres: half a kilometre into SK, above SP


@pytest.fixture
def border(tmp_path, monkeypatch):
    """Keep two squares with the same street in both; return the folder and a place at their border."""
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path))
    folder = tmp_path / "streets" / "2026-04"
    folder.mkdir(parents=True)
    lon, lat = (float(v) for v in to_lonlat(*BORDER))
    point = pd.DataFrame({"longitude": [lon], "latitude": [lat], "snapped_to": ["High Street"]})
    for square in ("SK", "SP"):
        roads(point, folder / f"{square}_RoadLink.shp")
    keep_squares(folder, ["SK", "SP"], ["SK", "SP"], "2026-04")
    return folder, place_row({"postcode": "ZZ5 5AA", "longitude": lon, "latitude": lat})


def test_what_two_squares_hold_is_there_once(border):
    folder, place = border
    assert kept_streets.squares_of(place) == ["SP", "SK"]
    found = kept_streets.read(place)
    assert (found.rows["name"].tolist(), found.edition) == (["High Street"], "2026-04")
    assert {p.name for p in folder.iterdir()} == {"SK.parquet", "SP.parquet", "streets.json"}


def test_half_a_map_is_none_unless_the_other_half_is_sea(border):
    folder, place = border
    (folder / "SP.parquet").unlink()
    assert kept_streets.read(place) is None
    about = json.loads((folder / "streets.json").read_text())
    (folder / "streets.json").write_text(json.dumps(about | {"squares": ["SK"]}))
    assert len(kept_streets.read(place).rows) == 1


def test_the_newest_edition_with_all_squares_is_read(border):
    folder, place = border
    newer = shutil.copytree(folder, folder.with_name("2026-10"))
    about = json.loads((newer / "streets.json").read_text())
    (newer / "streets.json").write_text(json.dumps(about | {"edition": "2026-10"}))
    assert kept_streets.read(place).edition == "2026-10"
    (newer / "SP.parquet").unlink()
    assert kept_streets.read(place).edition == "2026-04"


@pytest.mark.parametrize(
    ("name", "says"),
    [("SK.parquet", "delete it, and run 'crimenb fetch streets --squares SK' again"),
     ("streets.json", "delete it, and run 'crimenb fetch streets' again")],
)  # fmt: skip
def test_a_damaged_file_is_one_sentence(border, name, says):
    folder, place = border
    (folder / name).write_bytes(b"PAR1 and no more")
    with pytest.raises(SourceError, match=f"{name}' is damaged; {says}"):
        kept_streets.read(place)


def test_a_run_that_was_killed_while_it_turned_the_squares_goes_on(border):
    folder, place = border
    (folder / "SP.parquet").unlink()
    (folder / "tmp").mkdir()
    (folder / "tmp" / "streets.duckdb").write_bytes(b"half")
    lon, lat = (float(v) for v in to_lonlat(*BORDER))
    roads(
        pd.DataFrame({"longitude": [lon], "latitude": [lat], "snapped_to": ["High Street"]}),
        folder / "SP_RoadLink.shp",
    )
    keep_squares(folder, ["SP"], ["SK", "SP"], "2026-04")
    assert len(kept_streets.read(place).rows) == 1
    assert not (folder / "tmp").exists()


def test_northern_ireland_has_none_and_a_square_that_is_sea_is_passed_over(offered, client):
    from contextlib import ExitStack

    from crimenb.errors import QueryError
    from crimenb.fetch.catalogues import open_roads

    def near(force, longitude, latitude):
        row = {"postcode": "BT1 1AA", "longitude": longitude, "latitude": latitude, "force": force}
        return place_row(row)

    with client() as opened, ExitStack() as stack:
        with pytest.raises(QueryError, match="has no streets around 'BT1 1AA': it covers Great Britain"):
            open_roads(opened, None, stack, near=[near("northern-ireland", -5.93, 54.6)])
        # At the corner of SK, of which the neighbours are not on offer here.
        lon, lat = (float(v) for v in to_lonlat(400_500, 300_500))
        edition = open_roads(opened, None, stack, near=[near("staffordshire", lon, lat)])
        assert {w.name[:2] for w in edition.wanted} == {"SK"}
