"""Files of 2010 and 2011: eight columns, eastings and northings, six categories, no ids and no outcomes."""

import csv
from collections import Counter

import pytest

import crimenb as cn
from crimenb.measures.changes import ChangeVerdict, clear_change
from crimenb.measures.counts import scope
from crimenb.measures.place import place_of
from crimenb.query import Query, months_between
from crimenb.schema import CATEGORIES, OLD_CATEGORIES
from crimenb.snapshot import collect
from crimenb.sources.archive_build import build_archive
from crimenb.sources.official_files import OLD_STREET
from crimenb.wording.how_to_read import how_to_read
from tests.bulkfiles import postcode_file, row, street_file
from tests.make_data import written
from tests.real import REAL, needs_real_data


def old_file(folder, lines, month="2011-02"):
    path = folder / month / f"{month}-leicestershire-street.csv"
    path.parent.mkdir(parents=True)
    name = "Leicestershire Police"
    rows = [f"{month},{name},{name},{where},On or near High Street,{kind}," for where, kind in lines]
    path.write_text("\n".join([OLD_STREET, *rows]) + "\n")


def test_places_in_metres_and_old_categories_are_read(tmp_path):
    # 458982, 303938 is 52.63, -1.13 to a metre: the centre of ZZ5 5AA.
    old_file(tmp_path / "src", [("458982.0,303938.0", "Violent crime"), ("0,0", "Robbery"),
                                ("458982,303938", "Anti-social behaviour"), ("458982,", "Burglary")])  # fmt: skip
    street_file(tmp_path / "src", [row(month="2025-01")])
    built = build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcode_file(tmp_path))
    assert built.rejected == {"2011-02-leicestershire-street.csv": {"only one coordinate": 1}}
    data = collect(Query.parse("ZZ5 5AA", "2011-02", "2011-02"), f"archive:{tmp_path / 'A'}")
    assert sorted(data.crimes["category"]) == ["anti-social-behaviour", "violent-crime"]
    assert data.crimes.geometry.x.tolist() == pytest.approx([-1.13, -1.13], abs=2e-5)
    assert data.crimes.geometry.y.tolist() == pytest.approx([52.63, 52.63], abs=2e-5)
    assert set(data.crimes["outcome"]) == {""}
    assert built.located == 3  # with the one of 2025


@needs_real_data
def test_a_real_file_equals_an_independent_count(tmp_path):
    folder = REAL / "police-uk-archive-old-format"
    build_archive([folder], tmp_path / "A", postcodes=REAL / "code-point-open")
    with (REAL / "code-point-open" / "b.csv").open() as stream:
        cx, cy = next(
            (int(r[2]), int(r[3])) for r in csv.reader(stream) if r[0] == "B1  1BB" or r[0] == "B1 1BB"
        )
    names = {name: slug for slug, name in CATEGORIES.items()} | OLD_CATEGORIES
    with next(folder.glob("*.csv")).open(encoding="utf-8") as stream:
        expected = Counter(
            names[r["Crime type"]] for r in csv.DictReader(stream)
            if (float(r["Easting"]) - cx) ** 2 + (float(r["Northing"]) - cy) ** 2 <= 1609.344**2
        )  # fmt: skip
    data = collect(Query.parse("B1 1BB", "2011-02", "2011-02"), f"archive:{tmp_path / 'A'}")
    assert Counter(data.crimes["category"]) == expected
    assert expected["other-crime"] > 100


def test_a_category_is_not_compared_across_the_month_it_changed():
    months = months_between("2012-01", "2013-12")
    data = written(
        [{"month": m, "category": c, "n": 90} for m in months for c in ("other-crime", "burglary")], months
    )
    assert scope(data).steady_in("crime") == months
    assert scope(data).steady_in("burglary") == months_between("2013-05", "2013-12")
    assert clear_change(data).kind == ChangeVerdict.NONE
    assert clear_change(data, "burglary").kind == ChangeVerdict.TOO_FEW_MONTHS
    assert any("changed its categories in May 2013, so" in s for s in how_to_read(place_of(data)))
    after = months_between("2013-05", "2014-04")
    later = written([{"month": m, "n": 90} for m in after], after)
    assert not any("changed its categories" in s for s in how_to_read(place_of(later)))
    assert len(cn.change_by_category(data))
