"""Warm kernels: the same report, a clean process each, and nothing left whatever dies."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest

from crimenb.charts.theme import VEGALITE
from crimenb.errors import ReportError
from crimenb.files import scratch
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.execute import execute
from crimenb.warm import FORKS, kernels

QUERY = Query.parse("ZZ1 1AA", "2025-01", "2025-12")
pytestmark = pytest.mark.skipif(not FORKS, reason="kernels cannot be forked here")


@pytest.fixture
def nursery():
    """Keep a nursery, and no longer than the test."""
    yield kernels.Nursery.here()
    kernels.Nursery.dismiss()


def executed(*cells, folder):
    """Return the cells as papermill leaves them."""
    import papermill as pm

    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    nb["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    told = kernels.options(folder)
    return pm.execute_notebook(nb, None, cwd=str(folder), progress_bar=False, **told)["cells"]


def run(*cells, folder):
    """Return what each cell prints."""
    return ["".join(o.get("text", "") for o in c["outputs"]) for c in executed(*cells, folder=folder)]


def gone(pid: int, seconds: float = 5.0) -> bool:
    """Whether a process ends within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_a_warm_kernel_draws_offline_too(nursery, tmp_path):
    """The package was imported before there was a notebook."""
    draw = "import altair as alt; alt.Chart(alt.InlineData([{'n': 1}]), description='One.').mark_bar().encode(x='n:Q')"
    [cell] = executed(draw, folder=tmp_path)
    assert set(cell["outputs"][0]["data"]) == {VEGALITE, "image/svg+xml", "text/plain"}


def test_a_warm_report_is_the_cold_one(nursery, demo_report, tmp_path):
    folder = build_report(QUERY, "demo", tmp_path).parent
    for name in ("report.html", "report.ipynb", "SHA256SUMS"):
        assert (folder / name).read_bytes() == (demo_report / name).read_bytes(), name
    assert sorted(p.name for p in folder.iterdir()) == [
        "SHA256SUMS",
        "data",
        "report.html",
        "report.ipynb",
        "summary.json",
        "summary.md",
    ]
    assert [p.name for p in tmp_path.iterdir()] == [folder.name]


def test_each_kernel_is_a_clean_process(nursery, tmp_path):
    first = run("left = 1; import os; print(os.getpid(), os.getcwd())", folder=tmp_path)
    second = run("import os; print(os.getpid(), 'left' in globals(), os.getppid())", folder=tmp_path)
    pid, cwd = first[0].split()
    other, left, parent = second[0].split()
    assert cwd == str(tmp_path)
    assert pid != other
    assert left == "False"
    assert int(parent) == nursery.process.pid
    assert gone(int(pid))
    assert gone(int(other))
    assert not list(tmp_path.iterdir())


def test_a_fork_finds_its_imports_done(nursery, tmp_path):
    code = "import sys; before = set(sys.modules)"
    use = "import crimenb, pandas, geopandas, altair; print(len(set(sys.modules) - before))"
    assert int(run(code, use, folder=tmp_path)[1]) == 0


def test_what_a_cell_prints_stands_between_what_it_shows(nursery, tmp_path):
    code = """
import sys
from IPython.display import display
print("first")
display("second")
print("third", file=sys.stderr)
display("fourth")
print("fifth", end="")
"""
    assert [o.get("text") or o["data"]["text/plain"] for o in executed(code, folder=tmp_path)[0]["outputs"]] == [
        "first\n", "'second'", "third\n", "'fourth'", "fifth",
    ]  # fmt: skip


def test_a_fork_finds_the_report_rehearsed(nursery, tmp_path):
    use = "from crimenb.report import notes; print(notes._template.cache_info().currsize > 8)"
    assert run(use, folder=tmp_path) == ["True\n"]


def test_a_kernel_made_ready_is_the_one_taken(nursery, tmp_path):
    nursery.ready()
    waiting = nursery.spare
    nursery.ready()
    assert nursery.spare is waiting
    assert run("import os; print(os.getcwd())", folder=tmp_path) == [f"{tmp_path}\n"]
    assert nursery.spare is None
    nursery.ready()
    forks = {p.pid for p in psutil.Process(nursery.process.pid).children()}
    kernels.Nursery.dismiss()
    assert all(gone(pid) for pid in forks)


def test_a_dead_nursery_is_replaced(nursery, tmp_path):
    nursery.process.kill()
    nursery.process.wait()
    assert run("print(1)", folder=tmp_path) == ["1\n"]
    assert kernels.Nursery.here() is not nursery


def test_a_kernel_that_dies_is_reported(nursery, tmp_path):
    with pytest.raises(RuntimeError, match="Kernel died"):
        run("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", folder=tmp_path)


@pytest.mark.parametrize("warm", [True, False])
def test_a_failed_cell_leaves_the_partial_notebook(warm, tmp_path):
    folder = tmp_path / ".work"
    folder.mkdir()
    if warm:
        kernels.Nursery.here()
    try:
        with pytest.raises(ReportError, match="holds no snapshot"):
            execute(folder, QUERY)
    finally:
        kernels.Nursery.dismiss()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".work", f"{QUERY.slug}.failed.ipynb"]
    assert "SnapshotError" in (tmp_path / f"{QUERY.slug}.failed.ipynb").read_text()
    assert not list(folder.iterdir())


OWNER = """
import sys, pathlib
from crimenb.warm import kernels
from tests.warm.test_kernels import run
if {warm}:
    print(kernels.Nursery.here().process.pid, flush=True)
folder = pathlib.Path(sys.argv[1])
run("import os, time; (open('pid.txt', 'w').write(str(os.getpid()))); os.rename('pid.txt', 'pid'); time.sleep(60)",
    folder=folder)
"""


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_an_owner_that_is_killed(warm, how, tmp_path, monkeypatch):
    root = Path(__file__).parents[2]
    env = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    runtime = tmp_path / "runtime"
    env |= {"JUPYTER_RUNTIME_DIR": str(runtime), "TMPDIR": str(tmp_path)}
    folder = tmp_path / "folder"
    folder.mkdir()
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER.format(warm=warm), str(folder)],
        env=env,
        stdout=subprocess.PIPE,
        text=True,
    )
    with owner:
        until = time.monotonic() + 300
        while not (folder / "pid").exists() and owner.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        pids = [int((folder / "pid").read_text())]
        if warm:
            pids.append(int(owner.stdout.readline()))
        owner.send_signal(how)
        assert gone(owner.pid, 20)
        assert all(gone(p) for p in pids)
    if not warm:  # the folder of its sockets goes with the next run that needs one
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with scratch():
            pass
    left = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if not p.is_dir()}
    # A process of its own reads a connection file; it lies in the report's hidden folder.
    assert left - ({"folder/kernel.json"} if not warm else set()) == {"folder/pid"}
