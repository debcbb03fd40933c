"""Two releases in one archive, of recorded data: eight years apart, and one that revises the other.

The counts beside them are made by csv and pyproj alone.
"""

import csv
from collections import Counter

import pyproj
import pytest

from crimenb.measures.place import place_of
from crimenb.query import Query, months_between
from crimenb.snapshot import collect
from crimenb.sources.archive_build import build_archive
from crimenb.wording.availability import source_sentence
from crimenb.wording.whats_new import whats_new
from tests.real import REAL, needs_real_data

pytestmark = needs_real_data
MILE, ASB = 1609.344, "Anti-social behaviour"
TO_METRES = pyproj.Transformer.from_crs(4326, 27700, always_xy=True)
FORCES = REAL / "geography" / "police-force-areas-simplified.geojson"
OTHERWISE = {
    "Under investigation": "Unable to prosecute suspect",
    "Unable to prosecute suspect": "Further investigation is not in the public interest",
}


def middle(postcode):
    """Return a postcode's easting and northing."""
    area = "".join(c for c in postcode[:2] if c.isalpha()).lower()
    for folder in ("code-point-open", "code-point-open-more"):
        if (file := REAL / folder / f"{area}.csv").is_file():
            with file.open() as lines:
                return next(
                    (int(r[2]), int(r[3]))
                    for r in csv.reader(lines)
                    if r[0].replace(" ", "") == postcode.replace(" ", "")
                )
    raise AssertionError(postcode)


def rows_of(file):
    with file.open(encoding="utf-8-sig") as lines:
        return list(csv.DictReader(lines))


def within(rows, postcode):
    """Return the rows with a location in the mile around a postcode."""
    x, y = middle(postcode)
    placed = [r for r in rows if r["Longitude"]]
    xs, ys = TO_METRES.transform(
        [float(r["Longitude"]) for r in placed], [float(r["Latitude"]) for r in placed]
    )
    return [r for r, px, py in zip(placed, xs, ys, strict=True) if (px - x) ** 2 + (py - y) ** 2 <= MILE**2]


def copied(months, force, into, folder="police-uk-archive"):
    """Link the street files of a force and of months into a folder of a release."""
    for month in months:
        (into / month).mkdir(parents=True, exist_ok=True)
        name = f"{month}-{force}-street.csv"
        (into / month / name).symlink_to(REAL / folder / month / name)
    return into


def test_releases_eight_years_apart_leave_a_gap_and_are_both_named(tmp_path):
    old, new = months_between("2016-10", "2016-12"), months_between("2025-01", "2025-12")
    build_archive([copied(old, "city-of-london", tmp_path / "one")], tmp_path / "A", release="2016-12",
                  postcodes=REAL / "code-point-open" / "ec.csv", force_areas=FORCES)  # fmt: skip
    build_archive(
        [copied(new, "city-of-london", tmp_path / "two")], tmp_path / "A", release="2025-12", add=True
    )
    data = collect(Query.parse("EC2V 7HH", "2016-10", "2025-12"), f"archive:{tmp_path / 'A'}")
    status = dict(zip(data.months["month"], data.months["status"], strict=True))
    assert len(status) == 111
    assert {m for m, s in status.items() if s == "partly supplied"} == {
        *old,
        *new,
    }  # the other force is not here
    # An absence that a dated source explains is told by that; else the archive says nothing about the force.
    assert Counter(status[m] for m in status if m not in {*old, *new}) == {
        "not in this archive": 95,
        "not supplied": 1,
    }
    counted = data.crimes.groupby("month").size()
    for month in (*old, *new):
        rows = within(
            rows_of(REAL / "police-uk-archive" / month / f"{month}-city-of-london-street.csv"), "EC2V 7HH"
        )
        assert counted[month] == len(rows)
    assert "releases of December 2016 and December 2025" in source_sentence(place_of(data))
    place = place_of(data)
    crimes = sum(r["Crime type"] != ASB for r in rows)
    assert whats_new(place) == [
        f"December 2025 is new: {crimes} crimes in the City of London part (42%), not judged.",
        "No count of the 3 earlier months was revised since the release of December 2016.",
        "No outcome of an earlier month changed.",
    ]


BEDS = "police-uk-36-months"
MONTHS = months_between("2021-05", "2024-04")


def revised(rows, month):
    """Return what a second release makes of a month: outcomes, rows taken away and put in, points moved."""
    if month == "2024-02":
        return [
            r | {"Last outcome category": OTHERWISE[r["Last outcome category"]]}
            if r["Last outcome category"] in OTHERWISE and r["Crime ID"][:1] in "01234567"
            else r
            for r in rows
        ]
    if month == "2023-06":
        again = [r | {"Crime ID": r["Crime ID"][::-1]} for r in rows[::7] if r["Crime ID"]]
        return [r for i, r in enumerate(rows) if i % 10] + again
    if month == "2023-09":
        points = Counter((r["Longitude"], r["Latitude"]) for r in within(rows, "LU1 2LJ"))
        moved = {point for point, _ in points.most_common(2)}
        return [
            r | {"Latitude": f"{float(r['Latitude']) + 0.0003:.6f}"}
            if (r["Longitude"], r["Latitude"]) in moved
            else r
            for r in rows
        ]
    return rows


@pytest.fixture(scope="module")
def beds(tmp_path_factory):
    """An archive of 35 months of Bedfordshire and then a release with one more; and the rows of both."""
    root = tmp_path_factory.mktemp("beds")
    if not (REAL / BEDS).is_dir():
        pytest.skip("recorded data of 36 months are not here (CRIMENB_REAL_DATA)")
    one = copied(MONTHS[:-1], "bedfordshire", root / "one", BEDS)
    build_archive([one], root / "A", release="2024-03",
                  postcodes=REAL / "code-point-open-more" / "lu.csv", force_areas=FORCES)  # fmt: skip
    two = copied(MONTHS, "bedfordshire", root / "two", BEDS)
    before, after = {}, {}
    for month in MONTHS:
        file = two / month / f"{month}-bedfordshire-street.csv"
        before[month] = rows_of(file) if month != MONTHS[-1] else []
        after[month] = revised(rows_of(file), month)
        if after[month] != before[month] and before[month]:
            file.unlink()
            with file.open("w", newline="") as out:
                writer = csv.DictWriter(out, list(after[month][0]))
                writer.writeheader()
                writer.writerows(after[month])
    build_archive([two], root / "A", release="2024-04", add=True)
    return root / "A", before, after


def changes(before, after, postcode):
    """Return by month how many records a release added and removed at their points, and other outcomes."""
    found = {}
    for month in MONTHS[:-1]:
        was, now = (
            Counter((r["Longitude"], r["Latitude"], r["Crime type"]) for r in within(rows[month], postcode))
            for rows in (before, after)
        )
        ids = [
            {r["Crime ID"]: r["Last outcome category"] for r in rows if counts[r["Crime ID"]] == 1}
            for rows, counts in (
                (rows[month], Counter(r["Crime ID"] for r in rows[month])) for rows in (before, after)
            )
        ]
        here = {r["Crime ID"] for r in within(after[month], postcode)} - {""}
        decided = sum(i in ids[0] and i in ids[1] and ids[0][i] != ids[1][i] for i in here)
        if (told := ((now - was).total(), (was - now).total(), decided)) != (0, 0, 0):
            found[month] = told
    return found


@pytest.mark.parametrize("postcode", ["LU1 2LJ", "LU7 1HA", "LU6 1RJ"])
def test_what_a_release_revised_equals_an_independent_count(beds, postcode):
    archive, before, after = beds
    data = collect(Query.parse(postcode, MONTHS[0], MONTHS[-1]), f"archive:{archive}")
    told = data.revised.groupby("month")[["added", "removed", "decided"]].sum()
    expected = changes(before, after, postcode)
    assert {m: tuple(map(int, row)) for m, *row in told.itertuples()} == expected
    assert set(expected) >= {"2023-06", "2024-02"}
    assert data.crimes.groupby("month").size().to_dict() == {
        m: len(within(after[m], postcode)) for m in MONTHS
    }
    status = dict(zip(data.months["month"], data.months["status"], strict=True))
    assert set(status.values()) == {"published"}
    new, counts, outcomes = whats_new(place_of(data))
    crimes = sum(r["Crime type"] != ASB for r in within(after["2024-04"], postcode))
    assert new.startswith(f"April 2024 is new: {crimes:,} crimes, ")
    months = [m for m, (added, removed, _) in expected.items() if added or removed]
    assert counts.startswith(f"{'Two' if len(months) == 2 else 'One'} of the 35 earlier months w")
    assert counts.endswith("in June 2023.")
    assert (
        outcomes
        == f"{sum(d for *_, d in expected.values()):,} crimes have another outcome than in that release."
    )
