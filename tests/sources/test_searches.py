"""Searches by the police: read into an archive and asked live, and what is said of each force's months."""

import csv
from collections import Counter
from pathlib import Path

import pyproj
import pytest
import shapely
from pandas.testing import assert_frame_equal

import crimenb as cn
from crimenb.errors import QueryError, SourceError
from crimenb.measures.searches import searches_of
from crimenb.query import Area, Query, months_between
from crimenb.snapshot import collect
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.archive_info import info
from crimenb.sources.official_files import SEARCHES_COLUMNS
from tests.bulkfiles import postcode_file, row, street_file
from tests.real import REAL, needs_real_data

MONTHS = months_between("2025-03", "2025-06")


def search(time="2025-03-05T14:00:00+00:00", lat="52.630000", lon="-1.130000", *, kind="Person search", outcome="Arrest",
           linked="True", said="White - Irish", officer="White", law="Misuse of Drugs Act 1971 (section 23)"):  # fmt: skip
    return f"{kind},{time},False,,{lat},{lon},Male,18-24,{said},{officer},{law},Controlled drugs,{outcome},{linked},False"


def searches_file(folder: Path, rows, month="2025-03", force="leicestershire") -> Path:
    path = folder / month / f"{month}-{force}-stop-and-search.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([SEARCHES_COLUMNS, *rows]) + "\n")
    return path


@pytest.fixture
def files(tmp_path):
    """Street files of four months, and stop-and-search files of some: a usual one, one that is thin, an empty one."""
    src = tmp_path / "src"
    for month in MONTHS:
        street_file(src, [row(month=month)], month)
    searches_file(src, [search(), search(), search(lat="", lon=""), search(outcome="", linked=""),
                        search("2025-03-31T23:30:00+00:00", kind="Vehicle search", said="", officer=""), *[search(lat="53.9")] * 25,
                        search("2025-02-01T10:00:00+00:00"), search(time="yesterday"), search(lat="")])  # fmt: skip
    searches_file(
        src,
        [search("2025-04-30T23:30:00+00:00"), *[search("2025-05-02T01:00:00+00:00", "53.9")] * 29],
        "2025-05",
    )
    searches_file(src, [search("2025-06-10T00:00:00+00:00")], "2025-06")
    return src


@pytest.fixture
def archive(files, tmp_path):
    build_archive([files], tmp_path / "A", postcodes=postcode_file(tmp_path))
    return tmp_path / "A"


def asked(archive, start="2025-03", end="2025-06"):
    return collect(Query.parse("ZZ5 5AA", start, end, stops=True), f"archive:{archive}")


def test_a_build_keeps_copies_and_searches_without_a_place_and_says_so(files, tmp_path):
    built = build_archive([files], tmp_path / "A", postcodes=postcode_file(tmp_path))
    said = "\n".join(built.lines())
    assert (
        "3 stop-and-search files, 2025-03 to 2025-06: 61 searches, 1 without a location; 53 are identical to another"
        in said
    )
    for reason in ("another month than the file", "no readable time", "only one coordinate"):
        assert f"1 row of 2025-03-leicestershire-stop-and-search.csv ({reason})" in said


def test_each_month_of_a_force_has_its_status(archive):
    data = asked(archive)
    states = dict(zip(data.searches_months["month"], data.searches_months["status"], strict=True))
    assert states == {
        "2025-03": "partly supplied", "2025-04": "not in this archive", "2025-05": "published", "2025-06": "suspiciously low",
    }  # fmt: skip
    why = data.searches_months["why"]
    assert why[0] == "3 rows of Leicestershire's stop-and-search file could not be read."
    assert why[1] == (
        "Leicestershire's stop-and-search file (2025-04-leicestershire-stop-and-search.csv) is not in this archive."
    )
    assert why[3] == "Leicestershire's file has 1 search, and 30 are usual."
    assert data.searches_months["unplaced"].tolist() == [1, -1, 0, 0]


def test_a_missing_month_is_a_gap_and_no_zero(archive):
    table = cn.searches_by_month(asked(archive))
    assert table["n"].isna().tolist() == [False, True, False, False]
    assert table["n"].dropna().tolist() == [4, 1, 1]


def test_an_empty_file_proves_nothing(files, tmp_path):
    searches_file(files, [], "2025-04")
    build_archive([files], tmp_path / "A", postcodes=postcode_file(tmp_path))
    states = asked(tmp_path / "A").searches_months.set_index("month")["status"]
    assert states["2025-04"] == "probably not supplied"


def test_events_are_counted_by_what_they_were(archive):
    data = asked(archive, "2025-03", "2025-03")
    found = searches_of(data)
    assert (found.total, found.twice, found.vehicles) == (4, 1, 1)
    outcomes = cn.count_searches(data, by="outcome").set_index("group")
    assert outcomes["searches"].to_dict() == {"Arrest": 3, "Not recorded": 1}
    assert outcomes["linked"].to_dict() == {"Arrest": 3, "Not recorded": 0}
    assert outcomes["share"].isna().all()  # of so few (R21)
    # A search of a vehicle alone is of no person.
    assert cn.count_searches(data, by="self_defined")["searches"].sum() == 3


def test_times_are_those_of_the_clock_and_midnight_may_be_none(archive):
    march = asked(archive, "2025-03", "2025-03")
    hours = cn.count_searches(march, by="hour").set_index("group")["searches"]
    assert hours["12:00 to 14:59"] == 3
    assert hours["00:00 to 02:59"] == 1  # 23:30 in UTC is 00:30 in summer
    june = asked(archive, "2025-06", "2025-06")  # 01:00 by the clock, 00:00 in UTC: a day without a time
    assert searches_of(june).at_midnight == 1
    assert cn.count_searches(june, by="hour").empty


def test_what_is_added_stays_and_replaces_only_its_own_file(archive, files, tmp_path):
    new = tmp_path / "new"
    street_file(new, [row(month="2025-06")], "2025-06")
    searches_file(new, [search("2025-06-02T10:00:00+00:00")] * 3, "2025-06")
    build_archive([new], archive, add=True)
    table = cn.searches_by_month(asked(archive))
    assert table["n"].dropna().tolist() == [4, 1, 3]
    assert len(Archive(archive).inventory["search_files"]) == 3


def test_what_an_archive_has_of_searches_is_listed(archive):
    said = "\n".join(info(archive))
    assert (
        "Stop and search: 61 searches, 1 without a location\n  Leicestershire: 2025-03, 2025-05 to 2025-06"
        in said
    )


def test_an_archive_without_searches_says_how_to_get_them(files, tmp_path):
    for file in files.rglob("*stop-and-search.csv"):
        file.unlink()
    build_archive([files], tmp_path / "B", postcodes=postcode_file(tmp_path))
    assert not (Archive(tmp_path / "B").folder / "searches.parquet").exists()
    with pytest.raises(QueryError, match=r"holds no stop-and-search files .*leave out --stops"):
        asked(tmp_path / "B")


def test_a_foreign_file_stops_the_build(files, tmp_path):
    (files / "2025-04" / "2025-04-leicestershire-stop-and-search.csv").write_text(
        "Type,Date,Part of a policing operation\n"
    )
    with pytest.raises(SourceError, match="lacks 'age range'"):
        build_archive([files], tmp_path / "C")


def test_an_unknown_way_to_count_is_one_sentence(archive):
    with pytest.raises(
        QueryError, match=r"There is no by='gender' for searches; choose one of object, power"
    ):
        cn.count_searches(asked(archive), by="gender")


# ------------------------------------------------------------------------ live


def live_asked(start="2025-03", end="2025-06", **more):
    return collect(Query.parse("ZZ5 5AA", start, end, stops=True), more.get("source", "live"))


def test_live_the_list_of_months_says_who_supplied(archive, serve, live):
    serve(Archive(archive))
    data = live_asked(source=live())
    assert data.searches_months["status"].tolist() == ["published", "not supplied", "published", "published"]
    assert data.searches_months["unplaced"].tolist() == [1, -1, 0, 0]
    assert data.searches_months["searches"].tolist() == [-1] * 4
    assert cn.searches_by_month(data)["n"].dropna().tolist() == [4, 1, 1]


def test_live_a_month_that_fails_ends_the_report_or_is_a_gap(archive, serve, live):
    service = serve(Archive(archive))
    found = service.records.searches
    service.records.searches = found.assign(
        time=found["time"].where(found["month"] != "2025-05", "2024-01-01T10:00:00+00:00")
    )
    with pytest.raises(SourceError, match=r"searches of 2025-05.*2024-01"):
        live_asked(source=live())
    data = live_asked(source=live(allow_missing=True))
    assert data.searches_months["status"].tolist()[2] == "failed"
    assert cn.searches_by_month(data)["n"].isna().tolist() == [False, True, True, False]


def test_live_an_area_has_the_searches_of_the_archive_and_each_once(archive, serve, live):
    outer = shapely.box(-1.16, 52.61, -1.10, 52.65).difference(shapely.box(-1.12, 52.62, -1.115, 52.64))
    query = Query.parse("", "2025-03", "2025-06", area=Area("ring", outer), stops=True)
    serve(Archive(archive))
    found = [
        collect(query, source).searches.drop(columns="reported_by") for source in (Archive(archive), live())
    ]
    assert len(found[0]) == 6
    assert_frame_equal(*found)


def test_live_searches_are_asked_for_once(archive, serve, live):
    service = serve(Archive(archive))
    live_asked(source=live())
    first = [a.path for a in service.log if "stops-" in a.path]
    assert (first.count("/api/stops-street"), first.count("/api/stops-no-location")) == (3, 3)
    live_asked(source=live())
    assert len([a for a in service.log if "stops-" in a.path]) == 6


# ------------------------------------------------------------------------ real files

PLACES = ["LU1 2LJ", "MK40 1NS", "LU1 4HZ"]  # Luton, Bedford, and the village of Caddington
SPAN = ("2021-05", "2024-04")
MILE = 1609.344


@pytest.fixture(scope="module")
def bedfordshire(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bedfordshire") / "A"
    files = sorted((REAL / "police-uk-36-months").rglob("*.csv"))
    files = [f for f in files if not f.name.endswith("outcomes.csv")]
    codes = [REAL / "code-point-open-more" / f"{area}.csv" for area in ("lu", "mk")]
    areas = REAL / "geography" / "police-force-areas-simplified.geojson"
    build_archive(files, folder, postcodes=codes, force_areas=areas)
    return folder


def counted_apart(postcode: str) -> dict[str, Counter]:
    """Count the searches in the mile around a postcode straight from the files."""
    area = postcode[:2].lower()
    with (REAL / "code-point-open-more" / f"{area}.csv").open() as stream:
        x, y = next(
            (float(r[2]), float(r[3]))
            for r in csv.reader(stream)
            if r[0].replace(" ", "") == postcode.replace(" ", "")
        )
    to_metres = pyproj.Transformer.from_crs(4326, 27700, always_xy=True).transform
    counts: dict[str, Counter] = {
        k: Counter() for k in ("month", "object", "outcome", "self_defined", "officer_defined")
    }
    for file in sorted((REAL / "police-uk-36-months").rglob("*-stop-and-search.csv")):
        with file.open() as stream:
            for r in csv.DictReader(stream):
                if not r["Latitude"]:
                    continue
                east, north = to_metres(float(r["Longitude"]), float(r["Latitude"]))
                if (east - x) ** 2 + (north - y) ** 2 > MILE**2:
                    continue
                counts["month"][file.name[:7]] += 1
                counts["object"][r["Object of search"] or "Not recorded"] += 1
                counts["outcome"][r["Outcome"] or "Not recorded"] += 1
                if r["Type"] != "Vehicle search":
                    said = r["Self-defined ethnicity"]
                    group = (
                        "Not stated"
                        if said.endswith("Not stated")
                        else said.partition(" - ")[0] or "Not recorded"
                    )
                    counts["self_defined"][group] += 1
                    counts["officer_defined"][r["Officer-defined ethnicity"] or "Not recorded"] += 1
    return counts


def check(data, expected):
    months = cn.searches_by_month(data)
    assert dict(zip(months["month"], months["n"], strict=True)) == {
        m: expected["month"][m] for m in months_between(*SPAN)
    }
    for by in ("object", "outcome", "self_defined", "officer_defined"):
        table = cn.count_searches(data, by=by)
        assert dict(zip(table["group"], table["searches"], strict=True)) == expected[by], by


@needs_real_data
@pytest.mark.parametrize("postcode", PLACES)
def test_real_searches_are_those_counted_apart_from_an_archive_and_live(postcode, bedfordshire, serve, live):
    expected = counted_apart(postcode)
    assert expected["month"].total() == {"LU1 2LJ": 2785, "MK40 1NS": 1886, "LU1 4HZ": 60}[postcode]
    archive = Archive(bedfordshire)
    query = Query.parse(postcode, *SPAN, stops=True)
    from_archive = collect(query, archive)
    check(from_archive, expected)
    assert searches_of(from_archive).unplaced == [("bedfordshire", 2319, 11810)]
    serve(archive)
    from_service = collect(query, live())
    check(from_service, expected)
    assert searches_of(from_service).unplaced == [("bedfordshire", 2319, -1)]
    unknown = ["reported_by"]
    assert_frame_equal(
        from_archive.searches.drop(columns=unknown), from_service.searches.drop(columns=unknown)
    )
    archive.close()
