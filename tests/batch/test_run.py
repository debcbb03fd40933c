"""Many reports: every bad line named, the same bytes, nothing lost whatever is killed."""

import csv
import hashlib
import html
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner

from crimenb.batch import ledger
from crimenb.batch.ledger import Entry, Ledger, intact_hash, unchanged_hash
from crimenb.batch.plan import AreasOf, plan_batch
from crimenb.batch.rows import read_orders, settle
from crimenb.batch.run import run_batch
from crimenb.batch.worker import Task, make
from crimenb.cli import main
from crimenb.errors import Busy, QueryError
from crimenb.files import locked, sweep
from crimenb.query import Query, months_between
from crimenb.report.build import build_report
from crimenb.snapshot import open_source
from tests.faults.misbehaving import certificate
from tests.processes import finished, workers_of

FROM, TO = "2025-10", "2025-12"
HELD = months_between("2023-01", "2025-12")


def listed(folder: Path, text: str | bytes, name="list.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def files(folder: Path):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def planned(path, out, **options):
    return plan_batch(path, "demo", out, **{"start": FROM, "end": TO} | options)


# ------------------------------------------------------------------------ the list


@pytest.mark.parametrize(
    "text",
    [
        "LE1 6RN\ncv11fy\n",
        "postcode\nLE1 6RN\nCV1 1FY\n",
        "\ufeffPostcode;Name\r\nLE1 6RN;a\r\nCV1 1FY;b\r\n",
        "name\tPost Code\nx\tLE1 6RN\n\n,,,\ny\tCV1 1FY\n",
        "\n  \nLE1 6RN\n\nCV1 1FY",
    ],
)
def test_lists_of_any_shape_are_read(text, tmp_path):
    orders, notices = read_orders(listed(tmp_path, text))
    assert [o.query.postcode for o in orders] == ["LE1 6RN", "CV1 1FY"]
    assert not notices


def test_rows_may_say_more_than_a_postcode(tmp_path):
    text = (
        "postcode,from,to,compare,name\nLE1 6RN,2025-01,2025-03,CV1 1FY BS1 4ST, The  Centre \nCV1 1FY,,,,\n"
    )
    orders, notices = read_orders(listed(tmp_path, text), "2025-02", "2025-06", ["LE1 6RN"])
    assert orders[0].query == Query("LE1 6RN", "2025-01", "2025-03", ("CV1 1FY", "BS1 4ST"))
    assert orders[0].name == "The Centre"
    assert orders[1].query == Query("CV1 1FY", "2025-02", "2025-06", ("LE1 6RN",))
    assert [o.line for o in orders] == [2, 3]
    assert not notices


def test_utf_16_is_read(tmp_path):
    orders, _ = read_orders(listed(tmp_path, "postcode,name\r\nLE1 6RN,Café\r\n".encode("utf-16")))
    assert orders[0].name == "Café"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (None, "cannot be read"),
        (b"\xd0\xcf\x11\xe0\0\0", "a workbook of an old Excel"),
        (b"PK\x03\x04\0\0", "no Excel workbook"),
    ],
)
def test_what_is_no_list_is_refused(raw, words, tmp_path):
    path = tmp_path / "none.csv" if raw is None else listed(tmp_path, raw)
    with pytest.raises(QueryError, match=words):
        read_orders(path)


BAD = [
    ("not a postcode", b"Leicester", "'Leicester' is not a full UK postcode", True),
    ("half a postcode", b"LE1", "'LE1' is not a full UK postcode", True),
    ("a formula", b'"=HYPERLINK(""http://x"")"', "'=HYPERLINK(\"http://x\")' is not a full", True),
    ("a command", b"@SUM(1+1)*cmd|' /C calc'!A0", "is not a full UK postcode", True),
    ("a path", b"../../../etc/passwd", "'../../../etc/passwd' is not a full UK postcode", True),
    ("an absolute path", b"/etc/cron.d/x", "is not a full UK postcode", True),
    ("Scotland", b"EH1 1YZ", "'EH1 1YZ' is in Scotland", True),
    ("an island", b"JE2 3AB", "'JE2 3AB' is in Jersey", True),
    ("none", b",2025-12,,", "The line names no postcode", True),
    ("unknown", b"ZZ8 8ZZ", "'ZZ8 8ZZ' is not in this archive's postcode file", True),
    ("elsewhere", b"LE1 6RN", "'LE1 6RN' is not in this archive's postcode file", True),
    ("an open quotation mark", b'"ZZ1 1AA', "has an open quotation mark", True),
    ("no month", b"ZZ1 1AA,Christmas,,", "'Christmas' is not a month", True),
    ("a month to come", b"ZZ1 1AA,,2999-01,", "'2999-01' is not over yet", True),
    ("months the wrong way", b"ZZ1 1AA,2025-12,2025-01,", "is after the end", True),
    ("months not held", b"ZZ1 1AA,2019-01,2019-02,", "Nothing of '2019-01 to 2019-02' is held", True),
    ("no one to compare with", b"ZZ1 1AA,,,ZZ8 8ZZ", "'ZZ8 8ZZ' is not in this archive", True),
    ("compared with no postcode", b"ZZ1 1AA,,,somewhere", "'somewhere' is not a full UK postcode", True),
    ("other encoding", b"ZZ1 3AP,,,,Caf\xe9", "not in UTF-8", False),
    ("a duplicate", b"zz11aa", "'ZZ1 1AA' asks the same as line 2", False),
    ("a spelling of it", b"  ZZ1   1AA  ", "asks the same as line 2", False),
]


def test_every_bad_line_is_named_and_the_rest_done(tmp_path):
    """Three hundred rows, twenty of them bad; few are built here, all are planned."""
    good = [p for p in _demo_postcodes() if p != b"ZZ1 3AP"][:280]
    lines = [b"postcode,from,to,compare,name", good[0]]
    lines += [line for _, line, _, _ in BAD] + good[1:]
    out = tmp_path / "out"
    plan = planned(listed(tmp_path, b"\n".join(lines)), out)
    assert not out.exists()  # named before anything runs
    for number, (what, _, words, left_out) in enumerate(BAD, 3):
        said = [n for n in plan.notices if n.line == number]
        assert len(said) == 1, what
        assert words in said[0].found, what
        assert said[0].left_out == left_out, what
        assert said[0].done in {"Left out.", "Done once.", "Read as Windows-1252."}
    assert len(plan.notices) == len(BAD)
    assert len(plan.orders) == len(good) + 1
    assert next(o for o in plan.orders if o.query.postcode == "ZZ1 3AP").name == "Café"
    text = "\n".join(plan.lines())
    assert f"{len(plan.todo):,} to make; 18 lines left out." in text


def _demo_postcodes(*, closed=False):
    import duckdb

    archive = open_source("demo", Query("ZZ1 1AA"))
    file = archive.folder / "postcodes.parquet"
    rows = duckdb.sql(
        f"SELECT postcode FROM '{file}' WHERE refused = '' AND (closed <> '') = {closed} ORDER BY 1"
    ).fetchall()
    return [row[0].encode() for row in rows]


def test_a_force_that_is_not_held_is_named(tmp_path, real_archive_or_skip):
    path = listed(tmp_path, "EC1N 7UB\n")
    plan = plan_batch(
        path, f"archive:{real_archive_or_skip}", tmp_path / "out", start="2025-12", end="2025-12"
    )
    assert "The archive holds no month of 'metropolitan'" in plan.lines()[0]
    assert len(plan.todo) == 1


@pytest.fixture
def real_archive_or_skip(request):
    from tests.real import REAL

    if not (REAL / "police-uk-archive").is_dir():
        pytest.skip("recorded police.uk data are not here (CRIMENB_REAL_DATA)")
    return request.getfixturevalue("real_archive")


def test_closed_postcodes_of_a_list_are_taken_only_if_asked_for(tmp_path):
    path = listed(tmp_path, f"ZZ9 9ZZ\n{_demo_postcodes(closed=True)[0].decode()}\n")
    assert "ask for its last position (--closed-ok). Left out." in planned(path, tmp_path).lines()[0]
    plan = planned(path, tmp_path / "out", closed_ok=True)
    assert len(plan.todo) == 2
    (tmp_path / "out").mkdir()
    task = Task(plan.todo[1].query, plan.source, str(plan.shelf), plan.described, closed_ok=True)
    assert make(task).status == "done"
    assert "its last position is used" in (tmp_path / "out" / task.query.slug / "report.html").read_text()


def test_a_list_without_any_postcode_says_why(tmp_path):
    with pytest.raises(QueryError, match=r"Line 1: 'a' is not[\s\S]*holds no postcode"):
        planned(listed(tmp_path, "a\nb\n"), tmp_path)


def test_every_line_of_such_a_list_has_one_of_its_own_on_the_screen(tmp_path):
    args = ["batch", str(listed(tmp_path, "a\nb\n")), "--source", "demo", "--out", str(tmp_path)]
    said = CliRunner().invoke(main, args).stderr.splitlines()
    assert [line.split(" is ")[0] for line in said[:2]] == ["Line 1: 'a'", "Line 2: 'b'"]
    assert len(said) == 3


def test_settling_keeps_one_of_each():
    from crimenb.batch.rows import Order, Orders

    asked = Orders([Order(1, Query("LE1 6RN")), Order(2, Query("LE1 6RN", "2024-01", "latest"))], [])
    asked = settle(asked, HELD)
    assert [o.query.start for o in asked.orders] == ["2024-01"]
    assert str(asked.notices[0]) == "Line 2: 'LE1 6RN' asks the same as line 1. Done once."


# ------------------------------------------------------------------------ a whole batch


@pytest.fixture(scope="module")
def batch(tmp_path_factory):
    """Return the folder of a finished batch of three, and its list."""
    folder = tmp_path_factory.mktemp("batch")
    path = listed(folder, "postcode,name\nZZ1 1AA,=Centre\nZZ9 9ZZ,\nZZ1 3AE,../x\nZZ1 1AA,\n")
    outcome = run_batch(planned(path, folder / "out"), workers=2)
    assert outcome.complete, outcome
    assert (outcome.made, outcome.unchanged) == (3, 0)
    return folder / "out", path


def test_reports_are_those_of_the_report_command(batch, tmp_path):
    out, _ = batch
    for postcode in ("ZZ1 1AA", "ZZ9 9ZZ"):
        query = Query.parse(postcode, FROM, TO)
        build_report(query, "demo", tmp_path)
        assert files(out / query.slug) == files(tmp_path / query.slug)


def test_nothing_else_is_left(batch):
    out, path = batch
    slugs = {f"{p}_{FROM}_{TO}" for p in ("zz1-1aa", "zz9-9zz", "zz1-3ae")}
    assert {p.name for p in out.iterdir()} == slugs | {"batch.csv", "batch.log", "index.html"}
    assert {p.name for p in path.parent.iterdir()} == {"out", path.name}


def test_the_ledger_is_true(batch):
    out, _ = batch
    rows = list(csv.DictReader(io.StringIO((out / "batch.csv").read_text())))
    assert list(rows[0])[:7] == ["postcode", "slug", "status", "seconds", "attempts", "error", "hash"]
    assert {r["slug"] for r in rows} == {f"{p}_{FROM}_{TO}" for p in ("zz1-1aa", "zz9-9zz", "zz1-3ae")}
    for row in rows:
        assert (row["status"], row["attempts"], row["error"]) == ("done", "1", "")
        sums = (out / row["slug"] / "SHA256SUMS").read_bytes()
        assert row["hash"] == hashlib.sha256(sums).hexdigest() == intact_hash(out / row["slug"])
    assert {json.loads(r["overview"]).get("name") for r in rows} == {"=Centre", None, "../x"}


def test_a_second_run_does_nothing(batch):
    out, path = batch
    before = {p: p.stat().st_mtime_ns for p in out.rglob("report.html")}
    ledger_before = (out / "batch.csv").read_bytes()
    outcome = run_batch(planned(path, out))
    assert (outcome.made, outcome.unchanged, outcome.complete) == (0, 3, True)
    assert {p: p.stat().st_mtime_ns for p in out.rglob("report.html")} == before
    assert (out / "batch.csv").read_bytes() == ledger_before


def test_what_is_missing_or_changed_is_made_again(batch):
    out, path = batch
    good = files(out)
    centre, small = out / f"zz1-1aa_{FROM}_{TO}", out / f"zz9-9zz_{FROM}_{TO}"
    page = (small / "report.html").read_text()
    (small / "report.html").write_text(page.replace("recorded", "invented", 1))
    for left in sorted(centre.rglob("*"), reverse=True):
        left.rmdir() if left.is_dir() else left.unlink()
    centre.rmdir()
    plan = planned(path, out)
    assert {o.query.postcode for o in plan.todo} == {"ZZ1 1AA", "ZZ9 9ZZ"}
    assert run_batch(plan, workers=1).complete
    again = files(out)
    assert {n: b for n, b in again.items() if "/" in n} == {n: b for n, b in good.items() if "/" in n}


def test_force_makes_all_again(batch):
    out, path = batch
    assert len(planned(path, out, force=True).todo) == 3


def test_reports_without_the_tables_that_are_wanted_are_made_again(batch):
    out, path = batch
    plan = planned(path, out, xlsx=True)
    assert (len(plan.todo), plan.extra) == (3, ("tables.xlsx",))
    assert planned(path, out, docx=True).extra == ("report.docx",)
    assert planned(path, out).todo == []
    folder = out / f"zz9-9zz_{FROM}_{TO}"
    assert intact_hash(folder)
    assert not intact_hash(folder, plan.extra)


def test_another_source_or_version_makes_all_again(batch, monkeypatch):
    out, _ = batch
    query = Query.parse("ZZ1 1AA", FROM, TO)
    said = open_source("demo", query).describe()
    assert unchanged_hash(out / query.slug, query, said)
    assert not unchanged_hash(out / query.slug, query, said | {"release": "2026-01"})
    assert not unchanged_hash(out / query.slug, query, said | {"read": "2026-01-01"})
    assert not unchanged_hash(out / query.slug, Query.parse("ZZ1 1AA", FROM, "2025-11"), said)
    monkeypatch.setattr(ledger, "__version__", "9")
    assert not unchanged_hash(out / query.slug, query, said)


def test_what_was_made_but_not_entered_is_entered(batch):
    """The parent was killed between a result and its line."""
    out, path = batch
    lines = (out / "batch.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("ZZ9 9ZZ")]
    slug = f"zz9-9zz_{FROM}_{TO}"
    overview = Ledger(out).entries[slug].overview_dict
    (out / "batch.csv").write_text("".join(kept) + "ZZ9 9ZZ,zz9-9zz_2025-1")  # a line that was cut off
    before = (out / slug / "report.html").stat().st_mtime_ns
    outcome = run_batch(planned(path, out))
    assert (outcome.made, outcome.unchanged) == (0, 3)
    assert (out / slug / "report.html").stat().st_mtime_ns == before
    entry = Ledger(out).entries[slug]
    assert entry.status == "done"
    assert entry.overview_dict == overview != {}


def test_collecting_first_gives_the_same(batch, tmp_path):
    """The path of the live services, on a source that needs no service."""
    out, path = batch
    plan = planned(path, tmp_path / "out")
    assert run_batch(plan, workers=1, collect_first=True).complete
    for slug in (o.query.slug for o in plan.orders):
        assert files(tmp_path / "out" / slug) == files(out / slug)
    assert not list((tmp_path / "out").glob(".*"))


def test_one_that_fails_costs_only_itself(tmp_path):
    """A postcode far out at sea, where no police force is known."""
    archive = tmp_path / "A"
    shutil.copytree(open_source("demo", Query("ZZ1 1AA")).folder, archive)
    known = pd.read_parquet(archive / "postcodes.parquet")
    lost = known[known["postcode"] == "ZZ1 3AE"].assign(postcode="ZZ8 8ZZ", longitude=-9.5, latitude=48.5)
    pd.concat([known, lost]).to_parquet(archive / "postcodes.parquet", index=False)
    path, out = listed(tmp_path, "ZZ1 3AE\nZZ8 8ZZ\n"), tmp_path / "out"
    plan = plan_batch(path, f"archive:{archive}", out, start=FROM, end=TO)
    outcome = run_batch(plan, workers=1)
    assert not outcome.complete
    assert [e.postcode for e in outcome.failed] == ["ZZ8 8ZZ"]
    assert "No police force area is known around 'ZZ8 8ZZ'" in outcome.failed[0].error
    page = html.unescape(outcome.index.read_text())
    assert outcome.failed[0].error in page
    assert f"zz1-3ae_{FROM}_{TO}/report.html" in page
    again = plan_batch(path, f"archive:{archive}", out, start=FROM, end=TO)
    assert [o.query.postcode for o in again.todo] == ["ZZ8 8ZZ"]


def test_two_batches_do_not_share_a_folder(batch):
    out, path = batch
    with locked(out / ".batch.lock"), pytest.raises(Busy, match="Another run"):
        run_batch(planned(path, out))


def test_what_killed_runs_left_is_removed(tmp_path):
    slug = f"zz1-1aa_{FROM}_{TO}"
    (tmp_path / f".{slug}.abcd1234.new" / "data").mkdir(parents=True)
    (tmp_path / f".{slug}.abcd1234.old").mkdir()
    (tmp_path / f".{slug}.lock").touch()
    held = f"zz9-9zz_{FROM}_{TO}"
    (tmp_path / f".{held}.abcd1234.new").mkdir()
    (tmp_path / slug).mkdir()
    with locked(tmp_path / f".{held}.lock"):
        sweep(tmp_path)
        assert {p.name for p in tmp_path.iterdir()} == {slug, f".{held}.abcd1234.new", f".{held}.lock"}


def test_formulas_are_kept_from_spreadsheets(tmp_path):
    book = Ledger(tmp_path)
    book.add(Entry("=1+1", "a", "failed", error="+x\ny"))
    assert "'=1+1,a,failed,,,'+x y,," in book.path.read_text()
    assert Ledger(tmp_path).entries["a"].postcode == "=1+1"


# ------------------------------------------------------------------------ the command


def run(*args, **options):
    command = [sys.executable, "-c", "from crimenb.cli import main; main()", "batch", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, **options)


@pytest.mark.parametrize(("there", "asked"), [("zz9-9zz", "LE1 6RN"), ("le1-6rn", "ZZ9 9ZZ")])
def test_invented_and_real_places_are_not_put_into_one_index(there, asked, tmp_path):
    """One heading says for all rows whether the places are invented."""
    name = f"{there}_{FROM}_{TO}"
    Ledger(tmp_path).add(Entry("", name, "done"))
    (tmp_path / name / "data").mkdir(parents=True)
    (tmp_path / name / "report.html").touch()
    manifest = json.loads((Path(__file__).parents[2] / "reports/example/data/manifest.json").read_text())
    if there != "zz9-9zz":
        manifest["provenance"] = [[k, n, "live" if n == "name" else v] for k, n, v in manifest["provenance"]]
    (tmp_path / name / "data" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(QueryError, match=r"an index page must not mix the two; give another --out\.$"):
        plan_batch(listed(tmp_path, asked), "", tmp_path)
    (tmp_path / name / "report.html").unlink()
    assert plan_batch(listed(tmp_path, "ZZ9 9ZZ"), "", tmp_path).todo, "nothing is left of it"


def test_the_invented_wards_go_into_one_folder_twice(tmp_path):
    asked = AreasOf("ward", "Fablemouth")
    run_batch(plan_batch(asked, "demo", tmp_path, start=TO, end=TO))
    assert not plan_batch(asked, "demo", tmp_path, start=TO, end=TO).todo


def test_dry_run_says_and_does_nothing(tmp_path):
    path = listed(tmp_path, "ZZ1 1AA\nfoo\n")
    said = CliRunner().invoke(main, ["batch", str(path), "--out", str(tmp_path / "out"), "--dry-run"])
    assert said.exit_code == 1, "as of the run itself"
    assert said.stdout == ""
    assert "Line 2: 'foo' is not a full UK postcode" in said.stderr
    assert "1 report asked for, 0 there already, 1 to make; 1 line left out." in said.stderr
    assert not (tmp_path / "out").exists()


def test_the_exit_code_says_whether_all_are_there(batch, tmp_path):
    out, path = batch
    said = run(path, "--out", out, "--from", FROM, "--to", TO)
    assert (said.returncode, said.stdout) == (0, f"{out / 'index.html'}\n"), said.stderr
    more = listed(tmp_path, path.read_text() + "foo\n", "more.csv")
    assert run(more, "--out", out, "--from", FROM, "--to", TO).returncode == 1


def started(path, out, *args):
    # Whatever runs in a shell's background is born deaf to Ctrl-C; these must hear it.
    hear = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    command = [sys.executable, "-c", f"{hear}from crimenb.cli import main; main()", "batch", str(path)]
    command += ["--out", str(out), "--from", FROM, "--to", TO, "--workers", "2", *args]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def until(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


@pytest.mark.slow_faults
def test_killed_workers_and_a_killed_batch_lose_nothing(tmp_path):
    """Small enough for every day; benchmarks/kills.py does it with two hundred."""
    path = listed(tmp_path, b"\n".join(_demo_postcodes()[:12]))
    out = tmp_path / "out"
    out.mkdir()
    with started(path, out) as first:
        parent = psutil.Process(first.pid)
        for done in (2, 4):
            until(lambda n=done: len(finished(out)) >= n)
            workers_of(parent)[0].kill()
        until(lambda: len(finished(out)) >= 6)
        family = parent.children(recursive=True)
        first.kill()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    before = finished(out)
    with started(path, out) as second:
        _, told = second.communicate(timeout=240)
    assert second.returncode == 0, told
    assert len(finished(out)) == 12
    assert {s: i for s, i in finished(out).items() if s in before} == before  # none made twice
    rows = list(csv.DictReader(io.StringIO((out / "batch.csv").read_text())))
    assert sorted(r["slug"] for r in rows) == sorted(finished(out))
    for row in rows:
        assert row["hash"] == intact_hash(out / row["slug"])
    assert any(int(r["attempts"]) > 1 for r in rows)
    assert not list(out.glob(".*"))


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow_faults)])
def test_a_stopped_batch_ends_cleanly_and_goes_on(how, tmp_path):
    path = listed(tmp_path, b"\n".join(_demo_postcodes()[:6]))
    out = tmp_path / "out"
    out.mkdir()
    with started(path, out) as first:
        until(lambda: len(finished(out)) >= 2)
        family = psutil.Process(first.pid).children(recursive=True)
        os.killpg(first.pid, how)  # as the terminal does
        _, told = first.communicate(timeout=60)
    assert first.returncode == 130, told
    assert told.strip().splitlines()[-1].startswith("Stopped.")
    assert "Traceback" not in told
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
    assert not list(out.glob(".*"))
    assert (out / "index.html").is_file()
    outcome = run_batch(planned(path, out), workers=1)
    assert outcome.complete
    assert outcome.unchanged >= 2


@pytest.mark.slow
def test_a_scheduler_of_ones_own_gives_the_same_bytes(batch, tmp_path):
    """A real scheduler and two real workers with certificates over the loopback; one is killed in the middle."""
    reports, _ = batch
    slugs = ["ZZ1 1AA", "ZZ9 9ZZ", "ZZ1 3AE", "ZZ1 3AP", "ZZ1 3BF", "ZZ1 3BX"]
    path, out = listed(tmp_path, "\n".join(slugs)), tmp_path / "out"
    out.mkdir()
    dask = [sys.executable, "-m", "dask"]
    address, own = f"tls://127.0.0.1:{_free_port()}", certificate(tmp_path / "own")
    files_of = [own, own, own.with_suffix(".key")]
    tls = [
        str(x)
        for pair in zip(["--tls-ca-file", "--tls-cert", "--tls-key"], files_of, strict=True)
        for x in pair
    ]
    with_port = ["--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    running = [subprocess.Popen([*dask, "scheduler", *with_port, *tls], **quiet)]
    try:
        for _ in range(2):
            one = ["--nthreads", "1", "--host", "127.0.0.1", "--no-dashboard", "--no-nanny"]
            running.append(subprocess.Popen([*dask, "worker", address, *one, *tls], **quiet))
        tls[0] = "--tls-ca"
        with started(path, out, "--scheduler", address, *tls) as first:
            until(lambda: len(finished(out)) >= 2)
            family = psutil.Process(running[1].pid).children(recursive=True)
            running[1].kill()
            _, told = first.communicate(timeout=240)
        assert first.returncode == 0, told
        assert len(finished(out)) == 6
        _, alive = psutil.wait_procs(family, timeout=10)
        assert not alive
    finally:
        for process in running:
            process.kill()
            process.wait()
    for slug in (f"{p}_{FROM}_{TO}" for p in ("zz1-1aa", "zz9-9zz", "zz1-3ae")):
        assert files(out / slug) == files(reports / slug)


def _free_port() -> int:
    import socket

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def test_no_scheduler_is_a_sentence(tmp_path, batch):
    _, path = batch
    said = run(
        path, "--out", tmp_path, "--from", FROM, "--to", TO, "--scheduler", f"tcp://127.0.0.1:{_free_port()}"
    )
    assert said.returncode == 5, said.stderr
    assert "No Dask scheduler with workers answers" in said.stderr
    assert "Traceback" not in said.stderr


@pytest.mark.parametrize(
    "given",
    [["--tls-ca", "x"], ["--scheduler", "tcp://x:1", "--tls-ca", "x", "--tls-cert", "x", "--tls-key", "x"]],
)
def test_certificates_come_together_and_with_their_scheduler(tmp_path, given):
    from click.testing import CliRunner

    path = listed(tmp_path, "ZZ1 1AA\n")
    said = CliRunner().invoke(main, ["batch", str(path), "--out", str(tmp_path / "out"), *given])
    assert said.exit_code == 2
    assert "Give --tls-ca, --tls-cert and --tls-key together" in said.stderr
    assert not (tmp_path / "out").exists()
