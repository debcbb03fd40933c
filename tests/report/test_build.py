"""From a question to a folder: whole, self-contained, the same bytes twice."""

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crimenb.charts.display import SVG
from crimenb.charts.theme import VEGALITE
from crimenb.errors import NotReproducible, QueryError, ReportError, SnapshotError
from crimenb.files import locked, notebook_path
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.execute import freeze
from crimenb.report.handed_on import workbook
from crimenb.report.page import script_bundle, to_html
from crimenb.report.word import document

QUERY = Query.parse("ZZ1 1AA", "2025-01", "2025-12")


def files(folder: Path):
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_the_folder_holds_what_is_promised(demo_report):
    names = set(files(demo_report))
    assert {
        "report.html",
        "report.ipynb",
        "SHA256SUMS",
        "data/crimes.parquet",
        "data/months.csv",
        "data/manifest.json",
    } <= names
    assert not [n for n in names if "ipc" in n or "running" in n]
    assert [p.name for p in demo_report.parent.iterdir()] == [demo_report.name]  # nothing beside it
    header = (demo_report / "data" / "months.csv").read_text().splitlines()[0]
    assert header == "postcode,month,status,why,left_out"
    for line in (demo_report / "SHA256SUMS").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((demo_report / name).read_bytes()).hexdigest() == digest


def test_every_chart_is_a_figure_with_note_and_table(demo_report):
    nb = nbformat.read(demo_report / "report.ipynb", as_version=4)
    outputs = [o for c in nb["cells"] if c["cell_type"] == "code" for o in c["outputs"]]
    drawn = [o["data"] for o in outputs if VEGALITE in o.get("data", {})]
    charts = sum("empty" not in data[VEGALITE]["usermeta"] for data in drawn)
    html = (demo_report / "report.html").read_text()
    assert (
        charts == html.count('class="static"') == sum(SVG in data for data in drawn) == 5
    )  # the enlarged map is one
    for data in drawn:  # nothing is drawn twice: the page shows what the notebook keeps
        # Of a map with streets the page has the shapes once for all: tests/report/test_streets.py.
        assert data.get(SVG, "") in html or "reach" in data[VEGALITE]["usermeta"]
    figures = re.findall(r'<figure id="figure-(\d+)">(.*?)</figure>', html, re.DOTALL)
    tables = html.count('<table class="bars">')  # figures too
    assert tables in (3, 4)  # rates only where residents are known
    assert [int(n) for n, _ in figures] == [*range(1, charts + tables)]
    for number, figure in figures:
        assert f'<h3><a href="#figure-{number}">Figure {number}.</a> ' in figure
        assert [
            o for o in outputs if o.get("data", {}).get("text/plain", "").startswith(f"Figure {number}. ")
        ]
        assert "How to read this, table and download" in figure
        assert 'class="note"' in figure
        assert "<caption>" in figure
        assert "<h3>" in figure


def test_the_page_asks_nobody_for_anything(demo_report):
    html = (demo_report / "report.html").read_text()
    assert len(re.findall(r"<h1>", html)) == 1
    assert "demonstration" in re.search(r"<title>(.*?)</title>", html)[1].lower()
    bare = re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL)
    assert not re.search(r'<(?:img|link|script|iframe|object|embed|use)[^>]+(?:src|href)="(?!#|data:)', bare)
    assert not re.search(r"@import|url\(http", bare)
    assert "style=" not in bare  # the policy allows no inline style
    assert f"<script>{script_bundle()}</script>" in html  # what draws is inside
    policy = re.search(r'content="(default-src[^"]*)"', html)[1]
    assert "unsafe" not in policy
    assert len(re.findall(r"<script>", html)) == policy.count("sha256-") - 1  # and one style


def test_ids_are_unique(demo_report):
    ids = re.findall(
        r'\bid="([^"]+)"',
        re.sub(r"<script.*?</script>", "", (demo_report / "report.html").read_text(), flags=re.DOTALL),
    )
    assert len(ids) == len(set(ids))


def test_same_bytes_elsewhere(demo_report, tmp_path):
    """Build it again in another folder under another time zone, locale and user name, and as on
    an older processor, whose logarithms and sines differ in the last digit."""
    env = os.environ | {
        "TZ": "Asia/Kathmandu",
        "LC_ALL": "C",
        "LANG": "C",
        "USER": "somebody",
        "LOGNAME": "somebody",
        "HOME": str(tmp_path),
        "NPY_DISABLE_CPU_FEATURES": "X86_V3,X86_V4,AVX512_ICL,AVX512_SPR",
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
    }
    code = (
        "from crimenb.query import Query; from crimenb.report.build import build_report;"
        "build_report(Query.parse('zz11aa','2025-01','2025-12'),'demo','deep/er',xlsx=True,docx=True)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=env, check=True, timeout=120)
    made, known = files(tmp_path / "deep" / "er" / demo_report.name), files(demo_report)
    nb = nbformat.read(demo_report / "report.ipynb", as_version=4)
    for name, raw in {
        "tables.xlsx": workbook(nb),
        "report.docx": document(nb, known["report.html"].decode()),
    }.items():
        assert made.pop(name) == raw
        listed = f"{hashlib.sha256(raw).hexdigest()}  {name}\n".encode()
        assert listed in made["SHA256SUMS"]
        made["SHA256SUMS"] = made["SHA256SUMS"].replace(listed, b"")
    assert made == known


def test_the_folder_is_its_own_cache(demo_report):
    before = files(demo_report)
    again = build_report(QUERY, "demo", demo_report.parent)
    assert files(again.parent) == before


def test_a_folder_from_another_source_is_refused(demo_report, tmp_path):
    import shutil

    shutil.copytree(demo_report, tmp_path / demo_report.name)
    manifest = tmp_path / demo_report.name / "data" / "manifest.json"
    said = json.loads(manifest.read_text())
    said["provenance"] = [[k, n, "live" if n == "name" else v] for k, n, v in said["provenance"]]
    manifest.write_text(json.dumps(said))
    with pytest.raises(SnapshotError, match="another source"):
        build_report(QUERY, "demo", tmp_path)
    build_report(QUERY, "demo", tmp_path, refresh=True)
    assert files(tmp_path / demo_report.name) == files(demo_report)


def test_a_second_run_into_the_same_folder_is_told_to_wait(tmp_path):
    with locked(tmp_path / f".{QUERY.slug}.lock"), pytest.raises(ReportError, match="Another run"):
        build_report(QUERY, "demo", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_failed_build(tmp_path):
    with pytest.raises(QueryError):
        build_report(QUERY, "archive:/nowhere", tmp_path)
    assert list(tmp_path.iterdir()) == []


def _cell(**output):
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    nb["cells"][0]["outputs"] = [nbformat.v4.new_output(**output)]
    return nb


@pytest.mark.parametrize(
    "output",
    [
        {"output_type": "display_data", "data": {"text/plain": "<object at 0x7f3a2b1c9d10>"}},
        {"output_type": "display_data", "data": {"image/png": "aGk="}},
        {"output_type": "stream", "name": "stderr", "text": "DeprecationWarning"},
        {"output_type": "display_data", "data": {"text/plain": "PosixPath('/home/ann/data')"}},
        {"output_type": "stream", "name": "stdout", "text": "/home/ann/data"},
    ],
)
def test_outputs_that_change_are_refused(output):
    with pytest.raises(NotReproducible, match="Cell 0"):
        freeze(_cell(**output))


@pytest.mark.parametrize("text", ["https://www.x.police.uk/home/teams/", "at 0x7f3a2b1c9d10>", "/tmp/x"])
@pytest.mark.parametrize("metadata", [{"crimenb": {"role": "text"}}, {}])
def test_the_words_of_the_data_are_never_taken_for_what_changes(text, metadata):
    data = {"text/html": f"<p>{text}</p>", "text/plain": text}
    nb = freeze(_cell(output_type="display_data", data=data, metadata=metadata))
    assert nb["cells"][0]["outputs"][0]["data"] == data


def test_an_analysts_own_outputs_are_shown_too():
    html = to_html(freeze(_cell(output_type="stream", name="stdout", text="a <b> c")))
    assert "<pre>a &lt;b&gt; c</pre>" in html


def test_plain_papermill_works_and_refuses_before_asking(tmp_path):
    import papermill as pm

    out = tmp_path / "out.ipynb"
    pm.execute_notebook(
        str(notebook_path()), str(out), parameters={"postcode": "ZZ9 9ZZ", "start": "2025-01", "end": "2025-12"},
        cwd=str(tmp_path), progress_bar=False,
    )  # fmt: skip
    assert "ZZ9 9ZZ" in out.read_text()
    with pytest.raises(pm.PapermillExecutionError, match="no parameter 'postcod'"):
        pm.execute_notebook(
            str(notebook_path()), str(out), parameters={"postcod": "LE1 6RN", "source": "archive:/nowhere"},
            cwd=str(tmp_path), progress_bar=False,
        )  # fmt: skip
    with pytest.raises(pm.PapermillExecutionError, match="not a month"):
        pm.execute_notebook(
            str(notebook_path()), str(out), parameters={"start": "2025-13", "source": "archive:/nowhere"},
            cwd=str(tmp_path), progress_bar=False,
        )  # fmt: skip
