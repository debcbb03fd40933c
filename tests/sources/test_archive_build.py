"""Official files in, an archive out: strict, counted, and whole or not at all."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

from crimenb.errors import CrimenbError, PlaceNotFound, QueryError, SourceError
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.official_files import SEARCHES_COLUMNS
from crimenb.sources.versions import INVENTORY, resolve
from tests.bulkfiles import postcode_file, row, street_file


def test_reads_counts_and_reports(tmp_path):
    src = tmp_path / "src"
    rows = [
        row(crime_id="1"), row(crime_id="1"),  # the same row twice is two records
        row(category="Anti-social behaviour", crime_id="", outcome=""),
        row(lon="", lat="", where="No Location"),
        row(category="Witchcraft"), row(category="E01009444"), row(month="2025-02"), row(lon="abc"), row(lon="-1.13", lat=""),
        row(lon="0", lat="0"), row(lon="12.5", lat="41.9"),
    ]  # fmt: skip
    street_file(src, rows)
    street_file(src, [row(month="2025-02")], "2025-02", end="\r\n")
    (src / "readme.txt").write_text("hello")
    (src / "2025-01" / "2025-01-leicestershire-outcomes.csv").write_text(
        "Crime ID,Month,Reported by,Falls within,Longitude,Latitude,Location,LSOA code,LSOA name,Outcome type\n"
    )
    (src / "2025-01" / "2025-01-leicestershire-stop-and-search.csv").write_text(f"{SEARCHES_COLUMNS}\n")
    built = build_archive([src], tmp_path / "A")
    assert (built.records, built.located) == (7, 5)
    said = "\n".join(built.lines())
    assert "1 outcomes file, 2025-01 to 2025-01: 0 outcomes." in said
    assert "1 stop-and-search file, 2025-01 to 2025-01: 0 searches, 0 without a location" in said
    assert "Not used: other files (.txt): 1." in said
    for reason in (
        "no readable crime type",
        "another month",
        "a coordinate that is no number",
        "only one coordinate",
        "a coordinate outside the United",
    ):
        assert f"1 row of 2025-01-leicestershire-street.csv ({reason}" in said
    assert "A category new to this version, counted as crime: Witchcraft (1 record)" in said
    inventory = json.loads((resolve(tmp_path / "A") / INVENTORY).read_text())
    assert [f["month"] for f in inventory["files"]] == ["2025-01", "2025-02"]
    assert all(len(f["sha256"]) == 64 for f in inventory["files"])
    assert Archive(tmp_path / "A").months() == ["2025-01", "2025-02"]


@pytest.mark.parametrize(
    ("name", "given", "release"),
    [("2025-03.zip", "", "2025-03"), ("latest.zip", "", ""), ("latest.zip", "Mar 2025", "2025-03")],
)
def test_the_release_is_what_a_name_or_a_person_says_or_unknown(tmp_path, name, given, release):
    street_file(tmp_path / "src", [row()])
    with zipfile.ZipFile(tmp_path / name, "w") as whole:
        inside = "2025-01/2025-01-leicestershire-street.csv"
        whole.write(tmp_path / "src" / inside, inside)
    build_archive([tmp_path / name], tmp_path / "A", release=given)
    said = Archive(tmp_path / "A").describe()
    assert said.get("release", "") == release
    assert said["read"]


def test_zips_read_like_folders(tmp_path):
    src = tmp_path / "src"
    street_file(src, [row(), row(category="Drugs")])
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as whole:
        whole.write(
            src / "2025-01" / "2025-01-leicestershire-street.csv", "deep/er/2025-01-leicestershire-street.csv"
        )
    a = build_archive([src], tmp_path / "A")
    b = build_archive([tmp_path / "all.zip"], tmp_path / "B")
    assert a.files == b.files
    one, other = (resolve(tmp_path / name) for name in "AB")
    assert one.name == other.name  # the same content, the same name
    assert (one / "street.parquet").read_bytes() == (other / "street.parquet").read_bytes()


def test_a_second_copy_counts_once_and_the_larger_one_wins(tmp_path):
    for name, rows in (("old", [row()]), ("new", [row(), row()]), ("same", [row(), row()])):
        os.utime(street_file(tmp_path / name, rows), (1e9, 1e9))
    built = build_archive([tmp_path / "old", tmp_path / "new", tmp_path / "same"], tmp_path / "A")
    assert built.records == 2
    assert "because it is larger" in "\n".join(built.lines())
    assert built.unused["second copies of a file"] == 1


def _damage(kind, tmp_path):
    src = tmp_path / "bad"
    good = street_file(src, [row(), row()])
    raw = good.read_bytes()
    if kind == "cut off":
        good.write_bytes(raw[:-40])
    elif kind == "cut mid-line":
        good.write_bytes(raw[:-40] + b"\n")
    elif kind == "empty":
        good.write_bytes(b"")
    elif kind == "other columns":
        good.write_bytes(b"a,b,c\n1,2,3\n")
    elif kind == "foreign csv":
        (src / "sales.csv").write_text("a,b\n1,2\n")
    elif kind == "truncated zip":
        with zipfile.ZipFile(src / "x.zip", "w") as z:
            z.writestr("2025-01-warwickshire-street.csv", raw * 50)
        whole = (src / "x.zip").read_bytes()
        (src / "x.zip").write_bytes(whole[: len(whole) // 2])
    elif kind == "nothing readable":
        good.write_bytes(raw.replace(b",2025-01,", b",Jan-25,"))
    return src


@pytest.mark.parametrize(
    "kind",
    ["cut off", "cut mid-line", "empty", "other columns", "foreign csv", "truncated zip", "nothing readable"],
)
def test_a_damaged_or_foreign_file_leaves_the_old_archive(kind, tmp_path):
    street_file(tmp_path / "src", [row()])
    build_archive([tmp_path / "src"], tmp_path / "A")
    before = contents(tmp_path / "A")
    with pytest.raises(SourceError) as caught:
        build_archive([_damage(kind, tmp_path)], tmp_path / "A")
    assert str(tmp_path / "bad") in str(caught.value)
    assert contents(tmp_path / "A") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["A", "bad", "src"]  # no litter


def contents(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_wrong_paths_are_named(tmp_path):
    with pytest.raises(QueryError, match="does not exist"):
        build_archive([tmp_path / "nowhere"], tmp_path / "A")
    (tmp_path / "empty").mkdir()
    with pytest.raises(QueryError, match="No street file"):
        build_archive([tmp_path / "empty"], tmp_path / "A")
    street_file(tmp_path / "src", [row()])
    with pytest.raises(QueryError, match="not an archive and not empty"):
        build_archive([tmp_path / "src"], tmp_path / "src")
    with pytest.raises(QueryError, match="not an archive"):
        Archive(tmp_path / "src")
    with pytest.raises(QueryError, match="is not a size such as"):
        build_archive([tmp_path / "src"], tmp_path / "B", memory_limit="lots'; DROP TABLE street; --")


def test_another_format_version_and_damage_are_refused(tmp_path):
    street_file(tmp_path / "src", [row()])
    build_archive([tmp_path / "src"], tmp_path / "A")
    file = resolve(tmp_path / "A") / INVENTORY
    text = file.read_text()
    file.write_text(text.replace('"format": 2', '"format": 0'))
    with pytest.raises(SourceError, match="format 0"):
        Archive(tmp_path / "A")
    for damaged in (file, tmp_path / "A" / INVENTORY):
        damaged.write_text(text[:50])
        with pytest.raises(SourceError, match="damaged"):
            Archive(tmp_path / "A")


def test_the_gazetteer_refuses_each_bad_postcode_with_its_sentence(tmp_path):
    street_file(tmp_path / "src", [row()])
    build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcode_file(tmp_path))
    archive = Archive(tmp_path / "A")
    place = archive.place("ZZ5 5AA").iloc[0]
    assert (place["district"], place["force"], place["remark"]) == ("Leicester", "leicestershire", "")
    with pytest.raises(PlaceNotFound, match=r"closed in 2001-08.*--closed-ok"):
        archive.place("ZZ5 5AF")
    closed = Archive(tmp_path / "A", closed_ok=True).place("ZZ5 5AF")
    assert "closed in 2001-08" in closed.iloc[0]["remark"]
    for postcode, words in (
        ("ZZ5 5AD", "quality 9"), ("ZZ5 5AE", "Scotland"), ("AB10 1XG", "Scotland"), ("JE2 3AB", "Jersey"),
        ("GY1 1AA", "Guernsey"), ("IM1 1AA", "Isle of Man"), ("ZZ5 5ZZ", "not in this archive"),
    ):  # fmt: skip
        with pytest.raises(PlaceNotFound, match=words):
            archive.place(postcode)


def test_an_archive_without_postcodes_says_how_to_get_them(tmp_path):
    street_file(tmp_path / "src", [row()])
    build_archive([tmp_path / "src"], tmp_path / "A")
    with pytest.raises(CrimenbError, match="--postcodes"):
        Archive(tmp_path / "A").place("LE1 6RN")


@pytest.mark.skipif(sys.platform == "win32", reason="the limit of a file's size is a matter of POSIX")
def test_a_full_disk_is_one_sentence(tmp_path):
    street_file(tmp_path / "src", [row(crime_id=f"{n:064x}") for n in range(5000)])
    script = (
        "import resource, signal, sys; from crimenb.cli import main; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); main()"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, "archive", "build", str(tmp_path / "src"), "--into", str(tmp_path / "A")],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert told.returncode == 3
    assert told.stderr.startswith(f"Cannot write the archive into '{tmp_path / 'A'}'")
    assert len(told.stderr.splitlines()) == 1
    assert not (tmp_path / "A").exists()
