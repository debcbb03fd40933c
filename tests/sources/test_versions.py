"""An archive that is open stays the version that was opened, whatever is built meanwhile."""

import json
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from crimenb.cli import main
from crimenb.errors import Busy, QueryError, SourceError
from crimenb.files import locked
from crimenb.query import Query
from crimenb.snapshot import collect
from crimenb.sources.archive import Archive
from crimenb.sources.archive_build import build_archive
from crimenb.sources.versions import INVENTORY, VERSIONS, resolve
from tests.bulkfiles import postcode_file, row, street_file

PLACE = "ZZ5 5AA"


def build(tmp_path, n, month="2025-01", **options):
    """Build a version whose month holds `n` records."""
    shutil.rmtree(tmp_path / "src", ignore_errors=True)
    street_file(tmp_path / "src", [row(month)] * n, month)
    codes = {} if options.get("add") else {"postcodes": postcode_file(tmp_path)}
    return build_archive([tmp_path / "src"], tmp_path / "A", **codes, **options)


def count(source, month="2025-01"):
    return len(collect(Query.parse(PLACE, month, month), source).crimes)


def versions(tmp_path):
    return sorted(p.name for p in (tmp_path / "A" / VERSIONS).iterdir() if (p / INVENTORY).is_file())


def test_a_version_goes_when_nobody_reads_it(tmp_path):
    one = build(tmp_path, 1).version
    opened, second_reader = Archive(tmp_path / "A"), Archive(tmp_path / "A")
    two = build(tmp_path, 2).version
    assert versions(tmp_path) == sorted([one, two])
    assert (count(opened), count(f"archive:{tmp_path / 'A'}")) == (1, 2)
    assert opened.describe()["version"] == one
    opened.close()
    three = build(tmp_path, 3).version
    assert versions(tmp_path) == sorted([one, three])  # the second reader is still there
    second_reader.close()
    build(tmp_path, 4)
    assert len(versions(tmp_path)) == 1
    with pytest.raises(SourceError, match=f"version '{one}' of the archive is gone; run it again"):
        count(f"archive:{tmp_path / 'A' / VERSIONS / one}")


def test_a_version_can_be_named_itself_and_is_kept_then_too(tmp_path):
    one = build(tmp_path, 1).version
    named = Archive(tmp_path / "A" / VERSIONS / one)
    build(tmp_path, 2)
    assert count(named) == 1
    assert one in versions(tmp_path)


def test_the_same_content_is_the_same_version(tmp_path):
    first = build(tmp_path, 2)
    built = Archive(tmp_path / "A").describe()["read"]
    assert build(tmp_path, 2).version == first.version
    assert Archive(tmp_path / "A").describe()["read"] == built


def test_a_reader_that_was_killed_keeps_nothing(tmp_path):
    one = build(tmp_path, 1).version
    script = textwrap.dedent(f"""
        import os, sys
        from crimenb.sources.archive import Archive
        archive = Archive({str(tmp_path / "A")!r})
        print("open", flush=True)
        sys.stdin.readline()
        os._exit(9)
    """)
    reader = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert reader.stdout.readline() == "open\n"
    build(tmp_path, 2)
    assert one in versions(tmp_path)
    reader.communicate("\n")
    build(tmp_path, 3)
    assert one not in versions(tmp_path)


def test_adding_keeps_the_other_months_and_replaces_the_same(tmp_path):
    build(tmp_path, 3)
    shutil.rmtree(tmp_path / "src")
    build(tmp_path, 2, "2025-02", add=True)
    build(tmp_path, 5, add=True)
    source = f"archive:{tmp_path / 'A'}"
    assert (count(source), count(source, "2025-02")) == (5, 2)
    assert Archive(tmp_path / "A").inventory["records"] == 7
    whole = tmp_path / "whole"
    street_file(whole, [row()] * 5)
    street_file(whole, [row("2025-02")] * 2, "2025-02")
    build_archive([whole], tmp_path / "B", postcodes=postcode_file(tmp_path))
    assert resolve(tmp_path / "B").name == resolve(tmp_path / "A").name


def test_adding_to_nothing_is_building(tmp_path):
    street_file(tmp_path / "src", [row()])
    assert build_archive([tmp_path / "src"], tmp_path / "A", add=True).records == 1


def test_readers_while_it_is_rebuilt_see_whole_versions(tmp_path):
    sizes = {build(tmp_path, 1).version: 1}

    def read(_):
        with_it = Archive(tmp_path / "A")
        try:
            return with_it.describe()["version"], count(with_it)
        finally:
            with_it.close()

    with ThreadPoolExecutor(3) as pool:
        readings = [pool.submit(read, n) for n in range(40)]
        for n in range(2, 12):
            sizes[build(tmp_path, n).version] = n
    assert all(sizes[version] == n for version, n in (r.result() for r in readings))
    assert len({r.result()[0] for r in readings}) > 1


def test_an_archive_that_cannot_be_written_to_is_read_all_the_same(tmp_path):
    build(tmp_path, 2)
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "A", copy)
    (copy / VERSIONS / f"{resolve(copy).name}.readers").write_text("no folder")
    assert count(f"archive:{copy}") == 2


def test_two_builds_at_once_are_refused_and_leftovers_go(tmp_path):
    build(tmp_path, 1)
    left = tmp_path / "A" / ".new.killed"
    left.mkdir()
    with locked(tmp_path / ".A.lock"), pytest.raises(Busy, match="Another run is writing"):
        build(tmp_path, 2)
    build(tmp_path, 2)
    assert not left.exists()


def test_a_pointer_that_leads_elsewhere_is_damaged(tmp_path):
    build(tmp_path, 1)
    (tmp_path / "A" / INVENTORY).write_text(json.dumps({"version": "../../elsewhere"}))
    with pytest.raises(SourceError, match="is damaged"):
        Archive(tmp_path / "A")
    with pytest.raises(QueryError, match="not an archive"):
        Archive(tmp_path / "src")


def test_info_says_what_an_archive_holds(tmp_path):
    street_file(tmp_path / "src", [row()] * 3 + [row(lon="x")])
    street_file(tmp_path / "src", [], "2025-02")
    for month in ("2025-03", "2025-05"):
        street_file(tmp_path / "src", [row(month, category="Retail crime")] * 3, month)
    built = build_archive([tmp_path / "src"], tmp_path / "A", postcodes=postcode_file(tmp_path))
    result = CliRunner().invoke(main, ["archive", "info", str(tmp_path / "A")])
    assert result.exit_code == 0
    for line in (
        f"Version {built.version}, read on ",
        "9 records, 9 with a location, in 4 files",
        "Leicestershire: 2025-03, 2025-05; in part: 2025-01; no supply: 2025-02",
        "Postcodes: 205 of the areas ZZ",
        "Force areas: none, the nearest postcode decides",
        "Outlines: none (add them with crimenb archive areas)",
        "Not read: 1 row of 2025-01-leicestershire-street.csv (a coordinate that is no number)",
        "A category new to this version: Retail crime (6 records)",
        "street.parquet",
    ):
        assert line in result.output
    missing = CliRunner().invoke(main, ["archive", "info", str(tmp_path / "src")])
    assert missing.exit_code == 2
