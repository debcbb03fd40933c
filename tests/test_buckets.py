"""A folder in a bucket: objects on conditions, reports that are whole or not there, faults and sentences."""

import contextlib
import random
import re
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from click.testing import CliRunner

from crimenb import buckets
from crimenb.buckets import CLAIM, Bucket, Changed, is_address
from crimenb.cli import main
from crimenb.errors import Busy, SourceError, SourceUnavailable
from crimenb.files import SUMS, write_sums
from crimenb.report.build import OURS
from tests.s3 import ENVIRONMENT, running


@pytest.fixture
def s3():
    with running() as server:
        yield server
        assert not server.broken


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(buckets, "PATIENCE_S", 0.5)


def report(folder, text, *more, few=False):
    """Make a folder in the shape of a report, each file of it with a text."""
    (folder / "data").mkdir(parents=True)
    for name in (
        "report.html",
        "report.ipynb",
        "data/manifest.json",
        *(f"data/{n}.parquet" for n in ("" if few else "abcdef")),
        *more,
    ):
        (folder / name).write_text(f"{text} {name}")
    write_sums(folder)
    return folder


def as_uploaded(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


# ------------------------------------------------------------------------ objects


def test_addresses():
    assert all(map(is_address, ("s3://b/x", "az://c", "gs://b/x")))
    assert not any(map(is_address, ("reports", "/tmp/s3", "C:/x", "s3")))
    assert str(Bucket("s3://b/x/")) == str(Bucket("s3:/b/x")) == "s3://b/x"


@pytest.mark.parametrize(
    "wrong", ["s3://", "s3:///x", "s3://key:secret@b/x", "s3://b/x?y", "s3://b/*", "http://b/x"]
)
def test_what_is_no_address_is_one_sentence_without_it(wrong):
    with pytest.raises(SourceError, match=r"^The address of a bucket is written s3://bucket/path") as said:
        Bucket(wrong)
    assert "secret" not in str(said.value)


def test_an_object_is_replaced_only_as_it_was_seen(s3):
    bucket = Bucket("s3://reports/a")
    assert (bucket.tag("x"), bucket.read(["x"]), bucket.sizes()) == ("", {}, {})
    bucket.replace("x", b"1", "")
    first = bucket.tag("x")
    bucket.replace("x", b"22", first)
    for tag in ("", first):
        with pytest.raises(Changed):
            bucket.replace("x", b"3", tag)
    with pytest.raises(Changed):
        bucket.replace("none", b"3", first)
    assert bucket.read(["x", "none"]) == {"x": b"22"}
    assert bucket.sizes() == {"x": 2}
    bucket.remove(["x", "none"])
    assert s3.objects() == {}


def test_nothing_is_lost_of_what_many_add_at_once(s3):
    """Also where connections end before or after a request, and the server is tired now and then."""
    dice = random.Random(1)
    s3.fault = lambda _: dice.choice([None] * 12 + ["cut", "drop", 503])

    def add(who):
        bucket = Bucket("s3://reports/a")
        for n in range(6):
            bucket.add("book", f"{who} {n}\n".encode())

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(add, range(5)))
    lines = s3.objects()["a/book"].decode().splitlines()
    assert sorted(lines) == sorted(f"{who} {n}" for who in range(5) for n in range(6)), "each, and once"
    for who in range(5):
        assert [line for line in lines if line[0] == str(who)] == [f"{who} {n}" for n in range(6)]


# ------------------------------------------------------------------------ reports


def test_a_report_comes_whole_and_goes_whole(s3, tmp_path):
    bucket = Bucket("s3://reports/r")
    one, two = report(tmp_path / "1", "one", "tables.xlsx"), report(tmp_path / "2", "two")
    bucket.upload(one, OURS.fullmatch)
    assert s3.objects("r/") == as_uploaded(one)
    puts = [path for method, path in s3.asked if method == "PUT"]
    assert (puts[0], puts[-1]) == (f"/reports/r/{CLAIM}", f"/reports/r/{SUMS}")
    bucket.write("notes.txt", b"mine")
    s3.asked.clear()
    bucket.upload(two, OURS.fullmatch)
    assert s3.objects("r/") == as_uploaded(two) | {"notes.txt": b"mine"}, "tables.xlsx is no part of this one"
    changes = [(method, path) for method, path in s3.asked if method in {"PUT", "DELETE"}]
    assert changes[1] == ("DELETE", f"/reports/r/{SUMS}"), "gone before any file changes"
    s3.asked.clear()
    (two / "report.pdf").write_bytes(b"%PDF")
    bucket.upload(two, OURS.fullmatch)
    assert [path for method, path in s3.asked if method == "PUT"] == ["/reports/r/report.pdf"], (
        "the rest is there"
    )
    assert s3.seen_whole == {"r"}


@pytest.mark.slow
def test_an_upload_that_stops_anywhere_leaves_no_part_that_looks_whole(s3, tmp_path):
    """At each of its requests, over another state; the server looks after each change."""
    bucket = Bucket("s3://reports/r")
    old, new = (report(tmp_path / text, text, few=True) for text in ("old", "new"))
    for n in range(1, 40):
        bucket.remove(list(bucket.sizes()))
        bucket.upload(old, OURS.fullmatch)
        turn = iter(range(1, 1000))
        s3.fault = lambda _, turn=turn, n=n: 403 if next(turn) >= n else None
        with contextlib.suppress(SourceError):
            bucket.upload(new, OURS.fullmatch)
        s3.fault = lambda _: None
        bucket.upload(new, OURS.fullmatch)
        assert {n: raw for n, raw in s3.objects("r/").items() if n != CLAIM} == as_uploaded(new)
        if next(turn) < n:
            break
    assert 15 < n < 39


@pytest.mark.parametrize("fault", ["drop", "cut", 500, 503])
def test_lost_connections_are_asked_again(s3, tmp_path, fault):
    turn = iter(range(10**6))
    s3.fault = lambda _: fault if next(turn) % 3 == 1 else None
    folder = report(tmp_path / "1", "one")
    Bucket("s3://reports/r").upload(folder, OURS.fullmatch)
    assert s3.objects("r/") == as_uploaded(folder)


def test_a_server_that_comes_back_is_waited_for(s3, tmp_path):
    folder, bucket = report(tmp_path / "1", "one"), Bucket("s3://reports/r")
    s3.stop()
    back = threading.Timer(2, s3.start)
    back.start()
    bucket.upload(folder, OURS.fullmatch)
    back.join()
    assert s3.objects("r/") == as_uploaded(folder)


def test_two_who_write_one_report_differently_leave_one_of_them(s3, tmp_path):
    """The server looks after each change; who comes second wins, and the other is told that."""
    folders = [report(tmp_path / str(n), f"state {n}") for n in range(3)]
    dice = random.Random(3)
    s3.fault = lambda _: time.sleep(dice.uniform(0, 0.01))

    def write(folder):
        for _ in range(400):
            try:
                return Bucket("s3://reports/r").upload(folder, OURS.fullmatch)
            except Busy:
                time.sleep(dice.uniform(0, 0.3))
        pytest.fail("it never got its turn")

    for _ in range(4):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(write, folders))
        left = {n: raw for n, raw in s3.objects("r/").items() if n != CLAIM}
        assert left in [as_uploaded(f) for f in folders]


def test_two_who_write_the_same_do_not_hinder_each_other(s3, tmp_path):
    folder = report(tmp_path / "1", "one")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: Bucket("s3://reports/r").upload(folder, OURS.fullmatch), range(4)))
    assert {n: raw for n, raw in s3.objects("r/").items() if n != CLAIM} == as_uploaded(folder)


# ------------------------------------------------------------------------ sentences

WAYS = {
    "read": lambda b: b.read(["x"]), "look": lambda b: b.tag("x"), "list": lambda b: b.sizes(),
    "write": lambda b: b.write("x", b""), "create": lambda b: b.replace("x", b"", ""),
    "replace": lambda b: b.replace("x", b"", "t"), "add": lambda b: b.add("x", b"1\n"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_a_bucket_that_is_not_there_is_a_sentence(s3, way):
    with pytest.raises(SourceError, match=r"^There is no bucket 's3://none'; check the address"):
        WAYS[way](Bucket("s3://none/x"))


@pytest.mark.parametrize("way", WAYS)
def test_credentials_that_do_not_do_are_a_sentence_that_does_not_tell_them(s3, way):
    s3.fault = lambda _: 403
    with pytest.raises(
        SourceError, match=r"^The credentials of the environment do not allow to use 's3://"
    ) as said:
        WAYS[way](Bucket("s3://reports/x"))
    assert not any(secret in str(said.value) for secret in list(ENVIRONMENT.values())[:2])


def test_without_credentials_it_is_a_sentence(s3, monkeypatch, tmp_path):
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(SourceError, match=r"^The credentials of the environment .*NoCredentialsError"):
        Bucket("s3://reports/x").write("x", b"")


@pytest.mark.parametrize("way", ["read", "list", "replace"])
def test_no_answer_is_a_sentence(s3, way, impatient):
    s3.stop()
    try:
        with pytest.raises(
            SourceUnavailable, match=r"^No answer from 's3://reports/x' for .* run it again later"
        ):
            WAYS[way](Bucket("s3://reports/x"))
    finally:
        s3.start()


@pytest.mark.parametrize(
    ("package", "asked"),
    [
        ("s3fs", ["--source", "demo", "--out", "s3://b/x"]),
        ("adlfs", ["--source", "archive:az://b/x"]),
        ("gcsfs", ["--source", "archive:gs://b/x"]),
    ],
)
def test_a_driver_that_is_not_installed_is_named(package, asked):
    code = f"import sys; sys.modules[{package!r}] = None; from crimenb.cli import main; main()"
    command = [sys.executable, "-c", code, "report", "ZZ9 9ZZ", *asked]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert re.fullmatch(rf"An address ..://... needs the package '{package}'; install .*\.\n", done.stderr), (
        done.stderr
    )


@pytest.mark.parametrize("asked", [
    ["report", "ZZ9 9ZZ", "--source", "demo", "--from", "2025-12", "--out", "s3://none/x"],
    ["report", "ZZ9 9ZZ", "--source", "archive:s3://none/x", "--from", "2025-12", "--out", "out"],
    ["batch", "list.txt", "--source", "demo", "--from", "2025-12", "--out", "s3://none/x"],
    ["batch", "list.txt", "--source", "archive:s3://none/x", "--from", "2025-12", "--out", "out"],
    ["verify", "s3://none/x"],
])  # fmt: skip
@pytest.mark.parametrize("fault", ["no bucket", "no permission"])
def test_each_command_says_it_in_one_sentence_and_makes_nothing(s3, tmp_path, monkeypatch, asked, fault):
    (tmp_path / "list.txt").write_text("ZZ9 9ZZ\n")
    monkeypatch.chdir(tmp_path)
    if fault == "no permission":
        s3.fault = lambda _: 403
    done = CliRunner().invoke(main, [*asked, "--quiet"])
    assert done.exit_code == 3, done.output
    assert done.stderr.startswith(
        "There is no bucket 's3://none'" if fault == "no bucket" else "The credentials of the"
    )
    assert done.stderr.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["list.txt"]
