"""A batch into a bucket: no part of a report looks whole at any time, the ledger is true, nothing is lost."""

import csv
import hashlib
import io
import json
import re
import subprocess
import threading
import time
from pathlib import Path

import psutil
import pytest

from crimenb.batch import shelf as shelves
from crimenb.batch.ledger import Entry
from crimenb.batch.plan import plan_batch
from crimenb.batch.run import run_batch
from crimenb.batch.shelf import BucketShelf, Shelf
from crimenb.batch.worker import Task, make
from crimenb.buckets import Bucket
from crimenb.cli import main
from crimenb.errors import QueryError, SnapshotError
from crimenb.query import Query
from crimenb.report.build import build_report
from tests.processes import COMMAND, workers_of
from tests.s3 import running

FROM, TO = "2025-11", "2025-12"
OUT = "s3://reports/many"
PLACES = ["ZZ1 1AA", "ZZ9 9ZZ", "ZZ1 3AE", "ZZ1 3AP", "ZZ1 3BF", "ZZ1 3BX", "ZZ2 2BB", "ZZ1 3DQ"]


@pytest.fixture
def s3():
    with running() as server:
        yield server
        assert not server.broken


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """Return a report on the disk."""
    return build_report(Query.parse("ZZ9 9ZZ", FROM, TO), "demo", tmp_path_factory.mktemp("local")).parent


def listed(folder, places):
    path = folder / "list.txt"
    path.write_text("\n".join(places))
    return path


def planned(folder, places, **options):
    return plan_batch(listed(folder, places), "demo", OUT, start=FROM, end=TO, **options)


def files(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def rows(s3):
    return list(csv.DictReader(io.StringIO(s3.objects("many/")["batch.csv"].decode())))


def whole(s3):
    """Return the reports that are whole, with the hashes of their SHA256SUMS."""
    held, found = s3.objects("many/"), {}
    for name, sums in held.items():
        slug, _, rest = name.partition("/")
        if rest == "SHA256SUMS":
            wanted = (line.split("  ", 1) for line in sums.decode().splitlines())
            if all(hashlib.sha256(held[f"{slug}/{n}"]).hexdigest() == h for h, n in wanted):
                found[slug] = hashlib.sha256(sums).hexdigest()
    return found


def finished(s3):
    return [name for name in s3.names("many/") if name.endswith("/SHA256SUMS")]


# ------------------------------------------------------------------------ one report


def test_a_report_in_a_bucket_is_the_one_on_a_disk(s3, local, tmp_path):
    query = Query.parse("ZZ9 9ZZ", FROM, TO)
    assert build_report(query, "demo", OUT) == f"{OUT}/{query.slug}/report.html"
    assert s3.objects(f"many/{query.slug}/") == files(local)
    s3.asked.clear()
    build_report(query, "demo", OUT)  # from the data that are there
    assert not [path for method, path in s3.asked if method in {"PUT", "DELETE"}]
    with pytest.raises(SnapshotError, match="another source"):
        build_report(query, "live", OUT)


def test_reports_in_a_bucket_are_verified(s3, local):
    for name, raw in files(local).items():
        Bucket(OUT).write(f"one/{name}", raw)
        Bucket(OUT).write(f"two/{name}", b"changed" if name == "report.html" else raw)
    s3.broken.clear()
    done = subprocess.run([COMMAND, "verify", OUT], capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert re.search(rf"^holds .*{OUT}/one\n^FAILS .*{OUT}/two\n", done.stdout, re.MULTILINE), done.stdout
    assert "hashes: report.html was changed after SHA256SUMS was written" in done.stdout


# ------------------------------------------------------------------------ the ledger and the page


def shelved(n):
    return Entry(
        f"ZZ9 {n}ZZ",
        f"zz9-{n}zz_{FROM}_{TO}",
        "done",
        hash=str(n),
        overview=json.dumps({"name": f"place {n}"}),
    )


def test_two_batches_lose_no_line_and_no_row_of_each_other(s3, monkeypatch):
    """Both open before either writes; each line is in the ledger once, each row on the page at the end."""
    monkeypatch.setattr(shelves, "EVERY_S", 0.0)
    ready = threading.Barrier(3)

    def page(shelf):
        def write(ledger):
            path = shelf.folder / "index.html"
            path.write_text("\n".join(sorted(ledger.entries)))
            return path

        return write

    def batch(first):
        shelf = BucketShelf(OUT)
        with shelf.opened():
            ledger = shelf.ledger()
            ready.wait()
            for n in range(first, first + 8):
                ledger.add(shelved(n))
                ledger = shelf.saved(ledger)
            shelf.indexed(ledger, page(shelf))

    threads = [threading.Thread(target=batch, args=(first,)) for first in (10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wanted = sorted(shelved(n).slug for first in (10, 20, 30) for n in range(first, first + 8))
    assert sorted(row["slug"] for row in rows(s3)) == wanted
    assert s3.objects("many/")["index.html"].decode().splitlines() == wanted
    with BucketShelf(OUT).opened():
        pass
    shelf = BucketShelf(OUT)
    with shelf.opened():
        assert all(entry.overview for entry in shelf.ledger().entries.values()), (
            "the lines of others are taken"
        )


def test_a_line_that_is_entered_again_counts_again(s3):
    shelf = BucketShelf(OUT)
    with shelf.opened():
        ledger = shelf.ledger()
        for entry in (shelved(10), shelved(10)._replace(status="failed", overview=""), shelved(10)):
            ledger.add(entry)
            ledger = shelf.saved(ledger, now=True)
    assert [row["status"] for row in rows(s3)] == ["done", "failed", "done"]


def test_a_ledger_that_cannot_be_saved_now_is_saved_later(s3, monkeypatch):
    monkeypatch.setattr("crimenb.buckets.PATIENCE_S", 0.2)
    shelf = BucketShelf(OUT)
    with shelf.opened():
        ledger = shelf.ledger()
        ledger.add(shelved(10))
        s3.stop()
        ledger = shelf.saved(ledger)
        s3.start()
        ledger.add(shelved(11))
        shelf.saved(ledger, now=True)
    assert [row["hash"] for row in rows(s3)] == ["10", "11"]


def test_a_bucket_that_lets_nobody_write_is_said_before_anything_is_made(s3, tmp_path, capsys):
    s3.fault = lambda environ: 403 if environ["REQUEST_METHOD"] == "PUT" else None
    path = listed(tmp_path, PLACES[:2])
    with pytest.raises(SystemExit) as ended:
        main(["batch", str(path), "--source", "demo", "--from", TO, "--out", OUT, "--quiet"])
    assert ended.value.code == 3
    assert capsys.readouterr().err.startswith("The credentials of the environment do not allow to use 's3://")
    assert s3.objects() == {}


def test_invented_and_real_places_are_not_put_into_one_index(s3, tmp_path):
    slug = f"zz9-9zz_{FROM}_{TO}"
    plan = planned(tmp_path, ["ZZ9 9ZZ"])
    assert make(Task(plan.todo[0].query, "demo", OUT, plan.described)).status == "done"
    shelf = BucketShelf(OUT)
    with shelf.opened():
        ledger = shelf.ledger()
        ledger.add(Entry("ZZ9 9ZZ", slug, "done"))
        shelf.saved(ledger, now=True)
    with pytest.raises(QueryError, match=r"^'s3://reports/many' has reports of the demonstration"):
        plan_batch(listed(tmp_path, ["LE1 6RN"]), "live", OUT, start=FROM, end=TO)


# ------------------------------------------------------------------------ whole batches


def started(path, *args):
    command = [COMMAND, "batch", str(path), "--source", "demo", "--from", FROM, "--to", TO, "--out", OUT]
    return subprocess.Popen(
        [*command, "--workers", "2", *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def until(condition, seconds=400.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


@pytest.mark.slow_faults
def test_a_batch_outlives_kills_and_a_server_that_stops(s3, local, tmp_path):
    """The server looks after each change; benchmarks/bucket.py does it with two hundred reports."""
    path = listed(tmp_path, PLACES)
    with started(path) as first:
        until(lambda: len(finished(s3)) >= 2)
        workers_of(psutil.Process(first.pid))[0].kill()
        until(lambda: len(finished(s3)) >= 4)
        family = psutil.Process(first.pid).children(recursive=True)
        first.kill()
    psutil.wait_procs(family, timeout=20)
    before = whole(s3)
    with started(path) as second:
        until(lambda: len(finished(s3)) > len(before))
        s3.stop()
        time.sleep(1.5)
        s3.start()
        told = second.communicate(timeout=500)
    assert (second.returncode, told[0]) == (0, f"{OUT}/index.html\n"), told
    made = whole(s3)
    assert len(made) == len(PLACES)
    assert {row["slug"]: (row["status"], row["hash"]) for row in rows(s3)} == {
        s: ("done", h) for s, h in made.items()
    }
    page = s3.objects("many/")["index.html"].decode()
    assert all(f"{slug}/report.html" in page for slug in made)
    slug = f"zz9-9zz_{FROM}_{TO}"
    assert {n: raw for n, raw in s3.objects(f"many/{slug}/").items() if n != ".uploading"} == files(local)
    assert "done" in s3.objects("many/")["batch.log"].decode()
    again = planned(tmp_path, PLACES)
    assert (again.todo, again.unchanged) == ([], made)
    assert len(planned(tmp_path, PLACES, xlsx=True).todo) == len(PLACES)


def test_what_was_collected_first_travels_to_the_workers(s3, local, tmp_path):
    """As with the live services; workers share no disk."""
    assert run_batch(planned(tmp_path, ["ZZ9 9ZZ"]), workers=1, collect_first=True).complete
    assert s3.objects(f"many/zz9-9zz_{FROM}_{TO}/") == files(local)


def test_a_folder_named_by_a_path_is_a_bucket_too(tmp_path):
    assert isinstance(shelves.shelf(Path(OUT)), BucketShelf)
    assert str(shelves.shelf(Path(OUT))) == OUT
    assert type(shelves.shelf(tmp_path)) is Shelf
