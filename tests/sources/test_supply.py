"""What a file shows that its force supplied, and what never gets lost between a file and the page."""

import json
import shutil
from collections import Counter

import pandas as pd
import pytest

from crimenb import (
    at_a_glance,
    category_chart,
    count_by_category,
    count_by_month,
    count_by_month_and_category,
    do_not_say,
    show,
    title,
    trend_chart,
)
from crimenb.data import frame
from crimenb.errors import SourceError
from crimenb.month_status import judge
from crimenb.query import Query
from crimenb.snapshot import MANIFEST, collect, read, write
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.versions import resolve
from tests.bulkfiles import postcode_file, row, street_file
from tests.real import REAL, needs_real_data

CASES = REAL / "cases"
needs_cases = pytest.mark.skipif(not CASES.is_dir(), reason="recorded cases are not here (CRIMENB_REAL_DATA)")
PLACE = "ZZ5 5AA"
EAST = {"lon": "-1.100000"}  # in Warwickshire, 2 km from the place


def archive_of(tmp_path, **options):
    build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcode_file(tmp_path), **options)
    return Archive(tmp_path / "A")


def status(archive, months, postcode=PLACE):
    pull = archive.pull(archive.place(postcode), months)
    table = judge(postcode, months, pull.coverage, pull.evidence, pull.crimes).set_index("month")
    return table, pull


@needs_cases
def test_strays_of_another_area_are_no_supply(tmp_path):
    case = CASES / "gmp-2022-08"
    build_archive([case / "files"], tmp_path / "A", postcodes=case / "postcodes")
    data = collect(Query.parse("M1 1AE", "2022-07", "2022-09"), f"archive:{tmp_path / 'A'}")
    assert data.months["status"].tolist() == ["not supplied"] * 3
    assert "Greater Manchester has supplied no crime data since July 2019" in data.months["why"].iloc[1]
    assert set(data.coverage["months"]) == {""}
    codes = [REAL / "code-point-open" / "le.csv", case / "postcodes" / "m.csv"]
    build_archive([case / "files"], tmp_path / "B", postcodes=codes)
    leicester = collect(Query.parse("LE1 6RN", "2022-07", "2022-09"), f"archive:{tmp_path / 'B'}")
    assert set(leicester.months["status"]) == {"published"}


def test_strays_where_no_gap_is_known_are_not_in_this_archive(tmp_path):
    for month, n in (("2025-01", 40), ("2025-02", 40), ("2025-03", 1)):
        street_file(tmp_path / "src", [row(month)] * n, month)
    street_file(tmp_path / "src", [row("2025-04", **EAST)] * 40, "2025-04")
    table, pull = status(archive_of(tmp_path), ["2025-01", "2025-02", "2025-03", "2025-04"])
    assert table["status"].tolist() == [
        "published",
        "published",
        "not in this archive",
        "not in this archive",
    ]
    assert "holds only one record of its own area; other months hold about 40" in table["why"]["2025-03"]
    assert "2025-04-leicestershire-street.csv) holds no record of its own area" in table["why"]["2025-04"]
    assert pull.coverage.set_index("force")["months"]["leicestershire"] == "2025-01 2025-02"
    assert set(pull.surroundings["month"]) == {"2025-01", "2025-02"}


def test_force_areas_decide_what_is_a_forces_own(tmp_path):
    street_file(tmp_path / "src", [row()] * 5)
    street_file(tmp_path / "src", [row("2025-02", **EAST)] * 5, "2025-02")
    box = [[[-1.2, 52.5], [-1.115, 52.5], [-1.115, 52.7], [-1.2, 52.7], [-1.2, 52.5]]]
    shape = {"type": "Feature", "properties": {"PFA24NM": "Leicestershire"},
             "geometry": {"type": "Polygon", "coordinates": box}}  # fmt: skip
    areas = tmp_path / "areas.geojson"
    areas.write_text(json.dumps({"type": "FeatureCollection", "features": [shape]}))
    archive = archive_of(tmp_path, force_areas=areas)
    assert [archive.supplied["leicestershire", m].state for m in ("2025-01", "2025-02")] == [
        "supplied",
        "absent",
    ]


def test_a_gap_is_overtaken_by_the_forces_own_records_in_their_usual_number(tmp_path):
    """Gwent, whose files of September to December 2025 came late."""
    postcodes = postcode_file(tmp_path)
    postcodes.write_text(postcodes.read_text().replace("E23000021", "W15000002"))
    for month, n in (("2025-07", 40), ("2025-08", 40), ("2025-09", 30), ("2025-10", 15), ("2025-11", 0)):
        rows = [row(month).replace("Leicestershire", "Gwent")] * n
        street_file(tmp_path / "src", rows, month, "gwent")
    build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcodes)
    table, _ = status(Archive(tmp_path / "A"), ["2025-08", "2025-09", "2025-10", "2025-11"])
    assert table["status"].tolist() == ["published", "published", "not supplied", "not supplied"]


def test_a_file_without_rows_is_a_gap_and_no_zero(tmp_path):
    for month, n in (("2025-01", 9), ("2025-02", 0), ("2025-03", 9)):
        street_file(tmp_path / "src", [row(month)] * n, month)
    archive_of(tmp_path)
    data = collect(Query.parse(PLACE, "2025-01", "2025-03"), f"archive:{tmp_path / 'A'}")
    assert data.months["status"].tolist() == ["published", "not in this archive", "published"]
    assert "(2025-02-leicestershire-street.csv) holds no rows" in data.months["why"].iloc[1]
    table = count_by_month(data)
    assert table["crime"].tolist() == [9, pd.NA, 9]
    assert table["asb"].tolist() == [0, pd.NA, 0]
    drawn = [rows for rows in trend_chart(table).to_dict()["datasets"].values() if "n" in rows[0]]
    assert [r["n"] for r in drawn[0]] == [9, None, 9]
    said = at_a_glance(data).text
    assert (
        "The Leicestershire file for February 2025 is not in this archive, so that month is missing, not zero"
        in said
    )
    assert "Police recorded 18 crimes and 0 reports of anti-social behaviour" in said
    assert "in the 2 months counted" in said
    assert "Between 0" not in said


def test_rows_that_were_lost_make_the_month_a_part(tmp_path):
    lost = [row("2024-12")] * 30 + [row("2025-02", lon="abc")]
    street_file(tmp_path / "src", [row("2025-02")] * 9 + lost, "2025-02")
    street_file(tmp_path / "src", [row("2025-01")] * 99 + [row("2025-01", lon="-1.13", lat="")])
    archive_of(tmp_path)
    data = collect(Query.parse(PLACE, "2025-01", "2025-02"), f"archive:{tmp_path / 'A'}")
    assert data.months["status"].tolist() == ["published", "partly supplied"]
    few, many = data.months["why"]
    assert few == (
        "This archive could not read 1 of the 100 rows of Leicestershire's file "
        "(2025-01-leicestershire-street.csv): only one coordinate: 1."
    )
    assert "31 of the 40 rows" in many
    assert "another month than the file: 30" in many
    assert data.source["rows not read"] == "32 in 2 of 2 files"
    assert data.coverage.set_index("force")["months"]["leicestershire"] == "2025-01 2025-02"


def test_a_page_of_lost_rows_alone_says_so_and_names_no_other_force(tmp_path):
    lost = [row("2024-12")] * 30
    street_file(tmp_path / "src", [row("2025-02")] * 20 + lost, "2025-02")
    archive_of(tmp_path)
    data = collect(Query.parse(PLACE, "2025-02", "2025-02"), f"archive:{tmp_path / 'A'}")
    text = at_a_glance(data).text + title(data).text + do_not_say(data).text
    assert f"{PLACE} (part of the records) in February 2025" in text
    assert "could not be read" in text
    for wrong in (", ,", "100%", "other police area", "The  part"):
        assert wrong not in text


def test_a_damaged_line_is_lost_by_itself(tmp_path):
    street_file(tmp_path / "src", [row(), 'x",y', row(), row().rsplit(",", 4)[0], row()])
    built = build_archive([tmp_path / "src"], tmp_path / "A")
    assert built.records == 3
    assert built.rejected == {"2025-01-leicestershire-street.csv": {"a damaged line": 2}}


@needs_cases
def test_a_new_category_is_counted_under_its_own_name(tmp_path, capsys):
    build_archive(
        [CASES / "new-category"], tmp_path / "A", postcodes=CASES / "nspl-2026",
        force_areas=CASES / "force-areas-kml",
    )  # fmt: skip
    query = Query.parse("ST1 1AF", "2025-10", "2025-12")
    data = collect(query, f"archive:{tmp_path / 'A'}")
    assert set(data.months["status"]) == {"published"}
    new = (data.crimes["category"] == "retail-crime").sum()
    assert new > 0
    assert data.source["categories new to this version"] == "Retail crime"
    around = data.surroundings[data.surroundings["category"] == "retail-crime"]
    assert around.set_index("month")["rest"].sum() + new == 106
    inside = data.nearby[data.nearby["distance_m"] <= 1609.344]
    assert inside["records"].sum() == len(data.crimes)
    show(category_chart(count_by_category(data)), count_by_month_and_category(data), "explore", data)
    (heading,) = [ln for ln in capsys.readouterr().out.splitlines() if ln.startswith("  Month ")]
    assert heading.endswith("  Retail crime")
    write(data, tmp_path / "data")
    assert Counter(read(tmp_path / "data").crimes["category"]) == Counter(data.crimes["category"])


def test_a_column_of_something_else_gives_no_categories(tmp_path):
    rows = [row(category=f"E0100944{chr(97 + n)}") for n in range(20)]
    rows += [row(category=f"Kind {chr(97 + n)} of thing") for n in range(20)]
    street_file(tmp_path / "src", [*rows, row()])
    built = build_archive([tmp_path / "src"], tmp_path / "A")
    assert built.records == 1
    assert built.rejected["2025-01-leicestershire-street.csv"] == {"no readable crime type": 40}


def test_a_copy_under_another_forces_name_is_refused(tmp_path):
    file = street_file(tmp_path / "src", [row()] * 3)
    copy = file.with_name("2025-01-warwickshire-street.csv")
    shutil.copy(file, copy)
    with pytest.raises(
        SourceError, match=r"named for 'warwickshire', but .* reported by Leicestershire Police"
    ):
        build_archive([tmp_path / "src"], tmp_path / "A")
    copy.unlink()
    shutil.copy(file, file.with_name("2025-02-leicestershire-street.csv"))
    with pytest.raises(SourceError, match=r"Not one of the 3 rows .*another month"):
        build_archive([tmp_path / "src"], tmp_path / "A")


def test_the_same_bytes_under_the_names_of_two_forces_are_refused(tmp_path):
    """Where "Reported by" is a name that tells no force, the bytes still tell."""
    rows = [row().replace("Leicestershire Police", "A force of a new name")] * 3
    file = street_file(tmp_path / "src", rows)
    shutil.copy(file, file.with_name("2025-01-warwickshire-street.csv"))
    with pytest.raises(SourceError, match=r"leicestershire.*warwickshire.* hold the same bytes; take out"):
        build_archive([tmp_path / "src"], tmp_path / "A")


def test_a_few_rows_of_another_force_are_lost_and_named(tmp_path):
    street_file(tmp_path / "src", [row()] * 9 + [row(force="warwickshire")])
    built = build_archive([tmp_path / "src"], tmp_path / "A")
    assert built.rejected["2025-01-leicestershire-street.csv"] == {"reported by Warwickshire Police": 1}


@pytest.mark.parametrize(
    ("month", "force", "words"),
    [
        ("2025-13", "leicestershire", "month '2025-13'"),
        ("2001-01", "leicestershire", "month '2001-01'"),
        ("2125-01", "leicestershire", "month '2125-01'"),
        ("2025-01", "narnia", "force 'narnia'"),
    ],
)
def test_impossible_months_and_unknown_forces_are_refused(month, force, words, tmp_path):
    file = street_file(tmp_path / "src", [row()], "2025-01")
    file.rename(file.with_name(f"{month}-{force}-street.csv"))
    with pytest.raises(SourceError, match=words):
        build_archive([tmp_path / "src"], tmp_path / "A")


@needs_cases
def test_the_newer_release_is_taken_by_what_it_holds(tmp_path):
    built = build_archive([CASES / "release-order"], tmp_path / "A")
    assert built.records == 8611
    (line,) = built.superseded
    assert "2026-01 (1).zip" in line.partition(" was taken, not ")[0]
    assert line.endswith("because it is larger")


def test_a_release_with_newer_months_wins_over_a_larger_file(tmp_path):
    street_file(tmp_path / "2026-02", [row()])
    street_file(tmp_path / "2026-02", [row("2025-02")], "2025-02")
    street_file(tmp_path / "2026-03", [row()] * 5)
    built = build_archive([tmp_path / "2026-03", tmp_path / "2026-02"], tmp_path / "A")
    assert built.records == 2
    assert built.superseded[0].endswith("because its release holds newer months")


def test_what_was_lost_is_in_the_manifest(tmp_path):
    street_file(tmp_path / "src", [row()] * 9 + [row(lon="abc")])
    archive_of(tmp_path)
    write(collect(Query.parse(PLACE, "2025-01", "2025-01"), f"archive:{tmp_path / 'A'}"), tmp_path / "data")
    manifest = json.loads((tmp_path / "data" / MANIFEST).read_text())
    assert ["source", "rows not read", "1 in 1 of 1 files"] in manifest["provenance"]
    assert ["source", "version", resolve(tmp_path / "A").name] in manifest["provenance"]


@needs_real_data
def test_real_archives_keep_their_statuses(real_archive):
    """Measured before the rule of own records came: the same."""
    expected = {
        "LE1 6RN": {"published": 12}, "CV32 4EA": {"published": 12}, "EC2V 7HH": {"partly supplied": 12},
        "BS1 3XD": {"published": 6, "not in this archive": 6}, "CV1 1FY": {"not in this archive": 12},
    }  # fmt: skip
    archive = Archive(real_archive)
    months = [f"2025-{m:02d}" for m in range(1, 13)]
    found = {p: dict(Counter(status(archive, months, p)[0]["status"])) for p in expected}
    assert found == expected


def test_the_frame_of_months_has_a_column_for_what_is_left_out():
    assert frame("months").columns.tolist() == ["postcode", "month", "status", "why", "left_out"]
