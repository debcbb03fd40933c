"""police.uk's releases: only the members wanted, whole, resumed, never overwritten."""

import contextlib
import io
import json
import os
import random
import re
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from crimenb.errors import Busy, QueryError, SourceError, SourceUnavailable
from crimenb.fetch import police
from crimenb.fetch.remote_zip import RemoteFile, RemoteZip, Wanted, same
from crimenb.files import locked
from crimenb.measures.place import place_of
from crimenb.query import Query
from crimenb.schema import forces
from crimenb.snapshot import collect
from crimenb.sources.archive_build import build_archive
from crimenb.sources.http import Part
from crimenb.wording.availability import source_sentence
from tests import bulkfiles
from tests.downloads import Site, make_zip, real_releases
from tests.processes import COMMAND
from tests.real import REAL, needs_real_data


def held(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.csv")}


def wanted(files, *names):
    return {n: p.read_bytes() for n, p in files.items() if any(part in n for part in names)}


@contextlib.contextmanager
def remote(client, path, **options):
    """Yield a server and the zip on it, opened."""
    with (
        Site(zips={"/z.zip": path}, **options) as site,
        client() as web,
        RemoteZip(web, f"{site.url}/z.zip", "it", "they", [site.store]) as source,
    ):
        yield site, source


def test_only_the_members_wanted_are_fetched_and_the_bytes_are_those_told(site, take, files):
    plan = take(forces="Leicestershire", months="2025-02:2025-04")
    assert held(plan.folder) == wanted(files, "2025-02-lei", "2025-03-lei", "2025-04-lei")
    assert "3 files of 1 force, 2025-02 to 2025-04" in plan.said[0]
    assert site.sent == plan.source.file.fetched
    dates = {m.filename: m.date_time[:5] for m in plan.source.members}
    for name in held(plan.folder):
        assert time.localtime((plan.folder / name).stat().st_mtime)[:5] == dates[name]
    assert plan.cost.wire == plan.cost.requests == 0, "a zip so small comes with its directory"
    assert [p.name for p in plan.folder.parent.iterdir()] == ["2025-06"]


def test_the_directory_costs_one_request_and_members_side_by_side_one_more(client, tmp_path):
    noise = random.Random(1)
    members = {f"m/{i:02d}.bin": noise.randbytes(40_000) for i in range(12)}
    with remote(client, make_zip(tmp_path / "z.zip", members)) as (site, source):
        three = [m for m in source.members if m.filename[2:4] in {"01", "02", "05"}]
        some = [Wanted(m, Path(m.filename).name) for m in three]
        cost, before = source.cost(three), site.sent
        source.take(some, tmp_path / "out", lambda *_: None, "")
        assert site.sent - before == cost.wire
        assert cost.requests == 2
        assert 120_000 < cost.wire < 121_000
        # One redirect in all: the link is used again.
        assert [host for host, _ in site.asked].count("first") == 1
    assert (tmp_path / "out" / "05.bin").read_bytes() == members["m/05.bin"]


@pytest.mark.parametrize("uses", [1, 2])
def test_a_link_that_has_expired_is_asked_for_again(client, tmp_path, uses):
    noise = random.Random(1)
    members = {f"{i:02d}.bin": noise.randbytes(40_000) for i in range(9)}
    with remote(client, make_zip(tmp_path / "z.zip", members), uses=uses) as (_, source):
        some = [Wanted(m, m.filename) for m in source.members[::2]]
        source.take(some, tmp_path / "out", lambda *_: None, "")
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        w.name: members[w.name] for w in some
    }


def test_a_host_that_nobody_named_is_not_asked(site, take, monkeypatch):
    monkeypatch.setenv("CRIMENB_DOWNLOADS_URL", f"{site.url}/data/archive")
    with pytest.raises(SourceUnavailable, match="which is no host of this service"):
        take()
    assert not [host for host, _ in site.asked if host == "store"]


@pytest.mark.parametrize("kind", ["503", "drop", "cut", "short", "other", "html", "403"])
def test_one_fault_of_a_kind_is_asked_again_and_lasting_ones_are_told(site, take, files, kind):
    site.fault_of = lambda _, n: kind if n % 2 else ""
    assert held(take().folder) == wanted(files, "leicestershire")
    site.fault_of = lambda *_: kind
    with pytest.raises(SourceUnavailable, match="asked 6 times"):
        take(into="elsewhere")


def test_bytes_that_changed_on_the_way_are_found_by_the_crc_and_fetched_again(client, tmp_path):
    noise = random.Random(1)
    members = {f"{i}.bin": noise.randbytes(90_000) for i in range(5)}
    with remote(client, make_zip(tmp_path / "z.zip", members)) as (site, source):
        site.fault_of = lambda _, n: "flip" if n == 2 else ""
        some = [Wanted(m, m.filename) for m in source.members]
        source.take(some, tmp_path / "out", lambda *_: None, "")
        assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == members
        site.fault_of = lambda *_: "flip"
        with pytest.raises(SourceError, match=r"\.bin' came damaged 3 times"):
            source.take(some, tmp_path / "other", lambda *_: None, "")


def test_a_member_that_is_not_what_the_directory_says_is_told_and_the_rest_kept(
    site, take, files, small, tmp_path
):
    raw = bytearray(small["2025-06"].read_bytes())
    with zipfile.ZipFile(io.BytesIO(bytes(raw))) as inside:
        member = inside.getinfo("2025-04/2025-04-leicestershire-street.csv")
    raw[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 0xFF
    changed = tmp_path / "changed.zip"
    changed.write_bytes(raw)
    site.zips["/data/archive/2025-06.zip"] = changed
    with pytest.raises(SourceError, match=r"2025-04-leicestershire-street\.csv' came damaged 3 times"):
        take()
    assert not (tmp_path / "releases" / "2025-06").exists()
    site.zips["/data/archive/2025-06.zip"] = small["2025-06"]
    plan = take()
    assert held(plan.folder) == wanted(files, "leicestershire")
    assert plan.cost.disk < sum(map(len, held(plan.folder).values())), "what came whole was kept"


def test_a_zip_that_is_replaced_meanwhile_is_told(client, tmp_path):
    noise = random.Random(1)
    members = {f"{i}.bin": noise.randbytes(90_000) for i in range(5)}
    one = make_zip(tmp_path / "one.zip", members)
    with remote(client, one) as (_, source):
        os.utime(one, (1, 1))
        with pytest.raises(SourceUnavailable, match="the file was changed while it was being fetched"):
            source.take([Wanted(source.members[0], "0.bin")], tmp_path / "out", lambda *_: None, "")


def test_a_release_has_its_folder_and_is_never_overwritten(site, take, files, tmp_path):
    older, newer = take(release="2025-05"), take()
    name = "2025-05/2025-05-leicestershire-street.csv"
    assert (
        (older.folder / name).read_bytes() != (newer.folder / name).read_bytes() == files[name].read_bytes()
    )
    assert newer.copies.keys() == {n for n in files if "lei" in n} - {
        name,
        "2025-06/2025-06-leicestershire-street.csv",
    }
    before = site.sent
    again = take()
    assert not again.wanted
    assert site.sent - before == again.source.file.fetched, "the directory alone"
    (newer.folder / name).write_bytes(b"mine")
    with pytest.raises(QueryError, match="A release is never overwritten"):
        take()
    assert (newer.folder / name).read_bytes() == b"mine"


def test_more_of_a_release_goes_beside_what_is_there(site, take, files):
    take(months="2025-01")
    plan = take(forces="leicestershire, Warwickshire", months="2025-01:latest")
    assert held(plan.folder) == wanted(files, "")
    assert len(plan.here) == 1
    assert not [p for p in plan.folder.parent.iterdir() if p.name.startswith(".")]


def test_what_a_release_lacks_is_told_and_goes_to_the_status_of_the_month(site, take, tmp_path):
    plan = take(forces="leicestershire,warwickshire")
    assert "Not in release 2025-06: 1 file of Warwickshire (2025-03-warwickshire-street.csv)." in plan.said
    lacks = json.loads((plan.folder / "crimenb-release.json").read_text())["lacks"]
    assert "2025-03-warwickshire-street.csv" in lacks
    assert len(lacks) == len(forces()) * 6 * 3 - 11
    postcodes = bulkfiles.postcode_file(tmp_path)
    built = build_archive([plan.folder], tmp_path / "archive", postcodes=postcodes)
    assert built.release == "2025-06"
    assert json.loads((tmp_path / "archive" / "crimenb-archive.json").read_text())["version"] == built.version
    data = collect(Query.parse("ZZ5 5AB", "2025-02", "2025-04"), f"archive:{tmp_path / 'archive'}")
    status = data.months.set_index("month")
    assert status["status"].tolist() == ["published", "partly supplied", "published"]
    assert status.loc["2025-03", "why"].endswith(
        " part (46%) was supplied. Warwickshire's file (2025-03-warwickshire-street.csv) is not in release 2025-06 of police.uk."
    )
    assert "release of June 2025" in source_sentence(place_of(data))


def test_an_archive_is_the_one_from_the_folders(site, take, files, tmp_path):
    plan = take(forces="all")
    source = next(iter(files.values())).parents[1]
    one, two = (build_archive([s], tmp_path / f"a{i}") for i, s in enumerate((plan.folder, source)))
    for name in ("street", "counts", "outcomes"):
        a, b = (next((tmp_path / f"a{i}").rglob(f"{name}.parquet")).read_bytes() for i in (0, 1))
        assert a == b
    assert one.files == two.files
    assert (one.release, two.release) == ("2025-06", "")
    single = build_archive([plan.folder / "2025-01" / "2025-01-leicestershire-street.csv"], tmp_path / "a2")
    assert single.release == "2025-06"


def test_of_two_releases_the_newer_is_taken_whatever_months_it_was_fetched_for(site, take, tmp_path, files):
    take(release="2025-05", months="2025-05")
    take(months="2025-05")
    built = build_archive([tmp_path / "releases"], tmp_path / "archive")
    assert built.release == "2025-06"
    assert built.files[0]["rows"] == 400
    assert "because its release holds newer months" in built.superseded[0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"forces": "leicester"}, "There is no police force 'leicester'; choose from leicestershire"),
        ({"forces": ""}, "No police force is named"),
        ({"months": "2024-12:2025-02"}, "holds 2025-01 to 2025-06, not 2024-12 to 2025-02"),
        ({"months": "latest:x"}, "names no months"),
        ({"kinds": "street,murders"}, "There are no files of the kind 'murders'; choose from street"),
        ({"release": "2024-01"}, r"police.uk offers no release 2024-01; choose from 2025-06, 2025-05"),
        (
            {"kinds": "stops"},
            "holds none of the 6 files asked for, such as '2025-01-leicestershire-stop-and-search",
        ),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(site, take, asked, said):
    with pytest.raises(QueryError, match=said):
        take(dry=True, **asked)


def test_a_page_without_releases_and_a_zip_that_is_none(site, take, tmp_path):
    site.texts["/data/archive/"] = "<html>moved</html>"
    with pytest.raises(SourceUnavailable, match="the page lists no zip of a release"):
        take(dry=True)
    (tmp_path / "no.zip").write_bytes(b"x" * 100_000)
    site.zips["/data/archive/2025-06.zip"] = tmp_path / "no.zip"
    with pytest.raises(SourceError, match="gives no whole zip for the zip of release 2025-06"):
        take(dry=True, release="2025-06")


def test_a_full_disk_and_a_second_run_are_one_sentence(site, take, tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})
    with monkeypatch.context() as patch:
        patch.setattr(police.shutil, "disk_usage", lambda _: usage)
        with pytest.raises(SourceError, match="has 1,000 bytes free"):
            take()
    with locked(tmp_path / "releases" / ".2025-06.lock"), pytest.raises(Busy):
        take()


def test_a_whole_zip_is_taken_up_again_and_checked_by_its_md5(client, tmp_path, monkeypatch):
    raw = make_zip(
        tmp_path / "z.zip", {"2025-06/2025-06-btp-street.csv": random.Random(1).randbytes(300_000)}
    )
    into = tmp_path / "d"
    into.mkdir()

    def take(site, web):
        with contextlib.ExitStack() as stack:
            source, target, md5 = police.whole_zip(web, into, "latest", stack)
            before = site.sent
            police.take_zip(source, target, md5)
            return target, site.sent - before

    with Site() as site, client() as web:
        site.add_releases({"2025-06": raw})
        for name, value in site.variables.items():
            monkeypatch.setenv(name, value)
        (into / ".2025-06.zip.part").write_bytes(raw.read_bytes()[:200_000])
        target, sent = take(site, web)
        assert target.read_bytes() == raw.read_bytes()
        assert sent == raw.stat().st_size - 200_000 - 66_000, (
            "what was there, and the end, are not asked again"
        )
        assert [p.name for p in into.iterdir()] == ["2025-06.zip"]
        assert take(site, web)[1] == 0
        target.unlink()
        (into / ".2025-06.zip.part").write_bytes(b"?" * 200_000)
        with pytest.raises(
            SourceError, match=r"2025-06\.zip came with the MD5 [0-9a-f]{32}, not [0-9a-f]{32}"
        ):
            take(site, web)
        assert take(site, web)[0].is_file()


@pytest.mark.parametrize("told", ["not yet", "d41d8cd98f00b204", "z" * 32, "0" * 33])
def test_a_whole_zip_without_a_true_md5_is_refused(site, take, client, tmp_path, told):
    page = site.texts["/data/archive/"]
    site.texts["/data/archive/"] = re.sub("[0-9a-f]{32}", told, page)
    said = "gives no MD5 of 32 hex digits for release 2025-06"
    with client() as web, contextlib.ExitStack() as stack, pytest.raises(SourceError, match=said):
        police.whole_zip(web, tmp_path, "latest", stack)


def test_zip64_is_read(client, tmp_path, monkeypatch):
    """A directory beyond what 32 bits hold, in a file that is not so large: its first 4 GB are never asked for."""
    small = make_zip(tmp_path / "small.zip", {"a.csv": b"a" * 1000})
    with monkeypatch.context() as patch:
        patch.setattr(zipfile, "ZIP64_LIMIT", 10)
        patch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 0)
        raw = make_zip(tmp_path / "zip64.zip", {"a.csv": b"a" * 1000, "b.csv": b"b" * 1000}).read_bytes()
    assert b"PK\x06\x06" in raw
    assert b"PK\x06\x06" not in small.read_bytes()
    with remote(client, tmp_path / "zip64.zip") as (_, source):
        everything = [Wanted(m, m.filename) for m in source.members]
        source.take(everything, tmp_path / "out", lambda *_: None, "")
    assert (tmp_path / "out" / "b.csv").read_bytes() == b"b" * 1000


def test_a_file_beyond_4_gb_is_read_by_its_end(tmp_path):
    gap, asked = 5 * 1024**3, []
    raw = make_zip(tmp_path / "z.zip", {"a.csv": b"a" * 1000}).read_bytes()

    def ask(start, length):
        start = max(0, gap + len(raw) + start) if start < 0 else start
        asked.append(length)
        zeros = max(0, min(length, gap - start))
        body = bytes(zeros) + raw[max(0, start - gap) : max(0, start - gap) + length - zeros]
        return Part(body, start, gap + len(raw), "")

    with RemoteFile(ask) as file, zipfile.ZipFile(file) as inside:
        assert inside.read("a.csv") == b"a" * 1000
    assert sum(asked) < 100_000


def test_a_run_that_is_killed_anywhere_goes_on(small, files, tmp_path):
    """Of a slow line, again and again, until nothing is left to fetch."""
    noise = random.Random(3)
    with Site(a_second=60_000) as site:
        site.add_releases(small)
        env = os.environ | site.variables | {"CRIMENB_CACHE_DIR": str(tmp_path / "cache")}
        call = [COMMAND, "fetch", "--forces", "all", "--into", str(tmp_path / "r"), "--yes"]
        for _ in range(3):
            run = subprocess.Popen(call, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(noise.uniform(0.5, 1.5))
            run.send_signal(signal.SIGKILL)
            run.wait()
            whole = tmp_path / "r" / "2025-06"
            assert not whole.exists() or held(whole) == wanted(files, "")
        site.a_second = 0.0
        done = subprocess.run(call, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert held(Path(done.stdout.strip())) == wanted(files, "")
    assert [p.name for p in (tmp_path / "r").iterdir()] == ["2025-06"]


@needs_real_data
def test_real_files_come_whole_through_thirty_percent_faults(client, tmp_path, monkeypatch):
    names = ("city-of-london", "btp")
    releases = real_releases(REAL, tmp_path / "zips", names)
    with Site(faults=0.3, seed=5) as site, client() as web:
        site.add_releases(releases)
        for name, value in site.variables.items():
            monkeypatch.setenv(name, value)
        for release in ("2025-11", "2025-12"):
            with contextlib.ExitStack() as stack:
                plan = police.plan(
                    web, tmp_path / "r", forces="city-of-london,btp", release=release, stack=stack
                )
                plan.take()
                assert plan.source.file.fetched < plan.known.bytes + 200_000
    truth = {
        f"{p.parent.name}/{p.name}": p.read_bytes()
        for n in names
        for p in (REAL / "police-uk-archive").glob(f"2025-*/*-{n}-street.csv")
    }
    assert held(tmp_path / "r" / "2025-12") == truth
    assert all(
        same(tmp_path / "r" / "2025-12" / m.filename, m)
        for m in zipfile.ZipFile(releases["2025-12"]).infolist()
    )
