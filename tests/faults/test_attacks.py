"""What a stranger tried in an hour of attacks, and got through with: each a test of its kind."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import altair as alt
import pandas as pd
import pytest
from click.testing import CliRunner

from crimenb.batch.ledger import intact_hash
from crimenb.charts.display import SVG, static_svg
from crimenb.charts.theme import VEGALITE, specified
from crimenb.cli import main
from crimenb.files import write_whole
from crimenb.report.compare import other_outputs, other_page
from crimenb.report.page import script_bundle

OTHERS = {"vl-convert-python": ("1.0.0", "1.9.0"), "altair": ("5.0.0", "6.3.0")}


@pytest.mark.slow
def test_a_module_beside_the_reader_is_never_imported(demo_report: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo_report, tmp_path / "report")
    for name in ("multiprocessing", "json", "pandas"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'pwned')!r}, 'w')")
    command = [str(Path(sys.executable).with_name("crimenb")), "verify", str(folder)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "pwned").exists()


def test_a_script_that_nobody_knows_is_never_excused_by_another_version() -> None:
    page = "<h1>12</h1><script>{}</script>"
    ours, theirs = script_bundle(), "(function(){document.title = 'false'})();"
    assert other_page("report.html", page.format(theirs), page.format(ours), OTHERS).grave


def test_the_words_of_a_chart_are_compared_under_other_versions_too() -> None:
    def cell(title: str, drawn: str) -> dict[str, object]:
        spec = {"description": "d", "layer": [{"mark": "bar", "title": title}]}
        out = {"output_type": "display_data", "metadata": {}, "data": {VEGALITE: spec, SVG: drawn}}
        return {"cell_type": "code", "source": "x", "outputs": [out], "execution_count": 1}

    ours = cell("Crimes", '<svg d="M1"><text>12</text></svg>')
    for title, drawn, grave in (
        ("Crimes", '<svg d="M2"><text>12</text></svg>', False),
        ("Crime fell by 90 %", '<svg d="M1"><text>12</text></svg>', True),
        ("Crimes", '<svg d="M1"><text>2</text></svg>', True),
        ("Crimes", '<svg d="M1" onload="x()"><text>12</text></svg>', True),
        ("Crimes", '<p>fell</p><svg d="M1"><text>12</text></svg>', True),
    ):
        (found,) = other_outputs([cell(title, drawn)], [ours], OTHERS)
        assert found.grave == grave, drawn


@pytest.mark.parametrize("name", ["batch.csv", "batch.log"])
@pytest.mark.parametrize("made", ["link", "pipe"])
def test_a_batch_adds_to_no_file_that_leads_elsewhere(tmp_path: Path, name: str, made: str) -> None:
    (tmp_path / "list.txt").write_text("ZZ9 9ZZ\n")
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (out := tmp_path / "out").mkdir()
    if made == "link":
        (out / name).symlink_to(victim)
    else:
        os.mkfifo(out / name)
    result = CliRunner().invoke(
        main, ["batch", str(tmp_path / "list.txt"), "--source", "demo", "--out", str(out)]
    )
    assert result.exit_code == 5
    assert "is a link, or no regular file; remove it, or choose another --out." in result.output
    assert victim.read_text() == "mine"


def test_a_link_left_under_the_name_of_a_part_is_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (tmp_path / ".index.html.part").symlink_to(victim)
    write_whole(tmp_path / "index.html", "page")
    assert (victim.read_text(), (tmp_path / "index.html").read_text()) == ("mine", "page")
    assert not (tmp_path / "index.html").is_symlink()


def test_a_list_of_hashes_leads_to_no_pipe_and_to_no_other_folder(demo_report: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo_report, tmp_path / "r")
    assert intact_hash(folder)
    whole = (folder / "SHA256SUMS").read_text()
    for name in ("/dev/zero", "../victim", "data/../../victim"):
        (folder / "SHA256SUMS").write_text(f"{whole}{'0' * 64}  {name}\n")
        assert intact_hash(folder) == ""


def test_a_name_with_control_characters_is_drawn_without_them() -> None:
    frame = pd.DataFrame({"name": ["a\x1b[2Jb\ufffe", "c"], "n": [1, 2]})
    chart = alt.Chart(frame).mark_bar().encode(x="n:Q", y="name:N")
    assert "a[2Jb" in static_svg(specified(chart), "x", "x")
