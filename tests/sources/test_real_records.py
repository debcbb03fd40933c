"""On recorded files: the frames hold what the CSVs hold, by a count that uses none of our code."""

import csv
from collections import Counter

import pyproj
import pytest

from crimenb.measures import counts as count_records
from crimenb.measures.counts import scope
from crimenb.query import Query
from crimenb.schema import CATEGORIES
from crimenb.snapshot import collect
from tests.real import REAL, needs_real_data

pytestmark = needs_real_data
TOTALS = {"LE1 6RN": 19047, "CV32 4EA": 4562, "LE11 5EA": 5193, "EC2V 7HH": 8200, "LE7 9AE": 42}
BTP = {"LE1 6RN": 7, "EC2V 7HH": 108}


def centres():
    found = {}
    for name in ("le", "cv", "ec"):
        with (REAL / "code-point-open" / f"{name}.csv").open() as stream:
            for row in csv.reader(stream):
                found["".join(row[0].split())] = (float(row[2]), float(row[3]))
    return {p: found[p.replace(" ", "")] for p in TOTALS}


@pytest.fixture(scope="module")
def counted():
    """Count rows by month and category within 1,609.344 m, straight from the CSVs."""
    to_grid = pyproj.Transformer.from_crs(4326, 27700, always_xy=True)
    places, found = centres(), {p: Counter() for p in TOTALS}
    for path in sorted((REAL / "police-uk-archive").glob("2025-*/*-street.csv")):
        with path.open(encoding="utf-8") as stream:
            rows = [r for r in csv.DictReader(stream) if r["Longitude"]]
        xs, ys = to_grid.transform(
            [float(r["Longitude"]) for r in rows], [float(r["Latitude"]) for r in rows]
        )
        for row, x, y in zip(rows, xs, ys, strict=True):
            for place, (cx, cy) in places.items():
                if (x - cx) ** 2 + (y - cy) ** 2 <= 1609.344**2:
                    found[place][row["Month"], row["Crime type"]] += 1
    return found


@pytest.mark.parametrize("postcode", TOTALS)
def test_records_equal_an_independent_count(postcode, counted, real_archive):
    data = collect(Query.parse(postcode, "2025-01", "2025-12"), f"archive:{real_archive}")
    ours = Counter(zip(data.crimes["month"], data.crimes["category"].map(CATEGORIES), strict=True))
    assert ours == counted[postcode]
    assert len(data.crimes) == TOTALS[postcode]
    if postcode in BTP:
        assert (data.crimes["reported_by"] == "btp").sum() == BTP[postcode]


def test_missing_months_are_gaps_and_never_zeros(real_archive):
    data = collect(Query.parse("BS1 3XD", "2025-01", "2025-12"), f"archive:{real_archive}")
    missing = [f"2025-{m:02d}" for m in (5, 6, 7, 8, 10, 11)]
    months = data.months.set_index("month")["status"]
    assert months[months == "not in this archive"].index.tolist() == missing
    counts = count_records.count_by_month(data).set_index("month")
    assert counts.loc[missing, ["crime", "asb"]].isna().all(axis=None)
    assert (counts.drop(missing)[["crime", "asb"]] > 100).all(axis=None)
    assert count_records.btp_months(data) == ["2025-01"]
    assert count_records.count_by_category(data)["period"].sum() == 8311 + 1695


def test_a_part_is_never_called_the_mile(real_archive):
    data = collect(Query.parse("EC2V 7HH", "2025-01", "2025-12"), f"archive:{real_archive}")
    assert set(data.months["status"]) == {"partly supplied"}
    part = scope(data)
    assert part.forces == ["city-of-london"]
    assert part.share == pytest.approx(0.418, abs=0.005)


def test_a_place_whose_force_is_not_held_counts_nothing(real_archive):
    data = collect(Query.parse("CV1 1FY", "2025-01", "2025-12"), f"archive:{real_archive}")
    assert len(data.crimes) == 46  # the neighbours' and BTP's: kept, and in no figure
    assert set(data.months["status"]) == {"not in this archive"}
    assert count_records.summed_months(data) == []
    assert count_records.count_by_category(data)["period"].isna().all()
    assert len(count_records.count_by_point(data)) == 0
