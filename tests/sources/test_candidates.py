"""Miles to compare a place with: picked once, counted once, and those that are like a place."""

import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import crimenb as cn
from crimenb.errors import QueryError
from crimenb.geo import MILE_M, to_metres
from crimenb.query import Area
from crimenb.schema import ASB, BTP, CATEGORIES
from crimenb.snapshot import write
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.candidates import COUNTS, FILE, MOST, Size, alike
from crimenb.sources.people_build import add_people
from tests.villages import (
    ALONE,
    MANY,
    MONTHS,
    OF_BOTH,
    VILLAGES,
    build_villages,
    write_people,
    write_postcodes,
    write_street_files,
)


@pytest.fixture(scope="module")
def villages(tmp_path_factory):
    return build_villages(tmp_path_factory.mktemp("villages"))


@pytest.fixture(scope="module")
def picked(villages):
    table = pd.read_parquet(villages.folder / FILE)
    table["x"], table["y"] = to_metres(table["longitude"], table["latitude"])
    return table


def apart(table):
    return np.hypot(*(table[c].to_numpy()[:, None] - table[c].to_numpy() for c in ("x", "y")))


def test_candidates_do_not_overlap_and_the_first_postcode_comes_first(picked):
    away = apart(picked) + np.diag(np.full(len(picked), np.inf))
    assert away.min() >= 2 * MILE_M
    assert set(VILLAGES) <= set(picked["postcode"])
    assert picked["postcode"].is_monotonic_increasing


def test_every_other_postcode_overlaps_a_candidate_before_it(villages):
    codes = pd.read_parquet(villages.folder / "postcodes.parquet")
    chosen = []
    for row in codes.sort_values("postcode").itertuples():  # the rule, said once more in the plainest way
        x, y = (float(v) for v in to_metres(row.longitude, row.latitude))
        if all(np.hypot(x - a, y - b) >= 2 * MILE_M for _, a, b in chosen):
            chosen.append((row.postcode, x, y))
    table = pd.read_parquet(villages.folder / FILE)
    # What lies beside the end of the postcode file may be policed by a force that nobody knows here.
    assert set(table["postcode"]) < {code for code, *_ in chosen}


def test_a_candidate_is_of_the_forces_that_police_it(picked):
    force = picked.set_index("postcode")["force"]
    assert force[MANY] == "leicestershire"
    assert force[ALONE] == "warwickshire"
    assert force[OF_BOTH] == "leicestershire warwickshire"
    assert set(picked["name"]) == {"Leicester", "Rugby"}


def test_records_are_counted_by_month_and_category_without_transport_police(villages, picked):
    street = pd.read_parquet(villages.folder / "street.parquet")
    street = street[street["force"] != BTP]
    x, y = to_metres(street["longitude"], street["latitude"])
    parts = []
    for row in picked.itertuples():
        here = street[np.hypot(x - row.x, y - row.y) <= MILE_M]
        counted = here.groupby(["month", "category"]).size().rename("records").reset_index()
        parts.append(counted.assign(candidate=row.postcode))
    expected = pd.concat(parts)[["candidate", "month", "category", "records"]]
    found = pd.read_parquet(villages.folder / COUNTS)
    key = ["candidate", "month", "category"]
    pd.testing.assert_frame_equal(
        found.sort_values(key, ignore_index=True), expected.sort_values(key, ignore_index=True),
        check_dtype=False,
    )  # fmt: skip
    assert villages.inventory["candidates"] == len(picked)


def test_without_postcodes_there_are_none(tmp_path):
    write_street_files(tmp_path / "csv")
    build_archive([tmp_path / "csv" / "2025-01"], tmp_path / "A")
    archive = Archive(tmp_path / "A")
    assert not archive.has_candidates
    assert archive.inventory["candidates"] == 0


def test_what_the_file_of_postcodes_leaves_open_is_no_candidate(tmp_path):
    write_street_files(tmp_path / "csv")
    codes = write_postcodes(tmp_path / "postcodes.csv", only_villages=True)
    built = build_archive([tmp_path / "csv" / "2025-01"], tmp_path / "A", postcodes=codes)
    assert built.candidates == 0  # each has two kilometres without a postcode beside it
    assert asked(Archive(tmp_path / "A"), MANY, "2025-01", "2025-01").empty


def test_months_that_are_added_are_counted(tmp_path):
    write_street_files(tmp_path / "csv")
    write_postcodes(tmp_path / "postcodes.csv")
    build_archive([tmp_path / "csv" / "2025-01"], tmp_path / "A", postcodes=tmp_path / "postcodes.csv")
    build_archive([tmp_path / "csv" / "2025-02"], tmp_path / "A", add=True)
    counts = pd.read_parquet(Archive(tmp_path / "A").folder / COUNTS)
    assert set(counts["month"]) == {"2025-01", "2025-02"}


# ------------------------------------------------------------------------ which are like a place


def made(**columns):
    table = {"postcode": [f"LE1 {i}AA" for i in range(5)], "rural_urban": ["U"] * 5,
             "residents": [1000] * 5, "jobs": [500] * 5, "crime": [100] * 5}  # fmt: skip
    return pd.DataFrame(table | columns)


HERE = Size(1000, 500, "U", 100)


@pytest.mark.parametrize(
    ("columns", "here", "like"),
    [
        ({"residents": [749, 750, 1000, 1250, 1251], "jobs": [374, 375, 500, 625, 626]}, HERE, [1, 2, 3]),
        ({"jobs": [374, 375, 500, 625, 626]}, HERE, [1, 2, 3]),
        ({"rural_urban": ["U", "R", "U", "R", ""]}, HERE, [0, 2]),
        ({"rural_urban": [""] * 5}, HERE, [0, 1, 2, 3, 4]),
        ({"jobs": [0] * 5}, HERE, [0, 1, 2, 3, 4]),
        ({"jobs": [0, 0, 500, 500, 0]}, HERE, [2, 3]),
        ({"residents": [0, 0, 1000, 0, 0]}, HERE, [2]),
        ({}, HERE._replace(residents=0), []),
        ({"residents": [0] * 5, "crime": [66, 67, 100, 150, 151]}, HERE, [1, 2, 3]),
        ({"residents": [0] * 5}, HERE._replace(crime=0), []),
    ],
    ids=["residents", "jobs", "class", "no classes", "no jobs", "jobs of some", "residents of some", "nobody here",
         "crime", "no crime here"],
)  # fmt: skip
def test_which_are_like_a_place(columns, here, like):
    assert alike(made(**columns), here).index.tolist() == like


def test_of_very_many_the_nearest_are_taken():
    n = 3 * MOST
    table = pd.DataFrame({
        "postcode": [f"{i:05}" for i in range(n)], "rural_urban": "", "residents": np.linspace(800, 1200, n).round(),
        "jobs": 0, "crime": 0,
    })  # fmt: skip
    found = alike(table, HERE)
    assert len(found) == MOST
    assert found.index.is_monotonic_increasing
    assert abs(found["residents"] - 1000).max() <= 70


def asked(archive, code, start=MONTHS[0], end=MONTHS[-1], **more):
    return cn.collect(code, start, end, source=archive, like=True, **more).like_places


def test_the_place_and_what_overlaps_it_are_left_out(villages):
    codes = set(asked(villages, MANY)["candidate"])
    assert MANY not in codes
    assert len(codes) >= 30
    x, y = VILLAGES[MANY]
    table = pd.read_parquet(villages.folder / "postcodes.parquet")
    table["x"], table["y"] = to_metres(table["longitude"], table["latitude"])
    away = np.hypot(table["x"] - x, table["y"] - y)
    beside = table.loc[(away > 500) & (away < 1500), "postcode"].iloc[0]  # no candidate itself
    assert MANY not in set(asked(villages, beside)["candidate"])


def test_every_month_and_category_has_a_row(villages):
    rows = asked(villages, ALONE)
    assert not rows.duplicated(["candidate", "month", "category"]).any()
    assert len(rows) == rows["candidate"].nunique() * len(MONTHS) * len(CATEGORIES)
    assert set(rows["postcode"]) == {ALONE}
    own = pd.read_parquet(villages.folder / COUNTS)
    one = rows["candidate"].iloc[0]
    assert (
        rows.loc[rows["candidate"] == one, "records"].sum()
        == own.loc[own["candidate"] == one, "records"].sum()
    )


def test_months_outside_the_question_are_not_there(villages):
    assert set(asked(villages, ALONE, "2025-03", "2025-08")["month"]) == set(MONTHS[2:8])


def test_a_candidate_needs_every_month_that_the_place_has(tmp_path):
    archive = build_villages(tmp_path, without=("warwickshire", "2025-05"))
    of_the_other_force = asked(archive, MANY)
    assert set(of_the_other_force["force"]) == {"leicestershire"}  # nor of both
    own = asked(archive, ALONE)
    assert set(own["force"]) == {"leicestershire", "warwickshire", "leicestershire warwickshire"}
    assert set(own["month"]) == {*MONTHS} - {"2025-05"}


def test_a_month_in_which_a_force_sent_too_few_reports_has_none(villages, tmp_path):
    held = villages._evidence_held
    thin = (held["force"] == "leicestershire") & (held["month"] == "2025-06")
    many = held.assign(asb=held["asb"] * 10)
    copy = Archive(villages.folder)
    copy.__dict__["_evidence_held"] = many.assign(asb=many["asb"].mask(thin, 1))
    rows = asked(copy, ALONE)
    reports = rows[rows["category"] == ASB]
    west = reports["force"].str.contains("leicestershire")
    assert "2025-06" not in set(reports.loc[west, "month"])
    assert "2025-06" in set(reports.loc[~west, "month"])


def test_a_custom_area_has_places_like_it(villages):
    shape = villages.place(MANY).geometry.iloc[0]
    area = cn.Query.parse("", MONTHS[0], MONTHS[-1], area=Area("Village", shape), like=True)
    rows = cn.collect(area, villages).like_places
    assert MANY not in set(rows["candidate"])
    assert set(rows["candidate"]) == set(asked(villages, MANY)["candidate"])


# ------------------------------------------------------------------------ asked for, or not


def test_without_the_question_nothing_changes(villages, tmp_path):
    data = cn.collect(MANY, MONTHS[0], MONTHS[-1], source=villages)
    assert data.like_places.empty
    write(data, tmp_path / "data")
    assert '"like"' not in (tmp_path / "data" / "manifest.json").read_text()
    assert not (tmp_path / "data" / "like_places.parquet").exists()
    assert data.query.slug == "le1-0aa_2025-01_2025-12"


def test_a_snapshot_says_that_it_was_asked_for(villages, tmp_path):
    query = cn.Query.parse(MANY, MONTHS[0], MONTHS[-1], like=True)
    data = cn.collect(query, villages)
    write(data, tmp_path / "data")
    again = cn.collect(query, "", tmp_path / "data")
    assert again.query == query
    pd.testing.assert_frame_equal(again.like_places, data.like_places)
    with pytest.raises(cn.CrimenbError, match="answers"):
        cn.collect(replace(query, like=False), "", tmp_path / "data")
    write(cn.collect(query, villages), tmp_path / "twice")
    for file in (tmp_path / "data").iterdir():
        assert file.read_bytes() == (tmp_path / "twice" / file.name).read_bytes()


@pytest.mark.parametrize("source", ["live", ""])
def test_the_live_services_have_none(source):
    with pytest.raises(QueryError, match="The live services have no places like this one"):
        cn.collect("LE1 6RN", "2025-01", "2025-12", like=True, source=source)


def test_an_archive_without_any_says_what_to_do(tmp_path):
    write_street_files(tmp_path / "csv")
    build_archive([tmp_path / "csv" / "2025-01"], tmp_path / "A")
    with pytest.raises(QueryError, match="build the archive anew, with --postcodes"):
        cn.collect("LE1 6RN", "2025-01", "2025-01", like=True, source=f"archive:{tmp_path / 'A'}")
    with pytest.raises(QueryError, match="build the archive anew"):
        cn.collect("LE1 6RN", "2025-01", "2025-01", like=True, source=Archive(tmp_path / "A"))


# ------------------------------------------------------------------------ residents


@pytest.fixture(scope="module")
def peopled(tmp_path_factory):
    """Return an archive whose people were added, and the candidates before."""
    folder = tmp_path_factory.mktemp("people")
    before = pd.read_parquet(build_villages(folder).folder / FILE)
    add_people(write_people(folder / "people"), folder / "archive")
    return Archive(folder / "archive"), before


def test_candidates_get_residents_jobs_and_a_class(peopled):
    archive, before = peopled
    table = pd.read_parquet(archive.folder / FILE)
    same = ["postcode", "name", "force", "longitude", "latitude"]
    pd.testing.assert_frame_equal(table[same], before[same])
    assert not before["residents"].any()
    village = table[table["postcode"].isin(VILLAGES)].set_index("postcode")
    order = [*VILLAGES].index
    assert village["residents"].tolist() == [1000 + 5 * (order(code) % 10) for code in village.index]
    assert village["jobs"].tolist() == [5 * (40 + order(code) % 3) for code in village.index]
    assert set(village["rural_urban"]) == {"Smaller rural: Nearer", "Smaller rural: Further"}
    others = table[~table["postcode"].isin(VILLAGES)]
    assert not others["residents"].any()


def test_a_candidate_has_what_a_report_on_its_postcode_has(peopled):
    archive, _ = peopled
    table = pd.read_parquet(archive.folder / FILE).set_index("postcode")
    counts = pd.read_parquet(archive.folder / COUNTS)
    for code in (MANY, OF_BOTH, ALONE):
        data = cn.collect(code, MONTHS[0], MONTHS[-1], source=archive)
        here = data.residents[data.residents["where"] == "here"].set_index("measure")["value"]
        assert (here["residents"], here["jobs"]) == tuple(table.loc[code, ["residents", "jobs"]])
        own = data.crimes[data.crimes["reported_by"] != BTP].groupby(["month", "category"]).size()
        found = counts[counts["candidate"] == code].set_index(["month", "category"])["records"]
        assert own.to_dict() == found.to_dict()
        cover = data.coverage[(data.coverage["share"] >= 0.02) & (data.coverage["force"] != BTP)]
        assert table.loc[code, "force"] == " ".join(sorted(cover["force"]))


def test_with_residents_they_are_alike_in_these(peopled):
    archive, _ = peopled
    rows = asked(archive, MANY)
    assert set(rows["rural_urban"]) == {"Smaller rural: Nearer"}
    assert rows["residents"].between(750, 1250).all()
    assert rows["candidate"].nunique() == 34  # five are further from a town
    assert asked(archive, ALONE)["candidate"].nunique() == 4
    data = cn.collect(MANY, MONTHS[0], MONTHS[-1], source=archive, like=True)
    table = cn.like_positions(data)
    assert table["category"].iloc[0] == "crime"
    assert table.set_index("category").loc["burglary", "position"] == "more"


def test_residents_are_kept_when_months_are_added(peopled, tmp_path):
    archive, _ = peopled
    shutil.copytree(archive.folder.parents[1], tmp_path / "archive")
    write_street_files(tmp_path / "csv")
    build_archive([tmp_path / "csv" / "2025-01"], tmp_path / "archive", add=True)
    again = Archive(tmp_path / "archive")
    for name in (FILE, COUNTS):
        pd.testing.assert_frame_equal(
            pd.read_parquet(again.folder / name), pd.read_parquet(archive.folder / name)
        )
