"""Every change of a report is caught and named, with all its hashes made to fit."""

import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest

from crimenb.errors import QueryError
from crimenb.files import write_sums
from crimenb.query import Query
from crimenb.report.build import build_report
from crimenb.report.compare import difference
from crimenb.report.execute import execute, freeze
from crimenb.report.page import to_html
from crimenb.report.verify import report_folders, verify, verify_all

CHART = "application/vnd.vegalite.v5+json"
HOSTILE = "import pathlib\npathlib.Path({0!r}).write_text('pwned')"


def refit(folder: Path) -> None:
    """Make every hash fit what is now in the folder, as a forger would."""
    manifest = folder / "data" / "manifest.json"
    with contextlib.suppress(OSError, ValueError, KeyError):  # where there is one, and it can be read
        said = json.loads(manifest.read_text())
        for name, file in said["files"].items():
            path = folder / "data" / name
            file["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
        manifest.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    write_sums(folder)


def edit(folder: Path, change) -> None:
    """Change the notebook through `change(nb)`; the page is made to fit too."""
    path = folder / "report.ipynb"
    nb = nbformat.read(path, as_version=4)
    change(nb)
    path.write_text(nbformat.writes(nb) + "\n")
    (folder / "report.html").write_text(to_html(nb))


def code(nb, text):
    return next(c for c in nb["cells"] if c["cell_type"] == "code" and text in c["source"])


def other_digit(text: str, at: int) -> str:
    return f"{text[:at]}{(int(text[at]) + 1) % 10}{text[at + 1 :]}"


def substitute(path: Path, pattern: str) -> None:
    """Change the last digit of the first match."""
    text = path.read_text()
    match = re.search(pattern, text, re.DOTALL)
    path.write_text(other_digit(text, match.end() - 1))


def a_number_in_a_table(folder):
    def change(nb):
        out = code(nb, "category_bars")["outputs"][-1]["data"]
        out["text/html"] = re.sub(r'(<td class="n">\d+)', r"\g<1>9", out["text/html"], count=1)

    edit(folder, change)


def a_number_in_a_chart(folder):
    def change(nb):
        outputs = code(nb, "cn.trend_chart(data), months")["outputs"]
        spec = next(o["data"][CHART] for o in outputs if CHART in o["data"])
        next(rows for rows in spec["datasets"].values() if "n" in rows[0])[0]["n"] += 1

    edit(folder, change)


def a_role_of_an_output(folder):
    edit(folder, lambda nb: code(nb, "cn.at_a_glance")["outputs"][0]["metadata"].clear())


def a_digit_in_markdown(folder):
    def change(nb):
        cell = next(c for c in nb["cells"] if c["source"].startswith("## When"))
        cell["source"] = "## When, 2 years"

    edit(folder, change)


def a_record_fewer(folder):
    path = folder / "data" / "crimes.parquet"
    import geopandas as gpd

    gpd.read_parquet(path).iloc[1:].to_parquet(path, index=False, compression="zstd")


def a_name_that_is_shown_nowhere(folder):
    path = folder / "data" / "events.parquet"
    events = pd.read_parquet(path)
    events.assign(contact="nobody").to_parquet(path)


def a_status(folder):
    path = folder / "data" / "months.csv"
    path.write_text(path.read_text().replace(",published,", ",suspiciously low,", 1))


def an_added_cell(folder):
    edit(folder, lambda nb: nb["cells"].append(nbformat.v4.new_code_cell("1 + 1", id="new")))


def a_removed_cell(folder):
    edit(folder, lambda nb: nb["cells"].pop(6))


def removed_outputs(folder):
    edit(folder, lambda nb: code(nb, "cn.at_a_glance").update(outputs=[]))


def an_ignore_tag_over_a_number(folder):
    a_number_in_a_table(folder)
    edit(folder, lambda nb: code(nb, "category_bars")["metadata"].update(tags=["nbval-ignore-output"]))


def an_ignore_comment(folder):
    def change(nb):
        code(nb, "cn.at_a_glance")["source"] = "# NBVAL_IGNORE_OUTPUT\ncn.at_a_glance(data)"

    edit(folder, change)


def a_hostile_cell(folder):
    source = HOSTILE.format(str(folder / "pwned"))
    edit(folder, lambda nb: nb["cells"].insert(3, nbformat.v4.new_code_cell(source, id="x")))


def a_hostile_parameter(folder):
    source = HOSTILE.format(str(folder / "pwned"))
    edit(folder, lambda nb: nb["cells"][2].update(source=f"{nb['cells'][2]['source']}\n{source}"))


def another_place_s_snapshot(folder):
    build_report(Query.parse("ZZ9 9ZZ", "2025-01", "2025-12"), "demo", folder / "tmp")
    shutil.rmtree(folder / "data")
    shutil.move(folder / "tmp" / "zz9-9zz_2025-01_2025-12" / "data", folder / "data")
    shutil.rmtree(folder / "tmp")


def a_digit_of_the_summary(folder):
    substitute(folder / "summary.md", r"\d")


def a_summary_less(folder):
    (folder / "summary.md").unlink()


def another_version(folder):
    path = folder / "data" / "manifest.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps(said | {"crimenb": "0.0.1"}))


# What is done to the folder, the step that catches it, and words of the sentence.
MUTATIONS = {
    a_number_in_a_table: ("outputs", r"category_bars|categories = .*text/html: '\S+' kept, '\S+' computed"),
    a_number_in_a_chart: ("outputs", r"months = .*\[0\] n: [\d.]+ kept, [\d.]+ computed"),
    a_role_of_an_output: ("outputs", r"cn\.at_a_glance.*metadata"),
    a_digit_in_markdown: ("notebook", "'## When, 2 years'.*was changed; it was not run"),
    a_record_fewer: ("outputs", "computed"),
    a_name_that_is_shown_nowhere: ("outputs", "cn.provenance.*computed"),
    a_status: ("outputs", "computed"),
    an_added_cell: ("notebook", r"'1 \+ 1'.*is not in the packaged notebook"),
    a_removed_cell: ("notebook", "the cell 'cn.at_a_glance.data.' was removed; it was not run"),
    removed_outputs: ("outputs", "cn.at_a_glance.*0 outputs kept, 1 computed"),
    an_ignore_tag_over_a_number: ("notebook", "other tags.*nbval-ignore-output"),
    an_ignore_comment: ("notebook", "NBVAL_IGNORE_OUTPUT.*was changed"),
    a_hostile_cell: ("notebook", "'import pathlib…'.*not in the packaged notebook; it was not run"),
    a_hostile_parameter: ("notebook", "'# Parameters…'.*was changed; it was not run"),
    another_place_s_snapshot: ("notebook", "'# Parameters…'.*was changed"),
    a_digit_of_the_summary: ("page", r"summary.md line \d+: '\S+' kept"),
    a_summary_less: ("page", "summary.md is missing"),
    another_version: ("notebook", "of crimenb '0.0.1'.*install that version"),
    lambda f: substitute(f / "report.html", r'<td class="n">\d'): ("page", r"report.html line \d+: '\S+' kept"),
    lambda f: substitute(f / "report.html", r"<svg .*? d=\"M\d"): ("page", "line"),
    lambda f: substitute(f / "report.html", r"<script>.{400}.*?\d"): ("page", "line"),
    lambda f: (f / "report.html").unlink(): ("hashes", "report.html is missing"),
    lambda f: (f / "report.ipynb").unlink(): ("files", "report.ipynb is missing"),
    lambda f: (f / "data/people.parquet").unlink(): ("hashes", "lacks the file 'people.parquet'"),
    lambda f: (f / "data/manifest.json").unlink(): ("files", "holds no snapshot"),
    lambda f: (f / "data/manifest.json").write_text("{}"): ("files", "is damaged"),
    lambda f: (f / "report.ipynb").write_text("[]"): ("files", "not a notebook"),
    lambda f: (f / "payload.exe").write_text("x"): ("hashes", "payload.exe is no part of a report"),
    lambda f: (f / "data/link.csv").symlink_to("/etc/passwd"): ("hashes", "link.csv is no part of a report"),
}  # fmt: skip


def named(mutation) -> str:
    return MUTATIONS[mutation][1] if mutation.__name__ == "<lambda>" else mutation.__name__


def random_mutation(folder: Path, seed: int) -> str:
    """Change something at random; return what."""
    rng = random.Random(seed)
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "SHA256SUMS")
    kind = rng.choice(["byte", "digit", "drop", "cell", "swap", "tag", "bare", "word"])
    if kind in ("byte", "drop"):
        path = rng.choice(files)
        if kind == "drop":
            path.unlink()
        else:
            raw = bytearray(path.read_bytes())
            raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
            path.write_bytes(raw)
        return f"{kind} {path.name}"
    if kind == "digit":
        path = rng.choice([folder / "report.html", folder / "report.ipynb", folder / "data" / "months.csv"])
        text = path.read_text()
        path.write_text(other_digit(text, rng.choice([m.start() for m in re.finditer(r"\d", text)])))
        return f"{kind} {path.name}"

    def change(nb):
        i, j = sorted(rng.sample(range(len(nb["cells"])), 2))
        coded = rng.choice([c for c in nb["cells"] if c["cell_type"] == "code" and c["outputs"]])
        if kind == "cell":
            del nb["cells"][i]
        elif kind == "swap":
            nb["cells"][i], nb["cells"][j] = nb["cells"][j], nb["cells"][i]
        elif kind == "tag":
            coded["metadata"]["tags"] = ["nbval-skip"]
        elif kind == "bare":
            del coded["outputs"][rng.randrange(len(coded["outputs"]))]
        else:
            nb["cells"][i]["source"] += " safe"

    edit(folder, change)
    return kind


@pytest.fixture(scope="module")
def verdicts(demo_report, tmp_path_factory):
    """Verify every mutant, two at a time, and return the verdicts in order."""
    root = tmp_path_factory.mktemp("mutants")
    folders = []
    for i, mutate in enumerate([*MUTATIONS, *range(20)]):
        folder = root / f"{i:02d}" / demo_report.name
        shutil.copytree(demo_report, folder)
        if callable(mutate):
            mutate(folder)
        else:
            random_mutation(folder, mutate)
        refit(folder)
        folders.append(folder)
    return list(verify_all(folders, jobs=2))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(MUTATIONS)), ids=list(map(named, MUTATIONS)))
def test_a_mutation_is_caught_and_named_in_one_line(number, verdicts):
    step, words = list(MUTATIONS.values())[number]
    verdict = verdicts[number]
    grave = [f for f in verdict.findings if f.grave]
    assert not verdict.holds
    assert grave[0].step == step, grave
    assert any(re.search(words, f.text) for f in grave), grave
    assert all("\n" not in f.text and len(f.text) < 300 for f in grave)
    assert not (verdict.folder / "pwned").exists()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_twenty_mutations_at_random_are_caught(seed, verdicts):
    verdict = verdicts[len(MUTATIONS) + seed]
    assert not verdict.holds
    assert verdict.findings[0].text


def test_hashes_alone_name_the_file(demo_report, tmp_path):
    folder = shutil.copytree(demo_report, tmp_path / "r")
    with (folder / "report.html").open("a") as stream:
        stream.write(" ")
    (folder / "data" / "extra.csv").write_text("a\n")
    said = [f.text for f in verify(folder).findings]
    assert said == [
        "data/extra.csv is not in SHA256SUMS",
        "report.html was changed after SHA256SUMS was written",
    ]
    if shutil.which("sha256sum"):
        done = subprocess.run(
            ["sha256sum", "-c", "SHA256SUMS"], check=False, cwd=folder, capture_output=True, text=True
        )
        assert "report.html: FAILED" in done.stdout
        assert done.returncode == 1


@pytest.mark.slow
def test_an_untouched_report_holds_elsewhere(demo_report, tmp_path):
    """Another folder, user name, time zone and locale; an analyst's checkpoint does no harm."""
    folder = shutil.copytree(demo_report, tmp_path / "a b" / "Bericht ü")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "report-checkpoint.ipynb").write_text("{}")
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    env = os.environ | {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C", "USER": "x", "LOGNAME": "x",
                        "HOME": str(tmp_path)}  # fmt: skip
    program = "import sys; from crimenb.cli import main; sys.argv[0] = 'crimenb'; main()"
    done = subprocess.run([sys.executable, "-c", program, "verify", str(folder.parent)], check=False, env=env, cwd=tmp_path,
                          capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.match(r"holds +\d+\.\d s  .*Bericht ü\n$", done.stdout), done.stdout
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


@pytest.fixture
def own_notebook(demo_report, tmp_path):
    """Return a function that makes an analyst's own report: the packaged one and one cell more."""

    def make(source: str) -> Path:
        folder = shutil.copytree(demo_report, tmp_path / "own")
        nb = nbformat.read(folder / "report.ipynb", as_version=4)
        nb["cells"].append(nbformat.v4.new_code_cell(source, id="mine"))
        nbformat.write(nb, folder / "mine.ipynb")
        nb = freeze(execute(folder, Query.parse("ZZ1 1AA", "2025-01", "2025-12"), folder / "mine.ipynb"))
        (folder / "mine.ipynb").unlink()
        (folder / "report.ipynb").write_text(nbformat.writes(nb) + "\n")
        (folder / "report.html").write_text(to_html(nb))
        write_sums(folder)
        return folder

    return make


@pytest.mark.slow
def test_an_analysts_own_notebook_is_named_and_runs_only_when_trusted(own_notebook):
    folder = own_notebook("len(data.crimes)")
    refused = verify(folder)
    assert not refused.holds
    assert "'len(data.crimes)') is not in the packaged notebook; it was not run" in refused.findings[0].text
    trusted = verify(folder, trust=True)
    assert trusted.holds, trusted.findings
    [warning] = trusted.findings
    assert re.fullmatch(
        r"an analyst's own notebook, run because it is trusted: cell \d+ \('len\(data.crimes\)'\) "
        r"is not in the packaged notebook",
        warning.text,
    )


@pytest.mark.slow
def test_there_is_no_network_while_a_report_is_verified(own_notebook):
    source = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(server.getsockname()).close()\n"
        "'connected'"
    )
    folder = own_notebook(source)
    for verdict in (verify(folder, trust=True), *verify_all([folder, folder], trust=True, jobs=1)):
        assert "no network while a report is verified" in verdict.findings[-1].text
    assert "http_proxy" not in os.environ


def claim_other_versions(folder: Path) -> None:
    """Say that other drawing libraries made the report, and make the seal on the page fit."""
    path = folder / "data" / "manifest.json"
    old = hashlib.sha256(path.read_bytes()).hexdigest()
    said = json.loads(path.read_text())
    said["packages"] |= {"altair": "5.0.0", "vl-convert-python": "1.0.0"}
    path.write_text(json.dumps(said, indent=1, ensure_ascii=False) + "\n")
    new = hashlib.sha256(path.read_bytes()).hexdigest()
    for name in ("report.ipynb", "report.html"):
        (folder / name).write_text((folder / name).read_text().replace(old, new))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "file", "step", "words"),
    [
        (r"class=\"static\"><svg .*? d=\"M\d", "report.html", "page", None),
        (r"\"fontSize\": \d", "report.ipynb", "outputs", None),
        (r"<svg .*?<text[^>]*>[^<\d]*\d", "report.html", "page", r"'\S+' kept, '\S+' computed"),
        (
            r"\"n\": \d",
            "report.ipynb",
            "outputs",
            r"\[\d+\] n: [\d.]+ kept.*made with altair 5.0.0, here",
        ),
    ],
    ids=["another drawing", "another style", "a number in a drawing", "a number in a chart"],
)
def test_under_other_versions_a_drawing_is_a_warning_and_a_number_a_failure(
    pattern, file, step, words, demo_report, tmp_path
):
    folder = shutil.copytree(demo_report, tmp_path / "r")
    claim_other_versions(folder)
    substitute(folder / file, pattern)
    if file == "report.ipynb":
        edit(folder, lambda nb: None)
    write_sums(folder)
    verdict = verify(folder)
    assert verdict.holds == (words is None), verdict.findings
    assert verdict.findings[0].step == step
    said = verdict.findings[0].text
    assert re.search(words or r"drawn otherwise by other versions \(altair 5.0.0, here .* agree", said), said


def test_folders_are_found_and_nothing_else(demo_report, tmp_path):
    assert report_folders([demo_report]) == [demo_report]
    assert report_folders([demo_report.parent, demo_report]) == [demo_report]
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(QueryError, match="holds no report"):
            report_folders([path])


def test_a_difference_is_named_by_its_place_and_values():
    assert difference({"a": [1, {"n": 2}]}, {"a": [1, {"n": 3}]}) == "a[1] n: 2 kept, 3 computed"
    assert difference("in 1,318 crimes", "in 1,317 crimes") == "'1,318' kept, '1,317' computed"
    assert difference({"a": [1]}, {"a": [1, 2]}) == "a: 1 item kept, 2 computed"
    assert difference({"a": 1}, {}) == "a: 1 kept, None computed"
