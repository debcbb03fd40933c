"""Who lives and works in a place: the same from an archive's files and from Nomis and the ONS by HTTP."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import shapely
from click.testing import CliRunner
from pandas.testing import assert_frame_equal

from crimenb.cli import main
from crimenb.data import check
from crimenb.errors import QueryError, SourceError
from crimenb.geo import MILE_M
from crimenb.query import Area, Query
from crimenb.snapshot import collect, read, save
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.people_build import add_people
from crimenb.sources.versions import INVENTORY, resolve
from tests.bulkfiles import postcode_file, row, street_file
from tests.nomis import LSOA_POINTS, Nomis, People, write
from tests.ons import OpenGeography
from tests.town import BORDER, BUSY, CENTRE, HAMLET, MONTHS

LEICESTER, LSOAS = 368_570, 200
"""Residents and LSOAs of the town's district in the census, so that it is known to be whole."""

PEOPLE = People.around(CENTRE, LSOAS, LEICESTER, 4_000)


@pytest.fixture(scope="module")
def peopled(town, tmp_path_factory):
    """Return the town's archive with residents, households, jobs and estimates."""
    folder = tmp_path_factory.mktemp("peopled")
    shutil.copytree(town.folder.parents[1], folder / "A")
    add_people(PEOPLE.files(folder / "files"), folder / "A")
    return Archive(folder / "A")


@pytest.fixture
def services(monkeypatch):
    """Serve the same people as Nomis and the ONS do."""
    with Nomis(PEOPLE.tables()) as nomis, OpenGeography(PEOPLE.layers(), page=300) as ons:
        monkeypatch.setenv("CRIMENB_NOMIS_URL", nomis.url)
        monkeypatch.setenv("CRIMENB_ONS_URL", ons.url)
        nomis.ons = ons
        yield nomis


def held(source, postcode=BUSY, area=None):
    place = source.custom_place(area) if area is not None else source.place(postcode)
    return source.pull(place, MONTHS[-3:]).context


def here(source, postcode=BUSY, area=None):
    found = held(source, postcode, area)["residents"]
    return found[found["where"] == "here"].reset_index(drop=True)


# ------------------------------------------------------------------------ both sources


RING = Area("ring", shapely.Point(CENTRE).buffer(0.02).difference(shapely.Point(CENTRE).buffer(0.006)))


@pytest.mark.parametrize(("postcode", "area"), [(BUSY, None), (BORDER, None), ("", RING)])
def test_files_and_services_give_the_same_numbers(peopled, services, town, serve, live, postcode, area):
    serve(town)
    one, other = here(peopled, postcode, area), here(live(), postcode, area)
    assert_frame_equal(one, other)
    check("residents", one)
    assert one["measure"].tolist() == ["residents", "households", "jobs", "estimate"]
    assert one["unit"].tolist() == ["output areas", "output areas", "LSOAs", "LSOAs"]
    assert one["year"].tolist() == ["2021", "2021", "2024", "2024"]


def test_the_areas_whose_point_is_in_the_mile_are_summed(peopled):
    found = here(peopled).set_index("measure")
    inside = PEOPLE.inside(PEOPLE.oas, CENTRE, MILE_M)
    assert found.loc["residents", ["value", "counted"]].tolist() == [
        sum(a.residents for a in inside),
        len(inside),
    ]
    large = PEOPLE.inside(PEOPLE.lsoas, CENTRE, MILE_M)
    assert found.loc["jobs", ["value", "counted"]].tolist() == [sum(a.jobs for a in large), len(large)]


def test_a_place_with_too_few_areas_has_no_row_and_no_nought(peopled, services, town, serve, live):
    serve(town)
    for source in (peopled, live()):
        assert held(source, HAMLET).get("residents", pd.DataFrame()).empty


# ------------------------------------------------------------------------ the rest of the district


def test_the_rest_of_a_district_is_the_whole_less_the_place(peopled):
    context = held(peopled)
    table = context["residents"].set_index(["where", "measure"])
    assert table.loc[("district", "residents"), "area"] == "E06000016"
    assert table.loc[("district", "residents"), "name"] == "Leicester"
    total = table.loc[("here", "residents"), "value"] + table.loc[("district", "residents"), "value"]
    assert total == LEICESTER
    # Of Leicestershire the other districts are not held.
    assert "force" not in {*table.index.get_level_values("where")}


def test_records_of_the_district_are_counted_by_the_nearest_postcode(peopled):
    context, place = held(peopled), peopled.place(BUSY)
    counts = context["district_counts"]
    check("district_counts", counts)
    street = pd.read_parquet(peopled.folder / "street.parquet")
    street = street[street["month"].isin(MONTHS[-3:]) & (street["force"] != "btp")]
    crimes = peopled.pull(place, MONTHS[-3:]).crimes
    own = int((crimes["reported_by"] != "btp").sum())
    # All postcodes of the town are in one district; the records of the hamlet are near some of its postcodes.
    assert int(counts["rest"].sum()) == len(street) - own
    assert len(counts) == 3 * 14


def test_a_later_month_that_is_built_in_is_counted_in_the_district_too(town, tmp_path):
    archive = Path(shutil.copytree(town.folder.parents[1], tmp_path / "A"))
    add_people(PEOPLE.files(tmp_path / "files"), archive)
    before = Archive(archive)
    street_file(tmp_path / "src", [row("2026-01", *map(str, CENTRE))] * 7, "2026-01")
    for add in (True, False):
        build_archive(
            [tmp_path / "src"], archive, add=add, postcodes=town.folder.parents[2] / "postcodes.csv"
        )
        after = Archive(archive)
        assert after.folder != before.folder
        assert after.inventory["residents"] == before.inventory["residents"]
        counts = pd.read_parquet(after.folder / "district_counts.parquet")
        assert counts.loc[counts["month"] == "2026-01", "located"].sum() == 7
        after.close()
    assert_frame_equal(here(before), here(Archive(archive)))


# ------------------------------------------------------------------------ by postcode


@pytest.fixture
def small(tmp_path):
    """Return an archive of two forces with some hundred postcodes, and the folder for files."""
    street_file(tmp_path / "src", [row("2025-01")] * 3, "2025-01")
    build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcode_file(tmp_path))
    return tmp_path / "A", tmp_path


def p001(folder, counts, name="pcd_p001.csv"):
    rows = [("Postcode", "Sex (2 categories) Code", "Sex (2 categories)", "Count")]
    rows += [(code, "1", "Female", str(n - n // 2)) for code, n in counts.items()]
    rows += [(code, "2", "Male", str(n // 2)) for code, n in counts.items()]
    return write(folder / name, rows)


def test_postcodes_are_placed_and_those_without_a_place_are_counted_and_said(small):
    archive, folder = small
    # ZZ5 5AF was closed since; ZZ55XX is not in the postcode file, and ZZ5 5AD has no position.
    counts = {"ZZ55AA": 400, "ZZ5 5AF": 100, "ZZ55XX": 60, "ZZ5 5AD": 40}
    said = add_people([p001(folder, counts)], archive)
    assert said == [
        "Residents: 500 in 2 postcodes, 2021. ONS Census 2021, P001.",
        "  without a place here: 2 postcodes with 100 (16.7%).",
    ]
    table = here(Archive(archive), "ZZ5 5AA")
    assert table[["measure", "value", "counted", "unit"]].values.tolist() == [
        ["residents", 500, 2, "postcodes"]
    ]


def test_a_district_is_whole_where_its_residents_are_as_many_as_in_the_census(small):
    archive, folder = small
    counts = {"ZZ55AA": 68_570, "ZZ6 0AA": 300_000}
    # Cells are changed a little by the ONS, and sums differ by some.
    for off, whole in ((0, True), (9_000, True), (20_000, False), (-20_000, False)):
        add_people([p001(folder, counts | {"ZZ6 0AA": 300_000 + off})], archive)
        table = held(Archive(archive), "ZZ5 5AA")["residents"].set_index("where")
        assert ("district" in table.index) == whole, off
    add_people([p001(folder, counts)], archive)
    table = held(Archive(archive), "ZZ5 5AA")["residents"].set_index("where")
    assert table.loc["here", "value"] + table.loc["district", "value"] == LEICESTER


def test_a_force_is_whole_where_all_its_districts_are(small):
    archive, folder = small
    districts = pd.read_csv(Path(__file__).parents[2] / "src/crimenb/reference/districts.csv", dtype="str")
    # One postcode for each district of Warwickshire, all but one of them far from the others.
    of_force = districts[districts["force"] == "warwickshire"]
    lines = (folder / "ONSPD_TEST_UK.csv").read_text().splitlines()
    far = {}
    for n, (code, residents) in enumerate(zip(of_force["district"], of_force["residents"], strict=True)):
        postcode = f"ZZ8 {n}AA"
        lines.append(f"{postcode},{postcode},,1,E92000001,{code},,,E23000017,{51.5 + n / 50},-1.6")
        far[postcode] = int(residents) - (1000 if code == "E07000220" else 0)
    (folder / "more_ONSPD_UK.csv").write_text("\n".join(lines))
    build_archive([folder / "src"], archive, postcodes=folder / "more_ONSPD_UK.csv")
    add_people([p001(folder, far | {"ZZ55AB": 1000})], archive)
    table = held(Archive(archive), "ZZ5 5AB")["residents"].set_index("where")
    assert table.loc["here", "value"] == 1000
    assert (table.loc["force", "area"], table.loc["force", "name"]) == ("warwickshire", "Warwickshire")
    assert table.loc["force", "value"] == sum(far.values())
    gone = next(iter(far))
    add_people([p001(folder, {k: v for k, v in far.items() if k != gone} | {"ZZ55AB": 1000})], archive)
    assert "force" not in {*held(Archive(archive), "ZZ5 5AB")["residents"]["where"]}


def test_postcodes_are_taken_before_output_areas_and_these_before_lsoas(peopled, tmp_path):
    archive = Path(shutil.copytree(peopled.folder.parents[1], tmp_path / "A"))
    add_people([p001(tmp_path, {"LE1 1AA": 777})], archive)
    table = here(Archive(archive)).set_index("measure")
    assert table.loc["residents", ["value", "unit"]].tolist() == [777, "postcodes"]
    assert table.loc["households", "unit"] == "output areas"


def test_a_gap_of_the_postcode_file_gives_no_number(tmp_path):
    street_file(tmp_path / "src", [row("2025-01")], "2025-01")
    build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcode_file(tmp_path, west_only=True))
    add_people([p001(tmp_path, {"ZZ55AA": 400, "ZZ5 5AB": 10})], tmp_path / "A")
    source = Archive(tmp_path / "A")
    assert source.pull(source.place("ZZ5 5AB"), ["2025-01"]).context == {}
    assert len(here(source, "ZZ5 5AA")) == 1


def test_a_suppressed_area_leaves_the_sum_unknown(small):
    archive, folder = small
    rows = [("date", "geography code", "Number of households")]
    rows += [("2021", f"E00{n:06d}", "100" if n else "") for n in range(9)]
    points = [
        ("OA21CD", "long", "lat"),
        *((f"E00{n:06d}", str(-1.135 + n / 1000), "52.63") for n in range(9)),
    ]
    said = add_people([write(folder / "ts041.csv", rows), write(folder / "points.csv", points)], archive)
    assert said[-1] == "  suppressed, and not counted as nought: 1 output area."
    assert held(Archive(archive), "ZZ5 5AA")["residents"].empty


def test_lsoas_without_points_are_in_the_middle_of_their_postcodes(small):
    archive, folder = small
    rows = [
        ("geography code", "date", "Residence type: Total; measures: Value"),
        ("E01000001", "2021", "1500"),
    ]
    add_people([write(folder / "ts001.csv", rows)], archive)
    stored = pd.read_parquet(resolve(archive) / "residents.parquet").iloc[0]
    codes = pd.read_parquet(resolve(archive) / "postcodes.parquet")
    own = codes[(codes["lsoa"] == "E01000001") & (codes["refused"] == "")]
    assert stored["longitude"] == pytest.approx(own["longitude"].mean(), abs=1e-6)


def test_output_areas_without_points_are_refused_and_the_archive_stays(small):
    archive, folder = small
    version = resolve(archive)
    with pytest.raises(
        QueryError, match=r"no place of the output areas of jobs: give the ONS's points of them too"
    ):
        add_people([write(folder / "wp.csv", [("Output Areas Code", "Count"), ("E00000001", "9")])], archive)
    with pytest.raises(
        QueryError, match=r"no place of the postcodes of households: none of its .* is in the file"
    ):
        add_people([write(folder / "p002.csv", [("Postcode", "Count"), ("AB1 1AA", "9")])], archive)
    with pytest.raises(SourceError, match="holds no residents"):
        add_people([write(folder / "other.csv", [("a", "b")])], archive)
    assert resolve(archive) == version
    assert not list(archive.glob(".new*"))


def test_an_archive_without_postcodes_cannot_place_anybody(tmp_path):
    street_file(tmp_path / "src", [row("2025-01")], "2025-01")
    build_archive([tmp_path / "src"], tmp_path / "A")
    with pytest.raises(
        QueryError, match="holds no postcodes, which place residents; build it with --postcodes"
    ):
        add_people([p001(tmp_path, {"ZZ55AA": 4})], tmp_path / "A")


# ------------------------------------------------------------------------ the command, and what is said


def test_the_command_makes_a_new_version_and_info_names_what_is_held(small):
    archive, folder = small
    before = Archive(archive)
    write(folder / "ruc.csv", [("LSOA21CD", "RUC21CD", "RUC21NM"), ("E01000001", "UN1", "Urban: Nearer")])
    files = [str(p001(folder, {"ZZ55AA": 700})), str(folder / "ruc.csv")]
    result = CliRunner().invoke(main, ["archive", "people", *files, "--into", str(archive)])
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[:2] == [
        "Residents: 700 in 1 postcode, 2021. ONS Census 2021, P001.",
        "Rural-urban classes: 1 LSOA, 2021. ONS rural-urban classification 2021.",
    ]
    shown = CliRunner().invoke(main, ["archive", "info", str(archive)]).output
    assert "Residents: 700 in 1 postcode, 2021. ONS Census 2021, P001." in shown
    after = Archive(archive)
    assert before.folder != after.folder
    assert "residents and jobs" not in before.describe()
    assert after.describe()["residents and jobs"].startswith(
        "residents: ONS Census 2021, P001, 2021, by postcode. "
    )
    assert "Open Government Licence" in after.describe()["residents and jobs"]
    assert json.loads((after.folder / INVENTORY).read_text())["rural_urban"]["areas"] == 1
    result = CliRunner().invoke(main, ["archive", "people", str(folder / "none.csv"), "--into", str(archive)])
    assert (result.exit_code, result.output.count("\n")) == (2, 1)


def test_a_snapshot_keeps_the_frames(peopled, tmp_path):
    query = Query.parse(BUSY, MONTHS[-3], MONTHS[-1])
    first = collect(query, peopled)
    save(query, peopled, tmp_path / "data")
    again = read(tmp_path / "data", query)
    for name in ("residents", "district_counts"):
        assert len(getattr(first, name)) > 0
        assert_frame_equal(getattr(first, name), getattr(again, name))
    assert "residents and jobs" in again.source


# ------------------------------------------------------------------------ Nomis and the ONS


def test_a_second_run_asks_nothing_and_names_what_was_used(services, town, serve, live):
    serve(town)
    source = live()
    first = here(source)
    said = source.describe()["residents and jobs"]
    assert "jobs: ONS Business Register and Employment Survey (employees), 2024, by LSOA" in said
    assert LSOA_POINTS in said
    assert "residents not answered" not in source.describe()
    codes = [q["geography"].split(",") for p, q in services.asked if p.endswith("NM_2021_1.data.csv")]
    assert max(map(len, codes)) <= 100 < sum(map(len, codes))
    services.asked.clear()
    services.ons.asked.clear()
    assert_frame_equal(first, here(live()))
    assert services.asked == services.ons.asked == []


def test_another_year_is_another_question(services, town, serve, live, monkeypatch):
    serve(town)
    monkeypatch.setattr("crimenb.sources.nomis._DAY", 0.0)  # which year is the newest is asked once a day
    assert here(live())["year"].tolist()[2:] == ["2024", "2024"]
    for key in ("NM_189_1", "NM_2014_1"):
        rows = services.tables[key].rows
        services.tables[key].rows = rows + [("2025", *r[1:]) for r in rows if r[0] == "2024"]
    assert here(live())["year"].tolist()[2:] == ["2025", "2025"]


def failed(source, caplog, postcode=BUSY):
    """Return why a place has no residents; it has its records, and one sentence says so on stderr too."""
    caplog.clear()
    place = source.place(postcode)
    pull = source.pull(place, MONTHS[-3:])
    assert len(pull.crimes) > 0
    assert "residents" not in pull.context
    sentence = source.describe()["residents not answered"]
    assert [m for m in caplog.messages if "streets" not in m] == [sentence]
    assert sentence.startswith(f"{postcode}: how many people live and work here is not known now: ")
    return sentence


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda _: "", "empty, as it is to a question"),
        (lambda text: text.splitlines()[0] + "\n", "gives no row for E0"),
        (lambda text: text[: len(text) // 2], "cut off|no column|does not say|rows of"),
        (lambda text: "\n".join(text.splitlines()[:-1]), "it gives .* rows of"),
        (lambda text: text.replace("E0", "E1"), "where .* were asked for"),
        (lambda text: text.replace("RECORD_COUNT", "RECORDS"), "has no column 'record_count'"),
        (lambda text: text.replace("OBS_VALUE", "VALUE"), "has no column 'obs_value'"),
        (lambda _: "<html>Maintenance</html>", "has no column"),
    ],
)
def test_an_answer_that_is_not_about_what_was_asked_is_no_number(
    services, town, serve, live, caplog, change, says
):
    serve(town)
    services.changes = [change]
    assert re.search(says, failed(live(), caplog))


def test_an_unfiltered_answer_is_noticed(services, town, serve, live, caplog, monkeypatch):
    serve(town)
    # The service knows the parameter under another name: it answers with all rows.
    services.tables["NM_2021_1"].dimensions = ("c2021_restype",)
    assert "has no column 'c2021_restype_3'" in failed(live(), caplog)
    services.tables["NM_2021_1"].dimensions = ("c2021_restype_3",)
    real = services.csv
    monkeypatch.setattr(
        services, "csv", lambda t, q: real(t, {k: v for k, v in q.items() if k != "c2021_restype_3"})
    )
    assert "holds more than c2021_restype_3=0" in failed(live(), caplog)


def test_another_table_under_the_number_is_not_used(services, town, serve, live, caplog):
    serve(town)
    services.tables["NM_2059_1"].name = "TS006 - Population density"
    assert "has 'TS006 - Population density' under NM_2059_1, where TS041 was" in failed(live(), caplog)


def test_the_year_before_is_taken_where_small_areas_have_no_number_yet(services, town, serve, live):
    serve(town)
    jobs = services.tables["NM_189_1"]
    # Districts have 2025 already; small areas have it without a number.
    jobs.rows = jobs.rows + [("2025", *r[1:5], "", "Q") for r in jobs.rows if r[0] == "2024"]
    first = here(live()).set_index("measure")
    assert first.loc["jobs", "year"] == "2024"


def test_a_suppressed_answer_is_no_nought(services, town, serve, live):
    serve(town)
    inside = PEOPLE.inside(PEOPLE.oas, CENTRE, MILE_M)
    table = services.tables["NM_2059_1"]
    table.rows = [(*r[:2], "", "Q") if r[1] == inside[0].code else r for r in table.rows]
    assert here(live())["measure"].tolist() == ["residents", "jobs", "estimate"]


@pytest.mark.parametrize("which", ["nomis", "ons"])
def test_a_service_that_does_not_answer_stops_no_report(services, town, serve, live, caplog, which):
    serve(town)
    if which == "nomis":
        services.down = True
        assert "HTTP 503" in failed(live(), caplog)
    else:
        services.ons.error = {"code": 499, "message": "Token Required"}
        assert "Token Required" in failed(live(), caplog)


def test_points_that_the_ons_does_not_offer(services, town, serve, live, caplog):
    serve(town)
    del services.ons.layers["OA_December_2021_EW_PWC_V4"]
    assert "offers no points of output areas of 2021 now" in failed(live(), caplog)
