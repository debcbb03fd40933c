"""What is kept is what was pulled; what was changed is noticed."""

from dataclasses import replace

import pandas as pd
import pytest

from crimenb import snapshot
from crimenb.data import FRAMES, check
from crimenb.errors import MonthNotPublished, QueryError, SnapshotError
from crimenb.query import Query
from crimenb.schema import COLUMNS


def test_every_frame_has_its_columns_dtypes_and_crs(centre):
    for name in FRAMES:
        check(name, getattr(centre, name))
    assert set(COLUMNS) == set(FRAMES)


def test_written_and_read_is_the_same(centre, tmp_path):
    snapshot.write(centre, tmp_path / "data")
    again = snapshot.read(tmp_path / "data", centre.query)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(centre, name))
    assert again.query == centre.query
    assert again.source["name"] == "demo"


def test_there_are_files_of_streets_only_where_there_are_streets(centre, tmp_path):
    bare = replace(centre, streets=centre.streets.iloc[:0], stretches=centre.stretches.iloc[:0])
    for name, data in (("with", centre), ("without", bare)):
        snapshot.write(data, tmp_path / name)
    more = {*snapshot.files_of(tmp_path / "with")} - {*snapshot.files_of(tmp_path / "without")}
    assert more == {"streets.parquet", "stretches.parquet"}
    assert {p.name for p in (tmp_path / "without").iterdir()} == {*snapshot.files_of(tmp_path / "without")}
    assert snapshot.read(tmp_path / "without").streets.empty
    (tmp_path / "with" / "streets.parquet").unlink()
    with pytest.raises(SnapshotError, match=r"lacks the file 'streets\.parquet'"):
        snapshot.read(tmp_path / "with")


def test_two_pulls_are_the_same_bytes(centre, tmp_path):
    snapshot.write(centre, tmp_path / "a")
    snapshot.write(snapshot.collect(centre.query, "demo"), tmp_path / "b")
    files = {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()}
    assert files == {p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()}


def test_a_snapshot_asks_no_source(centre, tmp_path):
    snapshot.write(centre, tmp_path / "data")
    data = snapshot.collect(centre.query, "archive:/nowhere", tmp_path / "data")
    assert len(data.crimes) == len(centre.crimes)


def test_a_changed_or_missing_file_is_named(centre, tmp_path):
    snapshot.write(centre, tmp_path / "data")
    files = [p for p in (tmp_path / "data").iterdir() if p.name != snapshot.MANIFEST]
    assert {"crimes.parquet", "months.csv", "streets.parquet"} <= {p.name for p in files}
    for file in files:
        whole = file.read_bytes()
        raw = bytearray(whole)
        raw[len(raw) // 2] ^= 1
        file.write_bytes(raw)
        with pytest.raises(SnapshotError, match=file.name.replace(".", r"\.")):
            snapshot.read(tmp_path / "data")
        file.unlink()
        with pytest.raises(SnapshotError, match=file.name.replace(".", r"\.")):
            snapshot.read(tmp_path / "data")
        file.write_bytes(whole)


def test_another_question_is_refused(centre, tmp_path):
    snapshot.write(centre, tmp_path / "data")
    for other in (Query.parse("ZZ2 2BB", "2025-01", "2025-12"), Query.parse("ZZ1 1AA", "2025-02", "2025-12"),
                  Query.parse("ZZ1 1AA", "2025-01", "2025-12", "ZZ2 2BB")):  # fmt: skip
        with pytest.raises(SnapshotError, match="answers 'zz1-1aa_2025-01_2025-12'"):
            snapshot.read(tmp_path / "data", other)
    assert snapshot.read(tmp_path / "data", Query.parse("zz11aa", "2025-01", "latest"))


def test_no_snapshot_a_damaged_one_and_another_format(tmp_path, centre):
    with pytest.raises(SnapshotError, match="holds no snapshot"):
        snapshot.read(tmp_path)
    snapshot.write(centre, tmp_path / "data")
    manifest = tmp_path / "data" / "manifest.json"
    text = manifest.read_text()
    manifest.write_text(text.replace(f'"format": {snapshot.FORMAT}', '"format": 99'))
    with pytest.raises(SnapshotError, match="format 99"):
        snapshot.read(tmp_path / "data")
    manifest.write_text(text[:99])
    with pytest.raises(SnapshotError, match="damaged"):
        snapshot.read(tmp_path / "data")


def test_comparisons_are_pulled_too():
    data = snapshot.collect(Query.parse("ZZ1 1AA", "2025-10", "2025-12", "ZZ9 9ZZ"), "demo")
    assert data.places[["postcode", "role"]].to_numpy().tolist() == [
        ["ZZ1 1AA", "main"],
        ["ZZ9 9ZZ", "compared"],
    ]
    assert len(data.of("ZZ9 9ZZ").crimes) + len(data.main.crimes) == len(data.crimes)


def test_wrong_sources_and_months_are_named():
    with pytest.raises(QueryError, match="'ftp' is unknown"):
        snapshot.collect(Query.parse("ZZ1 1AA"), "ftp")
    with pytest.raises(MonthNotPublished, match="2023-01 to 2025-12"):
        snapshot.collect(Query.parse("ZZ1 1AA", "2019-01", "2019-12"), "demo")
