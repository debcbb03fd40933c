"""The commands: what they print, on which stream, with which exit code."""

import logging
import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from crimenb.cli import main
from tests.bulkfiles import postcode_file, row, street_file
from tests.real import ROOT
from tests.town import write_postcodes


def run(*args):
    return CliRunner().invoke(main, args)


def commands(group=main, path=()):
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name), command


@pytest.mark.parametrize(
    ("path", "command"), list(commands()), ids=lambda v: " ".join(v) if isinstance(v, tuple) else ""
)
def test_every_command_and_option_has_help_and_is_on_a_page_that_runs_it(path, command):
    assert command.help
    assert all(p.help for p in command.params if isinstance(p, click.Option))
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").rglob("*.md"))
    assert re.search(rf"^crimenb {' '.join(path)}\b", pages, re.MULTILINE)


def test_report_prints_the_path_last(tmp_path):
    log = logging.getLogger("crimenb")
    before = log.level, list(log.handlers)
    result = run("report", "--source", "demo", "--from", "2025-12", "--out", str(tmp_path), "--verbose")
    assert result.exit_code == 0, result.output
    assert "Run the notebook" in result.stderr
    assert (log.level, list(log.handlers)) == before
    last = result.stdout.splitlines()[-1]
    assert last == str(tmp_path / "zz1-1aa_2025-12_2025-12" / "report.html")


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["report", "LE1"], 2, "'LE1' is not a full UK postcode"),
        (["report", "LE1 6RN", "--from", "2025-13"], 2, "'2025-13' is not a month"),
        (["report", "LE1 6RN", "--from", "2025-12", "--to", "2025-01"], 2, "after the end"),
        (
            ["report", "LE1 6RN", "--source", "archive:nowhere"],
            2,
            f"The folder {str(Path('nowhere').resolve())!r} does not exist",
        ),
        (["report", "LE1 6RN", "--source", "carrier-pigeon"], 2, "is unknown"),
        (["report", "ZZ1 1AA", "--source", "demo", "--to", "2019-01"], 2, "2023-01 to 2025-12"),
        (["report", "ZZ8 8ZZ", "--source", "demo"], 3, "'ZZ8 8ZZ' is not in"),
        (["report", "EH1 1YZ", "--source", "demo"], 3, "Scotland"),
        (["archive", "build", "/nowhere", "--into", "/tmp/x"], 2, "does not exist"),
    ],
)
def test_wrong_input_is_one_sentence_and_a_code(args, code, words, tmp_path):
    out = ["--out", str(tmp_path / "out")] if args[0] == "report" else []
    result = run(*args, *out)
    assert result.exit_code == code, result.output
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""
    assert not list(tmp_path.rglob("*.html"))


def test_archive_build_reports_what_it_read(tmp_path):
    street_file(tmp_path / "src", [row()])
    result = run(
        "archive",
        "build",
        str(tmp_path / "src"),
        "--into",
        str(tmp_path / "A"),
        "--postcodes",
        str(postcode_file(tmp_path)),
        "--postcodes",
        str(write_postcodes(tmp_path / "more.csv")),
    )
    assert result.exit_code == 0, result.output
    assert "572 postcodes." in result.stdout  # of both files
    assert "1 street file of 1 force" in result.stdout
    assert "Refused: 2 postcodes (quality 9, no coordinates)." in result.stdout


def test_the_notebooks_are_copied_and_what_was_changed_is_left(tmp_path):
    first = run("notebook", "--into", str(tmp_path / "mine"))
    assert first.exit_code == 0
    mine = tmp_path / "mine" / "explore.ipynb"
    packaged = mine.read_bytes()
    assert {p.name for p in mine.parent.iterdir()} == {
        "demo-sites.csv", "demo-ward.geojson", "demo-wards.geojson", "explore.ipynb", "report.ipynb",
    }  # fmt: skip
    mine.write_text("mine")
    again = run("notebook", "--into", str(mine.parent))
    assert f"Left as it is, for it is not the packaged one: {mine} (--replace replaces it)" in again.output
    assert mine.read_text() == "mine"
    run("notebook", "--into", str(mine.parent), "--replace")
    assert mine.read_bytes() == packaged
    (tmp_path / "file").write_text("")
    refused = run("notebook", "--into", str(tmp_path / "file"))
    assert refused.exit_code == 5
    assert "choose another folder" in refused.output


def test_the_version_names_what_a_fault_may_depend_on():
    lines = run("--version").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "crimenb", "Python", "pandas", "geopandas", "altair", "papermill", "duckdb",
    ]  # fmt: skip
