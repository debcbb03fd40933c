"""Outcomes files: when a crime had its first outcome, and what they say of investigations that were open."""

import csv
import statistics
from collections import Counter
from contextlib import closing

import pyproj
import pytest

import crimenb as cn
from crimenb.errors import SourceError
from crimenb.measures.outcomes import timed_months
from crimenb.query import Query, months_between
from crimenb.schema import label_of
from crimenb.snapshot import collect
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.archive_info import info
from tests.bulkfiles import FULL, postcode_file, row, street_file
from tests.real import REAL, needs_real_data

HEAD = "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type"
NO_SUSPECT, CHARGED = "Investigation complete; no suspect identified", "Suspect charged"


def outcomes_file(folder, rows, month="2025-01", force="leicestershire"):
    """Write an outcomes file of (crime id, outcome) or whole lines."""
    name = FULL[force]
    lines = [
        r if isinstance(r, str) else f"{r[0]},{month},{name},{name},,,No Location,,,{r[1]}" for r in rows
    ]
    path = folder / month / f"{month}-{force}-outcomes.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([HEAD, *lines]) + "\n")
    return path


@pytest.fixture
def files(tmp_path):
    """Five months of four crimes: decided at once, a month later, twice, never."""
    src = tmp_path / "src"
    for month in months_between("2025-01", "2025-05"):
        ids = [f"{month}-{n}" for n in range(4)]
        outcomes = [NO_SUSPECT, "Under investigation", "Court result unavailable", "Under investigation"]
        rows = [row(month=month, crime_id=i, outcome=o) for i, o in zip(ids, outcomes, strict=True)]
        street_file(
            src, [*rows, row(month=month, crime_id="", outcome="", category="Anti-social behaviour")], month
        )
        before = [f"{m}-1" for m in months_between("2025-01", month)[-2:-1]]
        outcomes_file(src, [(ids[0], NO_SUSPECT), (ids[2], "Local resolution"), (ids[2], CHARGED),
                            *[(i, "Offender given penalty notice") for i in before]], month)  # fmt: skip
    return src


def asked(archive, start="2025-01", end="2025-05"):
    return collect(Query.parse("ZZ5 5AA", start, end), f"archive:{archive}")


def built(files, tmp_path, **more):
    build_archive([files], tmp_path / "A", postcodes=postcode_file(tmp_path), **more)
    return tmp_path / "A"


def test_the_time_to_the_first_outcome_is_counted(files, tmp_path):
    data = asked(built(files, tmp_path))
    january = data.decided[data.decided["month"] == "2025-01"]
    assert dict(zip(january["later"], january["crimes"], strict=True)) == {0: 2, 1: 1, -1: 1}
    assert set(january["followed"]) == {4}
    assert data.decided["crimes"].sum() == 20  # reports of anti-social behaviour have no outcome
    assert {n for n in data.provenance["name"] if "outcomes" in n} == {
        f"{m}-leicestershire-outcomes.csv" for m in months_between("2025-01", "2025-05")
    }


def test_an_outcome_ends_an_investigation_that_the_street_file_has_open(files, tmp_path):
    crimes = asked(built(files, tmp_path)).crimes
    january = crimes[crimes["month"] == "2025-01"].set_index("crime_id")["outcome"]
    assert january["2025-01-1"] == "Offender given a penalty notice"
    assert (
        january["2025-01-2"] == "Court result unavailable"
    )  # of the rest the street file knows what came later
    assert january["2025-01-3"] == "Under investigation"


def test_months_before_a_missing_outcomes_file_are_not_timed(files, tmp_path):
    (files / "2025-03" / "2025-03-leicestershire-outcomes.csv").unlink()
    assert set(asked(built(files, tmp_path)).decided["month"]) == {"2025-04", "2025-05"}


def test_without_outcomes_files_nothing_is_added(files, tmp_path):
    for path in files.rglob("*-outcomes.csv"):
        path.unlink()
    archive = built(files, tmp_path)
    assert asked(archive).decided.empty
    assert "decided" not in Archive(archive)._records(Archive(archive).place("ZZ5 5AA").geometry.iloc[0])
    assert any("only the latest of each crime" in line for line in info(archive))


def test_files_that_are_added_decide_older_crimes_too(files, tmp_path):
    late = files / "2025-05" / "2025-05-leicestershire-outcomes.csv"
    kept = late.rename(tmp_path / "late")
    archive = built(files, tmp_path)
    assert set(asked(archive).decided["followed"]) == {0, 1, 2, 3}
    kept.write_text(kept.read_text() + "2025-01-3,2025-05,x,x,,,,,," + NO_SUSPECT + "\n")
    (tmp_path / "more" / "2025-05").mkdir(parents=True)
    kept.rename(tmp_path / "more" / "2025-05" / late.name)
    street = files / "2025-05" / "2025-05-leicestershire-street.csv"
    street.rename(tmp_path / "more" / "2025-05" / street.name)
    build_archive([tmp_path / "more"], archive, add=True)
    january = asked(archive).decided.query("month == '2025-01'")
    assert dict(zip(january["later"], january["crimes"], strict=True)) == {0: 2, 1: 1, 4: 1}
    assert any(line == "Outcomes: 5 files, 2025-01 to 2025-05" for line in info(archive))


def test_rows_that_cannot_be_read_are_counted_by_reason(files, tmp_path):
    outcomes_file(
        files, [("", NO_SUSPECT), ("x", ""), "y,2025-02,,,,,,,,Local resolution", ("z", NO_SUSPECT)]
    )
    said = "\n".join(build_archive([files], tmp_path / "A", postcodes=postcode_file(tmp_path)).lines())
    for reason in ("no crime ID", "no readable outcome", "another month than the file"):
        assert f"1 row of 2025-01-leicestershire-outcomes.csv ({reason})" in said
    assert "5 outcomes files, 2025-01 to 2025-05: 20 outcomes." in said


def test_a_file_that_is_cut_off_stops_the_build(files, tmp_path):
    path = next(files.rglob("*-outcomes.csv"))
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SourceError, match="is not a whole file"):
        built(files, tmp_path)


@needs_real_data
def test_real_times_equal_an_independent_count(tmp_path):
    """Three places of Bedfordshire over 36 months, by csv and pyproj alone."""
    folder = REAL / "police-uk-36-months"
    archive = tmp_path / "A"
    build_archive([folder], archive, postcodes=[REAL / "code-point-open-more"])
    first: dict[str, str] = {}
    for path in sorted(folder.glob("*/*-outcomes.csv")):
        with path.open(encoding="utf-8") as stream:
            for line in csv.DictReader(stream):
                first.setdefault(line["Crime ID"], line["Month"])
    rows = []
    for path in sorted(folder.glob("*/*-street.csv")):
        with path.open(encoding="utf-8") as stream:
            rows += [r for r in csv.DictReader(stream) if r["Longitude"] and r["Crime ID"]]
    to_grid = pyproj.Transformer.from_crs(4326, 27700, always_xy=True)
    xs, ys = to_grid.transform([float(r["Longitude"]) for r in rows], [float(r["Latitude"]) for r in rows])
    number = lambda month: int(month[:4]) * 12 + int(month[5:])  # noqa: E731
    with closing(Archive(archive)) as source:
        for postcode in ("LU1 2LJ", "MK40 1NS", "SG18 0AA"):
            place = source.place(postcode)
            cx, cy = to_grid.transform(place["longitude"].iloc[0], place["latitude"].iloc[0])
            expected: Counter = Counter()
            for r, x, y in zip(rows, xs, ys, strict=True):
                if (x - cx) ** 2 + (y - cy) ** 2 <= 1609.344**2:
                    ended = first.get(r["Crime ID"])
                    later = max(0, number(ended) - number(r["Month"])) if ended else -1
                    expected[r["Month"], r["Crime type"], later] += 1
            data = collect(Query.parse(postcode, "2021-05", "2024-04"), f"archive:{archive}")
            labels = data.decided["category"].map(label_of)
            keys = zip(data.decided["month"], labels, data.decided["later"], strict=True)
            assert dict(zip(keys, data.decided["crimes"], strict=True)) == expected
            months = timed_months(data)
            waits = [k[2] for k, n in expected.items() if k[0] in months for _ in range(n)]
            all_crime = cn.outcome_times(data).iloc[0]
            assert all_crime["crimes"] == len(waits)
            assert all_crime["in_three"] == pytest.approx(sum(0 <= w <= 3 for w in waits) / len(waits))
            assert all_crime["median"] == statistics.median_low(w if w >= 0 else 999 for w in waits)
