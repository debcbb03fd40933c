"""Archives in buckets: fetched once a machine, whole or not at all, whatever is killed or lost."""

import json
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crimenb import buckets
from crimenb.buckets import Bucket
from crimenb.errors import QueryError, SourceError
from crimenb.query import Query
from crimenb.snapshot import collect, open_source
from crimenb.sources import archive_fetch
from crimenb.sources.archive_add import revised
from crimenb.sources.archive_fetch import fetched
from crimenb.sources.versions import INVENTORY
from tests.s3 import running

ADDRESS = "s3://reports/archive"


@pytest.fixture
def s3(monkeypatch, tmp_path):
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "cache"))
    with running() as server:
        yield server


@pytest.fixture
def archive(town, tmp_path):
    """Return a copy of the small archive that may be changed."""
    folder = tmp_path / "archive"
    shutil.copytree(town.folder.parents[1], folder, ignore=shutil.ignore_patterns("*.readers"))
    return folder


def copy(archive, into=ADDRESS):
    for file in sorted(archive.rglob("*"), key=lambda p: p.parent == archive):  # the pointer last
        if file.is_file() and not file.name.startswith("."):
            Bucket(into).write(file.relative_to(archive).as_posix(), file.read_bytes())


def current(archive):
    return json.loads((archive / INVENTORY).read_text())["version"]


def files(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def gets(s3):
    return [path.rpartition("/")[2] for method, path in s3.asked if method == "GET" and "/versions/" in path]


def renew(archive):
    """Give the archive a new version."""
    with revised(archive) as (_, inventory):
        inventory["not_used"] = {"something": random.randint(1, 10**6)}


def test_it_is_fetched_once_and_opened_as_a_local_one(s3, archive):
    copy(archive)
    query = Query.parse("LE1 1AA", "2025-10", "2025-12")
    here = fetched(ADDRESS)
    assert files(here) == files(archive / "versions" / current(archive))
    s3.asked.clear()
    with_it = collect(query, f"archive:{ADDRESS}")
    assert gets(s3) == []
    assert with_it.crimes.equals(collect(query, f"archive:{archive}").crimes)
    assert fetched(f"{ADDRESS}/versions/{here.name}") == here
    assert archive_fetch.pinned(ADDRESS, here) == f"{ADDRESS}/versions/{here.name}"


def test_a_new_version_comes_and_the_old_one_goes_when_nobody_reads_it(s3, archive):
    copy(archive)
    first = fetched(ADDRESS)
    reader = open_source(f"archive:{ADDRESS}", Query(""))
    renew(archive)
    copy(archive)
    second = fetched(ADDRESS)
    assert first.is_dir()
    assert second.name == current(archive) != first.name
    assert reader.months() == open_source(f"archive:{ADDRESS}", Query("")).months()
    reader.close()
    renew(archive)
    copy(archive)
    third = fetched(ADDRESS)
    assert [p.name for p in third.parent.iterdir() if p.suffix != ".readers" and p.name[0] != "."] == [
        third.name
    ]


@pytest.mark.parametrize("fault", ["drop", "cut", "half", 503])
def test_lost_connections_are_asked_again(s3, archive, fault):
    copy(archive)
    turn = iter(range(10**6))
    s3.fault = lambda _: fault if next(turn) % 4 == 2 else None
    assert files(fetched(ADDRESS)) == files(archive / "versions" / current(archive))


def test_a_fetch_that_was_killed_goes_on(s3, archive, tmp_path):
    """Killed in the middle of its third file; what was there is not fetched again, what is older goes."""
    copy(archive)
    s3.fault = lambda environ: time.sleep(60) if len(gets(s3)) >= 3 else None
    code = f"from crimenb.sources.archive_fetch import fetched; fetched({ADDRESS!r})"
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        while len(gets(s3)) < 3:
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    s3.fault = lambda _: None
    (home,) = (tmp_path / "cache" / "archives").iterdir()
    assert not (home / INVENTORY).exists()
    (home / ".new.older").mkdir()
    done = set(gets(s3)[:2])
    s3.asked.clear()
    assert files(fetched(ADDRESS)) == files(archive / "versions" / current(archive))
    assert not done & set(gets(s3))
    assert {p.name for p in home.iterdir()} == {INVENTORY, "versions", ".fetch.lock"}


def test_many_processes_fetch_it_once(s3, archive):
    copy(archive)
    code = f"from crimenb.sources.archive_fetch import fetched; print(fetched({ADDRESS!r}))"
    running_ = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    told = {process.communicate(timeout=120)[0] for process in running_}
    assert len(told) == 1
    assert files(Path(told.pop().strip())) == files(archive / "versions" / current(archive))
    assert len(gets(s3)) == len(set(gets(s3)))


def test_what_is_not_the_version_is_refused_and_not_kept(s3, archive, tmp_path):
    copy(archive)
    version = current(archive)
    raw = s3.objects()[f"archive/versions/{version}/street.parquet"]
    Bucket(ADDRESS).write(f"versions/{version}/street.parquet", raw[:-1] + b"x")
    with pytest.raises(SourceError, match=r"is not whole, or was changed; copy the archive there again\.$"):
        fetched(ADDRESS)
    assert not list((tmp_path / "cache").rglob("*.parquet"))
    Bucket(ADDRESS).write(f"versions/{version}/street.parquet", raw)
    assert fetched(ADDRESS).name == version


@pytest.mark.parametrize("pointer", [b"", b"[]", b'{"version": "../../x"}', b'{"format": 2}', b"[" * 10**5])
def test_a_pointer_of_anything_is_one_sentence(s3, pointer):
    Bucket(ADDRESS).write(INVENTORY, pointer)
    with pytest.raises(SourceError, match=r"names no version; copy the archive there again\.$"):
        fetched(ADDRESS)


def test_no_archive_is_one_sentence(s3):
    with pytest.raises(
        QueryError, match=r"^'s3://reports/archive' is not an archive \(it has no crimenb-archive"
    ):
        fetched(ADDRESS)


def test_a_cache_that_cannot_be_written_is_one_sentence(s3, archive, tmp_path, monkeypatch):
    copy(archive)
    (tmp_path / "file").touch()
    monkeypatch.setenv("CRIMENB_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(SourceError, match=r"^Cannot fetch .* make room, or set CRIMENB_CACHE_DIR\.$"):
        fetched(ADDRESS)


def test_the_cache_shows_it_and_clears_it_unless_it_is_read(s3, archive):
    from crimenb.sources.cache_info import clear, info

    copy(archive)
    reader = open_source(f"archive:{ADDRESS}", Query(""))
    assert any(line.startswith("Archives from buckets: ") for line in info())
    clear()
    assert reader.folder.is_dir()
    reader.close()
    assert clear().startswith("Removed ")
    assert not reader.folder.exists()
    assert list(info())[-1] == "Nothing is kept there."


def test_a_server_that_does_not_come_back_is_one_sentence(s3, monkeypatch):
    monkeypatch.setattr(buckets, "PATIENCE_S", 0.3)
    s3.stop()
    with pytest.raises(SourceError, match=r"^No answer from 's3://reports/archive'"):
        fetched(ADDRESS)
    s3.start()
